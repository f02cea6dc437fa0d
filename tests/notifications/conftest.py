from contextlib import closing

import asyncpg
import pytest

from cli.demo_push import PushServer
from domain.database import open_engine
from tests.notifications.town import Town, fcm


@pytest.fixture
def phones():
    with closing(PushServer().start()) as server:
        yield server


@pytest.fixture
async def town(database, phones):
    """Push is configured, to a server on this machine."""
    connection, engine = await asyncpg.connect(database.owner), open_engine(database.worker)
    made = Town(database, connection, engine, phones)
    made.channels["push"] = fcm(phones)
    yield made
    for channel in made.channels.values():
        await channel.close()
    await engine.dispose()
    await connection.close()
