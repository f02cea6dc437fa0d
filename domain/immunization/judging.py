"""Which doses of a history count for a series, and why the others do not.

A dose is judged by the schedule of its day. Where a date is not exact it counts unless it was surely too early, for who
gave it knew the day; what comes after it keeps its distance from the last day it may have been (`forecasting`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from domain.immunization.history import Dose, Given, Person
from domain.immunization.periods import Period, Span
from domain.immunization.reasons import COUNTS, Outcome
from domain.immunization.schedules import Rule, Schedule, Series, When, in_force

_BY_STATUS = {
    Given.REFUSED: Outcome.NOT_GIVEN,
    Given.CONTRAINDICATED: Outcome.NOT_GIVEN,
    Given.NOT_GIVEN: Outcome.NOT_GIVEN,
    Given.ENTERED_IN_ERROR: Outcome.ENTERED_IN_ERROR,
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A dose and what it is worth to a series. `number`: which dose it was; `rule`: by what it was judged."""

    dose: Dose
    outcome: Outcome
    number: int | None = None
    rule: Rule | None = None

    @property
    def day(self) -> Span:
        """When it was given; only of doses that have a date."""
        assert self.dose.given_on is not None  # noqa: S101 -- undated doses never get this far
        return self.dose.given_on

    @property
    def counts(self) -> bool:
        return self.outcome in COUNTS


@dataclass(frozen=True, slots=True)
class History:
    """All doses of a person and what holds for several series at once. `today` ends what a partial date may mean."""

    person: Person
    doses: tuple[Dose, ...]
    today: date
    schedules: Sequence[Schedule]

    def live(self) -> list[tuple[Span, Schedule]]:
        """When live vaccines were injected, each with the schedule of its day."""
        found = []
        for dose in self.doses:
            if fault(dose, self) is None and dose.given_on:
                schedule = in_force(self.schedules, dose.given_on.latest)
                if schedule.is_live(dose.antigens, dose.vaccine):
                    found.append((dose.given_on, schedule))
        return found


def fault(dose: Dose, history: History) -> Outcome | None:
    """Why a dose counts for no series at all."""
    if dose.given in _BY_STATUS:
        return _BY_STATUS[dose.given]
    if dose.given_on is None:
        return Outcome.NOT_DATED
    if dose.given_on.earliest > history.today:
        return Outcome.IN_FUTURE
    born = history.person.born
    if born and dose.given_on.latest < born.earliest:
        return Outcome.BEFORE_BIRTH
    return Outcome.SUBPOTENT if dose.is_subpotent else None


def judged(
    series: Series, history: History, live: Sequence[tuple[Span, Schedule]], primary: int
) -> tuple[Judgement, ...]:
    """Every dose of the series, oldest first. `primary`: how many doses count in the series this one builds on."""
    of_series = [one for one in history.doses if _is_of(one, series, history.person)]
    faulty = [Judgement(one, said) for one in of_series if (said := fault(one, history))]
    given, again = _distinct(one for one in of_series if fault(one, history) is None)
    walk = _Walk(series, history, live, primary)
    return tuple(sorted([*faulty, *again, *(walk.judge(one) for one in given)], key=lambda one: _order(one.dose)))


def _is_of(dose: Dose, series: Series, person: Person) -> bool:
    if dose.given is not Given.GIVEN:
        return series.antigen in dose.antigens  # who refuses a vaccine need not name the product
    if not series.takes(dose.antigens, dose.vaccine):
        return False
    if series.counts_from is None or person.born is None or dose.given_on is None:
        return True
    return dose.given_on.latest >= series.counts_from.after(person.born.earliest)


def _order(dose: Dose) -> tuple[date, date, str, str]:
    day = dose.given_on or Span(date.min, date.min)
    return day.earliest, day.latest, dose.vaccine or "", dose.id


def _distinct(doses: Iterable[Dose]) -> tuple[list[Dose], list[Judgement]]:
    """Doses of different dates, oldest first; of those that may be one dose, the most exactly dated stands."""
    by_exactness = sorted(doses, key=lambda one: ((one.given_on.latest - one.given_on.earliest), *_order(one)))  # type: ignore[union-attr]  # dated
    taken: list[Dose] = []
    again: list[Judgement] = []
    for dose in by_exactness:
        if any(_overlap(dose, other) for other in taken):
            again.append(Judgement(dose, Outcome.SAME_DATE))
        else:
            taken.append(dose)
    return sorted(taken, key=_order), again


def _overlap(one: Dose, other: Dose) -> bool:
    a, b = one.given_on, other.given_on
    return a is not None and b is not None and a.earliest <= b.latest and b.earliest <= a.latest


class _Walk:
    """Goes through the doses in order and gives each the next row of the series that it may be."""

    def __init__(self, series: Series, history: History, live: Sequence[tuple[Span, Schedule]], primary: int) -> None:
        self._series, self._history, self._live, self._primary = series, history, live, primary
        self._counted: list[Judgement] = []

    def judge(self, dose: Dose) -> Judgement:
        found = self._row(dose)
        if found is None:
            return Judgement(dose, Outcome.EXTRA)
        rule, schedule = found
        outcome = self._outcome(dose, rule, schedule)
        number = rule.number if outcome in COUNTS else None
        made = Judgement(dose, outcome, number, rule)
        if made.counts:
            self._counted.append(made)
        return made

    def _row(self, dose: Dose) -> tuple[Rule, Schedule] | None:
        """The next row, or a later one where the rows between are optional and past, and the dose fits the later."""
        schedule = in_force(self._history.schedules, _day(dose).latest)
        left = [
            schedule.rule(self._series.code, one)
            for one in remaining(self._series, self._counted, self._history.person, self._primary)
        ]
        for at, rule in enumerate(left):
            later = next((one for one in left[at + 1 :] if not self._too_young(dose, one, schedule)), None)
            if not (rule.is_optional and self._too_late(dose, rule) and later):
                return rule, schedule
        return None

    def _outcome(self, dose: Dose, rule: Rule, schedule: Schedule) -> Outcome:
        if self._too_young(dose, rule, schedule):
            return Outcome.TOO_YOUNG
        if self._counted and _surely_before(dose, rule.interval, self._counted[-1].day, schedule.grace_days):
            return Outcome.TOO_SOON
        if schedule.is_live(dose.antigens, dose.vaccine) and self._near_another_live(dose, schedule):
            return Outcome.LIVE_TOO_SOON
        return Outcome.COUNTED_LATE if self._too_late(dose, rule) else Outcome.COUNTED

    def _too_young(self, dose: Dose, rule: Rule, schedule: Schedule) -> bool:
        born = self._history.person.born
        return born is not None and _surely_before(dose, rule.min_age, born, schedule.grace_days)

    def _too_late(self, dose: Dose, rule: Rule) -> bool:
        born = self._history.person.born
        return born is not None and rule.max_age is not None and _day(dose).earliest >= rule.max_age.after(born.latest)

    def _near_another_live(self, dose: Dose, schedule: Schedule) -> bool:
        day = _day(dose)
        return any(
            other.latest < day.earliest and _surely_before(dose, schedule.live_interval, other, 0)
            for other, _ in self._live
        )


def _day(dose: Dose) -> Span:
    assert dose.given_on is not None  # noqa: S101 -- `fault` took the undated ones out
    return dose.given_on


def _surely_before(dose: Dose, period: Period, since: Span, grace_days: int) -> bool:
    """Whether the dose was given before the period was over, whichever days the dates may mean."""
    return _day(dose).latest + timedelta(days=grace_days) < period.after(since.earliest)


def remaining(series: Series, counted: Sequence[Judgement], person: Person, primary: int) -> list[Rule]:
    """The rows still to come after the doses that count, in order."""
    last = counted[-1].number if counted else None
    return [
        rule
        for rule in series.rules
        if (last is None or rule.number > last) and _holds(rule.when, counted, person, primary)
    ]


def _holds(when: When, counted: Sequence[Judgement], person: Person, primary: int) -> bool:
    products = {one.dose.vaccine for one in counted}
    if when.after and not products.intersection(when.after):
        return False
    if products.intersection(when.not_after):
        return False
    if when.primary_from is not None and primary < when.primary_from:
        return False
    if when.primary_below is not None and primary >= when.primary_below:
        return False
    return _started(when, counted, person)


def _started(when: When, counted: Sequence[Judgement], person: Person) -> bool:
    """By the age at the first dose; where dates are not exact, as if he were the older, which asks for more doses."""
    if when.started_before is None and when.started_from is None:
        return True
    if not counted or person.born is None:
        return False
    first, born = counted[0].day.latest, person.born.earliest
    if when.started_before is not None and first >= when.started_before.after(born):
        return False
    return when.started_from is None or first >= when.started_from.after(born)
