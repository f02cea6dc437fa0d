"""When a pass is made, when one comes with it, and which hour of arrival is believed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.appointments.passes import EARLIEST, LATE, LEEWAY, LONGEST, OLDEST, Window, noted, window
from domain.appointments.rules import day_bounds
from domain.errors import Invalid

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
NOON = datetime(2026, 11, 24, 5, tzinfo=UTC)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
minutes = st.integers(5, 720)
within = st.integers(-3 * 24 * 3600, 3 * 24 * 3600).map(lambda s: timedelta(seconds=s))


@given(starts=moments, length=minutes, off=within, zone=st.sampled_from([VIETNAM, ZoneInfo("Europe/Berlin")]))
def test_a_pass_is_good_on_the_day_of_its_appointment_and_never_longer_than_a_day(starts, length, off, zone):
    ends, now = starts + timedelta(minutes=length), starts + off
    valid = window(starts, ends, zone, now)
    first, last = day_bounds(starts.astimezone(zone).date(), zone)
    if valid is None:
        assert now < starts - EARLIEST or now >= min(max(starts + LATE, ends), last)
        return
    assert max(now, first) <= valid.begins < valid.ends <= min(last, now + LONGEST)
    assert valid.begins <= max(now, starts)
    assert valid.ends > starts


@given(starts=moments, length=minutes)
def test_who_made_it_in_time_may_come_when_his_appointment_begins(starts, length):
    valid = window(starts, starts + timedelta(minutes=length), VIETNAM, starts - EARLIEST)
    assert valid is not None
    assert valid.begins <= starts < valid.ends


def test_the_window_of_an_appointment_at_noon():
    evening = NOON - timedelta(hours=18)
    midnight = datetime(2026, 11, 23, 17, tzinfo=UTC)
    half = timedelta(minutes=30)
    assert window(NOON, NOON + half, VIETNAM, evening) == Window(midnight, NOON + LATE)
    assert window(NOON, NOON + timedelta(hours=4), VIETNAM, NOON) == Window(NOON, NOON + timedelta(hours=4))
    assert window(NOON, NOON + half, VIETNAM, NOON - EARLIEST - timedelta(seconds=1)) is None
    assert window(NOON, NOON + half, VIETNAM, NOON + LATE) is None


@given(now=moments, age=st.integers(0, 3 * 24 * 3600), off=within | st.none())
def test_the_hour_of_arrival_is_never_before_the_pass_in_the_future_or_a_day_old(now, age, off):
    made, told = now - timedelta(seconds=age), None if off is None else now + off
    try:
        came = noted(told, made, now)
    except Invalid:
        assert told is not None
        assert told < made - LEEWAY or told > now + LEEWAY or now - told > OLDEST - LEEWAY
        return
    assert made <= came <= now
    assert now - came < OLDEST
    assert abs(came - (told or now)) <= LEEWAY


@given(now=moments, age=st.integers(0, 24 * 3600 - 121), share=st.floats(0, 1))
def test_every_hour_between_the_making_and_now_is_taken_as_it_was_told(now, age, share):
    made = now - timedelta(seconds=age)
    told = made + (now - made) * share
    assume(made <= told <= now)
    assert noted(told, made, now) == told


@pytest.mark.parametrize("told", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_the_ends_of_the_calendar_are_no_hour_of_arrival(told):
    with pytest.raises(Invalid):
        noted(told, NOON, NOON)
