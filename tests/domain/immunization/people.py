"""Short ways to say who was given what, for the tests of the schedule."""

from datetime import date

from domain.immunization import forecasting, history
from domain.immunization.periods import Period, Span
from domain.immunization.schedule_files import versions
from domain.reference import vaccines

TODAY = date(2026, 11, 21)
NOW = versions()[-1:]
"""Only the version in force on `TODAY`, for examples that do not mind what was law before."""


def day(text: str) -> date:
    return date.fromisoformat(text)


def at(born: str, age: str) -> str:
    """The day on which somebody is that old."""
    return Period.read(age).after(day(born)).isoformat()


def dose(vaccine: str, on: str | None, **more) -> history.Dose:
    """A dose of one of our vaccines; `?` is one that nobody knows."""
    known = vaccines.by_code("own", vaccine)
    antigens = frozenset(known[0].antigens) if known else frozenset()
    code = vaccine if known else None
    return history.Dose(more.pop("id", f"{vaccine} {on}"), Span.read(on), antigens, code, **more)


def person(born: str | None, sex: str | None = "female", **more) -> history.Person:
    return history.Person(Span.read(born), sex, **more)


def forecast(who, doses=(), today=TODAY, schedules=None):
    return forecasting.forecast(who, doses, today, schedules or versions())


def series(who, code, doses=(), today=TODAY, schedules=None):
    """The one series of a forecast."""
    return next(one for one in forecast(who, doses, today, schedules).series if one.series.code == code)


def outcomes(found) -> list[str]:
    return [one.outcome.value for one in found.doses]
