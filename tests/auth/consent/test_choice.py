"""The rules of the consent form without a browser: days, ends, and what a choice becomes."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.consent.asking import Asked
from auth.consent.choice import PERIODS, UNTIL, Choice, last_day, months_later, problems, read_day, terms
from auth.requests import Malformed
from domain.consents.tables import CATEGORIES
from domain.values import VIETNAM

SCOPES = ("openid", "record:labs:read", "record:vitals:read")
DAYS = st.dates(min_value=date(1860, 1, 1), max_value=date(2190, 1, 1))
NOW = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)  # the 22nd in Vietnam


def asked(**changes):
    told = {
        "client_id": "diary-app",
        "client_name": "Nhật ký Cam",
        "kind": "third_party",
        "is_unreviewed": False,
        "organization_id": None,
        "organization": {},
        "scopes": SCOPES,
        "purpose": "PATRQT",
        "ui_locales": "",
        "redirect_uri": "http://127.0.0.1/callback",
        "needs_sign_in": False,
        "level": 0,
        "max_age": None,
        "is_strong": True,
        "obstacle": None,
    }
    return Asked(**told | changes)


@given(DAYS)
def test_a_day_is_read_as_calendars_send_it_and_as_people_write_it(day):
    for text in (day.isoformat(), f"{day:%d/%m/%Y}", f"{day.day}/{day.month}/{day.year}", f" {day:%d-%m-%Y} "):
        assert read_day(text) == day


@given(st.text(max_size=20))
def test_no_text_breaks_the_reading_of_a_day(text):
    day = read_day(text)
    assert day is None or 1850 <= day.year <= 2200


@pytest.mark.parametrize("text", ["", "2025-02-29", "31/04/2025", "0001-01-01", "9999-12-31", "2025-1-1", "１/1/2025"])
def test_what_is_no_day_is_none(text):
    assert read_day(text) is None


@given(DAYS, st.integers(min_value=-60, max_value=60))
def test_months_keep_the_day_or_take_the_last_of_the_month(day, months):
    later = months_later(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later.day < day.day and (later + timedelta(days=1)).day == 1)


def test_the_ends_that_are_offered():
    today = date(2024, 8, 31)
    assert [last_day(until, today) for until in UNTIL] == [date(2024, 9, 30), date(2025, 2, 28), date(2025, 8, 31)]


def test_days_are_counted_in_vietnam():
    agreed = terms(Choice(ticked=frozenset({"record:labs:read"})), asked(), NOW)
    assert agreed.data_from == "2025-11-22"
    assert agreed.valid_until.astimezone(VIETNAM).isoformat() == "2026-12-22T23:59:00+07:00"


def test_before_anybody_chose_it_is_the_least():
    choice = Choice()
    assert (choice.ticked, choice.sensitive) == (frozenset(), ())
    assert (choice.period, choice.until) == ("years_1", "days_30")


def test_everything_means_no_first_and_no_last_day():
    agreed = terms(Choice(frozenset({"record:labs:read"}), period="everything"), asked(), NOW)
    assert (agreed.data_from, agreed.data_to) == (None, None)


def test_days_of_a_choice_that_was_changed_again_do_not_count():
    choice = Choice(frozenset({"record:labs:read"}), period="years_1", first="nonsense", last="2020-01-01")
    assert problems(choice, asked()) == []
    assert terms(choice, asked(), NOW).data_to is None


VALUES = st.sampled_from([*SCOPES, "record:documents:read", *CATEGORIES, "*", "", *PERIODS, *UNTIL]) | st.text(
    max_size=30
)
FIELDS = st.sampled_from(["scope", "sensitive", "period", "until", "first", "last", "shown", "purposes"])


@given(st.lists(st.tuples(FIELDS, VALUES), max_size=40))
def test_6_no_form_gets_more_than_was_asked_and_ticked(form):
    try:
        choice = Choice.of(form, asked())
    except Malformed:
        return
    assert choice.ticked <= {"record:labs:read", "record:vitals:read"}
    assert choice.ticked <= {value for name, value in form if name == "scope"}
    assert set(choice.sensitive) <= {value for name, value in form if name == "sensitive"} & set(CATEGORIES)
    if not problems(choice, asked()):
        agreed = terms(choice, asked(), NOW)
        assert {f"record:{name}:read" for name in agreed.sections} == choice.ticked
        assert agreed.valid_until <= NOW + timedelta(days=367)


@given(st.sets(st.sampled_from(SCOPES[1:])), st.sampled_from(PERIODS), st.sampled_from(UNTIL), DAYS, DAYS)
def test_a_choice_survives_the_way_through_the_next_form(ticked, period, until, first, last):
    choice = Choice(frozenset(ticked), period, first.isoformat(), f"{last:%d/%m/%Y}", until, ("HIV",))
    assert Choice.of(choice.fields(asked()), asked()) == choice
