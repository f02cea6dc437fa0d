"""Versions of a source, and the locks that make two importers take turns."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.intake.importing import Importer
from domain.intake.versions import allow, fingerprint, lock, supersede
from tests.conftest import NOW, Database
from tests.domain.intake.invariants import assert_sound
from tests.domain.intake.people_and_visits import at, rows, send, statuses, told

VERSIONS = "select version, superseded_at is null from intake.source_record order by version"


async def test_each_correction_is_the_next_version(database: Database, importer: Importer) -> None:
    for minute, weight in enumerate(("50.00", "51.00", "52.00"), 1):
        await send(at(importer, minute), told("V1", CAN_NANG=weight))
    assert await rows(database.owner, VERSIONS) == [(1, False), (2, False), (3, True)]
    await assert_sound(database.owner)


async def test_what_was_replaced_long_ago_is_a_correction_again(database: Database, importer: Importer) -> None:
    first, second = told("V1", CAN_NANG="50.00"), told("V1", CAN_NANG="51.00")
    for minute, visit in enumerate((first, second), 1):
        await send(at(importer, minute), visit)
    assert await statuses(at(importer, 9), first) == ["superseded"]
    assert await rows(database.owner, VERSIONS) == [(1, False), (2, False), (3, True)]


async def test_a_replaced_version_finds_nobody_any_more(database: Database, importer: Importer) -> None:
    await send(importer, told("V1"))
    await send(at(importer, 5), told("V1", SO_CCCD="001155000999"))
    sources = "select count(distinct source_id) from intake.patient_key"
    assert await rows(database.owner, sources) == [1]


async def test_replacing_nothing_touches_nothing(intake: AsyncEngine) -> None:
    async with intake.begin() as connection:
        assert await supersede(connection, [], NOW) == {}


async def test_who_comes_second_waits_for_the_first(intake: AsyncEngine) -> None:
    order: list[str] = []
    async with intake.begin() as first, intake.begin() as second:
        await lock(first, ["a", b"b"])
        waiting = asyncio.create_task(_then(second, ["b", "c"], order))
        while not await first.scalar(text("select count(*) from pg_locks where locktype = 'advisory' and not granted")):  # noqa: ASYNC110
            await asyncio.sleep(0)
        order.append("first")
        await first.rollback()
        await waiting
    assert order == ["first", "second"]


async def _then(connection: AsyncConnection, names: list[str | bytes], order: list[str]) -> None:
    await lock(connection, names)
    order.append("second")


async def test_locks_in_any_order_do_not_deadlock(intake: AsyncEngine) -> None:
    async def take(names: list[str | bytes]) -> None:
        async with intake.begin() as connection:
            await lock(connection, names)

    await asyncio.gather(*(take(["a", "b", "c"] if n % 2 else ["c", "b", "a"]) for n in range(20)))


async def test_row_level_security_is_told_the_patients(intake: AsyncEngine) -> None:
    async with intake.begin() as connection:
        await allow(connection, [UUID(int=2), UUID(int=1)])
        assert await connection.scalar(text("select cardinality(current_setting('app.patients')::uuid[])")) == 2
    async with intake.begin() as connection:
        assert not await connection.scalar(text("select current_setting('app.patients', true)"))


@pytest.mark.parametrize("content", [b"", b"x"])
def test_a_fingerprint_has_256_bits(content: bytes) -> None:
    assert len(fingerprint(content)) == 32
