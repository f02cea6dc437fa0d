"""Numbers that name a person: read from dirty fields, compared by keyed digest, shown masked.

    CCCD                  12 digits, the personal ID number (NĐ 137/2015 Đ13): place of birth, century and sex, year
    CMND                  9 digits, the old identity card
    BHXH                  10 digits, social insurance, lifelong; the last ten of a BHYT card
    BHYT                  15 characters, a health-insurance card; a person has several in a life
    PASSPORT              one letter and 7 or 8 digits for Vietnam's, other shapes for other states'
    FACILITY_PATIENT_ID   a facility's own number (QĐ 4750 XML1 MA_BN), unique only together with that facility

Numbers are text: leading zeros matter. There is no check digit, a number may be a relative's, and it may be
re-issued; so what contradicts it is said as a stable warning code and left to `matching.py`.
"""

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from domain.reference import provinces
from domain.values import PartialDate

Sex = Literal["male", "female", "unknown"]


class IdentifierKind(StrEnum):
    CCCD = "cccd"
    CMND = "cmnd"
    BHXH = "bhxh"
    BHYT = "bhyt"
    PASSPORT = "passport"
    FACILITY_PATIENT_ID = "facility_patient_id"


@dataclass(frozen=True, slots=True)
class Identifier:
    """`value` is normalised; `issuer` is the facility code of a FACILITY_PATIENT_ID, else None."""

    kind: IdentifierKind
    value: str
    issuer: str | None = None


_LONGEST, _LONGEST_LOCAL, _SHORTEST_KEY, _PASSPORT_DIGITS = 64, 100, 32, 4
_NOISE = re.compile(r"[\s.\-_'\"`\u2018\u2019\u201c\u201d]+")
_DECIMAL = re.compile(r"(\d+)[.,]0{1,2}")
_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?E\+?\d+")
_BIRTH_CERTIFICATE = re.compile(r"\d{1,6}[/\\-](?:19|20)\d{2}")
_CCCD = re.compile(r"(\d{3})(\d)(\d{2})\d{6}")
_CARD = re.compile(r"[A-Z]{2}[1-5]\d{2}(\d{10})")
_CHILD_CARD = re.compile(r"TE1\d{2}(?:\d{10}|KT\d{8})")
_VIETNAMESE_PASSPORT = re.compile(r"[A-Z]\d{7,8}")
_FOREIGN_PASSPORT = re.compile(r"[A-Z0-9]{6,9}")
_ASCENDING = "012345678901234567890"


def classify(raw: str | None) -> tuple[Identifier | None, list[str]]:
    """What stands in an ID field (QĐ 4750 XML1 SO_CCCD): CCCD, CMND, passport or a card, and warning codes.

    Codes: `junk`, `too-long`, `scientific-notation`, `birth-certificate-number`, `unrecognised`,
    `leading-zero-restored`, `padded-cmnd`, `cmnd-in-cccd-field`, `card-in-id-field`, `foreign-passport`,
    `cccd-unknown-province`.
    """
    text, problem = _tidy(raw)
    if not text:
        return None, problem
    if text.isdigit():
        return _number(text)
    if _CARD.fullmatch(text) or _CHILD_CARD.fullmatch(text):
        if _is_junk(text[5:]):
            return None, ["junk"]
        return Identifier(IdentifierKind.BHYT, text), ["card-in-id-field"]
    return _passport(text)


def _passport(text: str) -> tuple[Identifier | None, list[str]]:
    digits = "".join(c for c in text if c.isdigit())
    if not _FOREIGN_PASSPORT.fullmatch(text) or len(digits) < _PASSPORT_DIGITS:
        return None, ["unrecognised"]
    if _is_junk(digits):
        return None, ["junk"]
    warnings = [] if _VIETNAMESE_PASSPORT.fullmatch(text) else ["foreign-passport"]
    return Identifier(IdentifierKind.PASSPORT, text), warnings


def _tidy(raw: str | None) -> tuple[str, list[str]]:
    """Upper-case ASCII without the noise of spreadsheets, or empty with the reason."""
    if raw is None or not raw.strip():
        return "", []
    if len(raw) > _LONGEST:
        return "", ["too-long"]
    seen = "".join(_plain(c) for c in unicodedata.normalize("NFKC", raw)).strip(" '\"\u2018\u2019\u201c\u201d").upper()
    text = _NOISE.sub("", decimal[1] if (decimal := _DECIMAL.fullmatch(seen)) else seen)
    if _SCIENTIFIC.fullmatch(seen) or _SCIENTIFIC.fullmatch(text):
        return "", ["scientific-notation"]
    if _BIRTH_CERTIFICATE.fullmatch(seen):
        return "", ["birth-certificate-number"]
    if not re.fullmatch(r"[A-Z0-9]+", text):
        return "", ["unrecognised"] if any(c.isdigit() for c in text) else ["junk"]
    return (text, []) if any(c.isdigit() for c in text) else ("", ["junk"])


def _plain(c: str) -> str:
    """Any script's decimal digit as ASCII; control, zero-width and surrogate characters vanish."""
    if c.isdecimal():
        return str(unicodedata.decimal(c))
    if c.isspace():
        return " "
    return "" if unicodedata.category(c).startswith("C") else c


def _number(digits: str) -> tuple[Identifier | None, list[str]]:
    if _is_junk(digits):
        return None, ["junk"]
    match len(digits):
        case 12:
            return _twelve(digits)
        case 11 if _has_lost_its_zero(digits):
            return Identifier(IdentifierKind.CCCD, f"0{digits}"), ["leading-zero-restored"]
        case 9:
            return Identifier(IdentifierKind.CMND, digits), ["cmnd-in-cccd-field"]
    return None, ["unrecognised"]


def _twelve(digits: str) -> tuple[Identifier | None, list[str]]:
    """No place has the prefix 000: such a number is a CMND that a spreadsheet padded."""
    if digits.startswith("000"):
        cmnd = digits[3:]
        return (None, ["junk"]) if _is_junk(cmnd) else (Identifier(IdentifierKind.CMND, cmnd), ["padded-cmnd"])
    known = provinces.is_birth_prefix(digits[:3])
    return Identifier(IdentifierKind.CCCD, digits), [] if known else ["cccd-unknown-province"]


def _has_lost_its_zero(digits: str) -> bool:
    """`domain.md` 9.4: only one zero, only before a known place; and the person was born in 1900 to 2099."""
    return provinces.is_birth_prefix(f"0{digits[:2]}") and digits[2] in "0123"


def _is_junk(digits: str) -> bool:
    """One digit all through, or fingers running along the keys."""
    return len(set(digits)) == 1 or digits in _ASCENDING or any(run in digits for run in ("123456789", "987654321"))


def card(raw: str | None) -> tuple[tuple[Identifier, ...], list[str]]:
    """What stands in a card field (QĐ 4750 XML1 MA_THE_BHYT, one card): BHYT and BHXH, and warning codes.

    A TE1 card may be a newborn's temporary one (`domain.md` 2.4), whose digits are no BHXH number; both look the
    same, so such a card stands only for itself (`child-card`). Other codes: those of `classify`,
    and `cccd-in-card-field`.
    """
    text, problem = _tidy(raw)
    if not text:
        return (), problem
    if _CHILD_CARD.fullmatch(text) and not _is_junk(text[5:]):
        return (Identifier(IdentifierKind.BHYT, text),), ["child-card"]
    if match := _CARD.fullmatch(text):
        return _card_and_number(text, match[1])
    if re.fullmatch(r"\d{10}", text):
        return ((), ["junk"]) if _is_junk(text) else ((Identifier(IdentifierKind.BHXH, text),), [])
    found, problem = _number(text) if text.isdigit() else (None, ["unrecognised"])
    if found and found.kind is IdentifierKind.CCCD:
        return (found,), [*problem, "cccd-in-card-field"]
    return (), [code for code in problem if code == "junk"] or ["unrecognised"]


def _card_and_number(text: str, number: str) -> tuple[tuple[Identifier, ...], list[str]]:
    if _is_junk(number):
        return (), ["junk"]
    return (Identifier(IdentifierKind.BHYT, text), Identifier(IdentifierKind.BHXH, number)), []


def facility_patient_id(facility: str, raw: str | None) -> Identifier | None:
    """A facility's number for its patient as it stands, case and zeros kept; None if empty, zero or over 100."""
    text = " ".join("".join(_plain(c) for c in unicodedata.normalize("NFC", (raw or "")[:1000])).split())
    if not facility or not text.strip("0 .-") or len(text) > _LONGEST_LOCAL:
        return None
    return Identifier(IdentifierKind.FACILITY_PATIENT_ID, text, facility)


def contradictions(cccd: str, birth_date: PartialDate | None, sex: Sex | None) -> list[str]:
    """What a CCCD says against the birth date and sex beside it (TT 07/2016/TT-BCA Đ7); empty if nothing.

    `cccd-birth-year` (digits 4 to 6) and `cccd-sex` (digit 4) mean a mistake, a relative's number or a re-issued
    one; `cccd-unknown-province` is soft, for births abroad have prefixes of their own. A text that is not
    twelve digits gives `cccd-malformed`.
    """
    parts = _CCCD.fullmatch(cccd) if cccd.isascii() else None
    if parts is None:
        return ["cccd-malformed"]
    century_and_sex = int(parts[2])
    year = 1900 + 100 * (century_and_sex // 2) + int(parts[3])
    said = {
        "cccd-birth-year": birth_date is not None and birth_date[:4] != str(year),
        "cccd-sex": sex in ("male", "female") and sex != ("female" if century_and_sex % 2 else "male"),
        "cccd-unknown-province": not provinces.is_birth_prefix(parts[1]),
    }
    return [code for code, holds in said.items() if holds]


def lookup_key(secret: bytes, identifier: Identifier) -> bytes:
    """32 bytes to find an identifier by without storing it: HMAC-SHA256 (RFC 2104) over kind, issuer and value.

    Equal numbers of different kinds or issuers have unrelated keys. ValueError for a secret under 32 bytes.
    """
    if len(secret) < _SHORTEST_KEY:
        raise ValueError("a lookup secret has at least 32 bytes")
    parts = ("identifier", identifier.kind.value, identifier.issuer or "", identifier.value)
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    message = b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
    return hmac.new(secret, message, hashlib.sha256).digest()


def masked(identifier: Identifier) -> str:
    """For the citizen's own eyes: the last three characters, or none of a value under six."""
    shown = identifier.value[-3:] if len(identifier.value) >= 6 else ""  # noqa: PLR2004 half stays hidden
    return "•" * (len(identifier.value) - len(shown)) + shown
