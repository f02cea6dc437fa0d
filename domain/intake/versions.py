"""Versions of a source: the same bytes again change nothing, a correction replaces the version before it."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.database import Item
from domain.intake.facts import Fact
from domain.intake.revisions import REVISION, changing
from domain.intake.submissions import Submission
from domain.intake.tables import PatientKey, SourceRecord
from domain.sections import SECTIONS

# The versions in force of some (organization, format, key) triples, and who they are linked to.
CURRENT = text("""
select s.id, o.code as facility, s.format, s.key, s.version, s.sha256,
       l.patient_id, l.decided_by <> 'rule' as is_decided
  from unnest(cast(:organizations as uuid[]), cast(:formats as text[]), cast(:keys as text[]))
       as w(organization_id, format, key)
  join intake.source_record s using (organization_id, format, key)
  join registry.organization o on o.id = s.organization_id
  join intake.link l on l.source_id = s.id and l.undone_at is null
 where s.superseded_at is null
""")
# Rows that are replaced name no sender but their own; their label stays as strict as it was.
SUPERSEDE = f"""
update {{table}} r
   set superseded_at = :now, shown = false, contradicted = false,
       sources = (
           select jsonb_agg(e) from jsonb_array_elements(r.sources) e where e->>'id' = cast(r.source_id as text)
       ),
       revision = {REVISION.format(patient="r.patient_id")}
  from unnest(cast(:patients as uuid[]), cast(:sources as uuid[])) as v(patient_id, source_id)
 where r.patient_id = v.patient_id and r.source_id = v.source_id
"""
ALLOW = text("select set_config('app.patients', :patients, true)")
LOCK = text("select pg_advisory_xact_lock(k) from unnest(cast(:keys as bigint[])) k")


@dataclass(frozen=True, slots=True)
class Version:
    id: UUID
    version: int
    sha256: bytes
    patient_id: UUID
    is_decided: bool  # by a person, not by a rule


def fingerprint(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def source_name(facility: str, key: str) -> str:
    """What to lock for one source of a sender."""
    return f"{facility}|{key}"


def patient_name(patient_id: UUID) -> str:
    """What to lock for the record of a patient; always after the names of sources and keys."""
    return f"patient|{patient_id}"


async def lock(connection: AsyncConnection, names: Iterable[str | bytes]) -> None:
    """Take turns with everybody who writes the same names, until the transaction ends. Ordered: no deadlock."""
    keys = sorted({_lock_key(name) for name in names})
    await connection.execute(LOCK, {"keys": keys})


async def allow(connection: AsyncConnection, patients: Iterable[UUID]) -> None:
    """Name the patients whose rows this transaction may touch; row-level security holds it to them."""
    listed = "{" + ",".join(sorted(str(one) for one in patients)) + "}"
    await connection.execute(ALLOW, {"patients": listed})


def _lock_key(name: str | bytes) -> int:
    raw = name if isinstance(name, bytes) else name.encode()
    return int.from_bytes(hashlib.sha256(raw).digest()[:8], "big", signed=True)


async def current_versions(
    connection: AsyncConnection, submissions: Sequence[Submission], organizations: Mapping[str, Any]
) -> dict[tuple[str, str, str], Version]:
    rows = await connection.execute(
        CURRENT,
        {
            "organizations": [organizations[one.facility].id for one in submissions],
            "formats": [one.format for one in submissions],
            "keys": [one.key for one in submissions],
        },
    )
    return {
        (row.facility, row.format, row.key): Version(row.id, row.version, row.sha256, row.patient_id, row.is_decided)
        for row in rows
    }


async def supersede(
    connection: AsyncConnection, versions: Sequence[Version], now: datetime
) -> dict[type[Item], set[Fact]]:
    """End some versions: their rows and links stay, their look-up keys go. Returns the facts they told."""
    facts: dict[type[Item], set[Fact]] = defaultdict(set)
    if not versions:
        return facts
    ids = [version.id for version in versions]
    values = {"now": now, "patients": [version.patient_id for version in versions], "sources": ids}
    for model in item_models():
        update_ = SUPERSEDE.format(table=model.table().fullname)
        told = await connection.execute(changing(model, update_, returned="patient_id, fact_key"), values)
        facts[model] = {(row.patient_id, row.fact_key) for row in told}
    await connection.execute(update(SourceRecord).where(SourceRecord.id.in_(ids)).values(superseded_at=now))
    await connection.execute(delete(PatientKey).where(PatientKey.source_id.in_(ids)))
    return facts


def item_models() -> list[type[Item]]:
    return [model for section in SECTIONS for model in section.models if issubclass(model, Item)]
