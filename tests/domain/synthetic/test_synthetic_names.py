import unicodedata
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.synthetic import names


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Nguyễn Thị Hòa", "Nguyễn Thị Hoà"),
        ("NGUYỄN THỊ HÒA", "NGUYỄN THỊ HOÀ"),
        ("Thúy Khỏe Thủy", "Thuý Khoẻ Thuỷ"),
        ("Hoàng Quý Toàn Thoại", "Hoàng Quý Toàn Thoại"),
        ("Nguyễn", "Nguyễn"),
    ],
)
def test_moves_the_tone_of_open_syllables_only(name, other):
    assert names.tone_on_last_vowel(name) == unicodedata.normalize("NFC", other)


@given(
    st.integers(),
    st.sampled_from(["male", "female"]),
    st.integers(1920, 2026),
    st.sampled_from(["01", *names.MINORITY_CODES]),
)
def test_every_name_is_composed_and_tidy(seed, sex, born, group):
    rng = Random(seed)
    name = names.full_name(rng, names.family_name(rng, group), sex, born, group)
    assert name == unicodedata.normalize("NFC", " ".join(name.split()))
    assert len(name) > 2
    assert unicodedata.normalize("NFC", names.decomposed(name)) == name
