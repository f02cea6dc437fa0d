from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.exchange.qd4750 import dates
from domain.values import VIETNAM, PartialDate, instant, partial_date

DAYS = st.dates(date(1850, 1, 1), date(2200, 12, 31))


@pytest.mark.parametrize(
    ("digits", "born"),
    [
        ("195500000000", "1955"),
        ("195503000000", "1955-03"),
        ("195503140000", "1955-03-14"),
        ("202503140731", "2025-03-14T07:31:00+07:00"),
        ("19550314", "1955-03-14"),
        ("19550000", "1955"),
        ("19550300", "1955-03"),
    ],
)
def test_reads_a_birth_as_far_as_it_is_known(digits, born):
    assert dates.birth(digits) == born
    assert partial_date(born) == born


@pytest.mark.parametrize(
    "digits",
    [
        "198502310000",
        "198513010000",
        "198513000000",
        "002501010000",
        "198500150000",
        "198500001200",
        "198501012400",
        "198501011260",
        "1985",
        "",
        "1985-01-01",
        "19850101T0000",
        "１９８５０１０１００００",
        "000000000000",
    ],
)
def test_refuses_births_that_cannot_be(digits):
    with pytest.raises(ValueError) as broken:
        dates.birth(digits)
    assert not digits or digits not in str(broken.value)


@given(st.builds(datetime.combine, DAYS, st.times(), st.just(VIETNAM)))
def test_reads_every_minute_as_an_instant_of_vietnam(moment):
    assert dates.moment(moment.strftime("%Y%m%d%H%M").zfill(12)) == instant(moment.replace(second=0))


@given(DAYS)
def test_reads_a_day_of_either_length(on):
    digits = on.isoformat().replace("-", "")
    assert dates.day(digits) == dates.moment(digits) == dates.day(digits + "2359") == on.isoformat()


@given(st.lists(st.one_of(st.none(), DAYS), min_size=1))
def test_keeps_the_places_of_parallel_days(places):
    text = ";".join(on.isoformat().replace("-", "") if on else " " for on in places)
    assert dates.parallel_days(text) == tuple(on and on.isoformat() for on in places)
    assert dates.days(text) == tuple(on.isoformat() for on in places if on)


@given(st.text(max_size=14))
def test_answers_or_refuses_any_text(text):
    for read in (dates.birth, dates.moment, dates.day, dates.days):
        try:
            read(text)
        except ValueError:
            continue


@given(DAYS.filter(lambda on: on.year < 2200), st.integers(1, 400))
def test_orders_dates_as_far_as_both_are_known(on, later):
    after = PartialDate((on + timedelta(days=later)).isoformat())
    whole = PartialDate(on.isoformat())
    assert dates.is_before(whole, after)
    assert not dates.is_before(after, whole)
    assert not dates.is_before(whole, PartialDate(whole[:4]))
