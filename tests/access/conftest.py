"""A database of its own for each module, and a world in it that is thrown away after each test."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.access.world import World
from tests.conftest import Database
from tests.postgres import Databases


@pytest.fixture(scope="module")
async def connection(databases: Databases, migrated: str) -> AsyncIterator[asyncpg.Connection]:
    dsn = await databases.clone(migrated)
    opened = await asyncpg.connect(Database(dsn.split("?")[0].rsplit("/", 1)[1]).owner)
    yield opened
    await opened.close()
    await databases.drop(dsn)


@pytest.fixture
async def world(connection: asyncpg.Connection) -> AsyncIterator[World]:
    transaction = connection.transaction()
    await transaction.start()
    made = World(connection)
    await made.build()
    yield made
    await transaction.rollback()
