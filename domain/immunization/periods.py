"""Ages and intervals as the law writes them (`6w`, `2m`, `11y`), and the days that a partial date may mean.

Months and years are of the calendar and clip to the end of a month (31 December and two months: the last day of
February); weeks and days are exact (`domain.md` 5.2).
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import MAXYEAR, date, timedelta

_PERIOD = re.compile(r"([0-9]{1,3})([dwmy])")
_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T.*)?)?)?", re.ASCII | re.DOTALL)
_MONTHS, _DAYS = {"m": 1, "y": 12}, {"d": 1, "w": 7}


@dataclass(frozen=True, slots=True)
class Period:
    """Calendar months, then days."""

    months: int = 0
    days: int = 0

    @classmethod
    def read(cls, text: str) -> "Period":
        """`1d`, `6w`, `2m`, `11y`; ValueError for anything else."""
        match = _PERIOD.fullmatch(text)
        if not match:
            raise ValueError(f"{text!r} is no period such as 1d, 6w, 2m or 11y")
        count, unit = int(match[1]), match[2]
        return cls(count * _MONTHS.get(unit, 0), count * _DAYS.get(unit, 0))

    def after(self, day: date) -> date:
        """The same day of the month that many months later, clipped to its end; then the days."""
        year, month = divmod(day.year * 12 + day.month - 1 + self.months, 12)
        if year > MAXYEAR - 1:
            return date.max
        return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1])) + timedelta(days=self.days)

    @property
    def rough_days(self) -> float:
        """About how long it is, to compare rows of a table."""
        return self.months * 30.44 + self.days


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The days that a partial date may mean, both included."""

    earliest: date
    latest: date

    @classmethod
    def read(cls, text: str | None) -> "Span | None":
        """Of `1955`, `1955-03`, `1955-03-14` or an instant at Vietnam's offset; None for what is no such date."""
        match = _PARTIAL.fullmatch(text or "")
        if not match:
            return None
        year, month, day = (int(part) if part else 0 for part in match.groups())
        try:
            first = date(year, month or 1, day or 1)
        except ValueError:
            return None
        last_month = month or 12
        return cls(first, date(year, last_month, day or monthrange(year, last_month)[1]))

    @property
    def is_exact(self) -> bool:
        return self.earliest == self.latest

    def until(self, day: date) -> "Span":
        """What of it is not after that day; unchanged where all of it is."""
        return Span(self.earliest, min(self.latest, day)) if self.earliest <= day else self
