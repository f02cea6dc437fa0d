"""Budgets hold whoever serves: across workers, crashes, the turn of a minute and a database that is gone."""

import asyncio
import contextlib
import signal
import sys
from contextlib import AsyncExitStack

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.app import create_app
from api.budgets import Budgets, Exceeded, Limits
from api.cost import MOST_COST
from api.ledger import Ask, Ledger
from api.settings import budgets as told_budgets
from auth.tokens.bearer import Caller
from cli.worker import throw_away
from domain.errors import Busy, RateLimited
from domain.values import new_id
from tests.api.conftest import AUTH, Book, started
from tests.cli.servers import PROJECT
from tests.conftest import Database

LIMIT = 200_000
LIMITS = Limits(LIMIT, LIMIT, 2 * LIMIT, 2 * LIMIT)
KINDS = {"phone": ("first_party", None), "diary": ("third_party", None), "clinic": ("facility", str(new_id()))}


async def profile_of(client_id):
    return KINDS.get(client_id)


def caller(client_id="phone", subject=None):
    return Caller(new_id(), client_id, subject, frozenset(), 0)


class Workers:
    """Budgets of several workers, each with a connection of its own."""

    def __init__(self, database: Database, stack: AsyncExitStack) -> None:
        self.database, self.stack = database, stack

    async def add(self, limits: Limits = LIMITS) -> Budgets:
        ledger = await self.stack.enter_async_context(Ledger.open(self.database.web))
        return Budgets(ledger, profile_of, limits)

    async def sql(self, statement, *arguments):
        connection = await asyncpg.connect(self.database.owner)
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()

    async def minute(self):
        (row,) = await self.sql("select date_trunc('minute', clock_timestamp()) as minute")
        return row["minute"]


@pytest.fixture
async def workers(database):
    async with AsyncExitStack() as stack:
        yield Workers(database, stack)


async def spend_all(budgets, who, costs):
    """Spends until refused; what was spent."""
    spent = 0
    with contextlib.suppress(RateLimited):
        while spent <= 5 * LIMIT:  # a budget that never ends is found, too
            cost = next(costs)
            await budgets.spend(who, cost)
            spent += cost
    return spent


def endless(costs):
    while True:
        yield from costs


async def in_one_minute(workers, attempt):
    """What `attempt` gives; made again where a minute ended meanwhile, or the machine was too busy to answer."""
    for _ in range(5):
        before = await workers.minute()
        try:
            found = await attempt()
        except Busy:
            continue
        if await workers.minute() == before:
            return found
    pytest.fail("no attempt fitted into a minute")


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.lists(st.integers(1, 2_000), min_size=1, max_size=8), min_size=1, max_size=5))
async def test_workers_together_spend_the_budget_and_never_more(workers, costs):
    """Abuse 39. Each worker is several requests at once, all of one citizen."""

    async def attempt():
        who = caller(subject=new_id())
        async with AsyncExitStack() as stack:
            apart = Workers(workers.database, stack)
            everyone = [await apart.add() for _ in costs]
            hands = [spend_all(one, who, endless(own)) for one, own in zip(everyone, costs, strict=True) for _ in "abc"]
            return sum(await asyncio.gather(*hands))

    spent = await in_one_minute(workers, attempt)
    assert 0.8 * LIMIT <= spent <= LIMIT


async def test_idle_workers_keep_little_from_a_busy_one(workers):
    async def attempt():
        who, idle = caller(subject=new_id()), [await workers.add() for _ in range(7)]
        for one in idle:
            await one.spend(who, 150)
        return await spend_all(await workers.add(), who, endless([150]))

    assert 0.8 * LIMIT <= await in_one_minute(workers, attempt) <= LIMIT


async def test_a_busy_caller_asks_the_database_rarely(workers):
    class Counted(Ledger):
        statements = 0

        async def _leases(self, asks):
            self.statements += 1
            return await super()._leases(asks)

    async with Counted.open(workers.database.web) as ledger:
        budgets = Budgets(ledger, profile_of, Limits())
        who = caller(subject=new_id())
        for _ in range(1_000):
            await budgets.spend(who, 153)
        assert ledger.statements <= 30
        ledger.statements = 0
        await asyncio.gather(*(budgets.spend(caller(subject=new_id()), 153) for _ in range(200)))
        assert ledger.statements <= 3


CRASHING = """
import asyncio, sys
from uuid import UUID
from api.budgets import Budgets, Limits
from api.ledger import Ledger
from auth.tokens.bearer import Caller
async def main():
    async def profile_of(client_id):
        return ("first_party", None)
    async with Ledger.open(sys.argv[1]) as ledger:
        budgets = Budgets(ledger, profile_of, Limits(*[int(sys.argv[3])] * 4))
        who = Caller(UUID(int=1), "phone", UUID(sys.argv[2]), frozenset(), 0)
        for _ in range(10):
            await budgets.spend(who, 1000)
        (account,) = budgets._accounts.values()
        print(account.left, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_a_worker_that_is_killed_takes_its_leases_with_it_and_no_more(workers):
    async def attempt():
        citizen = new_id()
        command = [sys.executable, "-c", CRASHING, workers.database.web, str(citizen), str(LIMIT)]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=PROJECT)
        try:
            held = int(await process.stdout.readline())
        finally:
            process.send_signal(signal.SIGKILL)
            await process.communicate()
        spent = await spend_all(await workers.add(), caller(subject=citizen), endless([100]))
        return held, spent

    held, spent = await in_one_minute(workers, attempt)
    assert 0 < held <= LIMIT / 8
    assert LIMIT - 10_000 - held - 100 <= spent <= LIMIT - 10_000 - held


async def test_a_new_minute_is_a_new_budget(workers):
    who = caller(subject=new_id())
    first = await workers.add()
    await spend_all(first, who, endless([1_000]))
    await workers.sql("update access.budget set window_start = window_start - interval '1 minute'")
    assert await spend_all(await workers.add(), who, endless([1_000])) == LIMIT


async def test_time_never_runs_backwards(workers):
    """A statement that began in the last minute does not open the budget of this one again."""
    who = caller(subject=new_id())
    await spend_all(await workers.add(), who, endless([1_000]))
    await workers.sql("update access.budget set window_start = window_start + interval '1 minute'")
    with pytest.raises(RateLimited) as refused:
        await (await workers.add()).spend(who, 1_000)
    assert refused.value.retry_after_s > 60


async def test_a_lease_ends_with_its_minute(workers):
    budgets, who = await workers.add(), caller(subject=new_id())
    await budgets.spend(who, 1_000)
    (account,) = budgets._accounts.values()
    assert account.left > 0
    account.ends_at -= 60
    await workers.sql("update access.budget set taken = $1", LIMIT)
    with pytest.raises(RateLimited):
        await budgets.spend(who, 1_000)


async def test_without_a_database_only_what_is_leased_is_spent(workers):
    budgets, who = await workers.add(), caller(subject=new_id())
    await budgets.spend(who, 1_000)
    ledger = budgets._ledger
    dsn, ledger._dsn = ledger._dsn, "postgresql://nobody@127.0.0.1:1/nowhere"
    ledger._hang_up()
    await budgets.spend(who, 1_000)
    for _ in range(3):
        with pytest.raises(Busy):
            await budgets.spend(who, 10_000)
    ledger._dsn = dsn
    await budgets.spend(who, 10_000)


async def test_a_connection_that_was_cut_is_opened_again(workers):
    budgets, who = await workers.add(), caller(subject=new_id())
    await budgets.spend(who, 1_000)
    await workers.sql(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'healthbook-budgets'"
    )
    with contextlib.suppress(Busy):
        await budgets.spend(who, 50_000)
    await budgets.spend(who, 50_000)


async def test_who_comes_in_the_moment_in_which_a_lease_arrives_is_served(workers):
    """Cheap operations go on while a dear one waits for its lease, so that the next dear one meets any moment of it."""
    budgets, who = await workers.add(Limits(*[10**11] * 4)), caller(subject=new_id())

    async def hand(number):
        for turn in range(2_000):
            await budgets.spend(who, 30_000 if (7 * turn + number) % 97 == 0 else 1)
            await asyncio.sleep(0)

    await asyncio.gather(*map(hand, range(40)))


async def test_one_app_cannot_spend_what_another_has(workers):
    budgets, citizen = await workers.add(), new_id()
    assert await spend_all(budgets, caller("diary", citizen), endless([1_000])) == LIMIT
    assert await spend_all(budgets, caller("phone", citizen), endless([1_000])) == LIMIT


async def test_all_citizens_of_an_app_share_its_budget_and_a_refusal_costs_nothing(workers):
    budgets, people = await workers.add(), [caller("diary", new_id()) for _ in range(3)]
    spent = [await spend_all(budgets, one, endless([1_000])) for one in people]
    assert spent == [LIMIT, LIMIT, 0]
    third = next(one for one in budgets._accounts.values() if one.name == "citizen_of_app" and one.left)
    assert third.remaining == LIMIT


async def test_a_facility_shares_one_budget_over_all_its_clients(workers):
    KINDS["clinic-2"] = KINDS["clinic"]
    budgets = await workers.add()
    assert await spend_all(budgets, caller("clinic"), endless([1_000])) == 2 * LIMIT
    assert await spend_all(budgets, caller("clinic-2"), endless([1_000])) == 0


async def test_an_unknown_client_has_the_least_budget(workers):
    with pytest.raises(Exceeded) as refused:
        await (await workers.add()).spend(caller("nobody", new_id()), LIMIT + 1)
    assert [one.name for one in refused.value.budgets] == ["citizen_of_app", "app"]


async def test_a_cancelled_request_does_not_stop_the_others(workers):
    budgets, who = await workers.add(), caller(subject=new_id())
    hands = [asyncio.create_task(budgets.spend(who, 1_000)) for _ in range(20)]
    await asyncio.sleep(0)
    hands[0].cancel()
    done = await asyncio.gather(*hands, return_exceptions=True)
    assert sum(isinstance(one, list) for one in done) == 19


async def test_the_database_keeps_no_name_and_refuses_a_flood(workers):
    citizen = new_id()
    await (await workers.add()).spend(caller(subject=citizen), 1_000)
    (row,) = await workers.sql("select key from access.budget")
    assert len(row["key"]) == 32
    assert citizen.bytes not in row["key"]
    web = await asyncpg.connect(workers.database.web)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await web.fetch("select * from access.budget")
        keys = [n.to_bytes(4, "big") for n in range(1001)]
        with pytest.raises(asyncpg.ProgramLimitExceededError):
            await web.fetch("select access.lease($1, $2, $2, $2)", keys, [1] * 1001)
        (told,) = await web.fetch("select * from access.lease($1, $2, $3, $4)", [b"x"], [-5], [-9], [100])
        assert (told["granted"], told["remaining"]) == (0, 100)
    finally:
        await web.close()


async def test_a_key_asked_for_twice_at_once_is_lent_twice(workers):
    async with Ledger.open(workers.database.web) as ledger:
        answers = [ledger.ask(Ask(b"x", 10, 10, 25)) for _ in range(3)]
        leases = await asyncio.gather(*answers)
    assert [one.granted for one in leases] == [10, 10, 0]


async def test_old_minutes_are_thrown_away(workers):
    budgets = await workers.add()
    await budgets.spend(caller(subject=new_id()), 1_000)
    await workers.sql("update access.budget set window_start = window_start - interval '1 hour'")
    await budgets.spend(caller(subject=new_id()), 1_000)
    await throw_away(workers.database.addresses)
    assert len(await workers.sql("select from access.budget")) == 1


def test_an_operator_sets_four_numbers():
    assert told_budgets({}) == Limits()
    assert told_budgets({"HEALTHBOOK_BUDGETS": "50000/60000/70000/80000"}) == Limits(50_000, 60_000, 70_000, 80_000)
    for wrong in (
        "1",
        "50000/60000/70000",
        "50000/60000/70000/x",
        "50000/60000/70000/-80000",
        "10000/60000/70000/80000",
    ):
        with pytest.raises(ValueError, match="HEALTHBOOK_BUDGETS"):
            told_budgets({"HEALTHBOOK_BUDGETS": wrong})


@pytest.fixture
async def poor(databases, populated, monkeypatch):
    """The application with the smallest budgets there can be."""
    smallest = Limits(MOST_COST, MOST_COST, MOST_COST, MOST_COST)
    async with started(databases, populated) as book:
        settings = book.database.api_settings(budgets=smallest)
        app = create_app(settings, AUTH)
        async with app.router.lifespan_context(app):
            book.client._transport.app = app
            yield book


@pytest.mark.parametrize("root", ["", "me { id }"])
async def test_over_budget_is_429_with_the_time_to_come_back(poor: Book, root):
    """Abuse 3. On both exits; another citizen is not touched by it."""
    token, query = (
        await poor.token(poor.citizens[0]),
        f"{{ {root} healthRecord {{ labs(first: 400) {{ nodes {{ id value }} }} }} }}",
    )
    answers = [await poor.post(query, token) for _ in range(60)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.status_code for answer in answers} == {200, 429}
    (error,) = refused[-1].json()["errors"]
    seconds = int(refused[-1].headers["Retry-After"])
    assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfter": seconds}
    assert 1 <= seconds <= 60
    assert refused[-1].headers["RateLimit"] == f'"citizen";r={_left(refused[-1])};t={seconds}'
    assert refused[-1].headers["RateLimit-Policy"] == f'"citizen";q={MOST_COST};w=60;qu="cost-units"'
    assert "data" not in refused[-1].json()
    other = await poor.post(query, await poor.token(poor.citizens[1]))
    assert other.status_code == 200


def _left(answer):
    return int(answer.headers["RateLimit"].partition("r=")[2].partition(";")[0])


async def test_reading_new_documents_is_paid_for(poor: Book):
    """Abuse 3. Documents that are refused cost their length, so that nobody keeps a worker busy with refusing."""
    token = await poor.token(poor.citizens[0])
    answers = [await poor.post("{ " + f"nothing{n} " * 1_000 + "}", token) for n in range(8)]
    assert [answer.status_code for answer in answers].count(429) >= 3


async def test_a_budget_that_nobody_can_look_up_is_503(poor: Book):
    token = await poor.token(poor.citizens[0])
    toll = poor.client._transport.app.state.services.toll
    ledger = toll._budgets._ledger
    ledger._dsn = "postgresql://nobody@127.0.0.1:1/nowhere"
    ledger._hang_up()
    answer = await poor.post("{ me { id } }", token)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["errors"][0]["extensions"] == {"code": "BUSY"}
