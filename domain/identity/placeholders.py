"""Names that are nobody's: what hospitals write for newborns and for patients they cannot identify.

`CON BÀ NGUYỄN THỊ HOA`, `BÉ GÁI`, `TRẺ SƠ SINH`, `CB TRẦN THỊ MAI`, `VÔ DANH`. Such a name says who the mother
is, or nothing; it must never link a record to a person. A phrase is compared word by word: with its marks, or
wholly without them, so that Võ Danh keeps his own name.
"""

import re
from functools import cache, lru_cache

from domain.identity.names import ascii_key, clean, name_key, words

_AT_START = (
    "con bà", "con chị", "con của", "con mẹ", "con ông", "con anh", "con sản phụ", "con sp",
    "con trai bà", "con trai chị", "con trai của", "con gái bà", "con gái chị", "con gái của",
    "con so", "con rạ", "cb", "c b", "bé gái", "bé trai", "bé của", "bé con", "bé sơ sinh", "em bé",
    "cháu bé", "cháu gái", "cháu trai", "trẻ", "vô danh", "người lạ", "bệnh nhân", "bn vô danh", "nạn nhân",
    "không rõ", "chưa rõ", "không tên", "không có", "unknown", "no name", "noname", "baby",
)  # fmt: skip
_ANYWHERE = ("sơ sinh", "không tên", "không có tên", "chưa có tên", "chưa đặt tên", "không rõ tên", "không danh tính")
_SUFFIX = re.compile(r"\(\s*(con|bé|be|em bé|em be|cb|c/b)\b[^)]{0,40}\)?\s*$", re.IGNORECASE)


@lru_cache(maxsize=16_384)
def is_placeholder(name: str) -> bool:
    """The name belongs to no person in particular; an empty name and one without letters count too."""
    text = clean(name)
    said = [_forms(word) for word in words(text)]
    if not any(c.isalpha() for c in text) or _SUFFIX.search(text):
        return True
    return any(_stands_at(0, phrase, said) for phrase in _phrases(_AT_START)) or any(
        _stands_at(start, phrase, said) for phrase in _phrases(_ANYWHERE) for start in range(len(said))
    )


def _forms(word: str) -> tuple[str, bool]:
    return name_key(word), word.isascii()


@cache
def _phrases(texts: tuple[str, ...]) -> tuple[tuple[tuple[str, str], ...], ...]:
    return tuple(tuple((name_key(w), ascii_key(w)) for w in text.split()) for text in texts)


def _stands_at(start: int, phrase: tuple[tuple[str, str], ...], said: list[tuple[str, bool]]) -> bool:
    here = said[start : start + len(phrase)]
    return len(here) == len(phrase) and all(
        key == marked or (unmarked and key == plain)
        for (key, unmarked), (marked, plain) in zip(here, phrase, strict=True)
    )
