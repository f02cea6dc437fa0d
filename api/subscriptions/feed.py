"""The one connection of this process that listens (LISTEN), straight to the database: a transaction pooler loses it.

Lost, it is opened again, ever more slowly, with jitter; then everybody is told that something may have changed.
"""

import asyncio
import random
from contextlib import suppress

import asyncpg
import structlog

from api.planner.read import UNREACHABLE
from api.subscriptions.hub import Hub
from api.subscriptions.metrics import FEED_LOST
from domain.changes_feed import CHANNELS

log = structlog.get_logger("healthbook.live")
SHORTEST_S, LONGEST_S = 0.05, 5.0
ALIVE_EVERY_S, ALIVE_WITHIN_S = 5.0, 3.0
SETTINGS = {"application_name": "healthbook-live-feed"}


class Feed:
    def __init__(self, dsn: str, hub: Hub) -> None:
        self._dsn, self._hub = dsn, hub
        self._is_first = True
        self.listening = asyncio.Event()

    async def run(self) -> None:
        """Listens until cancelled."""
        pause = SHORTEST_S
        while True:
            try:
                await self._listen()
            except UNREACHABLE as failure:
                log.warning("feed_lost", kind=type(failure).__name__)
            if self.listening.is_set():
                self.listening.clear()
                FEED_LOST.inc()
                pause = SHORTEST_S
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 -- a pause, not a secret
            pause = min(2 * pause, LONGEST_S)

    async def _listen(self) -> None:
        connection = await asyncpg.connect(
            self._dsn, timeout=ALIVE_WITHIN_S, command_timeout=ALIVE_WITHIN_S, server_settings=SETTINGS
        )
        ended = asyncio.Event()
        connection.add_termination_listener(lambda _: ended.set())
        try:
            for channel in CHANNELS:
                await connection.add_listener(channel, self._hear)
            if not self._is_first:
                self._hub.miss()
            self._is_first = False
            self.listening.set()
            await _until(ended, connection)
        finally:
            connection.terminate()

    def _hear(self, _connection: object, _process: int, channel: str, payload: object) -> None:
        self._hub.hear(channel, str(payload))


async def _until(ended: asyncio.Event, connection: asyncpg.Connection) -> None:
    """Returns when the connection ended; a silent one is asked whether it lives."""
    while not ended.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(ALIVE_EVERY_S):
                await ended.wait()
        if not ended.is_set():
            await connection.fetchval("select 1")
