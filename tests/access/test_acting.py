"""The writing door, `access.act`: who may act for somebody else."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.access.world import MOTHER, PATIENT, World
from tests.conftest import Database
from tests.postgres import Databases

ACT = "select outcome from access.act($1, $2, 'consents', 'consent:read', null)"


@pytest.fixture
async def world(databases: Databases, migrated: str) -> AsyncIterator[World]:
    dsn = await databases.clone(migrated)
    connection = await asyncpg.connect(Database(dsn.split("?")[0].rsplit("/", 1)[1]).owner)
    made = World(connection)
    await made.build()
    yield made
    await connection.close()
    await databases.drop(dsn)


async def test_a_representative_acts_until_the_right_ends(world: World) -> None:
    await world.represent()
    grant = await world.grant("phone", MOTHER, "consent:read")
    assert await world.sql.fetchval(ACT, grant, PATIENT) == "ALLOWED"
    await world.sql.execute("update access.related_person set revoked_at = now()")
    assert await world.sql.fetchval(ACT, grant, PATIENT) == "REFUSED"


async def test_an_app_does_not_act_by_the_right_of_who_uses_it(world: World) -> None:
    await world.represent()
    grant = await world.grant("diary", MOTHER, "consent:read")
    assert await world.sql.fetchval(ACT, grant, PATIENT) == "REFUSED"
