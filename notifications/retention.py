"""How long things are kept: items three years, what was sent half a year, reminders given three months.

What a citizen was told under a key is kept for ever: the key outlives the item.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

KEPT = {
    "delete from notify.inbox_item where created_at < :before": timedelta(days=3 * 365),
    "delete from notify.delivery where created_at < :before and state not in ('due', 'sending')": timedelta(days=183),
    "delete from notify.reminded where starts_at < :before": timedelta(days=92),
    "delete from notify.job_start where started_at < :before": timedelta(days=92),
    "delete from jobs.pgqueuer_log where created < :before": timedelta(days=31),
    "delete from jobs.pgqueuer_statistics where created < :before": timedelta(days=92),
}


@dataclass(frozen=True, slots=True)
class Retention:
    """The worker's daily clearing away."""

    engine: AsyncEngine
    clock: Callable[[], datetime]

    async def __call__(self) -> int:
        """How many rows went."""
        gone = 0
        for statement, kept in KEPT.items():
            async with self.engine.begin() as connection:
                done = await connection.execute(text(statement), {"before": self.clock() - kept})
                gone += done.rowcount
        return gone
