"""Two citizens, a child and a delegate on a migrated database, and the session of the role that writes for citizens."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.database import open_engine
from tests.conftest import Database

MOTHER, FATHER, CHILD, FRIEND = (UUID(int=number) for number in range(1, 5))
PATIENT, OLD_ID = UUID(int=11), UUID(int=12)


class World:
    """`do(work, ...)`: one transaction as the owner; `sql`: what the owner sees."""

    def __init__(self, session: AsyncSession, connection: asyncpg.Connection) -> None:
        self.session, self.connection = session, connection

    async def do(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            done = await self.session.run_sync(work, *args, **kwargs)
            await self.session.commit()
        except BaseException:
            await self.session.rollback()
            raise
        return done

    async def sql(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        return await self.connection.fetch(statement, *arguments)


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    connection = await asyncpg.connect(database.owner)
    engine = open_engine(database.owner)
    async with AsyncSession(engine, expire_on_commit=False) as session:
        made = World(session, connection)
        await made.sql("insert into book.patient (patient_id) values ($1)", PATIENT)
        await made.sql("insert into access.patient_redirect (old_id, patient_id) values ($1, $2)", OLD_ID, PATIENT)
        for citizen, patient in ((MOTHER, None), (FATHER, None), (CHILD, OLD_ID), (FRIEND, None)):
            await made.sql("insert into access.citizen (id, patient_id) values ($1, $2)", citizen, patient)
        yield made
    await engine.dispose()
    await connection.close()
