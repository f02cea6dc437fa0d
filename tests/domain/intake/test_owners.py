"""When a proved person and a patient are one without any doubt; the database side is in tests/api/test_citizens.py."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.evidence import Candidate
from domain.identity.identifiers import Identifier, IdentifierKind
from domain.intake.owners import agrees, proved
from domain.values import new_id

NUMBER = Identifier(IdentifierKind.CCCD, "001155000123")
CLAIM = proved("001155000123", "Nguyễn Thị Chàm", "1955-03-14", "female")
KNOWN = Candidate(
    new_id(), identifiers=(NUMBER,), names=("NGUYỄN THỊ CHÀM",), birth_dates=("1955-03-14",), sexes=("female",)
)


def test_agrees_where_all_senders_do():
    assert CLAIM is not None
    assert agrees(CLAIM, KNOWN)


@pytest.mark.parametrize(
    "more",
    [
        {"birth_dates": ("1955-03-14", "1955")},
        {"birth_dates": ("1955-03-14", "1955-01-01")},
        {"birth_dates": ("1955-03-14T07:30:00+07:00", "1955-03")},
        {"names": ("NGUYEN THI CHAM", "BỆNH NHÂN")},
        {"sexes": ()},
        {"sexes": ("unknown",)},
    ],
)
def test_what_is_only_less_known_does_not_disagree(more):
    assert agrees(CLAIM, replace(KNOWN, **more))


@pytest.mark.parametrize(
    "more",
    [
        {"birth_dates": ("1955",)},
        {"birth_dates": ()},
        {"birth_dates": ("1955-03-14", "1955-03-15")},
        {"birth_dates": ("1955-03-14", "1955-04")},
        {"birth_dates": ("1955-03-14", "1956-01-01")},
        {"names": ()},
        {"names": ("BỆNH NHÂN",)},
        {"names": ("NGUYỄN THỊ CHÀM", "TRẦN VĂN LAM")},
        {"names": ("NGUYỄN THỊ CHÂN",)},
        {"sexes": ("male",)},
        {"identifiers": ()},
        {"identifiers": (NUMBER, Identifier(IdentifierKind.CCCD, "001155000124"))},
        {"identifiers": (Identifier(IdentifierKind.CCCD, "001155000124"),)},
    ],
)
def test_one_sender_who_says_otherwise_is_enough_to_wait(more):
    assert not agrees(CLAIM, replace(KNOWN, **more))


@pytest.mark.parametrize(
    "told",
    [
        ("001155000123", "Nguyễn Thị Chàm", "1965-03-14", "female"),
        ("001155000123", "Nguyễn Thị Chàm", "1955-03-14", "male"),
        ("111111111111", "Nguyễn Thị Chàm", "1955-03-14", None),
        ("000123456780", "Nguyễn Thị Chàm", "1955-03-14", None),
        ("001155000123", "BÉ GÁI", "1955-03-14", "female"),
        ("001155000123", "Nguyễn Thị Chàm", "14/03/1955", "female"),
    ],
)
def test_a_claim_that_contradicts_itself_is_none(told):
    assert proved(*told) is None


@given(st.text(max_size=20), st.text(max_size=30), st.text(max_size=12), st.none() | st.text(max_size=8))
def test_abuse_33_whatever_a_provider_says_is_a_claim_or_none(cccd, name, birth_date, sex):
    assert proved(cccd, name, birth_date, sex) is None
