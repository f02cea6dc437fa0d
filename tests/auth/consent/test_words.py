"""Every page has its words in both languages, written as Vietnamese is."""

import string
import unicodedata

from auth.consent.screen import Block, blocks
from auth.consent.words import CONTENTS, WORDS
from domain.sections import SECTIONS


def test_every_section_says_what_is_in_it():
    assert set(CONTENTS) == {section.name for section in SECTIONS}
    assert all(words["vi"] and words["en"] for words in CONTENTS.values())


def test_both_languages_say_the_same_things_about_the_same_things():
    assert WORDS["vi"].keys() == WORDS["en"].keys()
    for name, text in WORDS["vi"].items():
        assert _fields(text) == _fields(WORDS["en"][name]), name


def test_words_are_composed_characters():
    texts = [*WORDS["vi"].values(), *(words["vi"] for words in CONTENTS.values())]
    assert all(unicodedata.is_normalized("NFC", text) for text in texts)


def test_a_text_becomes_lines_and_lists_with_nothing_lost():
    assert blocks("Ai: A (mã: b)\nĐể làm gì:\n- một\n- hai: ba\n\nHết.\n") == [
        Block("Ai:", " A (mã: b)"),
        Block("Để làm gì:", "", ["một", "hai: ba"]),
        Block("", "Hết."),
    ]


def _fields(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
