"""The code lists of QĐ 4750, from `domain/reference/qd4750_codes.json` with their sources and dates of validity.

Codes are strings. A code nobody knows is kept and shown as it is: lists change faster than software.
"""

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class CodeEntry:
    """One code; `vi` and `en` are short texts for reading and empty where only the value is known."""

    code: str
    vi: str
    en: str
    valid_from: date | None = None  # None: as long as the list
    valid_until: date | None = None  # inclusive

    def is_valid(self, on: date | None) -> bool:
        """Whether the code was in force that day; without a day, whether it ever was."""
        if on is None:
            return True
        return (self.valid_from or on) <= on <= (self.valid_until or on)


@dataclass(frozen=True, slots=True)
class CodeList:
    """A list and the day from which it is known whole; None when it never is."""

    name: str
    source: str
    whole_since: date | None
    entries: dict[str, CodeEntry]

    def refutes(self, code: str, on: date | None) -> bool:
        """True when the code was certainly wrong that day; a list that is not whole refutes only what it dates."""
        entry = self.entries.get(code)
        if entry is not None:
            return not entry.is_valid(on)
        return self.whole_since is not None and (on is None or on >= self.whole_since)


def lookup(name: str, code: str, on: date | None = None) -> CodeEntry | None:
    """The entry of a list for a code in force on a day; None when unknown then. KeyError: no such list."""
    entry = code_lists()[name].entries.get(code)
    return entry if entry is not None and entry.is_valid(on) else None


@cache
def code_lists() -> dict[str, CodeList]:
    """All lists by the name of the field that uses them ("KET_QUA_DTRI")."""
    text = (files("domain.reference") / "qd4750_codes.json").read_text(encoding="utf-8")
    return {name: _list(name, declared) for name, declared in json.loads(text)["lists"].items()}


def _list(name: str, declared: dict[str, Any]) -> CodeList:
    entries = {row["code"]: _entry(row) for row in declared["codes"]}
    return CodeList(name, declared["source"], _day(declared["whole_since"]), entries)


def _entry(row: dict[str, str]) -> CodeEntry:
    return CodeEntry(row["code"], row["vi"], row["en"], _day(row.get("valid_from")), _day(row.get("valid_until")))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
