"""Who was vaccinated with what, when and where, and which facilities reported it.

Children follow the expanded programme's schedule (domain reference 5.2) with delays and a few missed doses;
adults have COVID-19, tetanus in pregnancy, influenza, HPV. Some doses are reported by two facilities.
"""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from domain.synthetic.catalogue import SCHEDULE, VACCINES, ScheduledDose, Vaccine
from domain.synthetic.facilities import Facility
from domain.synthetic.people import ADULT, Person

REGISTER_BEGINS = date(2017, 1, 1)  # the national immunisation register holds nothing earlier
_COVID = ("covid_astra", "covid_pfizer", "covid_moderna", "covid_sinopharm")
_MISSED, _REPORTED_TWICE, _MIN_INTERVAL = 0.04, 0.08, 28
_HPV_BORN = 1998


@dataclass(frozen=True, slots=True)
class Dose:
    """`reported_by` names the facility that gave it first, then others that report the same dose."""

    vaccine: Vaccine
    product: str
    number: int
    given_on: date
    lot: str
    expires_on: date
    reported_by: tuple[Facility, ...]


def add_months(on: date, months: int) -> date:
    """The same day some calendar months later, clipped to the end of the month."""
    year, month = divmod(on.year * 12 + on.month - 1 + months, 12)
    return date(year, month + 1, min(on.day, calendar.monthrange(year, month + 1)[1]))


def doses(rng: Random, person: Person, today: date, last_birth: date | None = None) -> list[Dose]:
    """All doses of a person before `today`, oldest first. `last_birth` is when a mother's youngest was born."""
    given = list(_adult(rng, person, today, last_birth) if person.age(today) >= ADULT else _child(rng, person, today))
    return sorted(
        (dose for dose in given if dose.given_on < today),
        key=lambda dose: (dose.given_on, dose.vaccine.cvx, dose.number),
    )


def _child(rng: Random, person: Person, today: date) -> Iterator[Dose]:
    last: dict[str, date] = {}
    for due in SCHEDULE:
        if (due.vaccine == "hpv" and person.sex == "male") or rng.random() < _MISSED:
            continue
        on = _given_on(rng, person, due, last.get(due.vaccine))
        if REGISTER_BEGINS <= on < today:
            last[due.vaccine] = on
            yield _dose(rng, person, due.vaccine, due.dose, on)


def _given_on(rng: Random, person: Person, due: ScheduledDose, before: date | None) -> date:
    """Due day plus a delay; birth doses come on time, the rest on average ten days late."""
    born = person.born.date()
    if due.months == 0:
        return born + timedelta(days=due.days)
    on = add_months(born, due.months) + timedelta(days=due.days + int(rng.expovariate(1 / 10)))
    close = 7 if due.vaccine == "je" else _MIN_INTERVAL
    return on if before is None else max(on, before + timedelta(days=close))


def _adult(rng: Random, person: Person, today: date, last_birth: date | None) -> Iterator[Dose]:
    yield from _covid(rng, person)
    if last_birth is not None:
        for number, weeks in ((1, 18), (2, 12)):
            on = last_birth - timedelta(weeks=weeks)
            if REGISTER_BEGINS <= on < today:
                yield _dose(rng, person, "tt", number, on)
    if rng.random() < (0.25 if person.illnesses else 0.06):
        for years in range(rng.choice((1, 1, 2, 3))):
            yield _dose(rng, person, "flu", 1, today - timedelta(days=365 * years + rng.randint(20, 60)))
    if person.sex == "female" and person.born.year >= _HPV_BORN and rng.random() < 0.2:  # noqa: PLR2004
        start = today - timedelta(days=rng.randint(300, 700))
        for number, months in ((1, 0), (2, 2), (3, 6)):
            yield _dose(rng, person, "hpv", number, add_months(start, months))


def _covid(rng: Random, person: Person) -> Iterator[Dose]:
    """Two or three doses from mid 2021 on for most who were adults then."""
    first = date(2021, 7, 1) + timedelta(days=rng.randint(0, 120))
    if person.age(first) < ADULT or rng.random() < 0.12:  # noqa: PLR2004
        return
    product, booster = rng.choice(_COVID), rng.choice(_COVID[1:3])
    yield _dose(rng, person, product, 1, first)
    second = first + timedelta(days=rng.choice((28, 42, 56)))
    yield _dose(rng, person, product, 2, second)
    if rng.random() < 0.7:  # noqa: PLR2004
        yield _dose(rng, person, booster, 3, second + timedelta(days=rng.randint(90, 150)))


def _dose(rng: Random, person: Person, key: str, number: int, on: date) -> Dose:
    vaccine, area = VACCINES[key], person.home.area
    at_birth = vaccine.cvx in ("08", "19")
    place = (
        area.hospitals[0] if at_birth else area.vaccination_centre if vaccine.program == "dịch vụ" else area.stations[0]
    )
    other = area.vaccination_centre if place is not area.vaccination_centre else area.clinic
    reporters = (place, other) if rng.random() < _REPORTED_TWICE else (place,)
    lot = f"{vaccine.cvx}{on:%y%m}{rng.randrange(100):02d}"
    return Dose(
        vaccine, rng.choice(vaccine.products), number, on, lot, on + timedelta(days=rng.randint(120, 500)), reporters
    )
