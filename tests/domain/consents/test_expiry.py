"""Consents that run out say so in their history, once, whoever keeps house."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import select
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from domain.consents import events, records
from domain.consents.tables import ConsentEvent
from domain.consents.terms import Decider, Reader, Terms
from domain.consents.texts import document
from domain.database import open_engine
from domain.values import utc_now
from tests.conftest import Database

CLINIC = UUID(int=11)
READER = Reader("written_request", CLINIC, None, "Sen", "001")
PATIENTS = [uuid4() for _ in range(3)]
BORN = """insert into book.demographics
                 (patient_id, id, source_id, organization_id, document, received_at, fact_key, content_key, sensitivity,
                  shown, contradicted, is_temporary_name, birth_date, sources)
          values ($1, uuidv7(), uuidv7(), uuidv7(), 'Patient', now(), 'x', 'x', '', true, false, false, '2015-03-14',
                  '[]')"""
Sessions = async_sessionmaker[AsyncSession]


@pytest.fixture
async def sessions(database: Database) -> AsyncIterator[Sessions]:
    owner = await asyncpg.connect(database.owner)
    await owner.execute(
        "insert into registry.organization (id, code, name, status) values ($1, '001', 'Sen', 'active')", CLINIC
    )
    engine = open_engine(database.consent)
    made = async_sessionmaker(engine, expire_on_commit=False)
    for patient in PATIENTS:
        await granted(made, patient, timedelta(hours=1))
        await granted(made, patient, timedelta(days=9))
        withdrawn = await granted(made, patient, timedelta(hours=1))
        await owner.execute(
            "update access.consent set withdrawn_at = now(), withdrawn_by = id where id = $1", withdrawn
        )
    past = "valid_from = valid_from - interval '2 h', valid_until = valid_until - interval '2 h'"
    await owner.execute(f"update access.consent set {past} where valid_until < now() + interval '2 h'")
    yield made
    await engine.dispose()
    await owner.close()


async def granted(sessions: Sessions, patient: UUID, life: timedelta) -> UUID:
    now = utc_now() - timedelta(seconds=1)
    terms = Terms(("TREAT",), ("labs",), (), None, None, now + life, None).checked(now)
    by = Decider(uuid4(), "self", "app", "demo", now)
    async with sessions() as session:
        await session.execute(sql("select set_config('app.persons', :p, true)"), {"p": str(patient)})
        made = await session.run_sync(
            lambda db: records.grant(
                db,
                patient_id=patient,
                reader=READER,
                terms=terms,
                by=by,
                text=document(READER, terms, "vi"),
                now=now,
                sign=str,
            )
        )
        await session.commit()
    return made.id


async def expired(sessions: Sessions, now: datetime, at_most: int = 200) -> int:
    """One round of housekeeping."""
    async with sessions() as session:
        done = await session.run_sync(lambda db: records.expire_due(db, now, str, at_most=at_most))
        await session.commit()
    return done


async def history(database: Database) -> list[ConsentEvent]:
    engine = open_engine(database.owner)
    async with async_sessionmaker(engine)() as session:
        rows = await session.scalars(select(ConsentEvent).order_by(ConsentEvent.patient_id, ConsentEvent.place))
        found = list(rows)
    await engine.dispose()
    return found


async def test_each_that_ran_out_gets_one_event(database: Database, sessions: Sessions) -> None:
    assert await expired(sessions, utc_now()) == len(PATIENTS)
    assert await expired(sessions, utc_now()) == 0
    for patient in PATIENTS:
        chain = [one for one in await history(database) if one.patient_id == patient]
        assert [one.kind for one in chain] == ["granted", "granted", "granted", "expired"]
        assert events.broken_at(chain) is None
        assert (chain[-1].actor_id, chain[-1].snapshot["decided_by"]) == (None, None)
        assert chain[-1].consent_id == chain[0].consent_id


async def test_a_few_at_a_time_until_none_is_left(sessions: Sessions) -> None:
    assert [await expired(sessions, utc_now(), at_most=2) for _ in range(3)] == [2, 1, 0]


async def test_two_housekeepers_at_once_make_one_event(database: Database, sessions: Sessions) -> None:
    await asyncio.gather(*(expired(sessions, utc_now()) for _ in range(4)))
    kinds = [one.kind for one in await history(database)]
    assert kinds.count("expired") == len(PATIENTS)


async def test_none_before_its_time_whatever_the_housekeeper_says_it_is(sessions: Sessions) -> None:
    assert await expired(sessions, utc_now() + timedelta(days=30)) == len(PATIENTS)


async def test_the_birth_date_of_who_was_not_opened_is_not_told(database: Database) -> None:
    owner = await asyncpg.connect(database.owner)
    for patient in PATIENTS:
        await owner.execute("insert into book.patient (patient_id) values ($1)", patient)
        await owner.execute("set session_replication_role = replica")  # its source is beside the point
        await owner.execute(BORN, patient)
    await owner.close()
    connection = await asyncpg.connect(database.consent)
    asking = "select access.birth_date($1)"
    with pytest.raises(asyncpg.UndefinedObjectError):
        await connection.fetchval(asking, PATIENTS[0])
    await connection.execute("select set_config('app.persons', $1, false)", str(PATIENTS[1]))
    assert await connection.fetchval(asking, PATIENTS[1]) == "2015-03-14"
    assert await connection.fetchval(asking, PATIENTS[0]) is None
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("select from book.demographics")
    await connection.close()
