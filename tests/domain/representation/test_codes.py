"""The delegate's code: long enough not to be guessed, short enough to be read aloud."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.representation.codes import ALPHABET, GROUP, LENGTH, code_hash, new_code


def test_a_code_has_at_least_forty_bits_in_groups():
    assert len(ALPHABET) ** LENGTH >= 2**40
    codes = {new_code() for _ in range(200)}
    assert len(codes) == 200
    assert all([len(part) for part in code.split("-")] == [GROUP] * (LENGTH // GROUP) for code in codes)


@pytest.mark.parametrize(
    "typed", ["0000-1111-ABCD", "0000 1111 abcd", "OooO-iIlL-abcd", "00001111ABCD", " 0000-1111-ABCD\n"]
)
def test_a_code_is_the_same_however_it_is_typed(typed):
    assert code_hash(typed) == code_hash("0000-1111-ABCD") is not None


@pytest.mark.parametrize(
    "typed", ["", "0000-1111", "0000-1111-ABCU", "0" * 10_000, "0000\x001111ABCD", "\ud800" * 12, "Đ" * 12]
)
def test_what_cannot_be_a_code_is_none(typed):
    assert code_hash(typed) is None


@given(st.text())
def test_no_text_breaks_it(typed):
    hashed = code_hash(typed)
    assert hashed is None or len(hashed) == 32
