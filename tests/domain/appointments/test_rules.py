"""Hours become slots on the clinic's own clock, whatever it does."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.appointments.rules import Days, day_bounds, expand, is_holiday
from tests.domain.appointments.world import rule

VIETNAM, BERLIN = ZoneInfo("Asia/Ho_Chi_Minh"), ZoneInfo("Europe/Berlin")
USUAL = Days(frozenset(), frozenset(), keeps_holidays=True)


def of(day, zone=VIETNAM, days=USUAL, **changes):
    asked = rule(uuid4(), **{"weekday": day.weekday(), "valid_from": day, "valid_until": day} | changes)
    return [one.starts_at for one in expand([asked], days, zone, day, day)]


def test_the_wall_clock_of_the_zone():
    assert of(date(2026, 11, 25))[0] == datetime(2026, 11, 25, 1, tzinfo=UTC)


def test_an_hour_that_the_day_skips_has_no_slots():
    found = of(date(2026, 3, 29), BERLIN, opens_at=time(1), closes_at=time(4))
    assert [one.astimezone(BERLIN).strftime("%H:%M") for one in found] == ["01:00", "01:30", "03:00", "03:30"]
    assert found == sorted(set(found))


def test_an_hour_that_the_day_has_twice_has_its_slots_once():
    found = of(date(2026, 10, 25), BERLIN, opens_at=time(1), closes_at=time(4))
    assert [one.astimezone(BERLIN).strftime("%H:%M") for one in found] == [
        "01:00", "01:30", "02:00", "02:30", "03:00", "03:30",
    ]  # fmt: skip
    assert len(found) == len(set(found))


@pytest.mark.parametrize("day", [date(2026, 2, 17), date(2027, 2, 6), date(2026, 9, 2), date(2027, 1, 1)])
def test_no_slots_on_holidays_unless_the_clinic_works(day):
    service = uuid4()
    assert is_holiday(day)
    assert of(day) == []
    assert of(day, days=Days(frozenset(), frozenset(), keeps_holidays=False))
    assert of(day, days=Days(frozenset(), frozenset({(day, service)}), keeps_holidays=True), service_id=service)


def test_what_is_said_of_a_service_counts_more_than_what_is_said_of_all():
    day, service = date(2026, 11, 25), uuid4()
    closed = Days(frozenset({(day, None)}), frozenset({(day, service)}), keeps_holidays=True)
    assert of(day, days=closed) == []
    assert of(day, days=closed, service_id=service)


@given(
    zone=st.sampled_from(["Asia/Ho_Chi_Minh", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    day=st.dates(date(2024, 1, 1), date(2030, 1, 1)),
    minutes=st.integers(1, 24).map(lambda n: 5 * n),
    opens=st.integers(0, 20),
)
def test_slots_never_overlap_and_lie_on_their_day(zone, day, minutes, opens):
    found = of(
        day, ZoneInfo(zone), Days(frozenset(), frozenset(), keeps_holidays=False),
        slot_minutes=minutes, opens_at=time(opens), closes_at=time(opens + 3),
    )  # fmt: skip
    first, last = day_bounds(day, ZoneInfo(zone))
    assert all(first <= one < last for one in found)
    assert all(after - before >= timedelta(minutes=minutes) for before, after in pairwise(found))
