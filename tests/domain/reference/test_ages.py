from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.reference import ages
from domain.reference.tables import table

TODAY = date(2026, 11, 21)


def test_the_ages_are_data_with_a_source_each():
    content = table("ages")
    assert {row["name"] for row in content["rows"]} == set(content["source"])
    assert (ages.CHILD_AGREES_FROM, ages.PRIVATE_FROM, ages.ALONE_FROM, ages.ADULT_AT) == (7, 15, 16, 18)


@pytest.mark.parametrize(
    ("born", "surely", "perhaps"),
    [
        ("2019-11-21", True, True),
        ("2019-11-22", False, False),
        ("2019-10", True, True),
        ("2019-11", False, True),
        ("2019-12", False, False),
        ("2018", True, True),
        ("2019", False, True),
        ("2020", False, False),
        (None, False, True),
        ("2019-11-21T23:59:59+07:00", True, True),
    ],
)
def test_seven_years_by_a_birth_date_that_may_be_partial(born, surely, perhaps):
    assert ages.surely(7, born, TODAY) is surely
    assert ages.perhaps(7, born, TODAY) is perhaps


def test_who_was_born_on_29_february_is_of_age_on_1_march():
    assert ages.birthday(date(2008, 2, 29), 18) == date(2026, 3, 1)
    assert ages.birthday(date(2008, 2, 29), 20) == date(2028, 2, 29)


@given(born=st.dates(date(1900, 1, 1), date(2030, 1, 1)), age=st.integers(0, 120), days=st.integers(-400, 400))
def test_the_less_is_known_the_less_is_sure_and_the_more_may_be(born, age, days):
    today = ages.birthday(born, age) + timedelta(days=days)
    whole = born.isoformat()
    for text in (whole, whole[:7], whole[:4]):
        assert ages.surely(age, text, today) <= (days >= 0) <= ages.perhaps(age, text, today)
    assert ages.surely(age, whole, today) == ages.perhaps(age, whole, today) == (days >= 0)
