"""What happens to one person over three years: chronic illness, acute illness, pregnancy, birth.

Gives `Contact`s, the plan of each visit: when, where, for what. `visits` fills them in.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Literal

from domain.synthetic.catalogue import ALLERGENS, DISEASES, Disease
from domain.synthetic.facilities import Facility
from domain.synthetic.people import ADULT, ELDER, Person

Form = Literal["outpatient", "chronic", "inpatient", "delivery", "newborn", "check_in"]
HISTORY_DAYS = 3 * 365
SCHOOL = 6
# Share of each age group that lives with the disease: children, 18-39, 40-59, 60 and more.
_PREVALENCE: dict[str, tuple[float, float, float, float]] = {
    "hypertension": (0, 0.01, 0.16, 0.42),
    "diabetes": (0, 0.005, 0.07, 0.16),
    "dyslipidaemia": (0, 0.005, 0.08, 0.16),
    "asthma": (0.03, 0.02, 0.02, 0.02),
    "copd": (0, 0, 0.01, 0.06),
    "gout": (0, 0.005, 0.025, 0.04),
    "reflux": (0, 0.02, 0.05, 0.05),
    "hypothyroid": (0, 0.005, 0.02, 0.02),
    "ischaemic": (0, 0, 0.01, 0.08),
    "depression": (0, 0.012, 0.012, 0.01),
    "hiv": (0, 0.003, 0.002, 0),
    "tuberculosis": (0, 0.002, 0.003, 0.004),
}
_ACUTE = tuple(key for key, disease in DISEASES.items() if not disease.chronic and disease.weight > 0)
_MONTHLY_ATTENDANCE = 0.5


@dataclass(frozen=True, slots=True)
class Contact:
    """One planned visit. `also` are illnesses treated along; `twice` says the facility sends it as FHIR too."""

    at: datetime
    disease: str
    form: Form
    facility: Facility
    also: tuple[str, ...] = ()
    with_labs: bool = True
    with_drugs: bool = True
    twice: bool = False
    referred_to: Facility | None = None
    referred_from: Facility | None = None
    baby: Person | None = None
    dispensed_by: Facility | None = None
    blood_group: str | None = None


def fall_ill(rng: Random, person: Person, today: date) -> None:
    """Give a person chronic illnesses and allergies by age and sex."""
    age = person.age(today)
    group = 0 if age < ADULT else 1 if age < 40 else 2 if age < ELDER else 3  # noqa: PLR2004
    found = tuple(
        key
        for key, shares in _PREVALENCE.items()
        if rng.random() < shares[group] and DISEASES[key].sex in (None, person.sex) and age >= DISEASES[key].onset[0]
    )
    person.illnesses = found[:4]
    if rng.random() < 0.08:  # noqa: PLR2004
        person.allergies = tuple(rng.sample(tuple(ALLERGENS), rng.choice((1, 1, 2))))


def contacts(rng: Random, person: Person, today: date, scale: float, baby: Person | None = None) -> list[Contact]:
    """The visits of a person, oldest first, one a day at most, all before `today` except a check-in of today."""
    planned = [*_chronic(rng, person, today, scale), *_acute(rng, person, today, scale)]
    if baby is not None:
        planned = [*planned, *_pregnancy(rng, person, baby, today)]
    if person.mother is not None and (today - person.born.date()).days < HISTORY_DAYS:
        planned.append(
            Contact(person.born + timedelta(minutes=30), "newborn", "newborn", person.home.area.hospitals[0])
        )
    if rng.random() < 0.01 * scale:
        planned.append(_check_in(rng, person, today))
    return _one_a_day(planned)


def _one_a_day(planned: list[Contact]) -> list[Contact]:
    """Somebody in hospital is nowhere else: the first contact of a stretch of days wins, births always."""
    kept: list[Contact] = []
    for contact in sorted(planned, key=lambda contact: (contact.form not in ("delivery", "newborn"), contact.at)):
        if all(abs((contact.at.date() - other.at.date()).days) > _stay(other) for other in kept):
            kept.append(contact)
    return sorted(kept, key=lambda contact: contact.at)


def _stay(contact: Contact) -> int:
    return 8 if contact.form in ("inpatient", "delivery", "newborn") else 0


def _office_hour(rng: Random, day: date) -> datetime:
    return datetime(day.year, day.month, day.day, rng.choice((7, 7, 8, 8, 9, 10, 13, 14, 15)), rng.randrange(60))  # noqa: DTZ001


def _random_day(rng: Random, today: date, born: date, days: int = HISTORY_DAYS) -> date:
    """A day in the last `days`, not before birth and not within the last ten days (a stay must end)."""
    return today - timedelta(days=rng.randint(10, max(11, min(days, (today - born).days - 29))))


def _chronic(rng: Random, person: Person, today: date, scale: float) -> Iterator[Contact]:
    """Monthly visits for all chronic illnesses together, two of three with laboratory tests."""
    if not person.illnesses:
        return
    first, *others = person.illnesses
    area = person.home.area
    place = rng.choice((area.hospitals[0], area.hospitals[1], area.stations[0], area.hospitals[1]))
    if first in ("hiv", "tuberculosis", "depression"):
        place = area.hospitals[0]
    months = 6 if first == "tuberculosis" else rng.randint(4, HISTORY_DAYS // 30)
    day = today - timedelta(days=months * 30 + rng.randint(3, 20))
    for month in range(months):
        day += timedelta(days=rng.choice((28, 29, 30, 30, 31)))
        if day >= today:
            return
        if rng.random() < _MONTHLY_ATTENDANCE * scale:
            at = _office_hour(rng, day)
            contact = Contact(at, first, "chronic", place, tuple(others), with_labs=month % 3 != 1)
            yield _seen_again(rng, contact, person)


def _acute(rng: Random, person: Person, today: date, scale: float) -> Iterator[Contact]:
    """Acute visits at the yearly rate of the age."""
    age = person.age(today)
    rate = 2.1 if age < SCHOOL else 1.1 if age < ADULT else 1.3 if age >= ELDER else 0.75
    years = min(3.0, max(0.1, (today - person.born.date()).days / 365))
    for _ in range(_poisson(rng, rate * years * scale)):
        day = _random_day(rng, today, person.born.date())
        if day <= person.born.date() + timedelta(days=28):
            continue
        key = _disease_of(rng, person.age(day), person.sex, day.month)
        yield from _course(rng, person, key, day, today)


def _course(rng: Random, person: Person, key: str, day: date, today: date) -> Iterator[Contact]:
    """The contact for an acute disease: at a station, a clinic or a hospital; perhaps referred, perhaps seen again."""
    disease, area = DISEASES[key], person.home.area
    at = _office_hour(rng, day)
    if rng.random() < disease.inpatient:
        hospital = rng.choice(area.hospitals)
        station = rng.choice(area.stations)
        if rng.random() < 0.25:  # noqa: PLR2004
            referral = Contact(
                at - timedelta(days=1), key, "outpatient", station, with_labs=False, referred_to=hospital
            )
            yield replace(referral, twice=rng.random() < 0.5)  # noqa: PLR2004
            yield Contact(at, key, "inpatient", hospital, referred_from=station, twice=rng.random() < 0.2)  # noqa: PLR2004
            return
        yield Contact(at, key, "inpatient", hospital, twice=rng.random() < 0.2)  # noqa: PLR2004
        return
    place = rng.choice((*area.hospitals, *area.stations, area.clinic, area.clinic, area.hospitals[1]))
    at_station = place.kind == "commune_station"
    contact = Contact(at, key, "outpatient", place, person.illnesses[:1], with_labs=not at_station)
    if rng.random() < disease.referral and at_station:
        contact = replace(contact, referred_to=area.hospitals[0])
    yield _seen_again(rng, contact, person)
    again = _office_hour(rng, day + timedelta(days=7))
    if rng.random() < 0.12 and again.date() < today:  # noqa: PLR2004
        yield Contact(again, key, "outpatient", place, with_labs=False)


def _seen_again(rng: Random, contact: Contact, person: Person) -> Contact:
    """Some visits reach the book a second time: as FHIR by the same facility, as a dispense by a pharmacy."""
    pharmacy = rng.choice(person.home.area.pharmacies) if rng.random() < 0.16 else None  # noqa: PLR2004
    hospital = contact.facility.kind != "commune_station"
    return replace(contact, twice=hospital and rng.random() < 0.12, dispensed_by=pharmacy)  # noqa: PLR2004


def _pregnancy(rng: Random, mother: Person, baby: Person, today: date) -> Iterator[Contact]:
    """Four antenatal visits and the delivery, if they lie in the history kept."""
    hospital, station = mother.home.area.hospitals[0], mother.home.area.stations[0]
    for weeks, place in ((28, station), (20, hospital), (12, station), (4, hospital)):
        day = baby.born.date() - timedelta(weeks=weeks)
        if (today - day).days < HISTORY_DAYS:
            yield Contact(_office_hour(rng, day), "antenatal", "outpatient", place, with_labs=place is hospital)
    if (today - baby.born.date()).days < HISTORY_DAYS:
        kind = "caesarean" if rng.random() < 0.3 else "delivery"  # noqa: PLR2004
        at = baby.born - timedelta(hours=rng.randint(2, 9))
        yield Contact(at, kind, "delivery", hospital, baby=baby, twice=rng.random() < 0.3)  # noqa: PLR2004


def _check_in(rng: Random, person: Person, today: date) -> Contact:
    key = rng.choice(person.illnesses) if person.illnesses else "cold"
    return Contact(_office_hour(rng, today), key, "check_in", person.home.area.hospitals[1])


def _poisson(rng: Random, mean: float) -> int:
    """A count with the given mean (Knuth's product of uniforms; the means here are below ten)."""
    count, product = 0, rng.random()
    floor = 2.718281828459045**-mean
    while product > floor:
        count, product = count + 1, product * rng.random()
    return count


def _may_have(disease: Disease, age: int, sex: str) -> bool:
    return disease.ages[0] <= age <= disease.ages[1] and disease.sex in (None, sex)


def _disease_of(rng: Random, age: int, sex: str, month: int) -> str:
    """An acute disease that fits age and sex; a disease in season is three times as common."""
    fitting = [key for key in _ACUTE if _may_have(DISEASES[key], age, sex)]
    weights = [DISEASES[key].weight * (3 if month in DISEASES[key].season else 1) for key in fitting]
    return rng.choices(fitting, weights)[0]
