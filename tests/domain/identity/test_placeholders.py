import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.identity.placeholders import is_placeholder

NOBODY = [
    "CON BÀ NGUYỄN THỊ HOA", "Con ba Nguyen Thi Hoa", "CON CỦA TRẦN THỊ MAI", "Con trai chị Lan", "CB TRẦN THỊ MAI",
    "C/B Lê Thị Tư", "BÉ GÁI", "be trai", "TRẺ SƠ SINH", "Sơ sinh 2", "Nguyễn Thị Hoa - sơ sinh",
    "NGUYỄN THỊ HOA (CON)", "KHÔNG TÊN", "VÔ DANH", "VO DANH NAM", "Chưa đặt tên", "Unknown", "Baby of Hoa",
    "", "   ", "?", "12345", "\u200b",
]  # fmt: skip
SOMEBODY = [
    "Nguyễn Thị Bé", "Nguyễn Văn Con", "Võ Danh", "Võ Danh Nam", "Nguyễn Vô Kỵ", "Y Moan", "H'Hen Niê", "Hoa",
    "Côn Bảo", "Nguyễn Sơn Sinh", "Trẻo Thị Mai", "王小明",
]  # fmt: skip


@pytest.mark.parametrize("name", NOBODY)
def test_knows_names_that_are_nobodys(name):
    assert is_placeholder(name)
    assert is_placeholder(unicodedata.normalize("NFD", name.lower()))


@pytest.mark.parametrize("name", SOMEBODY)
def test_leaves_people_their_names(name):
    assert not is_placeholder(name)
    assert not is_placeholder(unicodedata.normalize("NFD", name.upper()))


@settings(deadline=None)
@given(st.text(max_size=60))
def test_never_raises(text):
    assert is_placeholder(text) in (True, False)
