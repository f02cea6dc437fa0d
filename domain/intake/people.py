"""Who a batch of sources belongs to: candidates by keyed hash, the strict rules, and the newcomers of the batch itself.

Identifiers are looked up by HMAC, so a stolen table of keys names nobody. What is known of a candidate comes from
his demographics rows, the current version of each source.
"""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.identity.evidence import Candidate, Claim, conflicts, is_nameless, same_name
from domain.identity.identifiers import Identifier, IdentifierKind, lookup_key
from domain.identity.matching import Decision, decide
from domain.identity.names import name_key
from domain.identity.phones import normalise
from domain.intake.submissions import Submission
from domain.intake.tables import PatientKey
from domain.intake.versions import Version, allow
from domain.sections.demographics import Demographics
from domain.values import PatientId, new_id

FULL_DATE = len("2025-01-01")
_KINDS = frozenset(IdentifierKind)

# Who is asserted to be a stranger of some patients, whatever ids the two had before merges.
ASSERTED = text("""
select both_ways.patient_id, both_ways.stranger_id
  from (select coalesce(a.patient_id, n.patient_id) as one_id, coalesce(b.patient_id, n.other_id) as other_id
          from intake.never_link n
          left join access.patient_redirect a on a.old_id = n.patient_id
          left join access.patient_redirect b on b.old_id = n.other_id) told
 cross join lateral (values (one_id, other_id), (other_id, one_id)) as both_ways(patient_id, stranger_id)
 where both_ways.patient_id = any(cast(:patients as uuid[]))
""")


@dataclass(frozen=True, slots=True)
class Resolved:
    """Where one submission goes, and whether a person must look at it."""

    patient_id: PatientId
    is_new: bool
    rule: str
    reasons: Sequence[str]
    review: bool
    candidates: Sequence[UUID]


class People:
    """The persons a batch may be about. `meet` reads them, `decide` answers one submission after the other."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._candidates: dict[UUID, Candidate] = {}
        self._by_key: dict[bytes, set[UUID]] = defaultdict(set)
        self._never: dict[UUID, set[UUID]] = defaultdict(set)

    def keys_of(self, one: Submission) -> dict[bytes, str]:
        """The hashes a claim is looked up by. A newborn under a parent's name has only his own number."""
        claim = one.claim
        nameless = is_nameless(claim)
        found = {
            lookup_key(self._secret, identifier): str(identifier.kind)
            for identifier in claim.identifiers
            if not nameless or identifier.kind is IdentifierKind.FACILITY_PATIENT_ID
        }
        if not nameless and claim.phone and claim.birth_date and len(claim.birth_date) >= FULL_DATE:
            told = f"{name_key(claim.name)}|{claim.birth_date[:FULL_DATE]}|{claim.phone}"
            found[hmac.digest(self._secret, b"name+birthday+phone|" + told.encode(), hashlib.sha256)] = (
                "name+birthday+phone"
            )
        return found

    def lock_keys(self, submissions: Iterable[Submission]) -> list[bytes]:
        return [key for one in submissions for key in self.keys_of(one)]

    def everybody(self) -> list[UUID]:
        return list(self._candidates)

    async def meet(
        self, connection: AsyncConnection, submissions: Sequence[Submission], replaced: Sequence[Version]
    ) -> None:
        """Read everybody who shares a key with the batch, and name them to row-level security."""
        keys = self.lock_keys(submissions)
        found = await connection.execute(select(PatientKey.key, PatientKey.patient_id).where(PatientKey.key.in_(keys)))
        for key, patient_id in found:
            self._by_key[key].add(patient_id)
        met = set().union(*self._by_key.values(), (version.patient_id for version in replaced))
        await allow(connection, met)
        ended = [version.id for version in replaced]
        rows = await connection.execute(
            select(Demographics.__table__).where(
                Demographics.patient_id.in_(met),
                Demographics.superseded_at.is_(None),
                Demographics.source_id.not_in(ended),
            )
        )
        known: dict[UUID, list[Any]] = defaultdict(list)
        for row in rows:
            known[row.patient_id].append(row)
        for patient_id in met:
            self._candidates[patient_id] = _candidate(patient_id, known[patient_id])
        await self._read_assertions(connection, met)

    async def _read_assertions(self, connection: AsyncConnection, met: Iterable[UUID]) -> None:
        for one, other in await connection.execute(ASSERTED, {"patients": list(met)}):
            self._never[one].add(other)

    def decide(self, one: Submission, version: Version | None) -> Resolved:
        """A correction stays with the patient of the version before it, unless what it says contradicts him.

        Two patients asserted to be two people need nothing more for a first version: a record that fits both is
        ambiguous, one that fits one is his. A correction must not wander from the one to the other.
        """
        candidates = [self._candidates[id_] for id_ in self._sharing(one)]
        if version is None:
            return self._join(one, _resolved(decide(one.claim, candidates)))
        before = self._candidates[version.patient_id]
        others = [candidate for candidate in candidates if candidate.patient_id != before.patient_id]
        return self._join(one, self._corrected(one.claim, before, others, version))

    def _corrected(self, claim: Claim, before: Candidate, others: Sequence[Candidate], version: Version) -> Resolved:
        stays = Resolved(PatientId(before.patient_id), False, "resend", ("resend",), False, ())
        is_alone = _is_alone(before)
        if not is_alone and _fits(claim, before):
            return stays
        known = others if is_alone else [*others, before]
        decision = decide(claim, known, self._never[before.patient_id])
        if is_alone and (version.is_decided or decision.outcome != "linked"):
            return stays
        if version.is_decided:  # a person put it here; another may take it away, a rule may only ask
            asked = tuple(candidate.patient_id for candidate in others)
            return replace(stays, reasons=("resend", "decided-before"), review=True, candidates=asked)
        return _resolved(decision)

    def _sharing(self, one: Submission) -> list[UUID]:
        return sorted({id_ for key in self.keys_of(one) for id_ in self._by_key.get(key, ())})

    def _join(self, one: Submission, resolved: Resolved) -> Resolved:
        """Later submissions of the batch see this one."""
        before = self._candidates.get(resolved.patient_id) or Candidate(resolved.patient_id)
        self._candidates[resolved.patient_id] = _with(before, one.claim)
        for key in self.keys_of(one):
            self._by_key[key].add(resolved.patient_id)
        return resolved


def _resolved(decision: Decision) -> Resolved:
    if decision.patient_id is not None:
        return Resolved(PatientId(decision.patient_id), False, decision.rule, decision.reasons, False, ())
    review = decision.outcome == "new_with_review"
    return Resolved(PatientId(new_id()), True, decision.rule, decision.reasons, review, decision.review_candidates)


def _fits(claim: Claim, before: Candidate) -> bool:
    """A rule links the two; or nothing contradicts and the name is the same, though numbers were left out."""
    is_named = not is_nameless(claim) and same_name(claim, before) and not conflicts(claim, before)
    return is_named or decide(claim, [before]).outcome == "linked"


def _is_alone(candidate: Candidate) -> bool:
    """Nothing else is known of the patient: the corrected source was all there was."""
    return not candidate.names and not candidate.identifiers


def _candidate(patient_id: UUID, rows: Iterable[Any]) -> Candidate:
    candidate = Candidate(patient_id)
    for row in rows:
        mother = next((one.get("name") for one in row.contacts or () if one.get("relation") == "mother"), None)
        claim = Claim(
            identifiers=tuple(_identifier(one) for one in row.identifiers or () if one["kind"] in _KINDS),
            name=row.name or "",
            birth_date=row.birth_date,
            sex=row.sex,
            mother_name=mother,
        )
        heard = (normalise(phone) for phone in row.phones or ())
        candidate = _with(candidate, claim, phones=[phone for phone in heard if phone])
    return candidate


def _identifier(told: Mapping[str, Any]) -> Identifier:
    return Identifier(IdentifierKind(told["kind"]), told["value"], told.get("issuer"))


def _with(candidate: Candidate, claim: Claim, phones: Sequence[str] = ()) -> Candidate:
    """The candidate after one more record of him."""
    heard = [*phones, *([claim.phone] if claim.phone else [])]
    return replace(
        candidate,
        identifiers=_added(candidate.identifiers, claim.identifiers),
        names=_added(candidate.names, [claim.name] if claim.name else []),
        birth_dates=_added(candidate.birth_dates, [claim.birth_date] if claim.birth_date else []),
        sexes=_added(candidate.sexes, [claim.sex] if claim.sex else []),
        phones=_added(candidate.phones, heard),
        mother_names=_added(candidate.mother_names, [claim.mother_name] if claim.mother_name else []),
    )


def _added(known: tuple[Any, ...], heard: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys((*known, *heard)))
