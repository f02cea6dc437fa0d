"""The name a client shows to citizens: readable, and (where nobody reviews it) not that of somebody official.

A name on a consent page is what a citizen goes by, so one that a stranger chose may not look like a hospital, the
ministry or this book (RFC 7591 5, "impersonation").
"""

import re
import unicodedata

SHORTEST, LONGEST = 3, 60
OFFICIAL = (
    "Bệnh viện", "Hospital", "Bộ Y tế", "Sở Y tế", "Ministry of Health", "Trạm Y tế", "Trung tâm Y tế", "Phòng khám",
    "VNeID", "Sổ sức khỏe", "Health book", "Bảo hiểm xã hội", "Bảo hiểm y tế", "VssID", "Bộ Công an", "Chính phủ",
    "Chính thức", "Official",
)  # fmt: skip
"""Words of those whom a citizen trusts without asking."""

_UNREADABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NAME = re.compile(r"[A-Za-z0-9 .,'&+()/:_!-]+")
_LOOK_ALIKE = str.maketrans("0134578@$|!", "oieastbasii")
_PAIRS = (("rn", "m"), ("ci", "d"))
_REPEATED = re.compile(r"(.)\1+")
_MAX_MARKS = 2


def is_plain_text(name: str) -> bool:
    """Printable and of one direction: no control, format (bidi, zero-width), surrogate or unassigned character."""
    if name != name.strip() or "  " in name:
        return False
    kinds = {unicodedata.category(char) for char in name}
    directions = {unicodedata.bidirectional(char) for char in name}
    return not (kinds & _UNREADABLE or directions & {"R", "AL"})


def refusal(name: str) -> str | None:
    """Why a self-chosen name is not taken, in words for its developer; None if it is."""
    if not is_plain_text(name) or not SHORTEST <= len(unicodedata.normalize("NFC", name)) <= LONGEST:
        return f"client_name must have {SHORTEST} to {LONGEST} readable characters."
    if not _is_vietnamese_or_english(name):
        return "client_name may use the letters of Vietnamese and English, digits and simple punctuation."
    if resembles_official(name):
        return "client_name resembles the name of an official body or service. Choose a name of your own."
    return None


def _is_vietnamese_or_english(name: str) -> bool:
    """Latin letters with at most two marks each, written plainly: no letter that merely looks like one."""
    if unicodedata.normalize("NFKC", name) != unicodedata.normalize("NFC", name):
        return False
    apart = unicodedata.normalize("NFD", name)
    marks = [unicodedata.category(char) == "Mn" for char in apart]
    if any(all(marks[i : i + _MAX_MARKS + 1]) for i in range(len(marks) - _MAX_MARKS)):
        return False
    return _NAME.fullmatch(_without_marks(apart)) is not None


def resembles_official(name: str) -> bool:
    read = skeleton(name)
    return any(word in read for word in _OFFICIAL)


def skeleton(name: str) -> str:
    """What a hasty eye sees: no case, tone, space or repetition; 0 is o, 1 and l are i, rn is m, cl is d."""
    text = _without_marks(unicodedata.normalize("NFKD", name)).casefold().translate(_LOOK_ALIKE)
    text = _REPEATED.sub(r"\1", "".join(char for char in text if char.isalnum()).replace("l", "i"))
    for pair, letter in _PAIRS:
        text = text.replace(pair, letter)
    return _REPEATED.sub(r"\1", text)


def _without_marks(text: str) -> str:
    plain = "".join(char for char in text if unicodedata.category(char) != "Mn")
    return plain.replace("đ", "d").replace("Đ", "D")


_OFFICIAL = tuple(skeleton(word) for word in OFFICIAL)
