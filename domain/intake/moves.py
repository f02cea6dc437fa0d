"""Moving sources from one patient to another: their links, section rows and look-up keys, and the facts on both sides.

Rows of a source always stand under the patient of its active link, those of replaced versions too. Whoever moves
takes the locks first that an import of the same sources or the same persons would take.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.database import Item, Part
from domain.errors import Conflict, NotFound
from domain.intake.facts import settle
from domain.intake.revisions import REVISION, changing, next_revisions, tell, tied
from domain.intake.tables import Link, PatientKey, SourceRecord
from domain.intake.versions import allow, lock, patient_name, source_name
from domain.organizations import Organization
from domain.patients import Patient, PatientRedirect
from domain.sections import SECTIONS
from domain.values import new_id

MOVE = """
update {table} r set patient_id = :new{revised} where patient_id = :old and source_id = any(cast(:sources as uuid[]))
"""


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why a source belongs where it goes: what a link says."""

    rule: str
    reasons: Sequence[str]


async def hold(connection: AsyncConnection, patients: Collection[UUID]) -> None:
    """Take turns over some patients and all their sources until the transaction ends, and open their rows to it.

    NotFound if there is no such patient, Conflict if one was merged into another.
    """
    held: set[str | bytes] = set()
    while missing := await _names(connection, patients) - held:
        await lock(connection, missing)
        held |= missing
    await lock(connection, map(patient_name, patients))
    await allow(connection, patients)
    known = select(func.count()).select_from(Patient).where(Patient.patient_id.in_(patients))
    if await connection.scalar(known) != len(patients):
        raise NotFound("There is no such patient.")


async def refuse_merged(connection: AsyncConnection, patients: Collection[UUID]) -> None:
    """Conflict if one of the patients lives on in another."""
    if await connection.scalar(select(exists().where(PatientRedirect.old_id.in_(patients)))):
        raise Conflict("The patient was merged into another.")


async def _names(connection: AsyncConnection, patients: Collection[UUID]) -> set[str | bytes]:
    """What an import locks that touches a source or an identifier of these patients."""
    sources = (
        select(Organization.code, SourceRecord.key)
        .join_from(Link, SourceRecord, SourceRecord.id == Link.source_id)
        .join(Organization, Organization.id == SourceRecord.organization_id)
        .where(Link.patient_id.in_(patients), Link.undone_at.is_(None))
    )
    keys = select(PatientKey.key).where(PatientKey.patient_id.in_(patients))
    names: set[str | bytes] = {source_name(code, key) for code, key in await connection.execute(sources)}
    return names | set(await connection.scalars(keys))


async def move(
    connection: AsyncConnection, grounds: Mapping[UUID, Grounds], old: UUID, new: UUID, *, by: str, now: datetime
) -> None:
    """End the active links of some sources of `old` and link them to `new`; `hold` must have been called for both."""
    sources = list(grounds)
    if not sources:
        return
    ended = update(Link).where(Link.source_id.in_(sources), Link.undone_at.is_(None))
    await connection.execute(ended.values(undone_at=now, undone_by=by))
    await connection.execute(insert(Link), [_link(source, grounds[source], new, by, now) for source in sources])
    keys = update(PatientKey).where(PatientKey.source_id.in_(sources))
    await connection.execute(keys.values(patient_id=new))
    revisions = await next_revisions(connection, [old, new])
    models = [model for section in SECTIONS for model in section.models]
    for model in models:
        await _move_rows(connection, model, sources, old, new)
    await tied(connection, [old, new], models)
    await tell(connection, revisions, models)


def _link(source: UUID, grounds: Grounds, patient: UUID, by: str, now: datetime) -> dict[str, object]:
    return {
        "id": new_id(),
        "source_id": source,
        "patient_id": patient,
        "rule": grounds.rule,
        "reasons": list(grounds.reasons),
        "decided_by": by,
        "decided_at": now,
    }


async def _move_rows(
    connection: AsyncConnection, model: type[Item | Part], sources: list[UUID], old: UUID, new: UUID
) -> None:
    """Only items tell facts; a replaced version's row tells one no more, and settling it again changes nothing."""
    values, table = {"old": old, "new": new, "sources": sources}, model.table().fullname
    if not issubclass(model, Item):
        await connection.execute(text(MOVE.format(table=table, revised="")), values)
        return
    update_ = MOVE.format(table=table, revised=f", revision = {REVISION.format(patient='cast(:new as uuid)')}")
    moved = await connection.execute(changing(model, update_, returned="fact_key"), values)
    keys = {row.fact_key for row in moved}
    await settle(connection, model, ((patient, key) for key in keys for patient in (old, new)), forced=True)
