"""The next dose of every series of the schedule: when it may, should and must be given, or why it will not be.

Days of the future are safe ones: counted from the latest day a partial date may mean, so that nobody is called too
early; limits of age from the earliest. A dose that is late is caught up, the series never starts again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from domain.immunization.history import Dose, Given, Person
from domain.immunization.judging import History, Judgement, fault, judged, remaining
from domain.immunization.periods import Period, Span
from domain.immunization.reasons import WASTED, Outcome, Reason, Status
from domain.immunization.schedules import Rule, Schedule, Series, in_force
from domain.reference import vaccines

MOST_DOSES = 300
"""More than any person was ever given; further ones, the oldest, are not looked at."""
BEFORE_DELIVERY = Period(days=28)
"""Tetanus vaccine should be given this long before the child comes (`domain.md` 5.2: two to four weeks)."""
_OPEN = frozenset({Status.UPCOMING, Status.DUE, Status.OVERDUE})
_KNOWN_SEXES = frozenset({"female", "male"})


@dataclass(frozen=True, slots=True)
class Due:
    """When the next dose may be given at the soonest, should be, is late after, and can be at the last."""

    rule: Rule
    earliest_on: date
    recommended_on: date
    overdue_after: date
    latest_on: date | None
    held_by: Reason


@dataclass(frozen=True, slots=True)
class SeriesForecast:
    """Where one series stands. `next`: the dose to come, also where it was refused; None where none will."""

    series: Series
    status: Status
    reason: Reason
    doses: tuple[Judgement, ...]
    next: Due | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """All series that concern the person, in the schedule's order, and the doses that are of none."""

    schedule: Schedule
    today: date
    series: tuple[SeriesForecast, ...]
    uncounted: tuple[Judgement, ...]


def forecast(person: Person, doses: Iterable[Dose], today: date, schedules: Sequence[Schedule]) -> Forecast:
    """The forecast of a day. The order of the doses does not matter, nor a dose that is told twice."""
    latest_first = sorted(set(doses), key=lambda one: (one.given_on or _NEVER, one.vaccine or "", one.id), reverse=True)
    until = [replace(one, given_on=one.given_on and one.given_on.until(today)) for one in latest_first[:MOST_DOSES]]
    history, schedule = History(person, tuple(until), today, schedules), in_force(schedules, today)
    found = [] if person.is_deceased else _all_series(schedule, history)
    return Forecast(schedule, today, tuple(found), _of_no_series(found, history))


_NEVER = Span(date.min, date.min)


def _all_series(schedule: Schedule, history: History) -> list[SeriesForecast]:
    live, counted, found = history.live(), dict[str, int](), []
    for series in schedule.series:
        if not _concerns(series, history.person):
            continue
        primary = counted.get(series.primary or "", 0)
        doses = judged(series, history, live, primary)
        counted[series.code] = sum(one.counts for one in doses)
        found.append(_Outlook(schedule, series, history, doses, [day for day, _ in live], primary).forecast())
    return [_without_others(one, found) for one in found]


def _without_others(series: SeriesForecast, found: Iterable[SeriesForecast]) -> SeriesForecast:
    """Less the extra doses that count in another series: the injected polio vaccine is none too many of the oral."""
    counted = {one.dose for other in found for one in other.doses if one.counts}
    kept = [one for one in series.doses if one.outcome is not Outcome.EXTRA or one.dose not in counted]
    return replace(series, doses=tuple(kept))


def _concerns(series: Series, person: Person) -> bool:
    """Nothing for the other sex, and what is for the pregnant only while one is."""
    if series.in_pregnancy and person.pregnancy is None:
        return False
    return series.sex is None or person.sex not in _KNOWN_SEXES or person.sex == series.sex


def _of_no_series(found: Iterable[SeriesForecast], history: History) -> tuple[Judgement, ...]:
    judged_ones = {one.dose for series in found for one in series.doses}
    left = [one for one in history.doses if one not in judged_ones]
    return tuple(Judgement(one, fault(one, history) or _unscheduled(one)) for one in left)


def _unscheduled(dose: Dose) -> Outcome:
    return Outcome.NOT_SCHEDULED if dose.antigens else Outcome.UNKNOWN_VACCINE


@dataclass(frozen=True, slots=True)
class _Outlook:
    """One series of one person on one day."""

    schedule: Schedule
    series: Series
    history: History
    doses: tuple[Judgement, ...]
    live: list[Span]
    primary: int

    def forecast(self) -> SeriesForecast:
        status, reason, due = self._standing()
        if status in _OPEN and (hindered := self._hindrance()):
            status, reason = hindered
        return SeriesForecast(self.series, status, reason, self.doses, due)

    def _standing(self) -> tuple[Status, Reason, Due | None]:
        counted, person = [one for one in self.doses if one.counts], self.history.person
        left = remaining(self.series, counted, person, self.primary)
        if not left:
            return Status.COMPLETE, Reason.ALL_DOSES_GIVEN, None
        if self.series.sex and person.sex != self.series.sex:
            return Status.NOT_YET_KNOWN, Reason.SEX_UNKNOWN, None
        if person.born is None:
            return Status.NOT_YET_KNOWN, Reason.BIRTH_DATE_UNKNOWN, None
        dues = [self._due(rule, counted, person.born) for rule in left]
        due = next((one for one in dues if not (one.rule.is_optional and self._is_past(one))), None)
        if due is None:
            return Status.COMPLETE, Reason.ALL_DOSES_GIVEN, None
        return self._by_day(due, person.born)

    def _by_day(self, due: Due, born: Span) -> tuple[Status, Reason, Due | None]:
        today = self.history.today
        if due.latest_on is not None and due.latest_on < due.earliest_on and not born.is_exact:
            return Status.NOT_YET_KNOWN, Reason.BIRTH_DATE_INEXACT, None
        if self._is_past(due):
            return Status.AGED_OUT, Reason.TOO_OLD, None
        if today < due.recommended_on:
            return Status.UPCOMING, due.held_by, due
        if today <= due.overdue_after:
            return Status.DUE, Reason.TIME_HAS_COME, due
        return Status.OVERDUE, Reason.LATE, due

    def _is_past(self, due: Due) -> bool:
        """Too old now, or before the dose may be given."""
        return due.latest_on is not None and due.latest_on < max(self.history.today, due.earliest_on)

    def _due(self, rule: Rule, counted: Sequence[Judgement], born: Span) -> Due:
        held = {Reason.TOO_YOUNG: rule.min_age.after(born.latest), **self._distances(rule, counted)}
        earliest = max(held.values())
        usual = {Reason.TOO_YOUNG: rule.recommended_age.after(born.latest)}
        if counted:
            usual[Reason.INTERVAL] = rule.recommended_interval.after(counted[-1].day.latest)
        recommended = max(earliest, *usual.values())
        latest = rule.max_age.after(born.earliest) - timedelta(days=1) if rule.max_age else None
        if latest is not None:
            recommended = max(earliest, min(recommended, latest))
        reasons = held | usual if recommended > earliest else held
        held_by = max(reasons, key=lambda one: reasons[one])
        return Due(rule, earliest, recommended, self._overdue_after(rule, recommended, latest), latest, held_by)

    def _distances(self, rule: Rule, counted: Sequence[Judgement]) -> dict[Reason, date]:
        """Until when other doses keep this one away."""
        found = {}
        if counted:
            found[Reason.INTERVAL] = rule.interval.after(counted[-1].day.latest)
        if wasted := [one.day.latest for one in self.doses if one.outcome in WASTED]:
            found[Reason.REPEAT] = self.schedule.repeat_after.after(max(wasted))
        if self.live and self._is_live(rule):
            found[Reason.LIVE_INTERVAL] = self.schedule.live_interval.after(max(one.latest for one in self.live))
        if self.series.in_pregnancy and self.history.person.pregnancy:
            found[Reason.TIME_HAS_COME] = self.history.person.pregnancy.since
        return found

    def _is_live(self, rule: Rule) -> bool:
        """Every vaccine one may ask for is live."""
        products = [vaccines.by_code("own", code)[0] for code in rule.vaccines]
        return all(self.schedule.is_live(frozenset(one.antigens), one.code) for one in products)

    def _overdue_after(self, rule: Rule, recommended: date, latest: date | None) -> date:
        pregnancy = self.history.person.pregnancy if self.series.in_pregnancy else None
        if pregnancy and pregnancy.expected_on:
            return max(recommended, pregnancy.expected_on - timedelta(days=BEFORE_DELIVERY.days))
        after = rule.overdue_after.after(recommended)
        return after if latest is None else min(after, latest)

    def _hindrance(self) -> tuple[Status, Reason] | None:
        """Why a dose that is to come is not given; a dose that counts and came later shows that it no longer holds."""
        person = self.history.person
        if self.series.antigen in person.allergies:
            return Status.CONTRAINDICATED, Reason.VACCINE_ALLERGY
        if self._said(Given.CONTRAINDICATED):
            return Status.CONTRAINDICATED, Reason.CONTRAINDICATED
        if person.pregnancy and self.series.not_in_pregnancy:
            return Status.CONTRAINDICATED, Reason.PREGNANT
        return (Status.REFUSED, Reason.REFUSED) if self._said(Given.REFUSED) else None

    def _said(self, what: Given) -> bool:
        last = max((one.day.latest for one in self.doses if one.counts), default=date.min)
        return any(one.dose.given is what and (one.dose.given_on or _NEVER).latest >= last for one in self.doses)
