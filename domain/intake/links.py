"""Who a source belongs to, decided by a person: moving it, merging two patients, taking that back, and saying why.

Each function runs in the caller's transaction, as the intake role. A source moves with its other versions. `by` names
who decided (an account, never a citizen), `reason` is a code or words without personal data. Links are only added
and ended, so what a merge moved is known and an unmerge moves exactly that back.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.changes_feed import tell_rights
from domain.errors import Conflict, Invalid, NotFound
from domain.intake.moves import Grounds, hold, move, refuse_merged
from domain.intake.tables import Link, NeverLink, Review
from domain.intake.versions import allow
from domain.patients import Patient, PatientRedirect
from domain.values import PatientId, new_id

# The versions of some sources that stand with one patient.
TOGETHER = text("""
select distinct other.id
  from intake.source_record one
  join intake.source_record other using (organization_id, format, key)
  join intake.link l on l.source_id = other.id and l.undone_at is null and l.patient_id = :patient
 where one.id = any(cast(:sources as uuid[]))
""")

# Some sources and the corrections that followed them to one patient; a version a rule put there on its own stays.
CORRECTED = text("""
with recursive followed as (
    select id, organization_id, format, key, version
      from intake.source_record where id = any(cast(:sources as uuid[]))
     union
    select s.id, s.organization_id, s.format, s.key, s.version
      from followed f
      join intake.source_record s on s.organization_id = f.organization_id and s.format = f.format and s.key = f.key
                                 and s.version = f.version + 1
      join intake.link l on l.source_id = s.id and l.undone_at is null
                        and l.patient_id = :patient and l.rule = 'resend'
)
select id from followed
""")

# Why the sources of a merge stood where they did before it.
BEFORE = text("""
select distinct on (source_id) source_id, rule, reasons
  from intake.link
 where source_id = any(cast(:sources as uuid[])) and undone_at is not null and patient_id = :patient
 order by source_id, decided_at desc, id desc
""")

# Into whom a patient's sources were merged last: the links of the sources he has had say it.
MERGED_INTO = text("""
select merged.patient_id
  from intake.link own
  join intake.link merged on merged.source_id = own.source_id and merged.rule = 'merge'
                         and :mark = any(merged.reasons)
 where own.patient_id = :patient
 order by merged.decided_at desc, merged.id desc
 limit 1
""")


@dataclass(frozen=True, slots=True)
class Explanation:
    """One link of a source's history. `undone_by` and `undone_at` are None while it holds."""

    patient_id: PatientId
    rule: str
    reasons: tuple[str, ...]
    decided_by: str
    decided_at: datetime
    undone_by: str | None
    undone_at: datetime | None


async def relink(
    connection: AsyncConnection, source_id: UUID, patient_id: UUID | None, *, by: str, reason: str, now: datetime
) -> PatientId:
    """Move a source to a patient, or to a new one; answers the reviews that asked about it. Returns whose it is now.

    NotFound if there is no such source or patient; Conflict if the patient was merged away or the source just moved.
    """
    old = await _owner(connection, source_id)
    await hold(connection, {old, patient_id} if patient_id else {old})
    if await _owner(connection, source_id) != old:
        raise Conflict("The source was moved a moment ago.")
    if patient_id is not None:
        await refuse_merged(connection, [patient_id])
    new = patient_id or await _newcomer(connection, old)
    sources = await _together(connection, [source_id], old)
    await move(connection, dict.fromkeys(sources, Grounds("relink", [reason])), old, new, by=by, now=now)
    await _resolve(connection, sources, "relinked", now)
    return PatientId(new)


async def merge(
    connection: AsyncConnection,
    kept: UUID,
    lesser: UUID,
    *,
    by: str,
    reason: str,
    now: datetime,
    despite_never: bool = False,
) -> None:
    """Give all sources of `lesser` to `kept`; the lesser id leads to the kept one until an unmerge.

    Conflict if one of them was merged away already, or if somebody asserted that they are two people, unless
    `despite_never`, which withdraws that. Invalid if they are the same, or if the lesser has no source.
    """
    if kept == lesser:
        raise Invalid("lesser", "A patient cannot be merged into himself.")
    await hold(connection, {kept, lesser})
    await refuse_merged(connection, [kept, lesser])
    await _settle_assertions(connection, kept, lesser, withdraw=despite_never)
    sources = await connection.scalars(
        select(Link.source_id).where(Link.patient_id == lesser, Link.undone_at.is_(None))
    )
    grounds = dict.fromkeys(sources, Grounds("merge", [_mark(lesser), reason]))
    if not grounds:
        raise Invalid("lesser", "The patient has no sources to merge.")
    await _resolve_between(connection, kept, lesser, now)
    await move(connection, grounds, lesser, kept, by=by, now=now)
    await connection.execute(
        update(PatientRedirect).where(PatientRedirect.patient_id == lesser).values(patient_id=kept)
    )
    await connection.execute(insert(PatientRedirect).values(old_id=lesser, patient_id=kept))
    await connection.run_sync(tell_rights, patients=[lesser, kept])


async def unmerge(
    connection: AsyncConnection, patient: UUID, lesser: UUID, *, by: str, reason: str, now: datetime
) -> None:
    """Give back what the merge moved, with corrections received since, and assert that the two are two people.

    What came new to the patient afterwards stays. Conflict if `lesser` is not merged directly into `patient`: the
    last of several merges is undone first.
    """
    await hold(connection, {patient, lesser})
    direct = await _merged_into(connection, lesser)
    redirect = await connection.scalar(select(PatientRedirect.patient_id).where(PatientRedirect.old_id == lesser))
    if redirect != patient or direct != patient:
        raise Conflict("The one patient is not merged directly into the other.")
    marked = Link.reasons.contains([_mark(lesser)])
    merged = select(Link.source_id).where(Link.patient_id == patient, Link.undone_at.is_(None), Link.rule == "merge")
    moved = list(await connection.scalars(merged.where(marked)))
    sources = list(await connection.scalars(CORRECTED, {"sources": moved, "patient": patient}))
    grounds = await _grounds_before(connection, sources, lesser, reason)
    await move(connection, grounds, patient, lesser, by=by, now=now)
    await connection.execute(delete(PatientRedirect).where(PatientRedirect.old_id == lesser))
    await _redirect_again(connection, patient, lesser)
    await connection.run_sync(tell_rights, patients=[lesser, patient])
    await never(connection, patient, lesser, by=by, reason=reason)


async def never(connection: AsyncConnection, a: UUID, b: UUID, *, by: str, reason: str) -> None:
    """Assert that two patients are two people; once said, saying it again changes nothing."""
    if a == b:
        raise Invalid("b", "A patient cannot be a stranger to himself.")
    first, second = sorted((a, b))
    said = upsert(NeverLink).values(patient_id=first, other_id=second, decided_by=by, reason=reason)
    await connection.execute(said.on_conflict_do_nothing())


async def explain(connection: AsyncConnection, source_id: UUID) -> list[Explanation]:
    """Why a source is where it is: its links, the oldest first, the last one holds. Empty for an unknown source."""
    links = select(Link).where(Link.source_id == source_id).order_by(Link.decided_at, Link.id)
    return [
        Explanation(
            PatientId(row.patient_id),
            row.rule,
            tuple(row.reasons),
            row.decided_by,
            row.decided_at,
            row.undone_by,
            row.undone_at,
        )
        for row in await connection.execute(links)
    ]


def _mark(lesser: UUID) -> str:
    return f"merged:{lesser}"


async def _owner(connection: AsyncConnection, source_id: UUID) -> UUID:
    active = select(Link.patient_id).where(Link.source_id == source_id, Link.undone_at.is_(None))
    owner: UUID | None = await connection.scalar(active)
    if owner is None:
        raise NotFound("There is no such source.")
    return owner


async def _newcomer(connection: AsyncConnection, old: UUID) -> UUID:
    patient_id = new_id()
    await allow(connection, [old, patient_id])
    await connection.execute(insert(Patient).values(patient_id=patient_id))
    return patient_id


async def _together(connection: AsyncConnection, sources: Collection[UUID], patient: UUID) -> list[UUID]:
    return list(await connection.scalars(TOGETHER, {"sources": list(sources), "patient": patient}))


async def _merged_into(connection: AsyncConnection, lesser: UUID) -> UUID | None:
    into: UUID | None = await connection.scalar(MERGED_INTO, {"mark": _mark(lesser), "patient": lesser})
    return into


async def _grounds_before(
    connection: AsyncConnection, sources: Collection[UUID], patient: UUID, reason: str
) -> dict[UUID, Grounds]:
    """The grounds each source had with the patient; a correction received since came with its earlier version."""
    before = await connection.execute(BEFORE, {"sources": list(sources), "patient": patient})
    known = {row.source_id: Grounds(row.rule, [*row.reasons, f"unmerged:{reason}"]) for row in before}
    return {source: known.get(source, Grounds("resend", ["resend", f"unmerged:{reason}"])) for source in sources}


async def _redirect_again(connection: AsyncConnection, patient: UUID, lesser: UUID) -> None:
    """Those merged into the lesser before lead to him again, and not to the patient."""
    rows = await connection.scalars(select(PatientRedirect.old_id).where(PatientRedirect.patient_id == patient))
    into = {old: await _merged_into(connection, old) for old in rows}
    back = [old for old in into if lesser in _chain(into, old)]
    if back:
        ids = PatientRedirect.old_id.in_(back)
        await connection.execute(update(PatientRedirect).where(ids).values(patient_id=lesser))


def _chain(into: dict[UUID, UUID | None], old: UUID) -> list[UUID]:
    """Everybody a merged patient went through, himself first."""
    chain = [old]
    while (following := into.get(chain[-1])) is not None and following not in chain:
        chain.append(following)
    return chain


async def _family(connection: AsyncConnection, patient: UUID) -> list[UUID]:
    """A patient and everybody who was merged into him."""
    merged = select(PatientRedirect.old_id).where(PatientRedirect.patient_id == patient)
    return [patient, *await connection.scalars(merged)]


async def _settle_assertions(connection: AsyncConnection, kept: UUID, lesser: UUID, *, withdraw: bool) -> None:
    """Refuse a merge of two who were said to be two people, they or anybody merged into them."""
    ours, theirs = await _family(connection, kept), await _family(connection, lesser)
    pairs = [(min(a, b), max(a, b)) for a in ours for b in theirs]
    between = tuple_(NeverLink.patient_id, NeverLink.other_id).in_(pairs)
    if withdraw:
        await connection.execute(delete(NeverLink).where(between))
    elif (await connection.execute(select(NeverLink.patient_id).where(between).limit(1))).first():
        raise Conflict("Somebody asserted that these are two people.")


async def _resolve(connection: AsyncConnection, sources: Collection[UUID], resolution: str, now: datetime) -> None:
    asked = update(Review).where(Review.source_id.in_(sources), Review.resolved_at.is_(None))
    await connection.execute(asked.values(resolved_at=now, resolution=resolution))


async def _resolve_between(connection: AsyncConnection, kept: UUID, lesser: UUID, now: datetime) -> None:
    """The questions whether one of the two is the other."""
    held = select(Link.source_id).where(Link.patient_id.in_([kept, lesser]), Link.undone_at.is_(None))
    about = or_(Review.candidates.contains([kept]), Review.candidates.contains([lesser]))
    asked = update(Review).where(Review.source_id.in_(held), Review.resolved_at.is_(None), about)
    await connection.execute(asked.values(resolved_at=now, resolution="merged"))
