"""Storing a batch of sources in one transaction: sources, links, rows, and the facts they settle.

Everything is one statement a table, whatever the number of visits. Advisory locks on the identity keys make two
senders of the same person take turns, so that both cannot make him new, and on the patients, so that both see the
other's reports of a fact.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.database import Item, Part
from domain.intake.bulk import insert_rows
from domain.intake.facts import Fact, keyed, settle
from domain.intake.news import tell_of_results
from domain.intake.people import People
from domain.intake.revisions import FIRST, next_revisions, tell, tied
from domain.intake.submissions import Outcome, Status, Submission
from domain.intake.tables import Link, PatientKey, Review, SourceRecord
from domain.intake.versions import (
    Version,
    allow,
    current_versions,
    fingerprint,
    lock,
    patient_name,
    source_name,
    supersede,
)
from domain.organizations import by_code
from domain.patients import Patient
from domain.values import PatientId


@dataclass(slots=True)
class Batch:
    """What one transaction writes, gathered before anything is written."""

    now: datetime
    client_id: str | None
    sources: list[dict[str, Any]] = field(default_factory=list)
    patients: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)
    reviews: list[dict[str, Any]] = field(default_factory=list)
    keys: list[dict[str, Any]] = field(default_factory=list)
    rows: dict[type[Item | Part], list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    facts: dict[type[Item], set[Fact]] = field(default_factory=lambda: defaultdict(set))
    revisions: dict[UUID, int] = field(default_factory=dict)


async def store(
    connection: AsyncConnection,
    submissions: Sequence[Submission],
    *,
    secret: bytes,
    now: datetime,
    client_id: str | None = None,
) -> list[Outcome]:
    """One outcome a submission, in order, in the caller's transaction. No key may come twice in a batch."""
    now = now.replace(microsecond=0)
    organizations = await by_code(connection, (one.facility for one in submissions))
    people = People(secret)
    await lock(
        connection, [*people.lock_keys(submissions), *(source_name(one.facility, one.key) for one in submissions)]
    )
    versions = await current_versions(connection, submissions, organizations)
    fresh = [one for one in submissions if not _unchanged(one, versions)]
    replaced = [version for one in fresh if (version := versions.get(_name(one)))]
    await people.meet(connection, fresh, replaced)
    await lock(connection, map(patient_name, people.everybody()))  # others may know them by other keys
    batch = Batch(now, client_id)
    batch.revisions = await next_revisions(connection, [version.patient_id for version in replaced])
    superseded = await supersede(connection, replaced, now)
    for one in fresh:
        _gather(batch, one, organizations[one.facility], versions.get(_name(one)), people)
    await _write(connection, batch, people.everybody())
    for model, facts in superseded.items():
        await settle(connection, model, facts, forced=True)
    changed = [*batch.rows, *(model for model, facts in superseded.items() if facts)]
    await tied(connection, batch.revisions, changed)
    await tell(connection, batch.revisions, changed)
    await tell_of_results(connection, batch.rows, (source["id"] for source in batch.sources), now)
    return [_outcome(one, versions) for one in submissions]


def _name(one: Submission) -> tuple[str, str, str]:
    return (one.facility, one.format, one.key)


def _unchanged(one: Submission, versions: dict[tuple[str, str, str], Version]) -> bool:
    version = versions.get(_name(one))
    return version is not None and version.sha256 == fingerprint(one.content)


def _outcome(one: Submission, versions: dict[tuple[str, str, str], Version]) -> Outcome:
    status: Status = (
        "accepted" if _name(one) not in versions else "unchanged" if _unchanged(one, versions) else "superseded"
    )
    return Outcome(
        position=one.position, key=one.key, status=status, issues=one.issues, kept=one.kept, origin=one.origin
    )


def _gather(batch: Batch, one: Submission, organization: Any, version: Version | None, people: People) -> None:
    """Decide who it is, then note everything that has to be written of one submission."""
    source = SourceRecord(
        organization_id=organization.id,
        format=one.format,
        key=one.key,
        version=version.version + 1 if version else 1,
        sha256=fingerprint(one.content),
        content=one.content,
        restriction=one.restriction,
        warnings=[issue.as_dict() for issue in one.issues] or None,
        client_id=batch.client_id,
        received_at=batch.now,
    )
    decision = people.decide(one, version)
    batch.sources.append(_values(source))
    if decision.is_new:
        batch.patients.append({"patient_id": decision.patient_id})
    link = Link(
        source_id=source.id,
        patient_id=decision.patient_id,
        rule=decision.rule,
        reasons=list(decision.reasons),
        decided_at=batch.now,
    )
    batch.links.append(_values(link))
    if decision.review:
        review = Review(
            source_id=source.id,
            patient_id=decision.patient_id,
            candidates=list(decision.candidates),
            rule=decision.rule,
            reasons=list(decision.reasons),
            asked_at=batch.now,
        )
        batch.reviews.append(_values(review))
    batch.keys += [
        {"key": key, "patient_id": decision.patient_id, "source_id": source.id, "kind": kind}
        for key, kind in people.keys_of(one).items()
    ]
    _gather_rows(batch, one, source.id, decision.patient_id, organization)


def _gather_rows(batch: Batch, one: Submission, source_id: UUID, patient_id: PatientId, organization: Any) -> None:
    keyed(one.rows)
    for row in one.rows:
        row.patient_id, row.source_id = patient_id, source_id
        if isinstance(row, Item):
            row.organization_id, row.received_at = organization.id, batch.now
            row.sources = [_source(row, organization)]
            row.shown, row.contradicted, row.superseded_at = True, False, None
            batch.facts[type(row)].add((patient_id, row.fact_key))
        batch.rows[type(row)].append(row.__dict__)


def _source(row: Item, organization: Any) -> dict[str, Any]:
    """How a report names its sender: the keys of GraphQL type Source, and the label it came with."""
    return {
        "id": str(row.source_id),
        "organization_code": organization.code,
        "organization_name": organization.name,
        "document": row.document,
        "occurred": row.occurred,
        "received_at": row.received_at.isoformat(),
        "sensitivity": row.sensitivity,
    }


def _values(row: Any) -> dict[str, Any]:
    """The columns of a row of the intake tables, without what the database makes itself."""
    return {name: getattr(row, name) for name in row.__table__.columns.keys() if name != "created_at"}  # noqa: SIM118


async def _write(connection: AsyncConnection, batch: Batch, everybody: Sequence[UUID]) -> None:
    """Patients first, then what names them; parts and items in any order, their keys are checked at commit."""
    ids = {*everybody, *(row["patient_id"] for row in batch.patients)}
    await allow(connection, ids)
    await _revise(connection, batch)
    tables: list[tuple[Any, list[dict[str, Any]]]] = [
        (SourceRecord, batch.sources),
        (Patient, batch.patients),
        (Link, batch.links),
        (Review, batch.reviews),
        (PatientKey, batch.keys),
        *batch.rows.items(),
    ]
    for model, rows in tables:
        if rows:
            await insert_rows(connection, model.__table__, rows)
    for item, facts in batch.facts.items():
        await settle(connection, item, facts, forced=False)


async def _revise(connection: AsyncConnection, batch: Batch) -> None:
    """Every item carries the revision that its patient comes to by this batch."""
    known = {link["patient_id"] for link in batch.links} - batch.revisions.keys()
    fresh = {row["patient_id"] for row in batch.patients}
    batch.revisions |= dict.fromkeys(fresh, FIRST) | await next_revisions(connection, known - fresh)
    for item in batch.facts:
        for row in batch.rows[item]:
            row["revision"] = batch.revisions[row["patient_id"]]
