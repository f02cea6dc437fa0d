"""Vietnamese names with the frequencies of life: family, middle, given, by sex and by decade of birth.

Also the ways one name reaches a file: capitals, decomposed accents, and the two places a tone may stand
(hòa or hoà). Data in `names.json`; every name returned by `full_name` is NFC.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from itertools import accumulate
from random import Random
from typing import Any

_DATA: dict[str, Any] = json.loads(files(__package__).joinpath("names.json").read_text("utf-8"))
KINH = "01"


class Weighted:
    """A choice among words by weight; the cumulative weights are summed once."""

    def __init__(self, words: Iterable[tuple[str, float]]) -> None:
        pairs = tuple(words)
        self.words = tuple(word for word, _ in pairs)
        self.cumulative = tuple(accumulate(weight for _, weight in pairs))

    def pick(self, rng: Random) -> str:
        return rng.choices(self.words, cum_weights=self.cumulative)[0]


@dataclass(frozen=True, slots=True)
class _Era:
    until: int
    middle: dict[str, Weighted]
    given: dict[str, tuple[str, ...]]


FAMILY = Weighted(_DATA["family"].items())
_ERAS = tuple(
    _Era(
        row["until"],
        {sex: Weighted(row[f"{sex}_middle"].items()) for sex in ("male", "female")},
        {sex: tuple(row[sex]) for sex in ("male", "female")},
    )
    for row in _DATA["eras"]
)
_MINORITIES = {row["ethnicity"]: row for row in _DATA["minorities"]}
MINORITY_CODES = tuple(_MINORITIES)


def family_name(rng: Random, ethnicity: str) -> str:
    """A family name; empty where the group has none (Ê Đê, Cơ Ho)."""
    if ethnicity == KINH:
        return FAMILY.pick(rng)
    return str(rng.choice(_MINORITIES[ethnicity]["family"]))


def full_name(rng: Random, family: str, sex: str, born: int, ethnicity: str = KINH) -> str:
    """Family, middle and given name of somebody born in year `born`, NFC, single spaces."""
    if ethnicity != KINH:
        return f"{family} {rng.choice(_MINORITIES[ethnicity][sex])}".strip()
    era = next(era for era in _ERAS if born <= era.until)
    middle = era.middle[sex].pick(rng)
    given = rng.choice([word for word in era.given[sex] if word not in middle.split()])
    return " ".join(part for part in (family, middle, given) if part)


_TONES = "\u0300\u0301\u0309\u0303\u0323"
_MOVED = re.compile(rf"(o[{_TONES}])([ae])(?![\w{_TONES}])|(?<![qQ])(u[{_TONES}])(y)(?![\w{_TONES}])", re.IGNORECASE)


def _moved(match: re.Match[str]) -> str:
    first, second = (match[1], match[2]) if match[1] else (match[3], match[4])
    return first[0] + second + first[1:]


def tone_on_last_vowel(name: str) -> str:
    """The other orthography of open syllables: Hòa -> Hoà, Thủy -> Thuỷ, Khỏe -> Khoẻ (NFC)."""
    return unicodedata.normalize("NFC", _MOVED.sub(_moved, unicodedata.normalize("NFD", name)))


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)
