from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.synthetic.catalogue import SCHEDULE, VACCINES
from domain.synthetic.facilities import areas
from domain.synthetic.people import Builder, Family, Home
from domain.synthetic.vaccination import add_months, doses
from tests.domain.synthetic.conftest import TODAY

AREA = areas(1, 10)[0]


def _person(age, sex="female"):
    return Builder(Family(9, Home(AREA, AREA.communes[0], "Thôn 1")), Random(2), TODAY).person("child", sex, age)


@pytest.mark.parametrize(
    ("on", "months", "then"),
    [
        (date(2025, 12, 31), 2, date(2026, 2, 28)),
        (date(2023, 12, 31), 2, date(2024, 2, 29)),
        (date(2026, 1, 15), 18, date(2027, 7, 15)),
        (date(2026, 11, 30), 1, date(2026, 12, 30)),
    ],
)
def test_months_end_where_the_calendar_does(on, months, then):
    assert add_months(on, months) == then


@given(st.integers(), st.floats(0.1, 16), st.sampled_from(["male", "female"]))
@settings(max_examples=60)
def test_no_dose_of_a_child_comes_early_or_late_in_time(seed, age, sex):
    child = _person(age, sex)
    due = {(VACCINES[entry.vaccine].cvx, entry.dose): entry for entry in SCHEDULE}
    last: dict[str, date] = {}
    for dose in doses(Random(seed), child, TODAY):
        entry = due[dose.vaccine.cvx, dose.number]
        assert add_months(child.born.date(), entry.months) <= dose.given_on < TODAY
        assert dose.expires_on > dose.given_on
        if dose.vaccine.cvx in last:
            assert dose.given_on - last[dose.vaccine.cvx] >= timedelta(days=7)
        last[dose.vaccine.cvx] = dose.given_on


def test_boys_are_not_given_hpv():
    everyone = [dose for seed in range(30) for dose in doses(Random(seed), _person(14, "male"), TODAY)]
    assert everyone
    assert all("HPV" not in dose.vaccine.antigens for dose in everyone)


def test_most_children_are_nearly_complete_and_some_missed_a_dose():
    counts = [len(doses(Random(seed), _person(3), TODAY)) for seed in range(60)]
    assert max(counts) == 21
    assert min(counts) < 21
    assert sum(counts) / len(counts) > 18


def test_some_doses_are_reported_by_two_facilities():
    given_ = [dose for seed in range(40) for dose in doses(Random(seed), _person(40), TODAY)]
    twice = [dose for dose in given_ if len(dose.reported_by) == 2]
    assert 0 < len(twice) < len(given_) / 4
    assert all(dose.reported_by[0] is not dose.reported_by[1] for dose in twice)


def test_nothing_is_given_in_the_future():
    assert not doses(Random(1), _person(40), date(2021, 6, 1))
