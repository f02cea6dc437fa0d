"""The first five families, made to be shown: each has one person whose record tells a story.

An elder with diabetes and hypertension, a mother with two children and a newborn, a young man, a man whose data
are restricted (HIV), and an elder known by a social-insurance number only.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from random import Random

from domain.synthetic import identifiers
from domain.synthetic.catalogue import VACCINES
from domain.synthetic.facilities import Area
from domain.synthetic.illness import Contact
from domain.synthetic.people import Builder, Family, Home, Person, Role, Sex
from domain.synthetic.vaccination import Dose

ELDER, MOTHER, YOUNG, RESTRICTED, UNNUMBERED = "elder", "mother", "young_adult", "restricted", "unnumbered"
_WITH_DIABETES = ("hypertension", "dyslipidaemia")
SHOWN = (ELDER, MOTHER, YOUNG, RESTRICTED, UNNUMBERED)


def family(number: int, rng: Random, areas: Sequence[Area], today: date) -> Family:
    """Curated family 0 to 4, at home in the first areas."""
    area = areas[number % len(areas)]
    made = Family(number, Home(area, area.communes[0], f"Số {number + 1} ngõ Hoa Đào"))
    builder = Builder(made, rng, today)
    builder.ethnicity, builder.surname = "01", "Nguyễn"
    _STORIES[number](builder)
    return made


def _show(
    builder: Builder, role: Role, sex: Sex, age: float, *, name: str, story: str, ill: tuple[str, ...] = ()
) -> Person:
    made = builder.person(role, sex, age)
    made.name, made.curated, made.illnesses, made.ethnicity = name, story, ill, "01"
    made.knows_day = True
    made.card = made.card or identifiers.card("GD", 4, made.home.area.old_province, made.bhxh)
    province = made.home.area.old_province
    made.cccd = identifiers.cccd(province, sex, made.born.year, made.serial)
    return made


def _elder(builder: Builder) -> None:
    made = _show(builder, "head", "female", 71, name="Nguyễn Thị Hòa", story=ELDER, ill=("diabetes", *_WITH_DIABETES))
    made.knows_day, made.allergies, made.blood_group = False, ("penicillin",), "O+"
    made.card = identifiers.card("HT", 3, made.home.area.old_province, made.bhxh)


def _mother(builder: Builder) -> None:
    father = _show(builder, "head", "male", 34, name="Trần Văn Trúc", story="father")
    mother = _show(builder, "spouse", "female", 31, name="Lê Thị Ngọc Lan", story=MOTHER)
    son = _show(builder, "child", "male", 6.4, name="Trần Gia Khang", story="child")
    daughter = _show(builder, "child", "female", 3.2, name="Trần Bảo Hân", story="child")
    baby = _show(builder, "child", "female", 18 / 365.25, name="Trần Khánh Chi", story="newborn")
    for child in (son, daughter, baby):
        child.mother, child.father = mother, father
    baby.cccd, baby.card = "", ""


def _young(builder: Builder) -> None:
    made = _show(builder, "head", "male", 24, name="Phạm Minh Lam", story=YOUNG)
    made.allergies = ("shrimp",)


def _restricted(builder: Builder) -> None:
    _show(builder, "head", "male", 34, name="Vũ Đức Thanh", story=RESTRICTED, ill=("hiv",))


def _unnumbered(builder: Builder) -> None:
    made = _show(builder, "head", "female", 84, name="Bùi Thị Cúc", story=UNNUMBERED, ill=("hypertension",))
    made.cccd, made.cmnd, made.knows_day = "", "", False
    made.card = identifiers.card("CC", 1, made.home.area.old_province, made.bhxh)


_STORIES: tuple[Callable[[Builder], None], ...] = (_elder, _mother, _young, _restricted, _unnumbered)
COUNT = len(_STORIES)


def contacts(person: Person, today: date) -> list[Contact] | None:
    """The fixed visits of the two long stories; None where chance may decide."""
    if person.curated == ELDER:
        return _elder_contacts(person, today)
    if person.curated == RESTRICTED:
        hospital = person.home.area.hospitals[0]
        days = range(20, 20 + 12 * 56, 56)
        return [
            Contact(_at(today, days_ago), "hiv", "chronic", hospital, with_labs=place % 3 == 0, twice=place == 1)
            for place, days_ago in enumerate(days)
        ][::-1]
    return None


def _elder_contacts(person: Person, today: date) -> list[Contact]:
    """22 visits: six large ones and two others at hospitals, the rest at the station; one is sent in two formats."""
    area = person.home.area
    first, second = area.hospitals
    large = [
        Contact(
            _at(today, 25 + 90 * turn),
            "diabetes",
            "chronic",
            first,
            _WITH_DIABETES,
            twice=turn == 0,
            dispensed_by=area.pharmacies[turn % 2],
            blood_group="O+",
        )
        for turn in range(6)
    ]
    measured = [
        Contact(
            _at(today, 40 + 45 * turn),
            "hypertension",
            "outpatient",
            area.stations[0],
            with_labs=False,
            with_drugs=False,
        )
        for turn in range(12)
    ]
    stay = Contact(_at(today, 241), "pneumonia", "inpatient", second, with_labs=False, with_drugs=False)
    others = [
        Contact(_at(today, 64), "bronchitis", "outpatient", second),
        replace(stay, referred_from=area.stations[0]),
        # The station has another blood group on file than the hospital: a contradiction that the book must show.
        Contact(_at(today, 302), "cold", "outpatient", area.stations[0], with_labs=False, blood_group="A+"),
        Contact(_at(today, 422), "headache", "outpatient", area.stations[1], with_labs=False),
    ]
    return sorted([*large, *measured, *others], key=lambda contact: contact.at)


def _at(today: date, days_ago: int) -> datetime:
    return datetime.combine(today - timedelta(days=days_ago), time(8, days_ago % 60))


def doses(person: Person, today: date) -> list[Dose]:
    """The elder's influenza dose of this season, which the centre that gave it and the station both report."""
    if person.curated != ELDER:
        return []
    area, given_on = person.home.area, today - timedelta(days=45)
    reporters = (area.vaccination_centre, area.stations[0])
    flu = VACCINES["flu"]
    return [Dose(flu, flu.products[0], 1, given_on, "FLU2601", given_on + timedelta(days=240), reporters)]
