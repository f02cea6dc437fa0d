"""The national schedule by version: which doses of which series, at what ages and intervals, and where it is written.

A version is in force from a day on; a dose is judged by the version of its day, the future by the version of today. The
Ministry changes the table often, so no age stands in the code: `schedule_files` reads them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from domain.immunization.periods import Period

NATIONAL, PARTIAL = "national", "partial"


@dataclass(frozen=True, slots=True)
class When:
    """When a row is part of the series; all that is told must hold.

    `after`, `not_after`: products among the doses counted so far. `started_before`, `started_from`: age at the first of
    them. `primary_from`, `primary_below`: how many doses count in the series that this one builds on.
    """

    after: tuple[str, ...] = ()
    not_after: tuple[str, ...] = ()
    started_before: Period | None = None
    started_from: Period | None = None
    primary_from: int | None = None
    primary_below: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: dose `number` of a series. An age of None is no limit.

    `max_age`: from this age on the programme no longer gives it; `is_optional`: then the series goes on without it.
    `interval` is the least since the dose before, `recommended_interval` the usual. `overdue_after` is counted from the
    recommended day. `vaccines` are codes of `domain/reference/vaccines.py` to ask for, the programme's own first.
    """

    version: str
    number: int
    min_age: Period
    recommended_age: Period
    max_age: Period | None
    interval: Period
    recommended_interval: Period
    overdue_after: Period
    is_optional: bool
    when: When
    vaccines: tuple[str, ...]
    act: str
    row: str
    basis: str
    is_verified: bool


@dataclass(frozen=True, slots=True)
class Series:
    """All doses against one disease. `accepts`: the only vaccines that count; empty: whatever carries the antigen.

    `sex`: only for them. `in_pregnancy`: only while pregnant; `not_in_pregnancy`: never then. `counts_from`: doses
    before this age are not of it. `coverage`: national, or partial where not every province has it yet.
    """

    code: str
    antigen: str
    vi: str
    en: str
    coverage: str
    sex: str | None
    accepts: tuple[str, ...]
    in_pregnancy: bool
    not_in_pregnancy: bool
    counts_from: Period | None
    primary: str | None
    rules: tuple[Rule, ...]

    def takes(self, antigens: frozenset[str], vaccine: str | None) -> bool:
        """Whether such a dose is one of this series."""
        return self.antigen in antigens and (not self.accepts or vaccine in self.accepts)


@dataclass(frozen=True, slots=True)
class Schedule:
    """`grace_days`: how much too early still counts. `live_interval`: between live vaccines not given on one day.

    `repeat_after`: after a dose that did not count, the next comes no sooner.
    """

    version: str
    title: str
    act: str
    valid_from: date | None
    valid_to: date | None
    grace_days: int
    live_interval: Period
    live_antigens: frozenset[str]
    live_vaccines: frozenset[str]
    repeat_after: Period
    series: tuple[Series, ...]

    def is_live(self, antigens: frozenset[str], vaccine: str | None) -> bool:
        """A live vaccine that is injected; those that are swallowed keep no distance."""
        return vaccine in self.live_vaccines or bool(antigens & self.live_antigens)

    def rule(self, series: str, like: Rule) -> Rule:
        """The row of this version for the same dose, or that very one where this version has none."""
        of_series = (one for one in self.series if one.code == series)
        rows = [rule for one in of_series for rule in one.rules if rule.number == like.number]
        return next((rule for rule in rows if rule.when == like.when), rows[0] if len(rows) == 1 else like)


def in_force(schedules: Sequence[Schedule], day: date) -> Schedule:
    """The version of a day; the oldest also judges what was before it."""
    return next((one for one in reversed(schedules) if one.valid_from is None or one.valid_from <= day), schedules[0])
