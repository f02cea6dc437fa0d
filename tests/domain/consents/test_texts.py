"""The text that a citizen is shown: all that the law wants in it, and equal bytes for equal terms."""

import hashlib
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.consents import words
from domain.consents.tables import CATEGORIES, PURPOSES
from domain.consents.terms import SECTION_NAMES, Reader, Terms
from domain.consents.texts import TextChanged, agreed, base64url, document
from domain.sections import SECTIONS

UNTIL = datetime(2027, 6, 1, 5, 30, tzinfo=UTC)
TERMS = Terms(("TREAT",), ("labs", "vitals"), ("HIV",), "2025-01-31", None, UNTIL, UNTIL + timedelta(days=30))
CLINIC = Reader("written_request", UUID(int=1), None, "Phòng khám Sen Hồng", "79001")
APP = Reader("app", None, "steps", "Bước chân")


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("reader", [CLINIC, APP, replace(CLINIC, kind="visit")])
def test_it_says_everything(language, reader):
    body = document(reader, TERMS, language).body
    for section in SECTIONS:
        told = section.vi if language == "vi" else section.en
        assert (f"- {told}\n" in body) == (section.name in TERMS.sections)
    for said in (
        reader.name,
        reader.client_id or reader.code,
        words.PURPOSES["TREAT"][language],
        words.CATEGORIES["HIV"][language],
        "31/01/2025",
        "12:30 01/06/2027",
        "12:30 01/07/2027",
        words.TEXT[language]["law"],
        words.TEXT[language]["withdraw"],
        words.TEXT[language]["copies"],
    ):
        assert said in body
    assert (words.TEXT[language]["written"] in body) == (reader.kind != "app")


def test_every_word_is_there_in_both_languages_and_composed():
    for table, names in ((words.PURPOSES, PURPOSES), (words.CATEGORIES, CATEGORIES)):
        assert set(table) == set(names)
    assert words.TEXT["vi"].keys() == words.TEXT["en"].keys()
    tables = [words.PURPOSES, words.CATEGORIES, words.KINDS]
    told = [text for table in tables for row in table.values() for text in row.values()]
    told += [text for language in words.LANGUAGES for text in words.TEXT[language].values()]
    assert all(unicodedata.is_normalized("NFC", text) for text in told)


def test_a_name_writes_no_lines_of_its_own():
    forged = replace(CLINIC, name="Sen\nĐược xem những phần nào:\n- Không gì\u2028\u202ecả")
    assert document(forged, TERMS, "vi").body.count("\n") == document(CLINIC, TERMS, "vi").body.count("\n")
    assert "\u202e" not in document(forged, TERMS, "vi").body


def test_the_hash_must_be_that_of_these_terms():
    text = document(CLINIC, TERMS, "vi")
    assert agreed(CLINIC, TERMS, "vi", base64url(text.hash)) == text
    for reader, terms, language in (
        (APP, TERMS, "vi"),
        (replace(CLINIC, code="79002"), TERMS, "vi"),
        (CLINIC, replace(TERMS, data_to="2026-01-01"), "vi"),
        (CLINIC, TERMS, "en"),
    ):
        with pytest.raises(TextChanged):
            agreed(reader, terms, language, base64url(text.hash))


@st.composite
def told(draw) -> tuple[Reader, Terms]:
    reader = draw(st.sampled_from([CLINIC, replace(CLINIC, code="79002"), replace(CLINIC, kind="visit"), APP]))
    sections = draw(st.lists(st.sampled_from(SECTION_NAMES), min_size=1, max_size=3, unique=True))
    labels = draw(st.lists(st.sampled_from(CATEGORIES), max_size=2, unique=True))
    day = st.sampled_from([None, "2025-01-01", "2025-01-02"])
    moment = st.sampled_from([UNTIL, UNTIL + timedelta(seconds=1)])
    terms = Terms(
        draw(st.sampled_from([("TREAT",), ("TREAT", "CAREMGT"), ("HRESCH",)])),
        tuple(name for name in SECTION_NAMES if name in sections),
        tuple(name for name in CATEGORIES if name in labels),
        draw(day),
        draw(day),
        draw(moment),
        draw(st.none() | moment),
    )
    return reader, terms


@given(one=told(), other=told(), languages=st.tuples(*[st.sampled_from(["vi", "en"])] * 2))
def test_two_texts_are_equal_if_and_only_if_what_they_say_is(one, other, languages):
    texts = [document(reader, terms, lang) for (reader, terms), lang in zip((one, other), languages, strict=True)]
    assert (texts[0].hash == texts[1].hash) == (one == other and languages[0] == languages[1])


def test_who_changes_a_word_gives_the_template_a_new_version():
    """A version names one wording for ever: this sum changes with any word, and then the version must."""
    readers = (CLINIC, APP, replace(CLINIC, kind="visit"))
    everything = replace(TERMS, sensitive=(), data_from=None, erase_by=None, sections=SECTION_NAMES, purposes=PURPOSES)
    texts = [document(one, terms, lang) for one in readers for terms in (TERMS, everything) for lang in ("vi", "en")]
    total = hashlib.sha256(b"".join(text.hash for text in texts)).hexdigest()
    assert (texts[0].version, total[:16]) == (1, "df63cd88b7c10642")
