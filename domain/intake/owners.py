"""Whose own record it is: the one patient that a proved CCCD, name and birth date name without any doubt.

A stranger's record opened to somebody is worse than a record that waits, so everything must agree: the number is
found by its keyed hash, the strict rules of `identity.matching` choose exactly one patient, and nothing that any
sender says of that patient differs in name, birthday, sex or CCCD.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.identity import evidence, names
from domain.identity.evidence import Candidate, Claim
from domain.identity.identifiers import Identifier, IdentifierKind, Sex, classify, contradictions, lookup_key
from domain.identity.matching import decide
from domain.identity.placeholders import is_placeholder
from domain.intake.tables import PatientKey
from domain.intake.versions import allow
from domain.patients import PatientRedirect
from domain.sections.demographics import Demographics
from domain.values import PartialDate

_CCCD = re.compile(r"[0-9]{12}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SEXES: dict[str | None, Sex] = {"male": "male", "female": "female"}
_LONGEST_NAME = 255
_MOST_CANDIDATES = 20


@dataclass(frozen=True, slots=True)
class Owned:
    """`former_ids` were merged into the patient: who owns one of them owns this record."""

    patient_id: UUID
    former_ids: tuple[UUID, ...]


def proved(cccd: str, name: str, birth_date: str, sex: str | None) -> Claim | None:
    """What a trusted provider says of a person, as a claim; None unless it is whole and agrees with itself."""
    if not (_CCCD.fullmatch(cccd) and _DAY.fullmatch(birth_date) and _is_name(name)):
        return None
    try:
        date.fromisoformat(birth_date)
    except ValueError:
        return None
    identifier, _ = classify(cccd)
    born, told = PartialDate(birth_date), _SEXES.get(sex)
    if identifier is None or identifier.kind is not IdentifierKind.CCCD:
        return None
    if {"cccd-birth-year", "cccd-sex"} & set(contradictions(cccd, born, told)):
        return None
    return Claim(identifiers=(identifier,), name=names.clean(name), birth_date=born, sex=told)


def _is_name(name: str) -> bool:
    return 0 < len(name) <= _LONGEST_NAME and name.isprintable() and not is_placeholder(name)


async def owned_by(connection: AsyncConnection, secret: bytes, claim: Claim) -> Owned | None:
    """The record of the claim's person, by the transaction of `healthbook_intake`; None if there is any doubt."""
    keys = [lookup_key(secret, identifier) for identifier in claim.identifiers]
    known = select(PatientKey.patient_id).where(PatientKey.key.in_(keys)).distinct().limit(_MOST_CANDIDATES + 1)
    met = sorted((await connection.execute(known)).scalars())
    if not met or len(met) > _MOST_CANDIDATES:
        return None
    candidates = await _candidates(connection, met)
    decision = decide(claim, candidates)
    chosen = next((one for one in candidates if one.patient_id == decision.patient_id), None)
    if decision.outcome != "linked" or chosen is None or not agrees(claim, chosen):
        return None
    former = select(PatientRedirect.old_id).where(PatientRedirect.patient_id == chosen.patient_id)
    return Owned(chosen.patient_id, tuple((await connection.execute(former)).scalars()))


def agrees(claim: Claim, candidate: Candidate) -> bool:
    """Nothing that is known of the patient differs, and the full birthday and the whole name are among it."""
    real = [name for name in candidate.names if not is_placeholder(name)]
    return (
        evidence.sound(candidate, IdentifierKind.CCCD) == frozenset(claim.identifiers)
        and any(names.same_letters(claim.name, known) for known in real)
        and all(names.compatible(claim.name, known) for known in real)
        and evidence.same_day(claim, candidate)
        and all(_is_same_date(claim.birth_date or "", known) for known in candidate.birth_dates)
        and not evidence.conflicts(claim, candidate)
    )


def _is_same_date(day: str, known: str) -> bool:
    """In its known parts; a clerk's 1 January is only a year (`evidence`)."""
    part = known[: len(day)]
    return day.startswith(part[:4] if part.endswith("-01-01") else part)


async def _candidates(connection: AsyncConnection, met: Sequence[UUID]) -> list[Candidate]:
    await allow(connection, met)
    rows = await connection.execute(
        select(Demographics.__table__).where(Demographics.patient_id.in_(met), Demographics.superseded_at.is_(None))
    )
    told: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        told[row.patient_id].append(row)
    return [_candidate(patient_id, told[patient_id]) for patient_id in met]


def _candidate(patient_id: UUID, rows: Iterable[Any]) -> Candidate:
    seen = list(rows)
    return Candidate(
        patient_id,
        identifiers=tuple({_identifier(one) for row in seen for one in row.identifiers or () if one["kind"] == "cccd"}),
        names=tuple({row.name for row in seen if row.name}),
        birth_dates=tuple({row.birth_date for row in seen if row.birth_date}),
        sexes=tuple({row.sex for row in seen if row.sex}),
    )


def _identifier(told: dict[str, Any]) -> Identifier:
    return Identifier(IdentifierKind(told["kind"]), told["value"], told.get("issuer"))
