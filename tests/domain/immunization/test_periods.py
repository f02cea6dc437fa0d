"""Ages and intervals by the calendar, and what a partial date may mean."""

from calendar import monthrange
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.immunization.periods import Period, Span

DAYS = st.dates(date(1900, 1, 1), date(2150, 12, 31))


@pytest.mark.parametrize(
    ("day", "period", "after"),
    [
        ("2025-12-31", "2m", "2026-02-28"),
        ("2023-12-31", "2m", "2024-02-29"),
        ("2024-02-29", "1y", "2025-02-28"),
        ("2025-01-31", "1m", "2025-02-28"),
        ("2025-11-30", "3m", "2026-02-28"),
        ("2025-01-15", "18m", "2026-07-15"),
        ("2025-12-31", "6w", "2026-02-11"),
        ("2025-12-31", "28d", "2026-01-28"),
        ("2025-12-31", "11y", "2036-12-31"),
    ],
)
def test_months_clip_to_the_end_of_the_month_and_weeks_are_exact(day, period, after):
    assert Period.read(period).after(date.fromisoformat(day)) == date.fromisoformat(after)


@given(DAYS, st.integers(0, 300))
def test_months_later_is_the_same_day_or_the_last_of_its_month(day, months):
    after = Period(months=months).after(day)
    assert (after.year * 12 + after.month) - (day.year * 12 + day.month) == months
    assert after.day == min(day.day, monthrange(after.year, after.month)[1])


@given(DAYS, st.integers(0, 300), st.integers(0, 300))
def test_later_days_and_longer_periods_never_end_sooner(day, months, days):
    period = Period(months, days)
    assert period.after(day) <= period.after(day + timedelta(days=1))
    assert period.after(day) < Period(months, days + 1).after(day)
    assert period.after(day) <= Period(months + 1, days).after(day)


@pytest.mark.parametrize("text", ["", "2", "m", "2 m", "-1d", "1.5m", "2M", "1000d", "٢m", "2m\n"])
def test_what_is_no_period_is_refused(text):
    with pytest.raises(ValueError, match="is no period"):
        Period.read(text)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("1955", "1955-01-01", "1955-12-31"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2024-02-29", "2024-02-29", "2024-02-29"),
        ("2025-03-14T07:30:00+07:00", "2025-03-14", "2025-03-14"),
    ],
)
def test_a_partial_date_is_all_the_days_it_may_mean(text, first, last):
    assert Span.read(text) == Span(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize("text", [None, "", "yesterday", "2025-02-30", "2025-13", "0000", "2025-1-1", "20250101"])
def test_what_is_no_date_is_none(text):
    assert Span.read(text) is None


def test_a_date_of_this_year_ends_today():
    assert Span.read("2026").until(date(2026, 3, 1)) == Span(date(2026, 1, 1), date(2026, 3, 1))
    assert Span.read("2027").until(date(2026, 3, 1)) == Span.read("2027")
