"""Whether a person is pregnant today, by the diagnoses of her book (FHIR Condition, ICD-10).

No source says it outright, so this is a guess from codes (`pregnancy_codes.json`, unverified): a code of pregnancy
noted within forty weeks, not ended by its own date or by a later code of birth or loss. A date that is not exact is
taken as its latest day.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from domain.immunization.history import Pregnancy
from domain.immunization.periods import Span


@dataclass(frozen=True, slots=True)
class Noted:
    """A diagnosis as the book shows it."""

    icd10: str | None
    since: str | None
    abated: str | None = None
    clinical_status: str | None = None
    verification_status: str | None = None


def current(conditions: Iterable[Noted], today: date) -> Pregnancy | None:
    """The pregnancy that goes on, from when it was first noted."""
    codes, told = _codes(), [(one, Span.read(one.since)) for one in conditions if one.icd10]
    dated = [(one, span.until(today).latest) for one, span in told if span and span.earliest <= today]
    known = [pair for pair in dated if pair[0].verification_status not in ("refuted", "entered-in-error")]
    ended = max((day for one, day in known if _is_of(one, codes["ended"])), default=date.min)
    oldest = today - timedelta(weeks=codes["weeks"])
    since = [
        day for one, day in known if _is_of(one, codes["goes_on"]) and max(ended, oldest) < day and _is_open(one, today)
    ]
    return Pregnancy(min(since)) if since else None


def _is_open(one: Noted, today: date) -> bool:
    abated = Span.read(one.abated)
    return one.clinical_status not in ("inactive", "resolved", "remission") and (
        abated is None or abated.earliest > today
    )


def _is_of(one: Noted, prefixes: list[str]) -> bool:
    return (one.icd10 or "").upper().startswith(tuple(prefixes))


@cache
def _codes() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(
        files(__package__).joinpath("pregnancy_codes.json").read_text(encoding="utf-8")
    )
    return content
