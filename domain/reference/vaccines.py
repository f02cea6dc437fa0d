"""Vaccines by code and by the names that people write, and the antigens (diseases) each protects from.

The own codes (`BCG`, `DTWP-HEPB-HIB`, `COVID-PFIZER`) are stable; CVX and ATC are an aid for export and stay
unverified until somebody compares them (`domain.md` 5.5). A dose is de-duplicated by its set of antigens.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from domain.identity.names import ascii_key, is_unmarked, name_key
from domain.reference.tables import table

VaccineSystem = Literal["own", "cvx", "atc"]
_LONGEST, _UNMISTAKABLE = 500, 5


@dataclass(frozen=True, slots=True)
class Vaccine:
    code: str
    cvx: str | None
    atc: str | None
    antigens: tuple[str, ...]
    vi: str
    en: str
    is_verified: bool


def by_code(system: VaccineSystem, code: str) -> tuple[Vaccine, ...]:
    """All vaccines of a code, in table order: at most one of an own code, several of an ATC code. CVX 8 is 08."""
    wanted = code.strip().upper()
    return _by_code(system).get(wanted.zfill(2) if system == "cvx" else wanted, ())


def by_name(text: str) -> Vaccine | None:
    """The vaccine that a free text names, best effort: the longest known name in it wins.

    Names are whole words in any case: `Vắc xin 5 trong 1 (ComBE Five)`, `SOI - RUBELLA`. Marks count where the
    text has any (`dại` is no `đại`), except for names too long to be mistaken. Reads the first 500 characters.
    """
    said = text[:_LONGEST]
    if not is_unmarked(said) and (found := _longest_in(f" {name_key(said)} ", _names(name_key))):
        return found
    names = _names(ascii_key)
    known = names if is_unmarked(said) else [pair for pair in names if len(pair[0]) >= _UNMISTAKABLE]
    return _longest_in(f" {ascii_key(said)} ", known)


def _longest_in(said: str, names: Iterable[tuple[str, Vaccine]]) -> Vaccine | None:
    return next((vaccine for name, vaccine in names if f" {name} " in said), None)


def antigens(text: str) -> tuple[str, ...]:
    """Antigen codes of the vaccine that a free text names; empty if none is recognised."""
    vaccine = by_name(text)
    return vaccine.antigens if vaccine else ()


def antigen_name(antigen: str, language: Literal["vi", "en"]) -> str | None:
    names: dict[str, str] = table("vaccines")["antigens"].get(antigen, {})
    return names.get(language)


@cache
def _all() -> tuple[tuple[Vaccine, tuple[str, ...]], ...]:
    return tuple((_vaccine(row), tuple(row["names"])) for row in table("vaccines")["rows"])


def _vaccine(row: dict[str, Any]) -> Vaccine:
    codes = (row["code"], row["cvx"], row["atc"])
    return Vaccine(*codes, tuple(row["antigens"]), row["vi"], row["en"], row["verified"])


@cache
def _by_code(system: VaccineSystem) -> dict[str, tuple[Vaccine, ...]]:
    found: dict[str, tuple[Vaccine, ...]] = {}
    for vaccine, _ in _all():
        code = {"own": vaccine.code, "cvx": vaccine.cvx, "atc": vaccine.atc}[system]
        if code:
            found[code] = (*found.get(code, ()), vaccine)
    return found


@cache
def _names(key: Callable[[str], str]) -> tuple[tuple[str, Vaccine], ...]:
    """Every known name under that key with its vaccine, longest first; the first row keeps a shared name."""
    pairs = [(key(name), vaccine) for vaccine, names in _all() for name in (*names, vaccine.vi, vaccine.en)]
    return tuple(sorted(dict(reversed(pairs)).items(), key=lambda pair: (-len(pair[0]), pair[0])))
