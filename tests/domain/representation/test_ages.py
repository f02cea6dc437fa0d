"""When a parent's right changes and ends, over every birth date a record can hold."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.representation.ages import HOME_IS_SAFE, parental_right, reaches
from domain.values import VIETNAM, PartialDate

MOMENTS = st.dates(date(1850, 1, 1), date(2200, 1, 1)).map(lambda day: datetime.combine(day, time(), UTC))
DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))
FORMS = ("%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT07:30:00+07:00")
LONG_AGO = datetime(1850, 1, 1, tzinfo=UTC)


def written(day: date, form: str) -> PartialDate:
    return PartialDate(day.strftime(form))


def full_years(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


@given(DAYS)
def test_ends_with_the_first_moment_in_vietnam_of_the_day_of_full_age(born):
    right = parental_right(PartialDate(born.isoformat()), LONG_AGO)
    assert right.can_manage
    for age, moment in ((15, right.private_from), (18, right.valid_until)):
        local = moment.astimezone(VIETNAM)
        assert (local.hour, local.minute, local.second) == (0, 0, 0)
        assert full_years(born, local.date()) == age
        assert full_years(born, local.date() - timedelta(days=1)) == age - 1


@given(DAYS, st.sampled_from(FORMS))
def test_a_partial_date_never_keeps_a_right_longer_than_the_whole_one(born, form):
    told = parental_right(written(born, form), LONG_AGO)
    exact = parental_right(PartialDate(born.isoformat()), LONG_AGO)
    assert told.private_from <= exact.private_from
    assert told.valid_until <= exact.valid_until
    assert exact.valid_until - told.valid_until < timedelta(days=367)


@given(DAYS, st.sampled_from(FORMS), MOMENTS)
def test_there_is_a_right_as_long_as_it_would_not_be_over(born, form, now):
    birth = written(born, form)
    right = parental_right(birth, now)
    assert (right is None) == (reaches(birth, 18) <= now)
    if right is not None:
        assert right.private_from < right.valid_until
        assert now < right.valid_until


@pytest.mark.parametrize(
    ("birth", "private", "adult"),
    [
        ("2010-05-03", "2025-05-03", "2028-05-03"),
        ("2010-05", "2025-05-01", "2028-05-01"),
        ("2010", "2025-01-01", "2028-01-01"),
        ("2008-02-29", "2023-03-01", "2026-03-01"),
        ("2010-05-03T23:59:00+07:00", "2025-05-03", "2028-05-03"),
    ],
)
def test_known_days(birth, private, adult):
    right = parental_right(PartialDate(birth), LONG_AGO)
    assert right.private_from == datetime.fromisoformat(f"{private}T00:00:00+07:00")
    assert right.valid_until == datetime.fromisoformat(f"{adult}T00:00:00+07:00")


def test_an_adult_is_represented_by_no_parent():
    now = datetime(2026, 11, 21, 17, 0, tzinfo=UTC)  # the 22nd in Vietnam
    assert parental_right(PartialDate("2008-11-22"), now) is None
    assert parental_right(PartialDate("2008-11-22"), now - timedelta(seconds=1)) is not None


def test_a_violent_home_is_nothing_a_parent_reads_of():
    assert "VIOLENCE" not in HOME_IS_SAFE
    assert "HIV" in HOME_IS_SAFE


def test_a_birth_date_without_a_year_is_none():
    with pytest.raises(ValueError, match="year"):
        reaches(PartialDate(""), 18)
