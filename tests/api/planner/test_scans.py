"""How PostgreSQL runs a plan under row-level security: along indexes of the patient's, in the order of the page."""

import asyncpg
import pytest

from api.planner.documents import Documents
from api.schema import create_schema, records_of

SCHEMA = create_schema()._schema
DOCUMENTS = Documents(SCHEMA, records_of(SCHEMA))
CURSOR = "fDAxYTIwMmQ0LTkzN2EtNzdjOC1hOGU3LTkyNDVlYTY3MzI4Yg"  # of an item without a date
SETTINGS = """
select set_config('app.patient', '00000000-0000-0000-0000-000000000000', false), set_config('app.sections', $1, false),
       set_config('app.undated', $1, false), set_config('app.windows', ',', false),
       set_config('app.sensitive', '*', false), set_config('plan_cache_mode', 'force_generic_plan', false),
       set_config('enable_seqscan', 'off', false), set_config('enable_bitmapscan', 'off', false)
"""


async def plan_of(database, query, section):
    """EXPLAIN's lines for the reading role. The tables are small, so that reading them whole is forbidden."""
    document = DOCUMENTS.get(query, None)
    plan = document.plan(document.variables({}))
    arguments = ["null" if one is None else f"'{one}'" for one in plan.arguments(document.variables({}))]
    connection = await asyncpg.connect(database.owner)
    try:
        await connection.execute("set role healthbook_record")
        await connection.fetch(SETTINGS, f",{section},")
        _kept = await connection.prepare(plan.sql, name="p")  # the driver closes a statement nobody holds
        given = ", ".join(["'00000000-0000-0000-0000-000000000000'", *arguments])
        return [row[0] for row in await connection.fetch(f"explain (costs off) execute p({given})")]
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "arguments",
    ["", "(first: 3)", f'(first: 3, after: "{CURSOR}")', "(last: 3)", f'(last: 3, before: "{CURSOR}")'],
    ids=["usual", "first", "after", "last", "before"],
)
@pytest.mark.parametrize("section", ["labs", "vitals", "encounters"])
async def test_a_page_is_read_in_its_order_and_no_further(database, section, arguments):
    query = f"{{ healthRecord {{ {section}{arguments} {{ nodes {{ id occurred }} pageInfo {{ hasNextPage }} }} }} }}"
    lines = "\n".join(await plan_of(database, query, section))
    scans = lines.count(" Scan ")
    assert scans - lines.count("Subquery Scan") == lines.count(f"using ix_{section}_page on {section}") > 0
    assert lines.count("Index Cond: (patient_id = $1)") == lines.count(f"using ix_{section}_page on {section}")
    assert lines.count("Sort Key") == lines.count("Sort Key: (row_number()") == (1 if "last" in arguments else 0)


async def test_a_book_that_was_not_decided_about_is_not_even_looked_at(database):
    """Two walls that agree become one question, asked before the table is."""
    lines = "\n".join(await plan_of(database, "{ healthRecord { labs { nodes { id } } } }", "labs"))
    assert "One-Time Filter: ((current_setting('app.patient'::text))::uuid = $1)" in lines


async def test_parts_of_an_item_are_found_by_patient(database):
    query = "{ healthRecord { prescriptions { nodes { items { drug } dispenses { drug } } } } }"
    lines = await plan_of(database, query, "prescriptions")
    scans = [line for line in lines if "Scan using" in line]
    assert len(scans) == 3
    assert not [line for line in lines if "Seq Scan" in line]
    assert sum("Index Cond: " in line and "patient_id = $1" in line for line in lines) == 3
