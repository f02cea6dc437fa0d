from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.database import open_engine
from tests.conftest import Database
from tests.domain.appointments.world import MOST_CONNECTIONS, World, furnish


@pytest.fixture
async def consent(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(database.consent, pool_size=MOST_CONNECTIONS, max_overflow=0)
    yield engine
    await engine.dispose()


@pytest.fixture
async def world(database: Database, consent: AsyncEngine) -> World:
    return await furnish(database, consent)
