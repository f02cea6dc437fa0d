"""Names that strangers give their clients."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.clients.names import OFFICIAL, is_plain_text, refusal, resembles_official

LEET = str.maketrans("oeias", "03145")


@pytest.mark.parametrize(
    "name", ["Ứng dụng Cam", "Nhật ký đường huyết", "My Diabetes App", "Đồ án nhóm 7 (K65)", "abc"]
)
def test_ordinary_names_are_taken(name):
    assert refusal(name) is None
    assert refusal(unicodedata.normalize("NFD", name)) is None


@pytest.mark.parametrize("word", OFFICIAL)
def test_35_official_names_are_not(word):
    """Abuse case 35: a dynamic client posing as somebody official, however it is written."""
    plain = "".join(c for c in unicodedata.normalize("NFD", word) if unicodedata.category(c) != "Mn").replace("đ", "d")
    for name in (
        word,
        f"{word} Chợ Rẫy",
        word.upper(),
        unicodedata.normalize("NFD", word),
        plain,
        plain.lower().translate(LEET),
        "".join(f"{c}." for c in plain if c != " "),
        "".join(c * 2 for c in plain),
        plain.replace("i", "l").replace("I", "l"),
        f"App {plain.replace(' ', '')}",
    ):
        assert resembles_official(name), name
        assert refusal(name), name


@pytest.mark.parametrize(
    "name",
    [
        "Вệnh viện",  # Cyrillic
        "Ｂệnh viện",  # full width
        "𝐇𝐨𝐬𝐩𝐢𝐭𝐚𝐥",  # mathematical
        "Ηospital",  # Greek
        "ʙệnh viện",  # small capital
        "Hospıtal",  # dotless i
        "Hos\u00adpital",
        "Hos\u200bpital",
        "Hos\u2060pital",
        "latipsoH \u202e",
        "\u202eabc",
        "abc\x00",
        "abc\nabc",
        "\ud800abc",
        "abc\ue000",
        "بيت الصحة",
        "a\u0301\u0302\u0303\u0304bc",
        " abc",
        "abc ",
        "a  b c",
        "ab",
        "",
        "x" * 61,
        "<b>abc</b>",
        'abc"',
        "☤ abc",
    ],
)
def test_35_names_that_deceive_the_eye_are_not(name):
    """Abuse case 35: letters that only look like ours, hidden or turning characters."""
    assert refusal(name)


def test_the_reason_is_told():
    assert "official" in refusal("Bệnh viện Bạch Mai")
    assert "Vietnamese and English" in refusal("Вệnh viện")


@given(st.text(max_size=80))
def test_any_text_gets_an_answer_and_what_is_taken_is_plain(name):
    if refusal(name) is None:
        assert is_plain_text(name)
        assert not resembles_official(name)
        assert all(ord(c) < 0x300 or unicodedata.name(c).startswith(("LATIN", "COMBINING")) for c in name)
