"""Phone numbers as E.164, or nothing: `+84912345678`, `+842438252525`.

A number in a hospital's file is a point of contact, often a relative's; it is never an identity by itself.
Sources: `domain.md` 9.4 for mobile numbers; the prefix change of 15 September to 14 October 2018 and the area
codes of 2017 are own knowledge, kept as data below.
"""

import re
import unicodedata

# fmt: off
_OLD_MOBILE = {
    # Viettel
    "162": "32", "163": "33", "164": "34", "165": "35", "166": "36", "167": "37", "168": "38", "169": "39",
    # MobiFone
    "120": "70", "121": "79", "122": "77", "126": "76", "128": "78",
    # VinaPhone
    "123": "83", "124": "84", "125": "85", "127": "81", "129": "82",
    # Vietnamobile, Gmobile
    "186": "56", "188": "58", "199": "59",
}
# fmt: on
_AREAS = frozenset(
    str(code)
    for first, last in ((203, 216), (218, 222), (225, 229), (232, 239), (251, 252), (254, 263), (269, 277), (290, 294))
    for code in range(first, last + 1)
) | {"296", "297", "299"}
_MOBILE = re.compile(r"[35789]\d{8}")
_OLD = re.compile(r"(1\d{2})(\d{7})")
_LANDLINE = re.compile(r"2[48]\d{8}|(2\d{2})\d{7}")
_ABROAD = re.compile(r"\+[1-9]\d{7,14}")
_FILLER = re.compile(r"(\d)\1{6}$")
_LONGEST = 64


def normalise(raw: str | None) -> str | None:
    """The first usable number of a field such as `0168 123 4567; 024.3825.2525`; None for anything else."""
    parts = re.split(r"[;,/|\n]", raw) if raw and len(raw) <= _LONGEST else []
    return next((number for part in parts if (number := _one(part))), None)


def _one(part: str) -> str | None:
    text = _digits(part)
    if _FILLER.search(text):
        return None
    if text.startswith("+") and not text.startswith("+84"):
        return text if _ABROAD.fullmatch(text) else None
    return next((f"+84{n}" for n in _national_forms(text) if n), None)


def _digits(part: str) -> str:
    """ASCII digits and a leading plus; empty when letters stand among them. A leading 00 is a plus."""
    kept = [c for c in unicodedata.normalize("NFKC", part) if not unicodedata.category(c).startswith(("Z", "C"))]
    text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in kept if c not in "().-–_'\"")
    return re.sub(r"^00", "+", text) if re.fullmatch(r"\+?\d+", text) else ""


def _national_forms(text: str) -> list[str | None]:
    """What the number may be without trunk 0 or country code; a lost leading 0 is tried last."""
    if text.startswith("+84"):
        return [_national(text[3:].removeprefix("0"))]
    if text.startswith("0"):
        return [_national(text[1:])]
    return [_national(text), _national(text.removeprefix("84").removeprefix("0"))]


def _national(digits: str) -> str | None:
    if _MOBILE.fullmatch(digits):
        return digits
    if (old := _OLD.fullmatch(digits)) and old[1] in _OLD_MOBILE:
        return _OLD_MOBILE[old[1]] + old[2]
    if (line := _LANDLINE.fullmatch(digits)) and (line[1] is None or line[1] in _AREAS):
        return digits
    return None
