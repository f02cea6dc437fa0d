"""A migration never waits long for a lock: it gives up, lets traffic pass, and tries again."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import DBAPIError

LOCK_TIMEOUT = "2s"
LOCK_NOT_AVAILABLE = "55P03"
TRIES = 8


async def retrying(run: Callable[[], Awaitable[None]]) -> None:
    """Run again after a lock timeout, with growing random pauses; the last failure is raised."""
    for attempt in range(TRIES):
        try:
            return await run()
        except DBAPIError as failure:
            if attempt == TRIES - 1 or getattr(failure.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            await asyncio.sleep(random.uniform(0.5, 1.5) * 2**attempt / 4)  # noqa: S311 -- a pause, not a secret
    return None
