"""The rules that every consent keeps, whichever door it came through."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.consents.tables import CATEGORIES, PURPOSES
from domain.consents.terms import LONGEST, SECTION_NAMES, Reader, Terms
from domain.errors import Invalid

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
TERMS = Terms(("TREAT",), ("labs",), (), None, None, NOW + timedelta(days=30), None)
APP = Reader("app", None, "steps", "Steps")
CLINIC = Reader("written_request", UUID(int=1), None, "Clinic")

days = st.none() | st.dates(date(1900, 1, 1), date(2100, 1, 1)).map(lambda day: day.isoformat())
instants = st.integers(10, 1500).map(lambda number: NOW + timedelta(days=number))
anything = st.builds(
    Terms,
    purposes=st.lists(st.sampled_from(PURPOSES), min_size=1, max_size=3).map(tuple),
    sections=st.lists(st.sampled_from(SECTION_NAMES), min_size=1, max_size=4).map(tuple),
    sensitive=st.lists(st.sampled_from(CATEGORIES), max_size=3).map(tuple),
    data_from=days,
    data_to=days,
    valid_until=instants,
    erase_by=st.none() | instants,
)


def field_of(terms: Terms) -> str | None:
    """The field that is refused."""
    try:
        terms.checked(NOW)
    except Invalid as refused:
        return refused.field
    return None


def test_equal_terms_look_equal_however_they_were_told():
    told = replace(
        TERMS, sections=("vitals", "labs", "labs"), sensitive=("MENTAL", "HIV"), purposes=("CAREMGT", "TREAT")
    )
    checked = told.checked(NOW)
    assert checked.sections == ("labs", "vitals")
    assert checked.sensitive == ("HIV", "MENTAL")
    assert checked.purposes == ("TREAT", "CAREMGT")
    assert checked == checked.checked(NOW)
    assert replace(TERMS, valid_until=TERMS.valid_until + timedelta(microseconds=5)).checked(NOW) == TERMS


@pytest.mark.parametrize("alone", ["HPAYMT", "PUBHLTH", "HRESCH"])
@pytest.mark.parametrize("beside", ["TREAT", "CAREMGT", "PATRQT", "HRESCH", "HPAYMT"])
def test_no_bundling(alone: str, beside: str):
    """NĐ 356/2025 Đ6: research or payment is never tied to treatment."""
    assert field_of(replace(TERMS, purposes=(alone,))) is None
    assert field_of(replace(TERMS, purposes=(alone, beside))) == (None if alone == beside else "purposes")


@pytest.mark.parametrize(
    ("end", "is_fine"),
    [
        (NOW, False),
        (NOW + timedelta(seconds=1), True),
        (NOW + LONGEST, True),
        (NOW + LONGEST + timedelta(seconds=1), False),
        (datetime(2027, 1, 1), False),  # noqa: DTZ001 -- that it has no zone is the case
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-14))), False),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), False),
    ],
)
def test_it_ends_in_the_future_and_not_for_ever_after(end: datetime, is_fine: bool):
    assert field_of(replace(TERMS, valid_until=end)) == (None if is_fine else "validUntil")


def test_a_reader_may_have_the_purposes_of_his_kind():
    research = replace(TERMS, purposes=("HRESCH",))
    for reader in (APP, CLINIC):
        assert research.checked_for(reader, NOW)
    with pytest.raises(Invalid):
        TERMS.checked_for(APP, NOW)
    with pytest.raises(Invalid):
        replace(TERMS, purposes=("PATRQT",)).checked_for(CLINIC, NOW)


@given(one=anything, other=anything)
def test_within_is_an_order(one: Terms, other: Terms):
    assert one.is_within(one)
    if one.is_within(other) and other.is_within(one):
        assert set(one.sections) == set(other.sections)
        assert (one.data_from, one.data_to, one.valid_until) == (other.data_from, other.data_to, other.valid_until)


@given(terms=anything, more=anything)
def test_what_is_taken_together_holds_both(terms: Terms, more: Terms):
    both = replace(
        terms,
        purposes=(*terms.purposes, *more.purposes),
        sections=(*terms.sections, *more.sections),
        sensitive=(*terms.sensitive, *more.sensitive),
        data_from=None,
        data_to=None,
        valid_until=max(terms.valid_until, more.valid_until),
        erase_by=None,
    )
    assert terms.is_within(both)
    assert more.is_within(both)


@given(terms=anything)
def test_checking_names_a_field_or_gives_something_that_stays(terms: Terms):
    if field_of(terms) is None:
        checked = terms.checked(NOW)
        assert checked.checked(NOW) == checked
        assert set(checked.sections) == set(terms.sections)
        assert checked.is_within(terms)
