"""Running a plan: one round trip that decides, logs and reads (`access.read`), on the web role's own pool."""

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement
from graphql.execution.values import VariableValues

from api.planner.plan import Plan
from domain.errors import Busy

READ = "select data, outcome, opened from access.read($1, $2, $3, $4, $5, $6, $7)"
PLANS_A_CONNECTION = 100  # each takes up to a megabyte of its server process


@dataclass(frozen=True, slots=True)
class Answer:
    """`data`: the JSON of the root field, or None. `opened`: `,labs,vitals,`. `outcome`: ALLOWED, REFUSED or DEAD."""

    data: str | None
    outcome: str
    opened: str

    def opens(self, section: str) -> bool:
        return f",{section}," in self.opened


class RecordConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg is untyped
    """A connection that remembers the plans it has prepared; a forgotten one is closed by the driver."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plans: OrderedDict[str, PreparedStatement] = OrderedDict()

    async def know(self, plan: Plan) -> None:
        if plan.name in self.plans:
            self.plans.move_to_end(plan.name)
            return
        self.plans[plan.name] = await self.prepare(plan.sql, name=plan.name)
        if len(self.plans) > PLANS_A_CONNECTION:
            self.plans.popitem(last=False)


class RecordReader:
    """The bounded pool of connections that read records. One statement, one implicit transaction, nothing to reset."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @classmethod
    @asynccontextmanager
    async def open(cls, dsn: str, *, size: int) -> "AsyncIterator[RecordReader]":
        async with asyncpg.create_pool(
            dsn,
            min_size=min(2, size),
            max_size=size,
            connection_class=RecordConnection,
            reset=_nothing,
            max_inactive_connection_lifetime=0,
            command_timeout=10,
            server_settings={"statement_timeout": "8s", "application_name": "healthbook-web", "jit": "off"},
        ) as pool:
            yield cls(pool)

    async def read(self, grant: UUID, plan: Plan, variables: VariableValues, request: UUID) -> Answer:
        """Decide, log under the request's id, and read. Invalid for a bad argument, before the database is asked."""
        patient, purpose, arguments = plan.patient(variables), plan.purpose(variables), plan.arguments(variables)
        try:
            async with self._pool.acquire(timeout=5) as connection:
                await connection.know(plan)
                row = await connection.fetchrow(
                    READ, grant, patient, purpose, plan.sections, plan.name, arguments, request
                )
        except (TimeoutError, asyncpg.QueryCanceledError):
            raise Busy("The book is busy. Try again shortly.") from None
        return Answer(*row)

    @property
    def connections(self) -> tuple[int, int]:
        """How many connections are in use, and how many are open."""
        open_ = self._pool.get_size()
        return open_ - self._pool.get_idle_size(), open_

    async def value(self, sql: str, *arguments: Any) -> Any:
        """One value of one of the functions of schema `access`."""
        async with self._pool.acquire(timeout=5) as connection:
            return await connection.fetchval(sql, *arguments)


async def _nothing(_connection: Any) -> None:
    """Settings are local to the one statement; there is no session state to clear."""
