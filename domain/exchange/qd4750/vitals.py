"""Vital signs inside a clinical note: `CSST<M75_T37_HA120/70_NT18_HL2>` anywhere in DIEN_BIEN_LS (QĐ 4750 XML5).

M pulse, T temperature, HA blood pressure, NT respiration, SP oxygen saturation, HL level of care. Every part is
optional, any of them may be spaced out or written in lower case. A figure no living body shows is left out and named
in `implausible`: a slip of the pen must not become a measurement.
"""

import html
import re
from dataclasses import dataclass
from decimal import Decimal

LONGEST_BLOCK = 200
_BLOCK = re.compile(rf"CSST\s{{0,20}}<([^<>]{{0,{LONGEST_BLOCK}}})>", re.IGNORECASE)
_PARTS = re.compile(r"\s*(HA|NT|SP|HL|M|T)\s*[:=]?\s*([0-9.,/\s]{1,20})\s*(?:%|°?C)?\s*", re.IGNORECASE)
_PLAUSIBLE = {
    "M": (Decimal(10), Decimal(350)),
    "T": (Decimal(25), Decimal(45)),
    "NT": (Decimal(3), Decimal(150)),
    "SP": (Decimal(20), Decimal(100)),
    "HL": (Decimal(1), Decimal(9)),
}
_SYSTOLIC = (Decimal(30), Decimal(350))
_DIASTOLIC = (Decimal(10), Decimal(250))
_NUMBER = re.compile(r"[0-9]{1,3}([.,][0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Vitals:
    pulse_per_min: int | None = None  # M
    temperature_c: Decimal | None = None  # T
    systolic_mmhg: int | None = None  # HA, before the slash
    diastolic_mmhg: int | None = None  # HA, after the slash
    respiration_per_min: int | None = None  # NT
    oxygen_saturation_pct: Decimal | None = None  # SP
    care_level: int | None = None  # HL
    implausible: tuple[str, ...] = ()  # the parts ("M", "HA", ...) that were left out


def parse_vitals(note: str | None) -> Vitals | None:
    """The first block of a note, or None when it has none; never raises."""
    if note is None or "csst" not in note.lower():
        return None
    block = _BLOCK.search(note) or _BLOCK.search(html.unescape(note))
    return _vitals(_parts(block.group(1))) if block else None


def _parts(block: str) -> dict[str, str]:
    """Each part's figures by its letters; the first of two equals wins, unknown parts are passed over."""
    found: dict[str, str] = {}
    for part in block.split("_"):
        match = _PARTS.fullmatch(part)
        if match:
            found.setdefault(match.group(1).upper(), re.sub(r"\s", "", match.group(2)))
    return found


def _vitals(parts: dict[str, str]) -> Vitals:
    read = {letters: _within(parts.get(letters), *bounds) for letters, bounds in _PLAUSIBLE.items()}
    pressure = _pressure(parts.get("HA"))
    wrong = tuple(letters for letters in parts if (pressure if letters == "HA" else read[letters]) is None)
    return Vitals(
        pulse_per_min=_whole(read["M"]),
        temperature_c=read["T"],
        systolic_mmhg=pressure[0] if pressure else None,
        diastolic_mmhg=pressure[1] if pressure else None,
        respiration_per_min=_whole(read["NT"]),
        oxygen_saturation_pct=read["SP"],
        care_level=_whole(read["HL"]),
        implausible=wrong,
    )


def _within(figure: str | None, least: Decimal, most: Decimal) -> Decimal | None:
    if figure is None or not _NUMBER.fullmatch(figure):
        return None
    value = Decimal(figure.replace(",", "."))
    return value if least <= value <= most else None


def _whole(value: Decimal | None) -> int | None:
    return None if value is None else round(value)


def _pressure(figures: str | None) -> tuple[int, int] | None:
    """Systolic and diastolic together or not at all: half a blood pressure says nothing."""
    systolic, _, diastolic = (figures or "").partition("/")
    high, low = _within(systolic, *_SYSTOLIC), _within(diastolic, *_DIASTOLIC)
    return None if high is None or low is None or low > high else (round(high), round(low))
