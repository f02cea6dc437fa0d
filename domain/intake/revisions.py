"""Counting a patient's revisions, and noting what a change takes out of sight (domain/revisions.py).

Whoever changes rows of patients first takes the next revision of each, then changes rows by `changing`, and at last
calls `tied`, because some items show rows of others, and `tell`.
"""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.changes_feed import RecordChange, tell_records
from domain.database import Item
from domain.sections import SECTIONS

FIRST = 1
"""The revision a new patient comes with."""

NEXT = text("""
update book.patient set revision = revision + 1 where patient_id = any(cast(:patients as uuid[]))
returning patient_id, revision
""")
REVISION = "(select p.revision from book.patient p where p.patient_id = {patient})"
SEEN_BEFORE = """
returning old.patient_id as old_patient, new.patient_id, new.fact_key, new.id, old.occurred, old.sensitivity,
          old.shown and (not new.shown or new.patient_id <> old.patient_id or new.sensitivity <> old.sensitivity)
          as gone
"""
REMOVE = """
insert into book.removal (patient_id, id, revision, section, item_id, occurred, sensitivity)
select c.old_patient, uuidv7(), p.revision, '{section}', c.id, c.occurred, c.sensitivity
  from changed c join book.patient p on p.patient_id = c.old_patient
 where c.gone
"""
# Touched in this transaction: rows of the newest revision, also where they stand under another patient now.
TIED = """
update {table} t set revision = p.revision
  from book.patient p
 where t.patient_id = any(cast(:patients as uuid[])) and t.shown
   and p.patient_id = t.patient_id and t.revision < p.revision
   and exists (select from {of} r join book.patient q on q.patient_id = r.patient_id and q.revision = r.revision
                where r.patient_id = any(cast(:patients as uuid[])) and {on})
"""
CHANGED = """
select r.patient_id, '{section}' as section, r.sensitivity from {table} r
  join book.patient p on p.patient_id = r.patient_id and p.revision = r.revision
 where r.patient_id = any(cast(:patients as uuid[]))
"""
GONE = """
select r.patient_id, r.section, r.sensitivity from book.removal r
  join book.patient p on p.patient_id = r.patient_id and p.revision = r.revision
 where r.patient_id = any(cast(:patients as uuid[]))
"""
_SECTIONS = {section.model: section.name for section in SECTIONS}


async def next_revisions(connection: AsyncConnection, patients: Collection[UUID]) -> dict[UUID, int]:
    """Begin a revision of each patient; he must be locked. The numbers, by patient."""
    if not patients:
        return {}
    rows = await connection.execute(NEXT, {"patients": sorted(set(patients))})
    return {row.patient_id: row.revision for row in rows}


def changing(model: type[Item], update: str, *, ctes: str = "", returned: str = "count(*)") -> TextClause:
    """An UPDATE of the rows `r` of a section, which sets their revision to REVISION, with the removals it makes.

    `update` has no RETURNING. `ctes` go before it; `returned` is what to select of `changed` (patient_id, fact_key).
    """
    parts = [*([ctes] if ctes else []), f"changed as ({update}{SEEN_BEFORE})"]
    if model in _SECTIONS:
        parts.append(f"gone as ({REMOVE.format(section=_SECTIONS[model])})")
    return text(f"with {', '.join(parts)} select {returned} from changed")


async def tied(connection: AsyncConnection, patients: Collection[UUID], changed: Iterable[type]) -> None:
    """Give their new revision to items that show rows of other tables, where those have changed."""
    models = set(changed)
    for section in SECTIONS:
        for tie in section.ties:
            if tie.of in models:
                statement = TIED.format(table=section.model.table(), of=tie.of.table(), on=tie.on.format(t="t", r="r"))
                await connection.execute(text(statement), {"patients": sorted(set(patients))})


async def tell(connection: AsyncConnection, revisions: Mapping[UUID, int], changed: Iterable[type]) -> None:
    """Tell who follows these patients what their newest revision touched: in `changed`, and what it took away."""
    if not revisions:
        return
    models = set(changed)
    parts = [
        CHANGED.format(section=section.name, table=model.table())
        for section in SECTIONS
        for model in section.models
        if model in models and issubclass(model, Item)
    ]
    rows = await connection.execute(text(" union ".join([GONE, *parts])), {"patients": sorted(revisions)})
    found: dict[UUID, set[tuple[str, str]]] = {}
    for patient, section, label in rows:
        found.setdefault(patient, set()).add((section, label))
    await tell_records(connection, (RecordChange(one, revisions[one], frozenset(found[one])) for one in found))
