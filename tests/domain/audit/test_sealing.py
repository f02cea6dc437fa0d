"""Seals cover every entry once and in order, whatever commits when; days are signed once they are over and sealed."""

import asyncio
import hashlib
import itertools
import json
import random
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from domain.audit.chain import NO_SEAL, day_of, hash_of
from domain.audit.sealing import MARGIN, CannotSeal, LogSeal, lock_and_horizon, seal_next, sign_next_day
from domain.audit.tables import AccessLog
from tests.domain.audit.conftest import DAYS, NOW, START, sign

NONE = timedelta(0)
INSERT = """
insert into access.access_log (patient_id, at, id, grant_id, client_id, basis, purpose, sections, opened, outcome)
values ($1, clock_timestamp(), uuidv7(), $1, 'phone', 'self', 'PATRQT', '{}', '{}', 'ALLOWED')
"""
COLUMNS = [column.name for column in AccessLog.__table__.columns]


class TestASeal:
    async def test_of_an_empty_log_is_not_made(self, log):
        assert await log.seal() == []

    async def test_covers_a_minute_of_the_clock_at_most(self, log):
        for number, seconds in enumerate((0, 59, 60, 119, 7200)):
            await log.entry(number, START + timedelta(seconds=seconds))
        assert await log.seal() == [2, 2, 1]

    async def test_continues_where_the_last_one_ended(self, sealed):
        seals = await sealed.sql("select * from access.log_seal order by number")
        assert [seal.number for seal in seals] == [1, 2, 3, 4, 5, 6]
        assert seals[0].previous_hash == NO_SEAL
        for before, seal in itertools.pairwise(seals):
            assert (seal.after, seal.previous_hash) == (before.until, before.hash)

    async def test_leaves_the_margin_alone(self, log):
        await log.entry(1, datetime.now(UTC) - timedelta(seconds=20))
        assert await log.seal() == []
        assert (await log.within(seal_next, NOW, margin=timedelta(seconds=10))).entries == 1

    async def test_can_be_computed_by_anybody(self, log):
        """In Python alone, from the columns, as docs/operating.md describes it."""
        await log.entry(1, START)
        await log.entry(2, START)
        await log.seal()
        hashes = b"".join([entry_hash(row) for row in await log.sql("select * from access.access_log order by at, id")])
        (seal,) = await log.sql("select * from access.log_seal")
        assert seal.root == hashlib.sha256(hashes).digest()
        told = [1, us(seal.after), us(seal.until), 2, 1, seal.root.hex(), hashlib.sha256(seal.marks).hexdigest()]
        assert seal.hash == hashlib.sha256(bytes(32) + json.dumps(told).encode()).digest()


def us(moment):
    return round(moment.timestamp() * 1_000_000)


def entry_hash(row):
    """Of version 1: a JSON array of the version and all columns in their order."""
    values = [getattr(row, name) for name in COLUMNS]
    plain = [us(v) if isinstance(v, datetime) else str(v) if isinstance(v, UUID) else v for v in values]
    return hashlib.sha256(json.dumps([1, *plain], ensure_ascii=False).encode()).digest()


CHANGED = {
    "patient_id": UUID(int=7),
    "at": START + timedelta(microseconds=1),
    "id": UUID(int=7),
    "grant_id": UUID(int=7),
    "client_id": "x",
    "citizen_id": None,
    "organization_id": UUID(int=7),
    "basis": "consent",
    "purpose": "x",
    "sections": [],
    "opened": ["labs", "vitals"],
    "outcome": "x",
    "consent_ids": [UUID(int=7)],
    "related_person_id": UUID(int=7),
    "emergency_id": UUID(int=7),
    "request_id": UUID(int=7),
}


class TestTheLine:
    @pytest.mark.parametrize("column", COLUMNS)
    async def test_holds_every_column(self, log, column):
        """A column that is added to the log needs a new version of `access.log_line`."""
        await log.entry(1, START)
        line = "select access.log_line(e, 1) from access.access_log e"
        before = await log.sql(line)
        async with log.engine.begin() as connection:
            changed = AccessLog.__table__.update().values({column: CHANGED[column]})
            await connection.execute(changed)
        assert await log.sql(line) != before

    async def test_tells_apart_what_looks_alike(self, log):
        await log.entry(1, START)
        line = "select access.log_line(e, 1) from access.access_log e"
        seen = set()
        for sections in ("'{}'", "'{\"\"}'", "'{\"a,b\"}'", "'{a,b}'", '\'{"a\\""}\''):
            await log.sql(f"update access.access_log set sections = {sections}")
            seen.add((await log.sql(line))[0][0])
        assert len(seen) == 5

    async def test_of_a_newer_version_is_refused(self, log):
        await log.entry(1, START)
        await log.seal()
        await log.sql("update access.log_seal set version = 2")
        with pytest.raises(ValueError, match="newer version"):
            await log.within(_entries)


def _entries(db):
    from domain.audit.sealing import hashes_between

    seal = db.get(LogSeal, 1)
    return hashes_between(db, seal.after, seal.until, seal.version)


@asynccontextmanager
async def connected(database, user="healthbook_consent"):
    connection = await asyncpg.connect(database.dsn(user))
    try:
        yield connection
    finally:
        await connection.close()


class TestTransactionsThatAreOpen:
    @pytest.mark.parametrize("user", ["postgres", "healthbook_consent", "healthbook_web"])
    async def test_nothing_as_young_as_they_is_sealed(self, database, log, user):
        """Whoever may write the log later, also if he has not written yet."""
        async with connected(database, user) as writer, writer.transaction():
            started = await writer.fetchval("select now()")
            if user == "postgres":
                await writer.execute(INSERT, UUID(int=1))
            await log.sql("select 1")
            horizon = await log.within(lock_and_horizon, NONE)
        assert horizon < started
        assert await log.within(lock_and_horizon, NONE) > started

    async def test_what_commits_late_is_in_the_seal_it_belongs_to(self, database, log):
        async with connected(database, "postgres") as writer:
            late = writer.transaction()
            await late.start()
            await writer.execute(INSERT, UUID(int=1))
            await log.sql(INSERT.replace("$1", ":patient"), patient=UUID(int=2))
            assert await log.within(seal_next, NOW, margin=NONE) is None
            await late.commit()
        assert (await log.within(seal_next, NOW, margin=NONE)).entries == 2
        assert (await log.verify()).entries == 2

    async def test_reading_and_importing_ones_do_not_hold_it_up(self, database, log):
        async with (
            connected(database, "postgres") as reader,
            connected(database, "healthbook_intake") as importing,
            reader.transaction(),
            importing.transaction(),
        ):
            await reader.fetchval("select count(*) from access.access_log")
            started = await importing.fetchval("select txid_current() is not null, now()", column=1)
            assert await log.within(lock_and_horizon, NONE) > started

    async def test_a_session_that_cannot_be_seen_stops_it(self, database, log):
        """As an owner who is no superuser and was not granted the roles."""
        async with connected(database, "healthbook_consent"):
            await log.sql("create role blind_owner")
            try:
                with pytest.raises(CannotSeal):
                    await log.within(_as_blind_owner)
            finally:
                await log.sql("drop owned by blind_owner")
                await log.sql("drop role blind_owner")


def _as_blind_owner(db):
    db.execute(text("grant usage on schema access to blind_owner"))
    db.execute(text("grant select, insert, update on access.log_seal to blind_owner"))
    db.commit()
    db.execute(text("set local role blind_owner"))
    try:
        lock_and_horizon(db, NONE)
    finally:
        db.rollback()

    async def test_that_write_the_log_live_less_than_the_margin(self, log, migrated):
        """Set for the database that was migrated; the test's own is a copy, which takes no such settings along."""
        rows = await log.sql(
            """select r.rolname, s.setconfig from pg_db_role_setting s join pg_roles r on r.oid = s.setrole
                 join pg_database d on d.oid = s.setdatabase where d.datname = :name""",
            name=migrated,
        )
        limit = f"transaction_timeout={int(MARGIN.total_seconds()) - 10}s"
        assert dict(map(tuple, rows)) == {"healthbook_web": [limit], "healthbook_consent": [limit]}


class TestManyAtOnce:
    async def test_two_sealers_make_one_seal(self, log):
        for number in range(10):
            await log.entry(number, START)
        done = await asyncio.gather(*(log.within(seal_next, NOW) for _ in range(4)))
        assert [seal.entries for seal in done if seal] == [10]
        assert len(await log.sql("select 1 from access.log_seal")) == 1

    async def test_entries_of_many_writers_are_sealed_each_once(self, database, log):
        """Writers whose transactions overlap in every way, sealers all the while with no margin at all."""
        running = True

        async def write(seed):
            chance = random.Random(seed)
            async with connected(database, "postgres") as writer:
                for _ in range(25):
                    async with writer.transaction():
                        for _ in range(chance.randint(1, 3)):
                            await writer.execute(INSERT, UUID(int=seed))
                            await writer.execute("select pg_sleep($1)", chance.choice((0, 0, 0.002, 0.01)))

        async def keep_sealing():
            while running:
                await log.within(seal_next, NOW, margin=NONE)

        sealers = [asyncio.create_task(keep_sealing()) for _ in range(2)]
        await asyncio.gather(*(write(seed) for seed in range(1, 9)))
        running = False
        await asyncio.gather(*sealers)
        while await log.within(seal_next, NOW, margin=NONE):
            pass
        ((written,),) = await log.sql("select count(*) from access.access_log")
        proof = await log.verify()
        assert (proof.entries, proof.seals > 5) == (written, True)


class TestADay:
    async def test_is_signed_once_it_is_over(self, log):
        now = datetime.now(UTC)
        await log.entry(1, now - timedelta(minutes=2))
        await log.seal()
        today = day_of(now - timedelta(minutes=2))
        root = await log.within(sign_next_day, NOW, sign)
        assert root is None or date.fromisoformat(root.day) < day_of(datetime.now(UTC)) == today + timedelta(days=1)

    async def test_is_vietnams(self, log):
        await log.entry(1, datetime(2026, 3, 10, 16, 59, 59, tzinfo=UTC))
        await log.entry(2, datetime(2026, 3, 10, 17, 0, 0, tzinfo=UTC))
        assert await log.seal() == [1, 1]
        await log.sign()
        roots = await log.sql("select day, seal_number from access.day_root order by day limit 2")
        assert [tuple(row) for row in roots] == [("2026-03-10", 1), ("2026-03-11", 2)]

    async def test_without_entries_repeats_the_seal_before(self, log):
        await log.entry(1, START)
        await log.seal()
        await log.sign()
        roots = await log.sql("select day, seal_number, hash from access.day_root order by day")
        assert [row.day for row in roots] == [str(day) for day in DAYS]
        assert {(row.seal_number, row.hash) for row in roots} == {(1, roots[0].hash)}

    async def test_waits_for_its_last_seal(self, log):
        await log.entry(1, START)
        await log.entry(2, START + timedelta(hours=2))
        await log.within(seal_next, NOW)
        assert await log.sign() == []
        await log.within(seal_next, NOW)
        assert (await log.sign())[0] == "2026-03-10"

    async def test_is_signed_by_one_of_two(self, log):
        await log.entry(1, START)
        await log.seal()
        done = await asyncio.gather(*(log.within(sign_next_day, NOW, sign) for _ in range(2)))
        assert [root.day for root in done] == ["2026-03-10", "2026-03-11"]

    async def test_of_a_log_without_seals_is_not_signed(self, log):
        assert await log.sign() == []

    async def test_names_the_seal_and_its_hash(self, sealed):
        (root,) = await sealed.sql("select * from access.day_root where day = '2026-03-11'")
        (seal,) = await sealed.sql("select * from access.log_seal where number = 4")
        assert json.loads(root.signed[5:]) == {"day": "2026-03-11", "seal": 4, "hash": seal.hash.hex()}
        assert hash_of(seal) == seal.hash
