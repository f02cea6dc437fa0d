"""`healthbook import` and `healthbook replay` on a database of their own: what is stored, said and answered."""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Uuid
from sqlalchemy.ext.asyncio import async_sessionmaker
from typer.testing import CliRunner

from auth.clients.registration import register_facility
from auth.tables import OAuthClient
from cli.main import app
from domain import organizations
from domain.database import Base, open_engine
from domain.exchange import fhir_systems as systems
from domain.intake.importing import Importer
from domain.synthetic import write_population
from tests.cli.servers import PROJECT
from tests.conftest import NOW, Database
from tests.domain.exchange.qd4750.builders import HEAD, TAIL, envelope
from tests.domain.intake.invariants import assert_sound
from tests.domain.intake.people_and_visits import (
    BOOK,
    CHAM,
    HOSPITAL,
    LAM,
    MOMENTS,
    STATION,
    TODAY,
    dump,
    rows,
    statuses,
    told,
)

IDENTIFIER_KEY = "aWRlbnRpZmllciBrZXkgZm9yIHRoZSB0ZXN0cywgMzI="  # KEY of tests/conftest.py
KEYS = "select key from intake.source_record where superseded_at is null order by key"
OPEN = "select key from intake.refusal where replayed_at is null order by key"
NAMELESS = told("X1").replace(b"<LOAIHOSO>XML1</LOAIHOSO>", b"<LOAIHOSO></LOAIHOSO>")
PROGRAM = """
import resource
import cli.importing
from cli.main import main
cli.importing.SHARE_BYTES = 100_000
try:
    main()
finally:
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@dataclass(frozen=True)
class Command:
    """`healthbook` beside one database and one folder."""

    database: Database
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HEALTHBOOK_DATABASE_URL": self.database.owner,
            "HEALTHBOOK_DATA": str(self.folder / "data"),
            "HEALTHBOOK_IDENTIFIER_KEY": IDENTIFIER_KEY,
        }

    def file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    async def __call__(self, *words: object):
        """In a thread: the command has an event loop of its own."""
        runner = CliRunner(env=self.environment)
        return await asyncio.to_thread(runner.invoke, app, [str(word) for word in words], catch_exceptions=False)

    async def process(self, *words: object) -> str:
        """As a process of its own; what it printed, the peak of its memory last."""
        command = [sys.executable, "-c", PROGRAM, *(str(word) for word in words)]
        options = {"cwd": PROJECT, "env": os.environ | self.environment, "capture_output": True, "check": True}
        return (await asyncio.to_thread(subprocess.run, command, **options)).stdout.decode()


@pytest.fixture
def healthbook(database: Database, tmp_path: Path) -> Command:
    return Command(database, tmp_path)


def bundle(*entries: dict) -> bytes:
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": list(entries)}).encode()


def patient(number: str, name: str) -> dict:
    identifier = {"system": systems.CCCD, "value": number}
    return {"resource": {"resourceType": "Patient", "id": "p", "identifier": [identifier], "name": [{"text": name}]}}


async def test_good_files_are_summed_up_and_answered_with_zero(healthbook: Command) -> None:
    sent = healthbook.file("tốt.xml", envelope(told("V1"), told("V2", LAM, STATION)))
    first, second = await healthbook("import", sent), await healthbook("import", sent)
    assert first.exit_code == second.exit_code == 0
    assert first.stdout.splitlines()[-1].startswith("2 accepted; ")
    assert second.stdout.splitlines()[-1].startswith("2 unchanged; ")
    assert first.stderr == second.stderr == ""
    assert await rows(healthbook.database.owner, KEYS) == ["V1", "V2"]


async def test_a_first_import_into_an_empty_folder_makes_its_database(healthbook: Command) -> None:
    words = [sys.executable, "-m", "cli.main", "import", str(healthbook.file("a.xml", envelope(told("V1"))))]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("HEALTHBOOK_")}
    options = {"cwd": PROJECT, "env": plain | {"HEALTHBOOK_DATA": str(healthbook.folder / "dữ liệu")}}
    done = await asyncio.to_thread(subprocess.run, words, capture_output=True, check=True, **options)
    assert done.stdout.decode().splitlines()[-1].startswith("1 accepted; ")


async def test_a_correction_is_told(healthbook: Command) -> None:
    await healthbook("import", healthbook.file("a.xml", envelope(told("V1"))))
    again = await healthbook("import", healthbook.file("b.xml", envelope(told("V1", CAN_NANG="61.00"))))
    assert again.exit_code == 0
    assert "1 superseded" in again.stdout


async def test_a_refused_visit_is_told_with_its_file_and_place_and_nothing_of_the_person(healthbook: Command) -> None:
    impossible = told("V3", LAM, NGAY_VAO="202513450730")
    good, bad = envelope(told("V1")), envelope(told("V2"), impossible)
    answer = await healthbook("import", healthbook.file("good.xml", good), healthbook.file("bad.xml", bad))
    assert answer.exit_code == 1
    assert "2 accepted, 1 refused" in answer.stdout
    (line,) = answer.stderr.splitlines()
    assert line.startswith("refused: bad.xml #2: XML1 1 NGAY_VAO: ")
    assert not any(word in answer.output for word in (*LAM.values(), "202513450730") if len(word) > 1)
    assert await rows(healthbook.database.owner, KEYS) == ["V1", "V2"]
    assert await rows(healthbook.database.owner, OPEN) == ["V3"]


async def test_of_many_refusals_the_first_are_shown_and_all_are_counted(healthbook: Command) -> None:
    many = envelope(*(told(f"V{n}", NGAY_VAO="202513450730") for n in range(25)))
    answer = await healthbook("import", healthbook.file("many.xml", many))
    assert "25 refused" in answer.stdout
    assert len(answer.stderr.splitlines()) == 20


async def test_what_came_before_a_cut_is_stored(healthbook: Command) -> None:
    whole = envelope(told("V1"), told("V2", LAM))
    cut, after = healthbook.file("1.xml", whole[: -len(TAIL) - 40]), healthbook.file("2.xml", envelope(told("V3")))
    answer = await healthbook("import", cut, after)
    assert answer.exit_code == 1
    assert "2 accepted, 1 refused" in answer.stdout
    assert answer.stderr.startswith("refused: 1.xml #2: ")
    assert await rows(healthbook.database.owner, KEYS) == ["V1", "V3"]


@pytest.mark.parametrize("content", [b"", b"\n", b"no file of ours", b"\x00" * 100, b"<GIAMDINHHS>", HEAD])
@pytest.mark.parametrize("ending", ["xml", "json"])
async def test_what_is_no_file_of_ours_is_refused(healthbook: Command, content: bytes, ending: str) -> None:
    answer = await healthbook("import", healthbook.file(f"odd.{ending}", content))
    assert answer.exit_code == 1
    assert "1 refused" in answer.stdout
    assert answer.stderr.startswith(f"refused: odd.{ending} #1: ")


async def test_the_ending_tells_the_format(healthbook: Command) -> None:
    one, two = patient("001155000123", "Nguyễn Thị Chàm"), patient("001070000456", "Trần Văn Lam")
    lines = bundle(one) + b"\n\n" + bundle(two) + b"\nno bundle\n"
    files = [
        healthbook.file("v.XML", envelope(told("V1"))),
        healthbook.file("b.json", bundle(one)),
        healthbook.file("lines.ndjson", lines),
    ]
    answer = await healthbook("import", *files, "--facility", HOSPITAL)
    assert answer.exit_code == 1
    found = await rows(healthbook.database.owner, "select format, count(*) from intake.source_record group by 1")
    assert dict(found).keys() == {"qd4750", "fhir"}
    assert answer.stderr.startswith("refused: lines.ndjson #3: Bundle")
    senders = await rows(
        healthbook.database.owner,
        """select distinct o.code from intake.source_record s join registry.organization o
           on o.id = s.organization_id where s.format = 'fhir'""",
    )
    assert senders == [HOSPITAL]


async def test_a_missing_file_is_said_before_anything_is_done(healthbook: Command) -> None:
    answer = await healthbook("import", healthbook.file("a.xml", envelope(told("V1"))), "missing.xml")
    assert answer.exit_code == 2
    assert "missing.xml" in answer.stderr
    assert await rows(healthbook.database.owner, KEYS) == []


async def content(database: Database) -> dict[str, list[str]]:
    """Every report and source, without what chance, the clock and the order of arrival gave them."""
    tables = [table for name, table in Base.metadata.tables.items() if name in BOOK]
    columns = [column for table in tables for column in table.columns]
    ids = {column.name for column in columns if isinstance(column.type, Uuid)}
    order = {"shown", "contradicted", "sources", "document_id", "revision"}
    told = ("book.", "intake.source_record")
    reports = [name for name in BOOK if name.startswith(told) and name != "book.removal"]
    return await dump(database.owner, reports, without=ids | MOMENTS | order)


async def test_several_processes_store_what_one_stores(databases, migrated, healthbook: Command) -> None:
    write_population(healthbook.folder / "p", people=10, seed=4, today=TODAY)
    files = sorted((healthbook.folder / "p" / "qd4750").glob("*.xml"))
    alone = await healthbook("import", *files)
    dsn = await databases.clone(migrated)
    other = Command(Database(dsn.split("?")[0].rsplit("/", 1)[1]), healthbook.folder)
    told_by_two = await other.process("import", "--processes", "2", *files)
    assert len(files) > 5
    assert alone.stdout.splitlines()[-2:] == told_by_two.splitlines()[-3:-1]
    assert "accepted" in alone.stdout
    assert await content(other.database) == await content(healthbook.database)
    await assert_sound(other.database.owner)
    await databases.drop(dsn)


async def test_memory_does_not_grow_with_the_file(healthbook: Command) -> None:
    peaks = []
    for count in (200, 1000):
        visits = (told(f"M{n}", CHAM | {"SO_CCCD": f"0011550{n % 40:05d}"}) for n in range(count))
        sent = healthbook.file(f"{count}.xml", envelope(*visits))
        words = (await healthbook.process("import", sent)).split()
        peaks.append(int(words[words.index("peak") + 1]))
    assert peaks[1] < peaks[0] * 1.15


async def execute(database: Database, sql: str) -> None:
    engine = open_engine(database.owner)
    async with engine.begin() as connection:
        await connection.exec_driver_sql(sql)
    await engine.dispose()


async def test_replay_stores_what_can_be_stored_now(healthbook: Command) -> None:
    """A fault of ours refuses a visit; once mended, nobody has to send again."""
    await execute(
        healthbook.database, "alter table book.demographics add constraint fault check (name <> 'TRẦN VĂN LAM')"
    )
    sent = healthbook.file("v.xml", envelope(told("V1"), told("V2", LAM)))
    assert (await healthbook("import", sent)).exit_code == 1
    still = await healthbook("replay")
    assert (still.exit_code, still.stdout.startswith("1 refused")) == (1, True)
    await execute(healthbook.database, "alter table book.demographics drop constraint fault")
    answer = await healthbook("replay")
    assert (answer.exit_code, answer.stdout.startswith("1 accepted")) == (0, True)
    assert await rows(healthbook.database.owner, KEYS) == ["V1", "V2"]
    assert await rows(healthbook.database.owner, OPEN) == []
    assert await rows(healthbook.database.owner, "select count(*), count(replayed_at) from intake.refusal") == [(1, 1)]
    nothing = await healthbook("replay")
    assert (nothing.exit_code, nothing.stdout) == (0, "nothing found; 0 warnings\n")
    await assert_sound(healthbook.database.owner)


async def test_replay_of_a_bundle_keeps_its_sender(healthbook: Command) -> None:
    await execute(healthbook.database, "alter table book.demographics add constraint fault check (false)")
    sent = healthbook.file("b.json", bundle(patient("001155000123", "Nguyễn Thị Chàm")))
    assert (await healthbook("import", sent, "--facility", STATION)).exit_code == 1
    await execute(healthbook.database, "alter table book.demographics drop constraint fault")
    assert (await healthbook("replay")).exit_code == 0
    sender = "select o.code from intake.source_record s join registry.organization o on o.id = s.organization_id"
    assert await rows(healthbook.database.owner, sender) == [STATION]


@pytest.fixture
async def client(healthbook: Command, importer: Importer) -> str:
    """The client of the commune station."""
    async with importer.engine.begin() as connection:
        station = (await organizations.by_code(connection, [STATION]))[STATION]
    engine = open_engine(healthbook.database.auth)
    async with async_sessionmaker(engine)() as session:
        made = await register_facility(session, name="Trạm", organization_id=station.id, scope="record:submit")
        await session.commit()
    await engine.dispose()
    return made.client_id


async def test_replay_never_stores_what_its_client_may_not_send(healthbook: Command, importer, client: str) -> None:
    await _send_as(importer, client, told("V1"))
    assert (await healthbook("replay")).exit_code == 1
    assert await rows(healthbook.database.owner, KEYS) == []
    await _forget(healthbook.database, client)
    assert (await healthbook("replay")).exit_code == 1
    assert await rows(healthbook.database.owner, KEYS) == []


async def test_replay_stores_it_once_the_client_is_the_right_facilitys(healthbook, importer, client: str) -> None:
    await _send_as(importer, client, told("V1"))
    move = "update auth.client set organization_id = (select id from registry.organization where code = '{}')"
    async with importer.engine.begin() as connection:
        await organizations.by_code(connection, [HOSPITAL])
    await execute(healthbook.database, move.format(HOSPITAL))
    assert (await healthbook("replay")).exit_code == 0
    assert await rows(healthbook.database.owner, "select key, client_id from intake.source_record") == [("V1", client)]


async def _send_as(importer: Importer, client: str, visit: bytes) -> None:
    earlier = NOW - timedelta(days=1)
    own = replace(importer, client_id=client, only_facility=STATION, clock=lambda: earlier)
    assert await statuses(own, visit) == ["refused"]


async def _forget(database: Database, client: str) -> None:
    engine = open_engine(database.auth)
    async with async_sessionmaker(engine)() as session:
        await session.delete(await session.get(OAuthClient, client))
        await session.commit()
    await engine.dispose()
