"""A larger population than is worth importing: the books of a smaller one again and again, under other ids.

Each copy has every row of the book and of its sources. Names and contents repeat; sizes, indexes and plans are those
of so many people.
"""

import asyncpg

TABLES = ("source_record", "link", "patient_key")
MOST_TIMES = 16  # an id differs from its original in four bits
KEPT = "organization_id"  # organizations stay the same ones
COLUMNS = """
select c.table_schema || '.' || c.table_name as name,
       array_agg(quote_ident(c.column_name)::text order by c.ordinal_position) as columns,
       array_agg(quote_ident(c.column_name)::text order by c.ordinal_position)
         filter (where c.data_type = 'uuid' and c.column_name <> $2) as ids
  from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
 where t.table_type = 'BASE TABLE' and (c.table_schema = 'book' or c.table_schema = 'intake' and c.table_name = any($1))
 group by c.table_schema, c.table_name order by 1
"""
OTHER_ID = "(left({0}::text, 35) || to_hex(('x' || right({0}::text, 1))::bit(4)::integer # {1}))::uuid"


async def multiply(dsn: str, times: int) -> None:
    """So many times the people of this database, by its owner, in one transaction."""
    if not 1 <= times <= MOST_TIMES:
        raise ValueError(f"a population is multiplied by 1 to {MOST_TIMES}")
    connection = await asyncpg.connect(dsn, timeout=60)
    try:
        async with connection.transaction():
            await connection.execute("set local session_replication_role = replica")  # nothing is looked up row by row
            for table in await connection.fetch(COLUMNS, TABLES, KEPT):
                await connection.execute(_copies(table["name"], table["columns"], table["ids"], times))
    finally:
        await connection.close()


def _copies(table: str, columns: list[str], ids: list[str], times: int) -> str:
    """The statement that fills a table. What is read is what was there before it began."""
    values = {one: OTHER_ID.format(one, "copy") for one in ids}
    if table == "intake.source_record":
        values["key"] = "key || '~' || copy"
    told = ", ".join(values.get(one, one) for one in columns)
    return (
        f"insert into {table} ({', '.join(columns)}) select {told} from generate_series(1, {times - 1}) copy, {table}"
    )
