"""Provinces of Vietnam by code and by label, before and since the merges of 1 July 2025.

Two systems of codes use the same numbers with different meanings, so a code is always asked for together with
its system: `legacy` (63 codes of three digits; the XML of QĐ 4750 carries the last two) and `current` (34 codes
of two digits, QĐ 19/2025). An ID number's prefix is a legacy code for ever.
"""

import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Literal

from domain.identity.names import ascii_key
from domain.reference.tables import table

CodeSystem = Literal["legacy", "current"]
_WIDTH: dict[CodeSystem, int] = {"legacy": 3, "current": 2}
_KIND = re.compile(r"^(?:tinh|thanh pho|tp|t p) (?=.)|^tp(?=hcm$)")


@dataclass(frozen=True, slots=True)
class Province:
    """One meaning of a code, in force from `valid_from` to `valid_to`, both days included; None is open."""

    system: CodeSystem
    code: str
    name: str
    valid_from: date | None
    valid_to: date | None
    successor: str | None

    def in_force(self, on: date) -> bool:
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on <= self.valid_to)


def name(code_system: CodeSystem, code: str, on: date | None = None) -> str | None:
    """What the code means on that day, or meant last when no day is given; None if nothing. 15 is read as 015."""
    found = [row for row in _by_code(code_system).get(_full(code_system, code), ()) if on is None or row.in_force(on)]
    return found[-1].name if found else None


def successor(legacy_code: str) -> str | None:
    """The current code of the province that a legacy one became part of on 1 July 2025; None if unknown."""
    found = _by_code("legacy").get(_full("legacy", legacy_code))
    return found[0].successor if found else None


def code_of(code_system: CodeSystem, label: str) -> str | None:
    """The code of a written label: `TP. Hồ Chí Minh`, `tỉnh Khánh Hoà`, `DAK LAK`; None if not recognised."""
    return _by_label(code_system).get(label_key(label))


def label_key(label: str) -> str:
    """A label without its kind, marks and spaces; provinces stay distinct."""
    return _KIND.sub("", ascii_key(label[:100])).replace(" ", "")


def is_birth_prefix(code: str) -> bool:
    """The first three digits of an ID number name a province of Vietnam (TT 07/2016/TT-BCA annex 1)."""
    return code in _by_code("legacy")


def _full(code_system: CodeSystem, code: str) -> str:
    return code.strip().zfill(_WIDTH[code_system])


@cache
def _rows() -> tuple[Province, ...]:
    return tuple(
        Province(
            row["system"], row["code"], row["name"], _day(row["valid_from"]), _day(row["valid_to"]), row["successor"]
        )
        for row in table("provinces")["rows"]
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


@cache
def _by_code(code_system: CodeSystem) -> dict[str, tuple[Province, ...]]:
    found: dict[str, tuple[Province, ...]] = {}
    for row in _rows():
        if row.system == code_system:
            found[row.code] = (*found.get(row.code, ()), row)
    return found


@cache
def _by_label(code_system: CodeSystem) -> dict[str, str]:
    aliases = table("provinces")["aliases"][code_system]
    labels = {label_key(label): code for code, given in aliases.items() for label in given}
    return labels | {label_key(row.name): row.code for row in _rows() if row.system == code_system}
