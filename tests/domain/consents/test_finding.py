"""Who stands at the desk: what must agree, and what one answer hides."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.consents.finding import Known, agreeing, told
from domain.errors import Invalid
from domain.identity.identifiers import IdentifierKind

CCCD = "001189012345"
ONE, OTHER = UUID(int=1), UUID(int=2)
ASKED = told(CCCD, "Nguyễn Thị Hòa", "1989-03-14")


def test_all_three_agreeing_find_the_one_patient() -> None:
    assert agreeing(ASKED, [Known(ONE, "Nguyễn Thị Hòa", "1989-03-14")]) == ONE


@pytest.mark.parametrize("written", ["NGUYỄN THỊ HOÀ", "nguyen thi hoa", "Nguyễn Thị Hoa", "HOÀ NGUYỄN THỊ"])
def test_names_agree_whatever_became_of_their_tones(written: str) -> None:
    assert agreeing(told(CCCD, written, "1989-03-14"), [Known(ONE, "Nguyễn Thị Hòa", "1989-03-14")]) == ONE


@pytest.mark.parametrize(
    "known",
    [
        Known(ONE, "Trần Văn Nam", "1989-03-14"),
        Known(ONE, "Nguyễn Thị Hòa", "1989-03-15"),
        Known(ONE, "Nguyễn Thị Hòa", "1988"),
        Known(ONE, "Nguyễn Thị Hòa", None),
        Known(ONE, None, "1989-03-14"),
        Known(ONE, "CON BÀ NGUYỄN THỊ HÒA", "1989-03-14"),
    ],
)
def test_abuse_27_a_number_whose_name_or_birth_date_differs_finds_nobody(known: Known) -> None:
    assert agreeing(ASKED, [known]) is None


def test_abuse_27_two_whom_all_fits_are_nobody() -> None:
    assert agreeing(ASKED, [Known(ONE, "Nguyễn Thị Hòa", "1989"), Known(OTHER, "Nguyễn Thị Hoà", "1989-03-14")]) is None


def test_a_relative_who_uses_the_number_does_not_hide_its_owner() -> None:
    assert agreeing(ASKED, [Known(OTHER, "Lê Văn An", "2015-01-02"), Known(ONE, "Nguyễn Thị Hòa", "1989-03-14")]) == ONE


def test_two_reports_of_one_patient_are_one_patient() -> None:
    assert agreeing(ASKED, [Known(ONE, "Nguyễn Thị Hòa", "1989-03-14")] * 2) == ONE


@pytest.mark.parametrize("known", ["1989", "1989-03", "1989-03-14", "1989-03-14T07:30:00+07:00"])
def test_a_birth_date_agrees_in_all_that_the_record_knows(known: str) -> None:
    assert agreeing(ASKED, [Known(ONE, "Nguyễn Thị Hòa", known)]) == ONE


@pytest.mark.parametrize("said", ["1989", "1989-03"])
def test_abuse_27_less_of_a_birth_date_than_the_record_knows_is_not_enough(said: str) -> None:
    assert agreeing(told(CCCD, "Nguyễn Thị Hòa", said), [Known(ONE, "Nguyễn Thị Hòa", "1989-03-14")]) is None


@pytest.mark.parametrize(
    ("number", "kinds"),
    [
        (CCCD, [IdentifierKind.CCCD]),
        ("001 189 012 345", [IdentifierKind.CCCD]),
        ("DN4010123456780", [IdentifierKind.BHYT, IdentifierKind.BHXH]),
        ("0123456780", [IdentifierKind.BHXH]),
        ("TE1010123456780", [IdentifierKind.BHYT]),
    ],
)
def test_numbers_of_citizen_cards_and_insurance_cards_are_read(number: str, kinds: list[IdentifierKind]) -> None:
    assert [one.kind for one in told(number, "An", "1989").numbers] == kinds


@pytest.mark.parametrize(
    "number", ["", "123", "111111111111", "C1234567", "x" * 65, "00118901234\x00", "' or 1=1 --", "\ud800"]
)
def test_other_numbers_are_refused_before_anything_is_looked_up(number: str) -> None:
    with pytest.raises(Invalid) as refused:
        told(number, "Nguyễn Thị Hòa", "1989-03-14")
    assert refused.value.field == "number"


@pytest.mark.parametrize("name", ["", "   ", "123", "a" * 256, "Vô Danh", "\u200b"])
def test_names_that_are_nobodys_are_refused(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        told(CCCD, name, "1989-03-14")
    assert refused.value.field == "name"


@pytest.mark.parametrize("day", ["", "14/03/1989", "1989-02-30", "1989-03-14T07:30:00+07:00", "0001-01-01", "\x00"])
def test_birth_dates_that_are_none_are_refused(day: str) -> None:
    with pytest.raises(Invalid) as refused:
        told(CCCD, "Nguyễn Thị Hòa", day)
    assert refused.value.field == "birthDate"


@given(st.text(max_size=70), st.text(max_size=300), st.text(max_size=12))
def test_hostile_text_is_refused_or_read_and_never_breaks(number: str, name: str, day: str) -> None:
    try:
        asked = told(number, name, day)
    except Invalid:
        return
    assert agreeing(asked, [Known(ONE, "Nguyễn Thị Hòa", "1989-03-14")]) in (None, ONE)
