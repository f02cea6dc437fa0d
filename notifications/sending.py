"""Sending what is due: claim some, hand them to their channels, write down what became of them.

A claim is committed before anything is sent and holds for `lease`: whoever dies in between leaves messages that are
sent again, under the same id, by whoever comes next. What was accepted is never claimed again.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from domain.values import utc_now
from notifications import outcomes
from notifications.channels import Channel, Message
from notifications.composing import Composer, Postponed, Skipped
from notifications.contacts import Contacts
from notifications.outcomes import Result
from notifications.seals import Seals

LEASE = timedelta(minutes=4)
"""Longer than any channel takes over one batch."""
MOST = 500

CLAIM = text(
    """update notify.delivery d set state = 'sending', attempts = d.attempts + 1, next_at = :until
         from (select id from notify.delivery where state in ('due', 'sending') and next_at <= :now
                order by next_at limit :most for update skip locked) c
        where d.id = c.id
    returning d.id, d.citizen_id, d.about, d.is_digest, d.kind, d.channel, d.target_id, d.attempts, d.expires_at"""
)
Claimed = Sequence[Row[tuple[object, ...]]]


@dataclass(slots=True)
class Sender:
    """Everything that may be sent goes through `send_due`; any number of them may run at a time."""

    engine: AsyncEngine
    channels: Mapping[str, Channel]
    contacts: Contacts
    seals: Seals
    clock: Callable[[], datetime] = utc_now
    lease: timedelta = LEASE
    _sessions: async_sessionmaker[AsyncSession] = field(init=False)
    _composer: Composer = field(init=False)

    def __post_init__(self) -> None:
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._composer = Composer(self.contacts, self.seals, frozenset(self.channels))

    async def send_due(self, most: int = MOST) -> int:
        """Send up to `most` messages whose time has come: how many were looked at. 0: nothing is due."""
        now = self.clock()
        async with self._sessions() as session:
            claimed = (await session.execute(CLAIM, {"now": now, "until": now + self.lease, "most": most})).all()
            await session.commit()
            composed = await self._composer.compose(session, claimed, now) if claimed else {}
            await session.rollback()  # nothing is held open while the network is asked
        if not claimed:
            return 0
        results = await self._sent(claimed, composed)
        async with self._sessions() as session:
            await outcomes.record(session, results, self.clock())
            await session.commit()
        return len(claimed)

    async def drain(self) -> int:
        """Send until nothing is due: how many."""
        sent = 0
        while done := await self.send_due():
            sent += done
        return sent

    async def _sent(self, claimed: Claimed, composed: Mapping[UUID, Message | Skipped | Postponed]) -> list[Result]:
        by_channel: defaultdict[str, list[Row[tuple[object, ...]]]] = defaultdict(list)
        results: list[Result] = []
        for row in claimed:
            made = composed[row.id]
            if isinstance(made, Message):
                by_channel[row.channel].append(row)
            else:
                results.append(Result(row, made))
        handed = [
            self._handed(self.channels[name], part, composed)
            for name, rows in by_channel.items()
            for part in _parts(rows, self.channels[name].most)
        ]
        for some in await asyncio.gather(*handed):
            results += some
        return results

    async def _handed(
        self, channel: Channel, rows: Claimed, composed: Mapping[UUID, Message | Skipped | Postponed]
    ) -> list[Result]:
        messages = [made for row in rows if isinstance(made := composed[row.id], Message)]
        return [Result(row, outcome) for row, outcome in zip(rows, await channel.send(messages), strict=True)]


def _parts(rows: Claimed, size: int) -> list[Claimed]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
