"""Two changes of one consent at the same moment: the second waits for the first, and then sees what it left."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from domain.consents import events, records
from domain.consents.records import Ended
from domain.consents.tables import Consent
from domain.consents.terms import Decider, Reader, Terms
from domain.consents.texts import document
from domain.database import open_engine
from domain.errors import Invalid, NotFound
from domain.values import utc_now
from tests.conftest import Database

CLINIC, PATIENT = UUID(int=11), UUID(int=21)
READER = Reader("written_request", CLINIC, None, "Sen", "001")
BY = Decider(uuid4(), "self", "app", "demo", utc_now())
WAITING = "select count(*) from pg_locks where locktype = 'advisory' and not granted and database = $1::oid"


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    owner = await asyncpg.connect(database.owner)
    clinic = "insert into registry.organization (id, code, name, status) values ($1, '001', 'Sen', 'active')"
    await owner.execute(clinic, CLINIC)
    await owner.close()
    made = open_engine(database.consent)
    yield made
    await made.dispose()


@asynccontextmanager
async def turn(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """A transaction of the patient's; committed at its end."""
    async with AsyncSession(engine, expire_on_commit=False) as session:
        await session.execute(sql("select set_config('app.persons', :p, true)"), {"p": str(PATIENT)})
        yield session
        await session.commit()


def terms(*sections: str) -> Terms:
    return Terms(("TREAT",), sections, (), None, None, utc_now() + timedelta(days=9), None).checked(utc_now())


async def granted(engine: AsyncEngine, *sections: str) -> Consent:
    wish, now = terms(*sections), utc_now()
    told = {"reader": READER, "terms": wish, "by": BY, "text": document(READER, wish, "vi"), "now": now}
    async with turn(engine) as session:
        return await session.run_sync(lambda db: records.grant(db, patient_id=PATIENT, sign=str, **told))


async def loaded(session: AsyncSession, consent: Consent) -> Consent:
    return await session.run_sync(lambda db: records.of_persons(db, [PATIENT], consent.id))


async def withdrawn(session: AsyncSession, consent: Consent) -> Consent:
    return await session.run_sync(lambda db: records.withdraw(db, consent, by=BY, now=utc_now(), sign=str))


async def narrowed(session: AsyncSession, consent: Consent, wish: Terms) -> Consent:
    told = {"by": BY, "text": document(READER, wish, "vi"), "now": utc_now(), "sign": str}
    return await session.run_sync(lambda db: records.narrow(db, consent, wish, **told))


async def kinds(engine: AsyncEngine, consent: Consent) -> list[str]:
    async with turn(engine) as session:
        return [one.kind for one in await session.run_sync(lambda db: events.of_consent(db, consent))]


async def somebody_waits(database: Database) -> None:
    """Returns when a transaction stands before the patient's lock."""
    owner = await asyncpg.connect(database.owner)
    oid = await owner.fetchval("select oid from pg_database where datname = current_database()")
    async with asyncio.timeout(20):
        while await owner.fetchval(WAITING, oid) == 0:
            pass  # asking again takes a round trip
    await owner.close()


async def test_what_was_read_before_the_others_change_is_looked_at_again(engine: AsyncEngine) -> None:
    consent = await granted(engine, "labs", "vitals")
    async with turn(engine) as second:
        stale = await loaded(second, consent)
        async with turn(engine) as first:
            await withdrawn(first, await loaded(first, consent))
        assert (await withdrawn(second, stale)).version == 2
    assert await kinds(engine, consent) == ["granted", "withdrawn"]


async def test_a_narrowing_that_comes_second_does_not_bring_it_back(engine: AsyncEngine) -> None:
    consent = await granted(engine, "labs", "vitals")
    async with turn(engine) as second:
        stale = await loaded(second, consent)
        async with turn(engine) as first:
            await withdrawn(first, await loaded(first, consent))
        with pytest.raises(Ended):
            await narrowed(second, stale, replace(records.terms_of(stale), sections=("labs",)))
    assert await kinds(engine, consent) == ["granted", "withdrawn"]


async def test_two_narrowings_leave_what_both_leave_or_refuse_the_second(engine: AsyncEngine) -> None:
    """The second would open again what the first closed: it is told that it may not."""
    consent = await granted(engine, "labs", "vitals")
    both = records.terms_of(consent)
    async with turn(engine) as second:
        stale = await loaded(second, consent)
        async with turn(engine) as first:
            await narrowed(first, await loaded(first, consent), replace(both, sections=("labs",)))
        with pytest.raises(Invalid, match="narrower"):
            await narrowed(second, stale, replace(both, sections=("vitals",)))


async def test_the_second_waits_until_the_first_is_through(database: Database, engine: AsyncEngine) -> None:
    consent = await granted(engine, "labs")

    async def other() -> None:
        async with turn(engine) as session:
            await withdrawn(session, await loaded(session, consent))

    async with turn(engine) as first:
        await withdrawn(first, await loaded(first, consent))
        second = asyncio.create_task(other())
        await somebody_waits(database)
    await second
    assert await kinds(engine, consent) == ["granted", "withdrawn"]


async def test_another_patient_does_not_wait(engine: AsyncEngine) -> None:
    consent = await granted(engine, "labs")
    async with turn(engine) as first:
        await withdrawn(first, await loaded(first, consent))
        async with asyncio.timeout(20), AsyncSession(engine) as other:
            await other.run_sync(lambda db: events.lock(db, uuid4()))


async def test_row_level_security_hides_the_consents_of_others(engine: AsyncEngine) -> None:
    consent = await granted(engine, "labs")
    async with AsyncSession(engine) as session:
        await session.execute(sql("select set_config('app.persons', :p, true)"), {"p": str(uuid4())})
        with pytest.raises(NotFound):
            await session.run_sync(lambda db: records.of_persons(db, [PATIENT], consent.id))


async def test_without_a_receipt_there_is_no_consent(engine: AsyncEngine) -> None:
    """The change, its event and its receipt are one transaction."""
    wish, now = terms("labs"), utc_now()
    told = {"reader": READER, "terms": wish, "by": BY, "text": document(READER, wish, "vi"), "now": now}

    def broken(_claims: object) -> str:
        raise RuntimeError("no key")

    with pytest.raises(RuntimeError):
        async with turn(engine) as session:
            await session.run_sync(lambda db: records.grant(db, patient_id=PATIENT, sign=broken, **told))
    async with turn(engine) as session:
        assert await session.run_sync(lambda db: records.living(db, [PATIENT], utc_now())) == []
