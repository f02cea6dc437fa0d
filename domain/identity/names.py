"""Vietnamese names made comparable: one person's name as five systems spell it.

Three keys, from strict to loose, each idempotent and equal for NFC and NFD input:

    name_key      Nguyễn Thị Hoà, NGUYỄN THỊ HÒA   -> one key; a tone says which word, not where its mark stands
    letters_key   drops the five tones, keeps ă â ê ô ơ ư đ
    ascii_key     a-z and 0-9 only, as an SMS or a passport writes it

Order is family, middle, given, but not everywhere: one-word names and names such as Y Moan, H'Hen Niê and
K'Brêu are ordinary. Names that hospitals write for people who have none yet are in `placeholders.py`.
"""

import re
import unicodedata
from functools import lru_cache

_TONES = re.compile("[\u0300\u0301\u0303\u0309\u0323]")
_WRITTEN_OTHERWISE = str.maketrans(
    {"ð": "đ", "Ð": "Đ", "Ɖ": "Đ", "ɖ": "đ"} | dict.fromkeys("\u2018\u2019\u02bc\u02b9\u2032\uff07`\u00b4", "'")
)
_LATIN = str.maketrans({"đ": "d", "ø": "o", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})
_SPACES = frozenset("\t\n\v\f\r\u0085")
_UNUSUAL = re.compile("[^ -~\u00a1-\u00ac\u00ae-\u036f\u1ea0-\u1ef9]")
_NOT_ASCII = re.compile(r"[^a-z0-9 ]")
_LONGEST_NAME = 255  # characters: QĐ 4750 XML1 HO_TEN
_NOT_PLAIN = re.compile("[^a-z0-9\u0300-\u036f đ]")


def clean(name: str) -> str:
    """The name in NFC, look-alikes of đ put right, without control and zero-width characters or stray spaces."""
    text = _UNUSUAL.sub(_visible, name.translate(_WRITTEN_OTHERWISE))
    words = unicodedata.normalize("NFC", text).split()
    return " ".join(words).strip(" .,;")


def _visible(found: re.Match[str]) -> str:
    c = found.group()
    if c in _SPACES:
        return " "
    return "" if unicodedata.category(c).startswith("C") else c


def name_key(name: str) -> str:
    """Casefolded words, each with its tone moved to the end: hoà, hòa and HOÀ agree; hoa, hóa do not."""
    return " ".join(_toned(word) for word in words(name))


def letters_key(name: str) -> str:
    """Casefolded words without tones, in their order; ơ is still not o."""
    return " ".join(unicodedata.normalize("NFC", _without_tones(word)) for word in words(name))


def ascii_key(name: str) -> str:
    """Words of a-z and 0-9, in their order; empty for a name in another script."""
    return " ".join(ascii_words(name))


def ascii_words(name: str) -> list[str]:
    return _NOT_ASCII.sub("", " ".join(words(name)).translate(_LATIN)).split()


def words(name: str) -> list[str]:
    """Casefolded words in NFKD: letters, marks and digits. An apostrophe joins (H'Hen), all else separates."""
    return list(_remembered(name)) if len(name) <= _LONGEST_NAME else _words(name)


@lru_cache(maxsize=16_384)
def _remembered(name: str) -> tuple[str, ...]:
    """The same people come again and again in one import."""
    return tuple(_words(name))


def _words(name: str) -> list[str]:
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", clean(name)).casefold())
    return [word for word in _NOT_PLAIN.sub(_kept, text.replace("'", "")).split() if any(c.isalnum() for c in word)]


def _kept(found: re.Match[str]) -> str:
    c = found.group()
    return c if unicodedata.category(c)[0] in "LMN" else " "


def _toned(word: str) -> str:
    return unicodedata.normalize("NFC", _without_tones(word) + "".join(sorted(_TONES.findall(word))))


def _without_tones(word: str) -> str:
    return _TONES.sub("", word)


def is_unmarked(name: str) -> bool:
    """Nothing in the name tells whether its sender could write diacritics at all."""
    return all(word.isascii() for word in words(name))


def family(name: str) -> str:
    """ASCII form of the first word, empty for an empty name."""
    return next(iter(ascii_words(name)), "")


def given(name: str) -> str:
    """ASCII form of the last word, the one people are called by; empty for an empty name."""
    return next(reversed(ascii_words(name)), "")


def same_letters(a: str, b: str) -> bool:
    """The same letters in any order: swapped order, glued words and lost marks agree. Empty names never do."""
    left, right = (sorted("".join(ascii_words(name) or words(name))) for name in (a, b))
    return bool(left) and left == right


def same_spelling(a: str, b: str) -> bool:
    """The same words in the same order, tones too unless one of the two was written without any marks."""
    if is_unmarked(a) or is_unmarked(b):
        return ascii_key(a) == ascii_key(b) != ""
    return name_key(a) == name_key(b) != ""


def compatible(a: str, b: str) -> bool:
    """May two spellings be one person's? The gate that every automatic link beside an identifier must pass.

    Same letters in any order; or family and given name together within one edit, and the middle name absent
    on one side or within two edits. A one-letter word must be equal: Y and K are different people.
    """
    if same_letters(a, b):
        return True
    left, right = ascii_words(a), ascii_words(b)
    if min(len(left), len(right)) <= 1:
        return len(left) == len(right) == 1 and _word_edits(left[0], right[0]) <= 1
    ends = _word_edits(left[0], right[0]) + _word_edits(left[-1], right[-1])
    return ends <= 1 and _middles_agree("".join(left[1:-1]), "".join(right[1:-1]))


def _middles_agree(a: str, b: str) -> bool:
    return not a or not b or edits(a, b, 2) <= 2  # noqa: PLR2004 the gate's own number, stated above


def _word_edits(a: str, b: str) -> int:
    if min(len(a), len(b)) == 1:
        return 0 if a == b else 2
    return edits(a, b, 1)


def edits(a: str, b: str, limit: int) -> int:
    """Levenshtein distance counted up to `limit` + 1; at most 3 ** `limit` passes over the text."""
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    a, b = a[start:], b[start:]
    if not (a and b):
        return min(len(a) + len(b), limit + 1)
    if limit == 0:
        return 1
    rest = min(edits(x, y, limit - 1) for x, y in ((a[1:], b), (a, b[1:]), (a[1:], b[1:])))
    return min(rest, limit) + 1
