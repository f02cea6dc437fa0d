"""What holds whatever was imported, moved, merged and taken back: asserted over a whole database."""

import asyncpg

from domain.database import Item
from domain.sections import SECTIONS

MODELS = [model for section in SECTIONS for model in section.models]
ITEMS = [model for model in MODELS if issubclass(model, Item)]

ONE_LINK = """
select count(*) from intake.source_record s
 where 1 <> (select count(*) from intake.link l where l.source_id = s.id and l.undone_at is null)
"""
ASTRAY = """
select count(*) from {table} r
 where not exists (select from intake.link l where l.source_id = r.source_id and l.undone_at is null
                      and l.patient_id = r.patient_id)
"""
REPLACED_SHOWN = """
select count(*) from {table} r join intake.source_record s on s.id = r.source_id
 where (s.superseded_at is null) <> (r.superseded_at is null) or (r.superseded_at is not null and r.shown)
"""
FACTS = """
with live as (select * from {table} where superseded_at is null)
select count(*) from (
    select patient_id, fact_key,
           count(*) filter (where shown) as shown,
           jsonb_agg(sources) filter (where shown) -> 0 as told,
           bool_or(contradicted) filter (where shown) as contradicted,
           bool_or(contradicted and not shown) as stray,
           array_agg(content_key) as contents,
           count(distinct sensitivity) as labels,
           array_agg(source_id::text order by source_id::text) as reporters
      from live group by 1, 2
) f
 where shown <> 1 or stray or contradicted <> exists (
        select from unnest(contents) c, string_to_table(c, '.') with ordinality as said(part, place)
         where part <> '-' group by place having count(distinct part) > 1
    ) or labels <> 1
    or reporters <> array(select e->>'id' from jsonb_array_elements(told) e order by 1)
"""
NEWEST = """
select count(*) from {table} r join {table} s using (patient_id, fact_key)
 where r.shown and s.superseded_at is null and s.id <> r.id
   and (coalesce(s.occurred, ''), s.received_at, s.id) > (coalesce(r.occurred, ''), r.received_at, r.id)
"""
KEYS_ASTRAY = ASTRAY.format(table="intake.patient_key")
REDIRECTS = """
select count(*) from access.patient_redirect a
 where exists (select from access.patient_redirect b where b.old_id = a.patient_id)
    or exists (select from intake.link l where l.patient_id = a.old_id and l.undone_at is null)
"""


async def assert_sound(dsn: str) -> None:
    """Exactly one link a source; rows and keys under its patient; each fact shown once, by its newest report."""
    connection = await asyncpg.connect(dsn)
    try:
        broken = {name: await connection.fetchval(sql) for name, sql in _checks().items()}
    finally:
        await connection.close()
    assert {name: count for name, count in broken.items() if count} == {}


def _checks() -> dict[str, str]:
    checks = {"one link a source": ONE_LINK, "keys under the patient": KEYS_ASTRAY, "redirects are flat": REDIRECTS}
    for model in MODELS:
        checks[f"{model.table().name}: under the patient"] = ASTRAY.format(table=model.table().fullname)
    for item in ITEMS:
        table = item.table()
        checks[f"{table.name}: replaced with its source"] = REPLACED_SHOWN.format(table=table.fullname)
        checks[f"{table.name}: shown once"] = FACTS.format(table=table.fullname)
        checks[f"{table.name}: the newest"] = NEWEST.format(table=table.fullname)
    return checks
