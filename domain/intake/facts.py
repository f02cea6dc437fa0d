"""One fact shown once. After rows come, go or move, the facts they touch are settled again.

The newest report of an event is shown, its `sources` name every reporter, and reports that differ in content mark it
contradicted. Only the row shown and the one it replaces are written, however many reports there are. All live reports
carry the label of the fact, the strictest of theirs: what one sender calls sensitive is so in every report of it.
"""

import zlib
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.database import Item, Part, digest
from domain.intake.revisions import REVISION, changing
from domain.reference.sensitivity import labels

Fact = tuple[UUID, str]
UNSAID: tuple[object, ...] = (None, "", [], {}, ())

# $1 patients, $2 fact keys. Facts with a single report are as the insert left them unless `forced`. A report's own
# entry is in its `sources` and keeps its own label, so that both come back when the other reports go.
FACTS = """
touched as (
    select distinct * from unnest(cast(:patients as uuid[]), cast(:facts as text[])) as t(patient_id, fact_key)
), reports as materialized (
    select r.patient_id, r.fact_key, r.id, r.content_key, own.entry, own.entry->>'sensitivity' as label,
           row_number() over (partition by r.patient_id, r.fact_key
                              order by r.occurred desc nulls last, r.received_at desc, r.id desc) as place,
           count(*) over (partition by r.patient_id, r.fact_key) as told
      from touched t
      join {table} r on r.patient_id = t.patient_id and r.fact_key = t.fact_key and r.superseded_at is null
     cross join lateral (
        select e from jsonb_array_elements(r.sources) e where e->>'id' = cast(r.source_id as text)
     ) own(entry)
), contradictions as materialized (
    select patient_id, fact_key
      from reports
     cross join lateral string_to_table(content_key, '.') with ordinality as said(part, place_of_part)
     where told > 1 and part <> '-'
     group by patient_id, fact_key, place_of_part
    having count(distinct part) > 1
), facts as materialized (
    select patient_id, fact_key,
           (array_agg(id order by place))[1] as shown_id,
           jsonb_agg(entry order by place) as sources,
           exists (
               select from contradictions c where c.patient_id = reports.patient_id and c.fact_key = reports.fact_key
           ) as contradicted,
           (array_agg(label order by array_position(cast(:labels as text[]), label)))[1] as sensitivity
      from reports
     where told > 1 or cast(:forced as boolean)
     group by patient_id, fact_key
)
"""
SETTLE = f"""
update {{table}} r
   set shown = r.id = f.shown_id,
       contradicted = r.id = f.shown_id and f.contradicted,
       sensitivity = f.sensitivity,
       sources = case when r.id = f.shown_id then f.sources else (
           select jsonb_build_array(e) from jsonb_array_elements(r.sources) e where e->>'id' = cast(r.source_id as text)
       ) end,
       revision = {REVISION.format(patient="r.patient_id")}
  from facts f
 where r.patient_id = f.patient_id and r.fact_key = f.fact_key and r.superseded_at is null
   and (r.shown or r.id = f.shown_id or r.sensitivity <> f.sensitivity)
"""


async def settle(connection: AsyncConnection, model: type[Item], facts: Iterable[Fact], *, forced: bool) -> None:
    """Choose the shown report of each fact anew. `forced` also where a single report is left."""
    touched = sorted(set(facts))
    if touched:
        table = model.table().fullname
        statement = changing(model, SETTLE.format(table=table), ctes=FACTS.format(table=table))
        patients, keys = zip(*touched, strict=True)
        values = {"patients": list(patients), "facts": list(keys), "labels": list(labels()), "forced": forced}
        await connection.execute(statement, values)


def keyed(rows: Sequence[Item | Part]) -> None:
    """Give the items of one source their keys; the same event twice within a source stays two facts."""
    seen: dict[tuple[str, tuple[Any, ...]], int] = {}
    for row in rows:
        if isinstance(row, Item):
            fact = row.fact()
            nth = seen[row.table().name, fact] = seen.get((row.table().name, fact), 0) + 1
            row.fact_key = digest(fact if nth == 1 else (*fact, str(nth)))
            row.content_key = content_key(row.content())


def content_key(content: tuple[object, ...]) -> str:
    """What a report says, part by part (`1f00a3c2.-.77aa0e11`); what it leaves open contradicts nothing."""
    return ".".join(f"{zlib.crc32(str(part).encode()):08x}" if part not in UNSAID else "-" for part in content)
