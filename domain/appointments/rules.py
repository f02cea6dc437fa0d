"""Hours become slots: pure rules, on the clinic's own clock.

A wall-clock time that a day does not have (the hour a clock change skips) makes no slot; one that it has twice makes
one, at its first passing. Public holidays are those of `holidays.Vietnam`, Tết among them, which moves.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from uuid import UUID
from zoneinfo import ZoneInfo

import holidays

from domain.errors import Invalid


@dataclass(frozen=True, slots=True)
class Rule:
    """One weekly rule, as `clinic_tables.Hours` keeps it."""

    id: UUID
    service_id: UUID
    practitioner_id: UUID | None
    room_id: UUID | None
    weekday: int
    opens_at: time
    closes_at: time
    slot_minutes: int
    capacity: int
    valid_from: date
    valid_until: date | None

    def holds_on(self, day: date) -> bool:
        return (
            day.weekday() == self.weekday
            and self.valid_from <= day
            and (self.valid_until is None or day <= self.valid_until)
        )


@dataclass(frozen=True, slots=True)
class Days:
    """Which days are not like their weekday. By day and service; None stands for all services."""

    closed: frozenset[tuple[date, UUID | None]]
    opened: frozenset[tuple[date, UUID | None]]
    keeps_holidays: bool

    def is_open(self, day: date, service_id: UUID) -> bool:
        """What is said of the service alone counts more than what is said of all."""
        for told in ((day, service_id), (day, None)):
            if told in self.closed:
                return False
            if told in self.opened:
                return True
        return not (self.keeps_holidays and is_holiday(day))


@dataclass(frozen=True, slots=True)
class Interval:
    """A slot to be: its rule, and two instants in UTC."""

    rule: Rule
    starts_at: datetime
    ends_at: datetime


def is_holiday(day: date) -> bool:
    """A public holiday of Vietnam, or a day off in its place (Bộ luật Lao động 2019 Đ112)."""
    return day in _holidays(day.year)


@cache
def _holidays(year: int) -> Mapping[date, str]:
    return dict(holidays.country_holidays("VN", years=year))


def expand(rules: Sequence[Rule], days: Days, zone: ZoneInfo, first: date, last: date) -> Iterator[Interval]:
    """The slots of the days from `first` to `last`, in order of days and rules."""
    day = first
    while day <= last:
        for rule in rules:
            if rule.holds_on(day) and days.is_open(day, rule.service_id):
                yield from _of_day(rule, zone, day)
        day += timedelta(days=1)


def _of_day(rule: Rule, zone: ZoneInfo, day: date) -> Iterator[Interval]:
    length = timedelta(minutes=rule.slot_minutes)
    wall, end = datetime.combine(day, rule.opens_at), datetime.combine(day, rule.closes_at)
    free_from = None
    while wall + length <= end:
        start = _instant(wall, zone)
        if start is not None and (free_from is None or start >= free_from):
            free_from = start + length
            yield Interval(rule, start, free_from)
        wall += length


def _instant(wall: datetime, zone: ZoneInfo) -> datetime | None:
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    return moment if moment.astimezone(zone).replace(tzinfo=None) == wall else None


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first instant of a day of the clinic's calendar, and of the next."""
    start = datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
    return start, datetime.combine(day + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)


def check(rule: Rule, others: Sequence[Rule], service_minutes: int) -> None:
    """Invalid, saying what and where: no slot fits, or the hours overlap others of the same person, room or service."""
    if _minutes(rule.closes_at) - _minutes(rule.opens_at) < rule.slot_minutes:
        raise Invalid("closesAt", "No slot fits between `opensAt` and `closesAt`.")
    if rule.slot_minutes < service_minutes:
        raise Invalid("slotMinutes", f"The service takes {service_minutes} minutes; a slot cannot be shorter.")
    for other in others:
        if other.id != rule.id and _meet(rule, other) and (shared := _shared(rule, other)):
            period = f"{other.opens_at:%H:%M} to {other.closes_at:%H:%M}"
            raise Invalid("opensAt", f"The hours overlap those of the same {shared} from {period} on that weekday.")


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def _meet(one: Rule, other: Rule) -> bool:
    same_days = (other.valid_until is None or one.valid_from <= other.valid_until) and (
        one.valid_until is None or other.valid_from <= one.valid_until
    )
    same_hours = one.opens_at < other.closes_at and other.opens_at < one.closes_at
    return one.weekday == other.weekday and same_days and same_hours


def _shared(one: Rule, other: Rule) -> str | None:
    """What the two rules cannot both have."""
    if one.practitioner_id is not None and one.practitioner_id == other.practitioner_id:
        return "practitioner"
    if one.room_id is not None and one.room_id == other.room_id:
        return "room"
    alone = {one.practitioner_id, other.practitioner_id, one.room_id, other.room_id} == {None}
    return "service" if alone and one.service_id == other.service_id else None
