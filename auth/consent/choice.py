"""What the citizen chose on the page: read from a form that may be hostile, checked, and made into terms.

What was not asked for is dropped, so an edited form gets at most what was asked and ticked. A choice with mistakes
keeps everything that was typed: the page comes back with it and says what to correct.
"""

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from auth.consent.asking import Asked, section_of
from auth.requests import Malformed, Pairs
from domain.consents.tables import CATEGORIES
from domain.consents.terms import Terms
from domain.values import VIETNAM

ALLOW, GO_ON, DENY, ALL, NONE = "allow", "go_on", "deny", "all", "none"
DECISIONS = frozenset({ALLOW, GO_ON, DENY, ALL, NONE, "edit", "look"})
"""The buttons. `edit` and `look` show the page again, `look` being what the Enter key does."""
YEARS = {"years_1": 1, "years_5": 5}
EVERYTHING, DATES = "everything", "dates"
PERIODS = (*YEARS, EVERYTHING, DATES)
MONTHS = {"months_6": 6, "year_1": 12}
UNTIL = ("days_30", *MONTHS)

_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})|(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1850, 2200
_LONGEST_DAY = 20
_LAST_MINUTE = time(23, 59)


@dataclass(frozen=True, slots=True)
class Choice:
    """`first` and `last` as typed. Before anybody chose, it is the least: nothing ticked, the shortest times."""

    ticked: frozenset[str] = frozenset()
    period: str = PERIODS[0]
    first: str = ""
    last: str = ""
    until: str = UNTIL[0]
    sensitive: tuple[str, ...] = ()

    @classmethod
    def of(cls, form: Pairs, asked: Asked) -> "Choice":
        """Malformed if the form says what no page of ours says."""
        chosen = {value for name, value in form if name == "sensitive"}
        return cls(
            ticked=frozenset(value for name, value in form if name == "scope") & set(asked.sections),
            period=_one(form, "period", PERIODS),
            first=_typed(form, "first"),
            last=_typed(form, "last"),
            until=_one(form, "until", UNTIL),
            sensitive=tuple(label for label in CATEGORIES if label in chosen),
        )

    def after(self, decision: str, asked: Asked) -> "Choice":
        """As the page that comes back shows it: the buttons for all sections and none tick boxes."""
        if decision not in {ALL, NONE}:
            return self
        return replace(self, ticked=frozenset(asked.sections if decision == ALL else ()))

    def fields(self, asked: Asked) -> list[tuple[str, str]]:
        """The choice as a form carries it on."""
        fields = [("scope", scope) for scope in asked.sections if scope in self.ticked]
        fields += [("period", self.period), ("first", self.first), ("last", self.last), ("until", self.until)]
        return fields + [("sensitive", label) for label in self.sensitive]


def decision_of(form: Pairs) -> str:
    """Said once, in a word that a page of ours offers; Malformed else."""
    decisions = [value for name, value in form if name == "decision"]
    if len(decisions) != 1 or decisions[0] not in DECISIONS:
        raise Malformed("The parameter decision is not valid.")
    return decisions[0]


def problems(choice: Choice, asked: Asked) -> Sequence[tuple[str, str]]:
    """What must be corrected, in the order of the page: the field's name, and the word for what is wrong."""
    found = [("sections", "no_sections")] if asked.sections and not choice.ticked else []
    return [*found, *_problems_of_dates(choice)] if asked.needs_consent else found


def _problems_of_dates(choice: Choice) -> list[tuple[str, str]]:
    if choice.period != DATES:
        return []
    first, last = read_day(choice.first), read_day(choice.last)
    if first is None:
        return [("first", "bad_first" if choice.first else "no_first")]
    if last is None and choice.last:
        return [("last", "bad_last")]
    return [("last", "last_before_first")] if last is not None and last < first else []


def terms(choice: Choice, asked: Asked, now: datetime) -> Terms:
    """The terms of the consent, for a choice without problems. Days are Vietnam's."""
    today = now.astimezone(VIETNAM).date()
    first, last = days(choice, today)
    return Terms(
        purposes=(asked.purpose,),
        sections=tuple(section_of(scope) for scope in asked.sections if scope in choice.ticked),
        sensitive=choice.sensitive,
        data_from=first.isoformat() if first else None,
        data_to=last.isoformat() if last else None,
        valid_until=datetime.combine(last_day(choice.until, today), _LAST_MINUTE, VIETNAM),
        erase_by=None,
    ).checked_for(asked.reader, now)


def days(choice: Choice, today: date) -> tuple[date | None, date | None]:
    """First and last day of the data; None where open."""
    if choice.period == DATES:
        return read_day(choice.first), read_day(choice.last)
    return (first_day(choice.period, today), None) if choice.period in YEARS else (None, None)


def first_day(period: str, today: date) -> date:
    return months_later(today, -12 * YEARS[period])


def last_day(until: str, today: date) -> date:
    """The day at whose end the permission ends."""
    return months_later(today, MONTHS[until]) if until in MONTHS else today + timedelta(days=30)


def months_later(day: date, months: int) -> date:
    """The same day of the month, or the month's last where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def read_day(text: str) -> date | None:
    """A day as the browser's calendar sends it, or as people here write it: day, month, year."""
    match = _DAY.fullmatch(text.strip())
    if not match:
        return None
    iso, local = match.groups()[:3], match.groups()[3:]
    year, month, day = map(int, iso if iso[0] else reversed(local))
    try:
        read = date(year, month, day)
    except ValueError:
        return None
    return read if _FIRST_YEAR <= year <= _LAST_YEAR else None


def _one(form: Pairs, name: str, known: Sequence[str]) -> str:
    """The one value of a field, the first of the known ones if the form has none."""
    values = [value for field, value in form if field == name] or [known[0]]
    if len(values) > 1 or values[0] not in known:
        raise Malformed(f"The parameter {name} is not valid.")
    return values[0]


def _typed(form: Pairs, name: str) -> str:
    values = [value.strip() for field, value in form if field == name] or [""]
    if len(values) > 1 or len(values[0]) > _LONGEST_DAY or not values[0].isprintable():
        raise Malformed(f"The parameter {name} is not valid.")
    return values[0]
