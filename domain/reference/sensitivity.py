"""The sensitivity label of one item of the record, by code-table rules (`domain.md` 7.8).

A label protects: it hides the item from delegates and facilities unless a consent names it. So a rule would
rather say too much than too little, and a word counts even where the text denies it ("HIV âm tính"). The rules
are rows of `sensitivity.json`; this module only knows how to read a code.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from domain.identity.names import ascii_key
from domain.reference.tables import table

_ICD10 = re.compile(r"[A-Z]\d{2}(?:\.?\d{1,4})?")


@dataclass(frozen=True, slots=True)
class _Rule:
    """One row of the table, ready to compare: ICD-10 as (first, last) without dots, words as one expression."""

    rank: int
    icd10: tuple[tuple[str, str], ...]
    atc: tuple[str, ...]
    loinc: frozenset[str]
    documents: frozenset[str]
    words: re.Pattern[str] | None
    unless_icd10: tuple[tuple[str, str], ...]
    unless_words: re.Pattern[str] | None


def labels() -> tuple[str, ...]:
    """All labels, strictest first."""
    return tuple(table("sensitivity")["labels"])


def label(
    *,
    icd10: Iterable[str] = (),
    atc: Iterable[str] = (),
    loinc: Iterable[str] = (),
    texts: Iterable[str] = (),
    document: str | None = None,
) -> str:
    """The strictest label that any rule gives to an item, or "".

    `icd10` in any form (`b20.1†`, `I10;B20`, `B20-B24`); `texts` are whatever says what the item is: active
    ingredients, services, analytes, diagnoses; `document` is the table of QĐ 4750 it came from (`XML6`).
    """
    codes = frozenset(code for given in icd10 for code in _icd10_codes(given))
    said = " | ".join(ascii_key(text) for text in texts)
    ranks = [rank for code in codes if (rank := _rank_of_icd10(code)) is not None]
    drugs = [code.strip().upper() for code in atc]
    tests = {code.strip() for code in loinc}
    form = (document or "").strip().upper()
    telling = said if said and _any_word().search(said) else ""
    for rule in _rules() if drugs or tests or form or telling else ():
        if _named(rule, drugs, tests, telling, form) and not _explained(rule, codes, said):
            ranks.append(rule.rank)
            break
    return labels()[min(ranks)] if ranks else ""


def _named(rule: _Rule, atc: list[str], loinc: set[str], said: str, document: str) -> bool:
    return (
        document in rule.documents
        or not rule.loinc.isdisjoint(loinc)
        or any(code.startswith(rule.atc) for code in atc)
        or bool(said and rule.words and rule.words.search(said))
    )


def _explained(rule: _Rule, codes: frozenset[str], said: str) -> bool:
    """The item itself gives another reason, such as hepatitis B for tenofovir."""
    return any(_covers(rule.unless_icd10, code) for code in codes) or bool(
        rule.unless_words and rule.unless_words.search(said)
    )


def _icd10_codes(given: str) -> list[str]:
    """Codes without dots, daggers, asterisks: `B20.1†;i10` is B201, I10."""
    text = unicodedata.normalize("NFKC", given).upper()
    return [code.replace(".", "") for code in _ICD10.findall(text)]


@lru_cache(maxsize=20_000)
def _rank_of_icd10(code: str) -> int | None:
    return next((rule.rank for rule in _rules() if _covers(rule.icd10, code)), None)


def _covers(spans: tuple[tuple[str, str], ...], code: str) -> bool:
    """A span is compared with as many first characters of the code as it has; a shorter code sorts before it."""
    return any(first <= code[: len(first)] <= last for first, last in spans)


@cache
def _rules() -> tuple[_Rule, ...]:
    """Strictest first, so that the first that holds decides."""
    return tuple(sorted((_rule(row) for row in table("sensitivity")["rows"]), key=lambda rule: rule.rank))


@cache
def _any_word() -> re.Pattern[str]:
    """Most items hold none of the words: one search instead of one for each rule."""
    rows = table("sensitivity")["rows"]
    return re.compile("|".join(rule.pattern for row in rows if (rule := _expression(row.get("words", ())))))


def _rule(row: dict[str, Any]) -> _Rule:
    return _Rule(
        rank=labels().index(row["label"]),
        icd10=_spans(row.get("icd10", ())),
        atc=tuple(row.get("atc", ())),
        loinc=frozenset(row.get("loinc", ())),
        documents=frozenset(row.get("documents", ())),
        words=_expression(row.get("words", ())),
        unless_icd10=_spans(row.get("unless_icd10", ())),
        unless_words=_expression(row.get("unless_words", ())),
    )


def _spans(codes: Iterable[str]) -> tuple[tuple[str, str], ...]:
    pairs = (code.replace(".", "").partition("-") for code in codes)
    return tuple((first, last or first) for first, _, last in pairs)


def _expression(words: Iterable[str]) -> re.Pattern[str] | None:
    """Whole ASCII words or phrases; a trailing * leaves the last word open."""
    forms = [re.escape(word.removesuffix("*")) + (r"\w*" if word.endswith("*") else "") for word in words]
    return re.compile(rf"(?<!\w)(?:{'|'.join(forms)})(?!\w)") if forms else None
