"""The pool of reading connections: bounded, fair, and nothing doubtful is lent again."""

import asyncio
import contextlib

import asyncpg
import pytest

from api.planner import connections as module
from api.planner.connections import Connections
from api.planner.read import UNREACHABLE
from domain.errors import Busy


@pytest.fixture
async def two(database):
    pool = Connections(database.web, 2)
    await pool.warm(1)
    yield pool
    await pool.close()


async def pid(pool):
    async with pool.lent() as connection:
        return connection.get_server_pid()


async def test_the_same_connection_goes_round(two):
    assert len({await pid(two) for _ in range(5)}) == 1
    assert (two.open, two.in_use) == (1, 0)


async def test_one_that_nobody_wanted_for_long_is_as_good_as_new(database, monkeypatch):
    """A server that was started in the night answers its first reader in the morning."""
    monkeypatch.setitem(module.SETTINGS, "statement_timeout", "1s")
    pool, watch = Connections(database.web, 1), await asyncpg.connect(database.owner)
    await pool.warm(1)
    await watch.execute("select pg_sleep(1.2)")
    async with pool.lent() as connection:
        assert await connection.fetchval("select 38") == 38
    await watch.close()
    await pool.close()


async def test_never_more_than_its_size_however_many_ask(two):
    inside, most = 0, 0

    async def read():
        nonlocal inside, most
        async with two.lent() as connection:
            inside += 1
            most = max(most, inside)
            await connection.fetchval("select pg_sleep(0.01)")
            inside -= 1

    await asyncio.gather(*(read() for _ in range(20)))
    assert (most, two.open, two.in_use) == (2, 2, 0)


async def test_who_waits_too_long_is_told_so(two, monkeypatch):
    monkeypatch.setattr(module, "WAIT_S", 0.05)
    async with two.lent(), two.lent():
        with pytest.raises(Busy):
            await pid(two)
    assert await pid(two)


async def test_who_gives_up_waiting_costs_nobody_a_connection(two):
    async with two.lent(), two.lent():
        waiting = [asyncio.ensure_future(pid(two)) for _ in range(5)]
        await asyncio.sleep(0)
        for one in waiting[:4]:
            one.cancel()
    await asyncio.wait(waiting)
    assert waiting[4].result()
    assert (two.open, two.in_use) == (2, 0)


async def test_one_given_up_in_the_middle_is_not_lent_again(two):
    first = await pid(two)
    entered = asyncio.Event()

    async def read():
        async with two.lent() as connection:
            entered.set()
            await connection.fetchval("select pg_sleep(60)")

    reading = asyncio.ensure_future(read())
    await entered.wait()
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait([reading])
    assert await pid(two) != first
    assert (two.open, two.in_use) == (1, 0)


async def test_an_error_of_a_statement_keeps_its_connection(two):
    first = await pid(two)
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with two.lent() as connection:
            await connection.fetchval("select 1 / 0")
    assert await pid(two) == first


async def test_one_whose_statements_are_stale_goes(two):
    first = await pid(two)
    with pytest.raises(asyncpg.UndefinedFunctionError):
        async with two.lent() as connection:
            await connection.fetchval("select access.gone()")
    assert await pid(two) != first


async def test_one_that_the_server_ended_is_replaced(two, database):
    first = await pid(two)
    owner = await asyncpg.connect(database.owner)
    await owner.execute("select pg_terminate_backend($1)", first)
    await owner.close()
    with contextlib.suppress(asyncpg.PostgresError, *UNREACHABLE):
        async with two.lent() as connection:  # its end may reach us only now
            await connection.fetchval("select 1")
    assert await pid(two) != first


async def test_without_a_database_the_start_fails(database):
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await Connections(database.web.replace(database.name, "nowhere"), 1).warm(1)
