"""One wait for the disk serves many answers, and none leaves before it."""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile

import asyncpg
import pytest

from api.planner import group_commit as module
from api.planner.connections import Connections
from api.planner.documents import Documents
from api.planner.group_commit import Flusher, GroupCommit
from api.planner.read import UNREACHABLE, RecordReader
from api.schema import create_schema, records_of
from cli.embedded_postgres import EmbeddedPostgres
from cli.embedded_postgres_profile import DEMO, Profile
from domain.errors import Busy
from domain.values import new_id
from tests.pace import seconds
from tests.postgres import fast_folder

SCHEMA = create_schema()._schema
DOCUMENTS = Documents(SCHEMA, records_of(SCHEMA))
REQUEST = new_id()

HELD = "select pg_advisory_xact_lock(34), pg_current_xact_id()"
BEGUN = "select count(*) from pg_stat_activity where query = $1 and wait_event_type = 'Lock'"
TRANSACTIONS = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
KILL = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'healthbook-flush'"
RECORD = "query Record($patient: ID!) { healthRecord(patientId: $patient) { labs { nodes { id } } } }"


@pytest.fixture
async def owner(database):
    connection = await asyncpg.connect(database.owner)
    yield connection
    await connection.close()


@pytest.fixture
async def commits(database):
    made = GroupCommit(database.web)
    yield made
    await made.close()


@pytest.fixture
async def held(database, owner):
    """A flusher whose flush lasts until `owner` lets go."""
    connection = await asyncpg.connect(database.web)
    await owner.execute("select pg_advisory_lock(34)")
    flusher = Flusher(connection, await connection.prepare(HELD))
    yield flusher
    await flusher.close()


async def begun(owner):
    """The held flush has reached the server."""
    async with asyncio.timeout(seconds(10)):
        while not await owner.fetchval(BEGUN, HELD):
            pass


async def test_those_who_wait_together_cost_one_transaction(commits, owner):
    flusher = await commits.flusher()
    before = await owner.fetchval(TRANSACTIONS)
    await asyncio.gather(*(flusher.flushed() for _ in range(50)))
    assert await owner.fetchval(TRANSACTIONS) == before + 1


async def test_each_who_comes_alone_is_served(commits, owner):
    flusher = await commits.flusher()
    before = await owner.fetchval(TRANSACTIONS)
    for _ in range(3):
        await flusher.flushed()
    assert await owner.fetchval(TRANSACTIONS) == before + 3


async def test_a_flush_waits_for_those_who_are_still_reading(commits, owner, monkeypatch):
    monkeypatch.setattr(module, "GATHER_S", 60)
    flusher = await commits.flusher()
    before = await owner.fetchval(TRANSACTIONS)
    early = [asyncio.create_task(flusher.flushed()) for _ in range(3)]
    assert await owner.fetchval(TRANSACTIONS) == before
    late = asyncio.create_task(flusher.flushed())
    flusher.hurry()
    await asyncio.gather(*early, late)
    assert await owner.fetchval(TRANSACTIONS) == before + 1


async def test_the_last_reader_keeps_nobody_waiting(pool, record, commits, monkeypatch):
    monkeypatch.setattr(module, "GATHER_S", 60)
    async with asyncio.timeout(seconds(10)):
        answers = await asyncio.gather(*(record(commits)() for _ in range(20)))
    assert {one.outcome for one in answers} == {"DEAD"}


async def test_a_flush_does_not_wait_for_a_slow_reader(commits):
    flusher = await commits.flusher()
    async with asyncio.timeout(seconds(10)):
        await flusher.flushed()


async def test_who_comes_during_a_flush_waits_for_the_next(held, owner):
    """The one that runs may have begun before his transaction ended."""
    before = await owner.fetchval(TRANSACTIONS)
    early = asyncio.create_task(held.flushed())
    await begun(owner)
    late = asyncio.create_task(held.flushed())
    await owner.execute("select pg_advisory_unlock(34)")
    await asyncio.gather(early, late)
    assert await owner.fetchval(TRANSACTIONS) == before + 2


async def test_who_gives_up_waiting_keeps_nobody_else(held, owner):
    turns = [asyncio.create_task(held.flushed()) for _ in range(3)]
    await begun(owner)
    turns[0].cancel()
    await owner.execute("select pg_advisory_unlock(34)")
    ended = await asyncio.gather(*turns, return_exceptions=True)
    assert [type(one) for one in ended] == [asyncio.CancelledError, type(None), type(None)]


async def test_closing_leaves_nobody_waiting(held, owner):
    early = asyncio.create_task(held.flushed())
    await begun(owner)
    late = asyncio.create_task(held.flushed())
    await asyncio.sleep(0)
    await held.close()
    ended = await asyncio.gather(early, late, return_exceptions=True)
    assert [type(one) for one in ended] == [asyncio.CancelledError] * 2


async def test_one_whose_connection_broke_answers_nobody_and_is_replaced(commits, owner):
    first = await commits.flusher()
    await owner.execute(KILL)
    ended = await asyncio.gather(*(first.flushed() for _ in range(3)), return_exceptions=True)
    assert all(isinstance(one, (asyncpg.PostgresError, *UNREACHABLE)) for one in ended)
    second = await commits.flusher()
    assert second is not first
    await second.flushed()


async def test_one_whose_server_does_not_answer_is_given_up(database, owner):
    connection = await asyncpg.connect(database.web, command_timeout=0.05)
    await owner.execute("select pg_advisory_lock(34)")
    flusher = Flusher(connection, await connection.prepare(HELD))
    with pytest.raises(TimeoutError):
        await flusher.flushed()
    assert flusher.broken


async def test_only_one_is_opened_however_many_ask(commits):
    assert len(set(await asyncio.gather(*(commits.flusher() for _ in range(10))))) == 1


class Only:
    """Commits that are flushed by one flusher, whatever becomes of it."""

    def __init__(self, flusher):
        self._flusher = flusher

    async def flusher(self):
        return self._flusher


@pytest.fixture
async def pool(database):
    made = Connections(database.web, 2)
    yield made
    await made.close()


@pytest.fixture
def record(pool):
    """Somebody without a grant asks for a record: that is refused, and logged."""
    found = DOCUMENTS.get(RECORD, None)
    variables = found.variables({"patient": str(new_id())})

    def asked(commits):
        reader = RecordReader(pool, commits)
        return lambda: reader.read(new_id(), found.plan(variables), variables, REQUEST)

    return asked


@pytest.fixture
def read(record, held):
    return record(Only(held))


@pytest.fixture
async def reading(pool, read):
    """The same while another one reads."""
    async with pool.lent():
        yield asyncio.create_task(read())


async def test_no_answer_leaves_before_its_log_row_is_on_disk(reading, owner):
    await begun(owner)
    assert await owner.fetchval("select count(*) from access.access_log where request_id = $1", REQUEST) == 1
    assert not reading.done()
    await owner.execute("select pg_advisory_unlock(34)")
    assert (await reading).outcome == "DEAD"


async def test_no_answer_leaves_when_its_flush_failed(reading, owner):
    await begun(owner)
    await owner.execute("select pg_terminate_backend(pid) from pg_stat_activity where query = $1", HELD)
    with pytest.raises(Busy):
        await reading


async def test_a_server_that_takes_no_more_connections_is_busy(record, commits, owner):
    await owner.execute(
        "do $$ begin execute format('alter database %I connection limit 0', current_database()); end $$"
    )
    with pytest.raises(Busy):
        await record(commits)()


async def test_who_reads_alone_waits_for_nobody_else(read):
    """`held` would keep him for ever: his own transaction waits for the disk."""
    assert (await read()).outcome == "DEAD"


async def test_a_connection_waits_for_the_disk_again_after_it_did_not(pool, reading, owner):
    await begun(owner)
    async with pool.lent() as connection:
        told = await connection.fetchval("select source from pg_settings where name = 'synchronous_commit'")
    assert told != "session"
    await owner.execute("select pg_advisory_unlock(34)")
    await reading


class Crashing:
    """A server of its own that keeps what was committed in memory until somebody makes it flush."""

    def __init__(self, folder):
        lazy = {"wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"}
        self.server = EmbeddedPostgres(folder, Profile({**DEMO.settings, **lazy, "fsync": "off"}, sync=False))
        self.answered = []

    async def answer(self, commits):
        """One connection that commits without waiting, and tells what was flushed."""
        connection = await asyncpg.connect(self.server.dsn(), server_settings={"synchronous_commit": "off"})
        with contextlib.suppress(asyncpg.PostgresError, *UNREACHABLE):
            while True:
                flusher = await commits.flusher()
                number = await connection.fetchval("insert into kept default values returning number")
                await flusher.flushed()
                self.answered.append(number)
        connection.terminate()

    async def kill_after(self, answers):
        while len(self.answered) < answers:
            await self.sql("select 1")
        os.kill(self.server.process, signal.SIGKILL)

    async def sql(self, sql):
        connection = await asyncpg.connect(self.server.dsn())
        found = await connection.fetch(sql)
        await connection.close()
        return found


@pytest.fixture
def crashing():
    folder = tempfile.mkdtemp(prefix="healthbook-tests-", dir=fast_folder())
    made = Crashing(fast_folder() / folder)
    made.server.start()
    yield made
    made.server.stop()
    shutil.rmtree(folder, ignore_errors=True)


async def test_what_was_answered_is_kept_when_the_server_is_killed(crashing):
    await crashing.sql("create table kept (number bigint generated always as identity)")
    commits = GroupCommit(crashing.server.dsn())
    readers = [crashing.answer(commits) for _ in range(8)]
    await asyncio.gather(*readers, crashing.kill_after(500))
    await asyncio.to_thread(crashing.server.stop)
    await asyncio.to_thread(crashing.server.start)
    kept = {row["number"] for row in await crashing.sql("select number from kept")}
    assert len(crashing.answered) >= 500
    assert set(crashing.answered) <= kept
