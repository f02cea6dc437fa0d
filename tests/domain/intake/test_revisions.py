"""What is counted and what is noted when rows change: a later revision for what is new, a removal for what is gone."""

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
from sqlalchemy import text

from domain.database import open_engine
from domain.intake.facts import settle
from domain.intake.importing import Importer
from domain.intake.revisions import next_revisions
from domain.intake.versions import allow
from domain.sections.labs import Lab
from tests.conftest import Database
from tests.domain.intake.people_and_visits import LAM, at, patient_of, rows, send, told

REMOVALS = "select item_id, sensitivity, revision from book.removal where section = 'labs' order by revision"
TOLD_AGAIN = """
insert into book.labs select (jsonb_populate_record(l, jsonb_build_object(
    'id', cast(:id as text), 'source_id', cast(:source as text), 'sensitivity', 'HIV', 'received_at', '2001-01-01T00:00:00Z',
    'occurred', '2001-01-01', 'sources', jsonb_build_array(jsonb_build_object('id', cast(:source as text), 'sensitivity', 'HIV'))))).*
  from book.labs l where l.shown
"""  # noqa: E501


async def revision(database: Database, patient: UUID) -> int:
    return (await rows(database.owner, "select revision from book.patient where patient_id = $1", patient))[0]


async def shown(database: Database) -> list[Any]:
    return await rows(database.owner, "select id, sensitivity, revision from book.labs where shown")


async def test_a_patient_begins_with_the_first_revision(database: Database, importer: Importer) -> None:
    await send(importer, told("A1"))
    assert await revision(database, await patient_of(database.owner, "A1")) == 1
    assert [row[2] for row in await shown(database)] == [1]


async def test_the_same_again_is_no_change(database: Database, importer: Importer) -> None:
    await send(importer, told("A1"))
    await send(at(importer, 5), told("A1"))
    assert await revision(database, await patient_of(database.owner, "A1")) == 1


async def test_a_correction_takes_out_what_it_replaces(database: Database, importer: Importer) -> None:
    await send(importer, told("A1"))
    ((before, _, _),) = await shown(database)
    await send(at(importer, 5), told("A1", CAN_NANG="71.00"))
    ((after, _, number),) = await shown(database)
    assert (after != before, number) == (True, 2)
    assert await rows(database.owner, REMOVALS) == [(before, "", 2)]


async def test_a_stricter_label_takes_it_out_for_those_who_saw_it_without(
    database: Database, importer: Importer
) -> None:
    """The removal bears the old label, the row the new one: who may not see it is told only that it is gone."""
    await send(importer, told("A1"))
    patient = await patient_of(database.owner, "A1")
    ((item, _, _),) = await shown(database)
    fact = (await rows(database.owner, "select fact_key from book.labs"))[0]
    engine = open_engine(database.intake)
    async with engine.begin() as connection:
        await allow(connection, [patient])
        await next_revisions(connection, [patient])
        await connection.execute(text(TOLD_AGAIN), {"id": str(uuid4()), "source": str(uuid4())})
        await settle(connection, Lab, [(patient, fact)], forced=True)
    await engine.dispose()
    assert await shown(database) == [(item, "HIV", 2)]
    assert (item, "", 2) in await rows(database.owner, REMOVALS)


async def test_who_follows_is_told_what_changed_once_a_patient(database: Database, importer: Importer) -> None:
    """Sections and labels, no more; of a correction also what it took away."""
    heard: list[Any] = []
    ear = await asyncpg.connect(database.owner)
    await ear.add_listener("record", lambda *told: heard.append(orjson.loads(told[3])))
    await send(importer, told("A1", MA_BENH_CHINH="B20"), told("B1", LAM))
    await send(at(importer, 5), told("B1", LAM, CAN_NANG="71.00"))
    first, second = [await patient_of(database.owner, name) for name in ("A1", "B1")]
    await ear.execute("select 1")
    assert [(one["patient"], one["revision"]) for one in sorted(heard, key=lambda one: one["revision"])[2:]] == [
        (str(second), 2)
    ]
    assert {one["patient"] for one in heard if one["revision"] == 1} == {str(first), str(second)}
    (hers,) = [one["rows"] for one in heard if one["patient"] == str(first)]
    assert {"conditions:HIV", "demographics:"} <= set(hers)
    await ear.close()
