"""The bounded pool of connections that read records.

A read is one statement in a transaction of its own, so a connection has nothing to be reset and goes from one read to
the next as it is. A general pool's acquiring and releasing cost as much time as reading 40 kB (docs/benchmarks.md).
"""

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from api.planner.plan import Plan
from domain.errors import Busy

READ = """select (r).data, (r).outcome, (r).opened, (r).tag
            from (select access.read($1, $2, $3, $4, $5, $6, $7, $8) as r,
                         case when $9 then set_config('synchronous_commit', 'off', true) end) as once"""
"""As a value, not as a table: a table of one row is written and read again, and this row is a whole book.

$9: whether somebody else waits for the disk instead (group_commit.py).
"""
PLANS_A_CONNECTION = 100  # each takes up to a megabyte of its server process
STALE = (asyncpg.SyntaxOrAccessError, asyncpg.FeatureNotSupportedError)  # its statements no longer fit the schema
WAIT_S, COMMAND_S = 5, 10
OPENED_FIRST = 2
SETTINGS = {"statement_timeout": "8s", "application_name": "healthbook-web", "jit": "off"}


class RecordConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg is untyped
    """A connection that remembers the plans it has prepared; a forgotten one is closed by the driver."""

    read: PreparedStatement

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


async def bytes_of_json(connection: asyncpg.Connection) -> None:
    """JSON comes as it was written, in UTF-8: it goes on to the client without ever being text."""
    await connection.set_type_codec("json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")


class Connections:
    """At most `size` connections; who comes when all are busy waits in turn, and not for ever (Busy)."""

    def __init__(self, dsn: str, size: int) -> None:
        self._dsn, self._size = dsn, size
        self._idle: list[RecordConnection] = []
        self._waiting: deque[asyncio.Future[RecordConnection | None]] = deque()
        self.open = 0

    @property
    def in_use(self) -> int:
        return self.open - len(self._idle)

    @contextlib.asynccontextmanager
    async def lent(self) -> AsyncIterator[RecordConnection]:
        """A connection for the block. One left in a doubtful state is closed; the next reader opens another."""
        connection = await self._take()
        try:
            yield connection
        except asyncpg.PostgresError as error:
            self._back(connection, sound=not isinstance(error, STALE))
            raise
        except BaseException:
            self._back(connection, sound=False)
            raise
        self._back(connection, sound=True)

    async def _take(self) -> RecordConnection:
        while True:
            while self._idle:
                connection = self._idle.pop()
                if not connection.is_closed():
                    return connection
                self.open -= 1
            if self.open < self._size:
                return await self._connect()
            handed = await self._wait()
            if handed is not None:
                return handed

    async def _connect(self) -> RecordConnection:
        self.open += 1
        connection: RecordConnection | None = None
        try:
            connection = await asyncpg.connect(
                self._dsn,
                connection_class=RecordConnection,
                command_timeout=COMMAND_S,
                timeout=WAIT_S,
                server_settings=SETTINGS,
            )
            await bytes_of_json(connection)
            connection.read = await connection.prepare(READ)
            await connection.execute("select 1")  # asyncpg prepares without a Sync: statement_timeout runs until one
        except BaseException:
            if connection is not None:
                connection.terminate()
            self.open -= 1
            self._wake(None)
            raise
        return connection

    async def _wait(self) -> RecordConnection | None:
        """What a finished reader hands over: his connection, or None where there is room to open one."""
        turn: asyncio.Future[RecordConnection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(WAIT_S):
                return await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._pass_on(turn.result())
            if isinstance(error, TimeoutError):
                raise Busy("The book is busy. Try again shortly.") from None
            raise

    def _back(self, connection: RecordConnection, *, sound: bool) -> None:
        if sound and not connection.is_closed():
            self._pass_on(connection)
            return
        connection.terminate()
        self.open -= 1
        self._wake(None)

    def _pass_on(self, connection: RecordConnection | None) -> None:
        if not self._wake(connection) and connection is not None:
            self._idle.append(connection)

    def _wake(self, connection: RecordConnection | None) -> bool:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return True
        return False

    async def warm(self, count: int) -> None:
        """Open some at the start, so that an unreachable database is noticed there."""
        self._idle += [await self._connect() for _ in range(min(count, self._size))]

    async def close(self) -> None:
        """Idle connections end politely; one in use ends with its process."""
        while self._idle:
            with contextlib.suppress(TimeoutError):  # the driver has then cut it off
                await self._idle.pop().close(timeout=WAIT_S)
            self.open -= 1
