"""Leases of budgets from PostgreSQL, in bulk: whatever is asked while one statement is under way goes with the next.

A connection of its own, so that a refusal is quick also while every other connection is busy reading.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import structlog

LEASE = "select key, granted, remaining, ends_in_s from access.lease($1, $2, $3, $4)"
SETTINGS = {"statement_timeout": "2s", "application_name": "healthbook-budgets", "jit": "off"}
CONNECT_S, COMMAND_S = 2, 3
TRIES = 2
A_BATCH = 500
FAILURES = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)  # time limits too

log = structlog.get_logger("healthbook.api")


@dataclass(frozen=True, slots=True)
class Ask:
    """`needed` or nothing; rather `wanted`. `limit` is the account's a minute."""

    key: bytes
    needed: int
    wanted: int
    limit: int


@dataclass(frozen=True, slots=True)
class Lease:
    """`remaining`: what nobody holds yet. `ends_at` on `time.monotonic()`, never later than the minute really ends."""

    granted: int
    remaining: int
    ends_at: float


class Ledger:
    """Asks for leases. A statement asks once for a key; who asks for it again meanwhile is served by the next."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: asyncpg.Connection | None = None
        self._waiting: list[tuple[Ask, asyncio.Future[Lease | None]]] = []
        self._asking: asyncio.Task[None] | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, dsn: str) -> "AsyncIterator[Ledger]":
        ledger = cls(dsn)
        try:
            yield ledger
        finally:
            await ledger.close()

    def ask(self, ask: Ask) -> asyncio.Future[Lease | None]:
        """The lease to come; None where the database did not answer."""
        answer: asyncio.Future[Lease | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((ask, answer))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_all(), name="budgets")
        return answer

    async def _ask_all(self) -> None:
        try:
            while self._waiting:
                batch = {one[0].key: one for one in reversed(self._waiting[:A_BATCH])}
                self._waiting = [one for one in self._waiting if batch.get(one[0].key) is not one]
                await self._settle(list(batch.values()))
        finally:
            self._asking = None
            for _, answer in self._waiting:  # it was closed meanwhile
                answer.cancel()
            self._waiting = []

    async def _settle(self, batch: Sequence[tuple[Ask, asyncio.Future[Lease | None]]]) -> None:
        leases: dict[bytes, Lease] = {}
        try:
            leases = await self._tried([ask for ask, _ in batch])
        finally:
            for ask, answer in batch:
                if not answer.done():
                    answer.set_result(leases.get(ask.key))

    async def _tried(self, asks: Sequence[Ask]) -> dict[bytes, Lease]:
        """Once more on a new connection: one that died while nobody asked is no reason to refuse anybody."""
        for _ in range(TRIES):
            try:
                return await self._leases(asks)
            except FAILURES as failure:
                log.warning("no_leases", kind=type(failure).__name__)  # its words may hold an address
                self._hang_up()
        return {}

    async def _leases(self, asks: Sequence[Ask]) -> dict[bytes, Lease]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._dsn, server_settings=SETTINGS, timeout=CONNECT_S, command_timeout=COMMAND_S
            )
        asked_at = time.monotonic()
        columns = ([one.key for one in asks], [one.needed for one in asks], [one.wanted for one in asks],
                   [one.limit for one in asks])  # fmt: skip
        rows = await self._connection.fetch(LEASE, *columns)
        return {row["key"]: Lease(row["granted"], row["remaining"], asked_at + row["ends_in_s"]) for row in rows}

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        self._hang_up()
