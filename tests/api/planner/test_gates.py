"""The first wall alone: run as the owner of the tables, past row-level security, a plan shows only what is open."""

import asyncpg
import pytest

from api.planner.documents import Documents
from api.schema import create_schema, records_of

SCHEMA = create_schema()._schema
DOCUMENTS = Documents(SCHEMA, records_of(SCHEMA))


async def shown(book, query, sections):
    """What the plan of a query gives of the first citizen's book with these sections open and no second wall."""
    document = DOCUMENTS.get(query, None)
    plan = document.plan(document.variables({}))
    connection = await asyncpg.connect(book.database.owner)
    try:
        patient = await connection.fetchval("select patient_id from access.citizen where id = $1", book.citizens[0])
        await connection.execute("select set_config('app.sections', $1, false)", sections)
        arguments = [int(one) if one and one.isdigit() else one for one in plan.arguments(document.variables({}))]
        return await connection.fetchval(plan.sql, str(patient), *arguments)
    finally:
        await connection.close()


@pytest.mark.parametrize("sections", [",", ",vitals,", "labs", ",labsx,"])
async def test_a_node_of_a_closed_section_is_not_there(book, sections):
    (row,) = await book.sql(
        """select access.node_id('labs', patient_id, id) as id from book.labs
            where patient_id = (select patient_id from access.citizen where id = $1) limit 1""",
        book.citizens[0],
    )
    query = f'{{ node(id: "{row["id"]}") {{ id }} }}'
    assert await shown(book, query, sections) is None
    assert row["id"] in await shown(book, query, ",labs,")


async def test_a_closed_section_is_null(book):
    query = "{ healthRecord { labs { totalCount } vitals { totalCount } } }"
    assert '"labs":null' in await shown(book, query, ",vitals,")
    assert '"labs":null' not in await shown(book, query, ",labs,")
