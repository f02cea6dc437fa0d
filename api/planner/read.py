"""Running a plan: one round trip that decides, logs and reads (`access.read`), on the web role's own connections."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from graphql.execution.values import VariableValues

from api.planner.connections import OPENED_FIRST, Connections
from api.planner.group_commit import GroupCommit
from api.planner.plan import Plan
from domain.errors import Busy

UNREACHABLE = (
    OSError,  # a time limit too
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.OperatorInterventionError,  # statement timeout, shutdown
)


@dataclass(frozen=True, slots=True)
class Answer:
    """`data`: the JSON of the root field in UTF-8, or None. `opened`: `,labs,vitals,`.

    `outcome`: ALLOWED, UNCHANGED, REFUSED or DEAD. `tag` tells this answer from every other, where one was asked for;
    UNCHANGED if it is the one the reader has.
    """

    data: bytes | None
    outcome: str
    opened: str
    tag: str | None

    def opens(self, section: str) -> bool:
        return f",{section}," in self.opened


class RecordReader:
    """Reads records: one statement, one implicit transaction, and no answer before its log row is on disk."""

    def __init__(self, connections: Connections, commits: GroupCommit) -> None:
        self._connections, self._commits = connections, commits

    @classmethod
    @asynccontextmanager
    async def open(cls, dsn: str, *, size: int) -> "AsyncIterator[RecordReader]":
        connections, commits = Connections(dsn, size), GroupCommit(dsn)
        try:
            await connections.warm(OPENED_FIRST)
            await commits.flusher()
            yield cls(connections, commits)
        finally:
            await commits.close()
            await connections.close()

    async def read(
        self, grant: UUID, plan: Plan, variables: VariableValues, request: UUID, *, tag: str | None = None
    ) -> Answer:
        """Decide, log under the request's id, and read. Invalid for a bad argument, before the database is asked.

        Who reads alone waits for the disk in his own transaction, which is one round trip; among others, with them.
        `tag`: of the copy the reader has, empty if he has none but wants the tag; None asks for no tag.
        """
        patient, purpose, arguments = plan.patient(variables), plan.purpose(variables), plan.arguments(variables)
        try:
            flusher = await self._commits.flusher()
            together = self._connections.in_use > 0
            async with self._connections.lent() as connection:
                await connection.know(plan)
                row = await connection.read.fetchrow(
                    grant, patient, purpose, plan.sections, plan.name, arguments, request, tag, together
                )
            if self._connections.in_use == 0:
                flusher.hurry()
            if together:
                await flusher.flushed()
        except UNREACHABLE:
            raise Busy("The book is busy. Try again shortly.") from None
        answer = Answer(*row)
        closed = plan.lost(variables) if answer.outcome == "REFUSED" else None
        return Answer(closed, "ALLOWED", ",", None) if closed else answer

    @property
    def connections(self) -> tuple[int, int]:
        """How many connections are in use, and how many are open."""
        return self._connections.in_use, self._connections.open

    async def client_profile(self, client_id: str) -> tuple[str, str | None] | None:
        """Kind and organization of a client; None where there is none. Busy where the database does not answer."""
        try:
            found = await self.value("select access.client_profile($1)", client_id)
        except UNREACHABLE:
            raise Busy("The book is busy. Try again shortly.") from None
        return (found[0], found[1]) if found else None

    async def value(self, sql: str, *arguments: Any) -> Any:
        """One value of one of the functions of schema `access`."""
        async with self._connections.lent() as connection:
            return await connection.fetchval(sql, *arguments)
