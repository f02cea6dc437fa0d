"""A stream of submissions becomes answer lines: refusals beside good ones, two senders at once, a killed process."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import asyncpg

from domain.database import open_engine
from domain.exchange.issues import error
from domain.intake.importing import BATCH, Importer
from domain.intake.qd4750 import submissions
from domain.intake.submissions import Rejected
from domain.synthetic import write_population
from tests.conftest import KEY, NOW, Database
from tests.domain.exchange.qd4750.builders import TAIL, envelope
from tests.domain.intake.invariants import assert_sound
from tests.domain.intake.people_and_visits import (
    CHAM,
    LAM,
    STATION,
    TODAY,
    dump,
    patients,
    read,
    rows,
    send,
    statuses,
    told,
)

REFUSED = "select key, content, jsonb_array_length(issues) > 0, replayed_at is null from intake.refusal"
BROKEN = told("X1").replace(b"<LOAIHOSO>XML1</LOAIHOSO>", b"<LOAIHOSO></LOAIHOSO>")


async def test_a_refused_visit_stops_no_neighbour(database: Database, importer: Importer) -> None:
    assert await statuses(importer, told("V1"), BROKEN, told("V2", LAM)) == ["accepted", "refused", "accepted"]
    assert await rows(database.owner, "select key from intake.source_record order by 1") == ["V1", "V2"]


async def test_what_is_refused_is_kept_once_with_its_reasons(database: Database, importer: Importer) -> None:
    await send(importer, BROKEN)
    await send(importer, BROKEN)
    ((_, content, has_reasons, is_open),) = await rows(database.owner, REFUSED)
    assert (content, has_reasons, is_open) == (BROKEN, True, True)


async def test_a_break_in_the_file_ends_it_with_a_refused_line(database: Database, importer: Importer) -> None:
    content = envelope(told("V1"), told("V2")).replace(b"<MACSKCB>01001</MACSKCB>", b"<MACSKCB></MACSKCB>")
    cut = content[: -len(TAIL) - 40]
    outcomes = [one async for one in importer.take(submissions(BytesIO(cut), today=TODAY))]
    assert [one.status for one in outcomes] == ["accepted", "refused"]
    assert outcomes[-1].issues


async def test_a_client_sends_for_its_own_facility_only(database: Database, importer: Importer) -> None:
    own = replace(importer, only_facility=STATION, client_id="station-1")
    outcomes = await send(own, told("V1"), told("W1", facility=STATION))
    assert [one.status for one in outcomes] == ["refused", "accepted"]
    assert outcomes[0].issues[-1].code == "security"
    assert await rows(database.owner, "select client_id from intake.source_record") == ["station-1"]
    assert await rows(database.owner, "select client_id from intake.refusal") == ["station-1"]


async def test_a_refusal_of_a_client_with_no_facility_of_its_own_is_kept(
    database: Database, importer: Importer
) -> None:
    issue = error("required", "Bundle", 1, None, "is no bundle")
    lost = Rejected(position=1, format="fhir", facility=None, key=None, content=b"{}", issues=[issue])
    assert [one.status async for one in importer.take([lost])] == ["refused"]
    assert await rows(database.owner, "select organization_code from intake.refusal") == [None]


async def test_what_the_database_cannot_store_is_refused_alone(database: Database, importer: Importer) -> None:
    """PostgreSQL's text has no NUL: one such row makes its batch fail, and then only itself."""
    found: list[Any] = read(told("V1"), told("V2", LAM), told("V3", facility=STATION))
    found[1].rows[0].name = "NUL\x00"
    outcomes = [one async for one in importer.take(found)]
    assert [one.status for one in outcomes] == ["accepted", "refused", "accepted"]
    assert "SQLSTATE" in outcomes[1].issues[-1].message
    assert await rows(database.owner, "select count(*) from intake.refusal") == [1]
    await assert_sound(database.owner)


async def test_more_than_one_batch(database: Database, importer: Importer) -> None:
    many = BATCH + 5
    assert await statuses(importer, *(told(f"V{n}") for n in range(many))) == ["accepted"] * many
    assert len(await patients(database.owner)) == 1
    await assert_sound(database.owner)


async def test_files_of_a_whole_population_again_change_nothing(
    database: Database, importer: Importer, tmp_path: Path
) -> None:
    write_population(tmp_path / "p", people=12, seed=4, today=TODAY)
    files = sorted((tmp_path / "p" / "qd4750").glob("*.xml"))
    assert {one.status for one in await _import(importer, files)} == {"accepted"}
    await assert_sound(database.owner)
    before = await dump(database.owner)
    assert {one.status for one in await _import(importer, files)} == {"unchanged"}
    assert await dump(database.owner) == before


async def _import(importer: Importer, files: list[Path]) -> list[Any]:
    outcomes = []
    for path in files:
        with path.open("rb") as stream:
            outcomes += [one async for one in importer.take(submissions(stream, today=TODAY))]
    return outcomes


async def test_two_importers_with_one_new_person_make_one_patient(database: Database) -> None:
    engines = [open_engine(database.intake) for _ in range(2)]
    first, second = (Importer(engine=engine, secret=KEY, clock=lambda: NOW) for engine in engines)
    for n in range(20):
        person = CHAM | {"SO_CCCD": f"0011550{n:05d}"}
        both = (send(first, told(f"A{n}", person)), send(second, told(f"B{n}", person, STATION)))
        answers = await asyncio.gather(*both)
        assert [[one.status for one in answer] for answer in answers] == [["accepted"], ["accepted"]]
    for engine in engines:
        await engine.dispose()
    assert await rows(database.owner, "select count(*) from book.patient") == [20]
    assert len(await patients(database.owner)) == 20
    await assert_sound(database.owner)


async def test_two_importers_with_one_source_make_one_version(database: Database) -> None:
    engines = [open_engine(database.intake) for _ in range(2)]
    importers = [Importer(engine=engine, secret=KEY, clock=lambda: NOW) for engine in engines]
    for n in range(20):
        answers = await asyncio.gather(*(send(one, told(f"A{n}")) for one in importers))
        assert sorted(one.status for answer in answers for one in answer) == ["accepted", "unchanged"]
    for engine in engines:
        await engine.dispose()
    assert await rows(database.owner, "select count(*), max(version) from intake.source_record") == [(20, 1)]
    await assert_sound(database.owner)


async def test_two_importers_who_know_one_person_by_other_numbers_settle_one_fact(database: Database) -> None:
    """Known by CCCD to one and by card to the other, so the two share no identity key."""
    card = {"MA_THE_BHYT": "HT2010112345678", "MA_DKBD": "01001", "GT_THE_TU": "20250101", "GT_THE_DEN": "20251231"}
    engines = [open_engine(database.intake) for _ in range(2)]
    first, second = (Importer(engine=engine, secret=KEY, clock=lambda: NOW) for engine in engines)
    await send(first, told("V0", **card))
    for n in range(10):
        by_card = told(f"B{n}", CHAM | {"SO_CCCD": "", "MA_BN": f"S{n}"}, STATION, **card)
        by_number = told(f"A{n}", CHAM | {"MA_BN": f"H{n}"})
        await asyncio.gather(send(first, by_number), send(second, by_card))
    for engine in engines:
        await engine.dispose()
    assert len(await patients(database.owner)) == 1
    await assert_sound(database.owner)


ENDLESS = """
import asyncio, sys
from datetime import UTC, datetime
from domain.database import open_engine
from domain.intake.importing import Importer
from tests.domain.intake.people_and_visits import read
from tests.domain.intake.test_importing import long_file

async def run():
    importer = Importer(engine=open_engine(sys.argv[1]), secret=b"identifier key for the tests, 32",
                        clock=lambda: datetime(2026, 11, 21, 3, tzinfo=UTC))
    async for outcome in importer.take(one for visit in long_file() for one in read(visit)):
        print(outcome.position, flush=True)

asyncio.run(run())
"""
LONG = 4 * BATCH


def long_file() -> list[bytes]:
    return [told(f"V{n}", CHAM if n % 2 else LAM) for n in range(LONG)]


async def test_a_killed_import_leaves_whole_batches_and_can_be_run_again(
    database: Database, importer: Importer
) -> None:
    process = await asyncio.to_thread(_start, database.intake)
    stdout = process.stdout
    assert stdout is not None
    await asyncio.to_thread(stdout.readline)  # a batch is in; the next one is under way
    process.send_signal(signal.SIGKILL)
    await asyncio.to_thread(process.communicate)
    await _until_gone(database)
    (stored,) = await rows(database.owner, "select count(*) from intake.source_record")
    assert stored % BATCH == 0
    assert 0 < stored < LONG
    await assert_sound(database.owner)
    found = [one for visit in long_file() for one in read(visit)]
    again = [one.status async for one in importer.take(found)]
    assert (again.count("unchanged"), again.count("accepted")) == (stored, LONG - stored)
    await assert_sound(database.owner)


def _start(url: str) -> subprocess.Popen[bytes]:
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.Popen(
        [sys.executable, "-c", ENDLESS, url], cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


async def _until_gone(database: Database) -> None:
    """The server notices a dead client only when it writes to it; its transaction must have ended first."""
    connection = await asyncpg.connect(database.owner)
    others = (
        "select count(*) from pg_stat_activity where datname = current_database() and usename = 'healthbook_intake'"
    )
    while await connection.fetchval(others):  # noqa: ASYNC110 -- only the server knows
        await asyncio.sleep(0.01)
    await connection.close()
