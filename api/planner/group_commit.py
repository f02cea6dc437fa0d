"""Group commit: one wait for the disk for all answers that are ready (docs/adr/0022).

Where several read at a time, their transactions end without waiting for the disk, so that a server process goes on to
the next reader instead of giving its core away in between. The answers wait here instead. PostgreSQL writes its log in
order: when a later transaction is on disk, all that ended before it are (its documentation, "Asynchronous Commit").
"""

import asyncio
import contextlib

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

COMMAND_S, OPEN_S = 10, 5
GATHER_S = 0.004
"""The longest that an answer waits for others before its flush; a flush costs as much as a tenth of a record."""
SETTINGS = {"application_name": "healthbook-flush"}
FLUSH = "select pg_logical_emit_message(true, 'healthbook', '')"
"""The smallest transaction that waits for the disk, and for replicas where `synchronous_commit` says so."""

Turn = asyncio.Future[None]


class Flusher:
    """Flushes on one connection, one at a time, for all who wait; who comes during a flush waits for the next one.

    A server that fell may have lost what ended before its fall. So take the flusher before the transaction and wait at
    the same one afterwards: its connection did not survive the fall either.
    """

    def __init__(self, connection: asyncpg.Connection, statement: PreparedStatement) -> None:
        self._connection, self._statement = connection, statement
        self._waiting: list[Turn] = []
        self._flushing: asyncio.Task[None] | None = None
        self._nobody_else = asyncio.Event()

    @classmethod
    async def open(cls, dsn: str) -> "Flusher":
        connection = await asyncpg.connect(dsn, command_timeout=COMMAND_S, timeout=OPEN_S, server_settings=SETTINGS)
        return cls(connection, await connection.prepare(FLUSH))

    @property
    def broken(self) -> bool:
        closed: bool = self._connection.is_closed()
        return closed

    async def flushed(self) -> None:
        """Until all that ended before this call is on disk. What the driver raises is raised to all who wait."""
        turn: Turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        await turn

    def hurry(self) -> None:
        """Nobody else is coming: the next flush waits for no others."""
        self._nobody_else.set()

    async def _flush(self) -> None:
        """As long as somebody waits."""
        try:
            while self._waiting:
                await self._gather()
                turns, self._waiting = self._waiting, []
                await self._flush_for(turns)
        finally:
            self._flushing = None

    async def _gather(self) -> None:
        """Until nobody else is coming, for `GATHER_S` at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GATHER_S):
                await self._nobody_else.wait()
        self._nobody_else.clear()

    async def _flush_for(self, turns: list[Turn]) -> None:
        try:
            await self._statement.fetchval()
        except asyncio.CancelledError:
            for turn in turns:
                turn.cancel()
            raise
        except Exception as error:  # noqa: BLE001 -- told to those who wait
            if isinstance(error, TimeoutError):  # the next ones do not wait for a server that is not there
                self._connection.terminate()
            for turn in turns:
                if not turn.done():
                    turn.set_exception(error)
        else:
            for turn in turns:
                if not turn.done():
                    turn.set_result(None)

    async def close(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            await asyncio.gather(self._flushing, return_exceptions=True)
        for turn in self._waiting:
            turn.cancel()
        with contextlib.suppress(TimeoutError):  # the driver has then cut it off
            await self._connection.close(timeout=OPEN_S)


class GroupCommit:
    """The flusher of now; another is opened where its connection broke."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._now: Flusher | None = None
        self._opening = asyncio.Lock()

    async def flusher(self) -> Flusher:
        """What the driver raises where the server cannot be reached."""
        if self._now is None or self._now.broken:
            async with self._opening:
                if self._now is None or self._now.broken:
                    self._now = await Flusher.open(self._dsn)
        return self._now

    async def close(self) -> None:
        if self._now is not None:
            await self._now.close()
