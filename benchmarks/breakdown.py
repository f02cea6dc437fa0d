"""Where the time of one read goes, on one connection without HTTP: each step alone, the steps in turn.

Times are medians of what a client waits; the difference of two lines is the price of what the second adds.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median
from uuid import UUID

import asyncpg

from api.planner.connections import READ, bytes_of_json
from api.planner.documents import Document, Documents
from api.planner.plan import Plan
from api.schema import create_schema, records_of
from benchmarks.data import World
from benchmarks.handwritten import statement
from benchmarks.patients import Reader, readers
from benchmarks.report import table
from benchmarks.screens import query
from domain.sections import SECTIONS

TURNS = 200
REQUEST = UUID(int=0)
BEGIN = "select * from access.begin($1, $2, $3, $4, null)"
SETTINGS = """
select set_config('app.patient', $1, false), set_config('app.sections', $2, false),
       set_config('app.undated', $2, false), set_config('app.windows', ',', false),
       set_config('app.sensitive', '*', false)
"""
Work = Callable[[Reader], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Step:
    """What is timed, and what has to be done before each time."""

    timed: Work
    before: Work | None = None


def run(world: World) -> str:
    people = asyncio.run(readers(world))
    return "\n".join(asyncio.run(_screen(world, screen, people)) for screen in ("record", "home"))


def planned(screen: str) -> tuple[Plan, list[str | None]]:
    """The planner's statement for a screen and its parameters after the patient."""
    schema = create_schema()._schema  # noqa: SLF001 -- no public way to the GraphQL schema
    document = Documents(schema, records_of(schema)).get(query(screen), None)
    if not isinstance(document, Document):
        raise TypeError(f"{screen}.graphql is not valid for the schema")
    variables = document.variables({"patientId": str(UUID(int=0))})
    plan = None if isinstance(variables, list) else document.plan(variables)
    if plan is None or isinstance(variables, list):
        raise RuntimeError(f"{screen}.graphql is not planned whole")
    return plan, plan.arguments(variables)


async def _screen(world: World, screen: str, people: list[Reader]) -> str:
    plan, arguments = planned(screen)
    async with AsyncExitStack() as stack:
        steps = await _steps(stack, world, screen, plan, arguments)
        times: dict[str, list[float]] = {name: [] for name in steps}
        for turn in range(TURNS + len(people)):
            one = people[turn % len(people)]
            for name, step in steps.items():
                if step.before:
                    await step.before(one)
                started = time.perf_counter()
                await step.timed(one)
                if turn >= len(people):
                    times[name].append((time.perf_counter() - started) * 1000)
    base = median(times["hand-written, as owner"])
    rows = [
        (name, median(found), sorted(found)[len(found) * 9 // 10], median(found) / base)
        for name, found in times.items()
    ]
    return table(f"Steps of a read: {screen}", ("one connection, no HTTP", "p50 ms", "p90 ms", "x hand-written"), rows)


async def _steps(
    stack: AsyncExitStack, world: World, screen: str, plan: Plan, arguments: list[str | None]
) -> dict[str, Step]:
    async def connect(dsn: str, role: str | None = None, **settings: str) -> asyncpg.Connection:
        connection = await asyncpg.connect(dsn, server_settings={"jit": "off", **settings})
        stack.push_async_callback(connection.close)
        await bytes_of_json(connection)
        if role:
            await connection.execute(f"set role {role}")
        return connection

    owner, web = world.addresses.owner, world.addresses.web
    hand = await (await connect(owner)).prepare(statement(screen))
    empty = await connect(owner)
    steps: dict[str, Step] = {
        "an empty statement": Step(lambda _: empty.fetchval("select 1")),
        "hand-written, as owner": Step(lambda one: hand.fetchval(str(one.patient))),
    }
    for words, role in (("the plan, as owner", None), ("the plan under row-level security", "healthbook_record")):
        steps[words] = await _plan_alone(await connect(owner, role), plan, arguments)
    begin, reading = await connect(owner, synchronous_commit="off"), await connect(web)
    steps["access.begin, no wait for the disk"] = Step(lambda one: begin.fetchrow(BEGIN, *_asked(one, plan)))
    prepared = await reading.prepare(plan.sql, name=plan.name)
    for words, together in (("access.read, no wait for the disk", True), ("access.read", False)):
        steps[words] = _whole(reading, prepared, plan, [arguments, REQUEST, None, together])
    return steps


async def _plan_alone(connection: asyncpg.Connection, plan: Plan, arguments: list[str | None]) -> Step:
    """The plan with the settings that a decision for its patient would have left; setting them is not timed."""
    opened = f",{','.join(section.name for section in SECTIONS)},"
    settings = await connection.prepare(SETTINGS)
    await settings.fetchrow(str(UUID(int=0)), opened)
    sql = await connection.prepare(plan.sql)
    typed = [int(one) if one and one.isdigit() else one for one in arguments]
    return Step(
        lambda one: sql.fetchval(str(one.patient), *typed), lambda one: settings.fetchrow(str(one.patient), opened)
    )


def _whole(connection: asyncpg.Connection, prepared: object, plan: Plan, others: list[object]) -> Step:
    async def read(one: Reader) -> object:
        _kept = prepared  # the driver closes a statement nobody holds
        row = await connection.fetchrow(READ, *_asked(one, plan), plan.name, *others)
        assert row["outcome"] == "ALLOWED"
        return row

    return Step(read)


def _asked(one: Reader, plan: Plan) -> tuple[UUID, UUID, None, list[str]]:
    """Grant, patient, purpose, sections."""
    return one.grant, one.patient, None, plan.sections
