"""A log of invented requests on a database of its own, and what an owner does with it, good and bad."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from domain.audit.sealing import seal_next, sign_next_day
from domain.audit.verifying import Broken, Proof, verify
from domain.database import open_engine

T = TypeVar("T")
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
START = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
DAYS = (date(2026, 3, 10), date(2026, 3, 11), date(2026, 3, 12))
INSERT = """
insert into access.access_log
  (patient_id, at, id, grant_id, client_id, citizen_id, basis, purpose, sections, opened, outcome)
values (:patient, :at, :id, :id, 'phone', :patient, 'self', 'PATRQT', '{labs,vitals}', '{labs}', 'ALLOWED')
"""


def sign(claims: Any) -> str:
    """A signature as the tests need it: readable, and only ours if it begins so."""
    return "ours." + json.dumps(dict(claims))


def check(signed: str) -> Any:
    return json.loads(signed[5:]) if signed.startswith("ours.") else None


class Log:
    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    async def within(self, work: Callable[..., T], *args: Any, **told: Any) -> T:
        """One transaction of the owner's."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            done = await session.run_sync(work, *args, **told)
            await session.commit()
        return done

    async def sql(self, statement: str, **told: Any) -> list[Any]:
        async with self.engine.begin() as connection:
            done = await connection.execute(text(statement), told)
            return list(done.all()) if done.returns_rows else []

    async def entry(self, number: int, at: datetime) -> UUID:
        made = UUID(int=number)
        await self.sql(INSERT, patient=UUID(int=1), at=at, id=made)
        return made

    async def seal(self) -> list[int]:
        """How many entries each new seal has."""
        made = []
        while (seal := await self.within(seal_next, NOW)) is not None:
            made.append(seal.entries)
        return made

    async def sign(self) -> list[str]:
        """Days in March only: the days from then to now are not of interest."""
        made = []
        while len(made) < len(DAYS) and (root := await self.within(sign_next_day, NOW, sign)) is not None:
            made.append(root.day)
        return made

    async def verify(self, since: date | None = None) -> Proof:
        return await self.within(verify, check, since=since)

    async def first_break(self, since: date | None = None) -> str:
        with pytest.raises(Broken) as broken:
            await self.verify(since)
        return str(broken.value)


@pytest.fixture
async def log(database: Any) -> AsyncIterator[Log]:
    """Empty."""
    engine = open_engine(database.owner)
    yield Log(engine)
    await engine.dispose()


@pytest.fixture
async def sealed(log: Log) -> Log:
    """Four entries in each of two minutes of three days, sealed and signed: seals 1 to 6, entries 1 to 24."""
    number = 0
    for day in range(3):
        for minute in range(2):
            for second in range(4):
                number += 1
                await log.entry(number, START + timedelta(days=day, minutes=minute, seconds=second))
    assert await log.seal() == [4] * 6
    assert await log.sign() == [str(day) for day in DAYS]
    return log
