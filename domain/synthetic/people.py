"""Families: who lives together, how old they are, which numbers they hold, where they live.

Household kinds and ages are chosen so that the whole has Vietnam's pyramid (2025: 22.8 % under 15, 14.5 % from
60 on). Each family comes from a random generator of its own, so any family can be made without the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Literal

from domain.synthetic import identifiers, names
from domain.synthetic.facilities import OLD_CODES, PROVINCES, Area, Commune

Sex = Literal["male", "female"]
Role = Literal["head", "spouse", "child", "elder"]
ADULT = 18
ELDER = 60
UNIT_MERGER = date(2025, 7, 1)  # QĐ 19/2025/QĐ-TTg: districts end, 34 provinces begin
_BLOOD = names.Weighted({"O+": 42, "B+": 30, "A+": 21, "AB+": 6, "O-": 0.4, "B-": 0.3, "A-": 0.3}.items())
_HOUSEHOLDS = names.Weighted({"nuclear": 53, "three": 18, "elders": 13, "adults": 16}.items())
_CERTAIN_YEAR = 1960  # births before it were often registered by year only
_GRANDPARENTS: tuple[tuple[Sex, ...], ...] = (("female",), ("male", "female"), ("male",))


@dataclass(frozen=True, slots=True)
class Home:
    area: Area
    commune: Commune
    line: str

    def address(self, on: date) -> str:
        """The written address: four parts before the merger of units, three since."""
        if on < UNIT_MERGER:
            return f"{self.line}, {self.commune.old_name}, {self.commune.district}, {self.area.old_province_name}"
        return f"{self.line}, {self.commune.name}, {self.area.province_name}"

    def codes(self, on: date) -> tuple[str, str, str]:
        """Province, district and commune codes valid on a day; no district since the merger."""
        if on < UNIT_MERGER:
            return self.area.old_province[-2:], self.commune.district_code, self.commune.old_code
        return self.area.province, "", self.commune.code


def _whole_years(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


@dataclass(slots=True)
class Person:
    """`born` is in Vietnam's local time; `knows_day` is false for those who know their birth year only."""

    serial: int
    role: Role
    name: str
    sex: Sex
    born: datetime
    knows_day: bool
    ethnicity: str
    occupation: str
    home: Home
    cccd: str
    cmnd: str
    bhxh: str
    card: str
    phone: str
    blood_group: str
    height_cm: int
    weight_kg: float
    smokes: bool = False
    drinks: bool = False
    illnesses: tuple[str, ...] = ()
    allergies: tuple[str, ...] = ()
    mother: "Person | None" = None
    father: "Person | None" = None
    curated: str = ""

    def age(self, on: date) -> int:
        return _whole_years(self.born, on)

    @property
    def guardian(self) -> "Person | None":
        return self.mother or self.father


@dataclass(slots=True)
class Family:
    number: int
    home: Home
    members: list[Person] = field(default_factory=list)


def family(number: int, rng: Random, areas: Sequence[Area], today: date) -> Family:
    """A household of one to seven people, adults first."""
    made = Family(number, _home(rng, areas))
    Builder(made, rng, today).household(_HOUSEHOLDS.pick(rng))
    return made


def _home(rng: Random, areas: Sequence[Area]) -> Home:
    weights = {province["code"]: float(province["weight"]) for province in PROVINCES}
    area = rng.choices(areas, [weights[area.province] for area in areas])[0]
    line = rng.choice(
        (f"Thôn {rng.randint(1, 12)}", f"Số {rng.randint(1, 250)} ngõ {rng.randint(2, 60)}", f"Tổ {rng.randint(1, 40)}")
    )
    return Home(area, rng.choice(area.communes), line)


class Builder:
    """Adds people to one family; all share its phone, its area and mostly its father's family name."""

    def __init__(self, made: Family, rng: Random, today: date) -> None:
        self.family, self.rng, self.today = made, rng, today
        minority = rng.random() < 0.06  # noqa: PLR2004 - about what the areas chosen would give
        self.ethnicity = rng.choice(names.MINORITY_CODES) if minority else names.KINH
        self.surname = names.family_name(rng, self.ethnicity)
        self.phone = identifiers.phone(rng)

    def household(self, kind: str) -> None:
        if kind == "adults":
            self.person(
                "head", self.rng.choice(("male", "female")), self.rng.choice((23, 50, 55)) + self.rng.randint(-4, 4)
            )
            if self.rng.random() < 0.5:  # noqa: PLR2004
                self.couple_with(self.family.members[0])
        elif kind == "elders":
            head = self.person("head", self.rng.choice(("male", "female")), self._elder_age())
            if self.rng.random() < 0.6:  # noqa: PLR2004
                self.couple_with(head)
        else:
            self._parents_and_children(grandparents=kind == "three")

    def _parents_and_children(self, *, grandparents: bool) -> None:
        father = self.person("head", "male", self.rng.randint(25, 52))
        mother = self.couple_with(father)
        if grandparents:
            oldest = father.age(self.today) + self.rng.randint(21, 34)
            for sex in self.rng.choice(_GRANDPARENTS):
                self.person("elder", sex, min(97, max(ELDER, oldest)))
        count = self.rng.choices((0, 1, 2, 3), (3, 25, 52, 20))[0]
        for age in self._children_ages(mother.age(self.today), count):
            self.child(self.rng.choice(("male", "female")), age, mother, father)

    def _children_ages(self, mother_age: int, count: int) -> list[float]:
        """Ages of those still at home, oldest first; the mother was 20 to 38 at each birth."""
        first = mother_age - self.rng.uniform(20, 29)
        ages = [first - place * self.rng.uniform(2, 5) for place in range(count)]
        return [age for age in ages if 0.1 < age < 27 and mother_age - age < 39]  # noqa: PLR2004

    def _elder_age(self) -> int:
        return min(99, ELDER + int(self.rng.expovariate(1 / 9)))

    def couple_with(self, partner: Person) -> Person:
        """The partner's wife or husband, a few years apart; a wife keeps her own family name."""
        older = partner.sex == "female"
        age = max(20, partner.age(self.today) + (self.rng.randint(-1, 5) if older else -self.rng.randint(-1, 5)))
        surname = names.family_name(self.rng, self.ethnicity)
        return self.person("spouse", "male" if older else "female", age, surname=surname)

    def child(self, sex: Sex, age: float, mother: Person | None, father: Person | None) -> Person:
        made = self.person("child", sex, age)
        made.mother, made.father = mother, father
        return made

    def person(self, role: Role, sex: Sex, age: float, *, surname: str | None = None) -> Person:
        """One more member; `age` in years, fractions for infants."""
        rng, number = self.rng, identifiers.serial(self.family.number, len(self.family.members))
        birthday = self.today - timedelta(days=int(age * 365.25) + (rng.randint(1, 364) if age >= 1 else 0))
        born = datetime.combine(birthday, datetime.min.time()) + timedelta(minutes=rng.randrange(1440))
        years = _whole_years(born, self.today)
        height, weight = _adult_size(rng, sex)
        made = Person(
            serial=number, role=role, sex=sex, born=born, knows_day=born.year >= _CERTAIN_YEAR or rng.random() > 0.3,  # noqa: PLR2004
            name=names.full_name(rng, self.surname if surname is None else surname, sex, born.year, self.ethnicity),
            ethnicity=self.ethnicity, occupation=_occupation(rng, years), home=self.family.home,
            cccd=self._cccd(sex, born, number, years),
            cmnd=identifiers.cmnd(number) if years >= 32 and rng.random() < 0.7 else "",  # noqa: PLR2004
            bhxh=identifiers.bhxh(number), card="", phone=self._phone(years), blood_group=_BLOOD.pick(rng),
            height_cm=height, weight_kg=weight,
            smokes=sex == "male" and years >= ADULT and rng.random() < 0.38,  # noqa: PLR2004
            drinks=years >= ADULT and rng.random() < (0.5 if sex == "male" else 0.08),
        )  # fmt: skip
        made.card = self._card(made, years)
        self.family.members.append(made)
        return made

    def _cccd(self, sex: Sex, born: datetime, number: int, years: int) -> str:
        """Empty for the few who never got one and for babies before birth registration."""
        if (self.today - born.date()).days < 45 or (years > 74 and self.rng.random() < 0.03):  # noqa: PLR2004
            return ""
        local = self.rng.random() < 0.75  # noqa: PLR2004 - the rest were born elsewhere
        province = self.family.home.area.old_province if local else self.rng.choice(OLD_CODES)
        return identifiers.cccd(province, sex, born.year, number)

    def _card(self, made: Person, years: int) -> str:
        """Empty for the 4.8 % who are not insured."""
        if self.rng.random() > 0.952 and years >= 6:  # noqa: PLR2004
            return ""
        group, benefit = identifiers.card_group(self.rng, years, made.sex)
        return identifiers.card(group, benefit, made.home.area.old_province, made.bhxh)

    def _phone(self, years: int) -> str:
        own = ADULT <= years < 72 and self.rng.random() < 0.75  # noqa: PLR2004 - the others give a relative's
        return identifiers.phone(self.rng) if own else self.phone


def _adult_size(rng: Random, sex: Sex) -> tuple[int, float]:
    """Height in cm and weight in kg of the grown person."""
    height = round(rng.gauss(167 if sex == "male" else 156, 5))
    return height, round((height / 100) ** 2 * min(31.0, max(17.5, rng.gauss(22.4, 2.6))), 1)


def _occupation(rng: Random, years: int) -> str:
    """MA_NGHE_NGHIEP: two digits, 00 none."""
    if years < 6:  # noqa: PLR2004
        return "00"
    if years < ADULT:
        return "08"
    return "11" if years >= ELDER else rng.choice(("03", "04", "05", "06", "07", "10"))


def size_on(person: Person, on: date) -> tuple[int, float]:
    """Height in cm and weight in kg of a person on a day; children grow towards their adult size."""
    years = max(0.0, (on - person.born.date()).days / 365.25)
    if years >= ADULT:
        return person.height_cm, person.weight_kg
    if years < 1:
        return round(50 + years * 25), round(3.2 + years * 6.2, 1)
    grown = (years - 1) / (ADULT - 1)
    return round(75 + (person.height_cm - 75) * grown), round(9.4 + (person.weight_kg - 9.4) * grown**1.3, 1)
