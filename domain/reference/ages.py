"""From which age a person has a say of his own in what happens with his data (`domain.md` 7.7).

A birth date may be known to the year only. Then a person may be of either age, and each question takes the answer that
protects him: `surely` for what an age allows, `perhaps` for what it demands.
"""

from calendar import monthrange
from datetime import date

from domain.reference.tables import table

_YEARS = {str(row["name"]): int(row["years"]) for row in table("ages")["rows"]}
CHILD_AGREES_FROM = _YEARS["child_agrees"]
PRIVATE_FROM = _YEARS["private_from"]
ALONE_FROM = _YEARS["acts_alone"]
ADULT_AT = _YEARS["adult"]


def surely(age: int, birth_date: str | None, today: date) -> bool:
    """Has reached the age, whichever day of a partial birth date (`1955`, `1955-03`) it was; not known: no."""
    latest = _latest(birth_date)
    return latest is not None and birthday(latest, age) <= today


def perhaps(age: int, birth_date: str | None, today: date) -> bool:
    """May have reached the age, on some day of a partial birth date; not known: yes."""
    earliest = earliest_birth(birth_date)
    return earliest is None or birthday(earliest, age) <= today


def birthday(born: date, age: int) -> date:
    """The day on which he completes that many years; who was born on 29 February does so on 1 March."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1)


def earliest_birth(birth_date: str | None) -> date | None:
    """The first day that a partial birth date may mean."""
    year, month, day = _parts(birth_date)
    return date(year, month or 1, day or 1) if year else None


def _latest(birth_date: str | None) -> date | None:
    year, month, day = _parts(birth_date)
    if not year:
        return None
    month = month or 12
    return date(year, month, day or monthrange(year, month)[1])


def _parts(birth_date: str | None) -> tuple[int, int, int]:
    """Year, month and day of a partial date; nought where it does not say."""
    known = [int(part) for part in (birth_date or "")[:10].split("-") if part]
    year, month, day = (*known, 0, 0, 0)[:3]
    return year, month, day
