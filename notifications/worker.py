"""The part of the worker that tells people: the job queue, the sender, and the scans that notice things.

Jobs plan; the sender sends whatever is due, whoever planned it and whenever. A worker that is killed leaves rows that
say what is still to be done.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from domain.values import utc_now
from notifications import campaigns, doses, jobs
from notifications.channels import Channel
from notifications.contacts import Contacts
from notifications.planning import Planner
from notifications.seals import Seals
from notifications.sending import LEASE, Sender

DELIVER = "deliver"
LOOK_EVERY = timedelta(seconds=1)
SENDERS = 2
"""Batches under way at a time: while one is written down, another is on the wire."""
log = structlog.get_logger("healthbook.notifications")


@dataclass(slots=True)
class Notifier:
    """`run` until it is told to stop; what is being sent then is sent and written down."""

    dsn: str
    engine: AsyncEngine
    channels: Mapping[str, Channel]
    contacts: Contacts
    seals: Seals
    clock: Callable[[], datetime] = utc_now
    lease: timedelta = LEASE
    heartbeat: timedelta = jobs.HEARTBEAT
    _news: asyncio.Event = field(init=False, default_factory=asyncio.Event)

    async def run(self, stop: asyncio.Event) -> None:
        queue = jobs.Queue(self.dsn, self.engine, self.handlers(), self.heartbeat)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._queue(queue, stop))
            for _ in range(SENDERS):
                group.create_task(self._send(stop))

    def handlers(self) -> Mapping[str, jobs.Handler]:
        return {
            DELIVER: self.deliver,
            campaigns.ENTRYPOINT: campaigns.CampaignJob(self.engine, self.clock),
            doses.ENTRYPOINT: doses.DosePage(self.engine, self.clock),
        }

    def sender(self) -> Sender:
        return Sender(self.engine, self.channels, self.contacts, self.seals, self.clock, self.lease)

    async def deliver(self, payload: jobs.Payload) -> None:
        """Plan the messages about some items; the sender takes it from there."""
        keys = [(UUID(citizen), UUID(item)) for citizen, item in payload["items"]]
        planner = Planner(frozenset(self.channels), self.contacts)
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            await planner.plan_items(session, keys, self.clock())
            await session.commit()
        self._news.set()

    async def close(self) -> None:
        for channel in self.channels.values():
            await channel.close()

    async def _queue(self, queue: jobs.Queue, stop: asyncio.Event) -> None:
        """The queue, again after a while where its connection was lost."""
        while not stop.is_set():
            try:
                await queue.run(stop)
            except Exception as failure:  # noqa: BLE001 -- a database that restarts must not end the worker
                log.warning("queue_lost", kind=type(failure).__name__)
                await _pause(stop, LOOK_EVERY)

    async def _send(self, stop: asyncio.Event) -> None:
        sender = self.sender()
        while not stop.is_set():
            self._news.clear()
            try:
                sent = await sender.send_due()
            except Exception as failure:  # noqa: BLE001 -- likewise; what was claimed is due again after the lease
                log.warning("sending_failed", kind=type(failure).__name__)
                sent = 0
            if not sent:
                await _first_of(stop, self._news, LOOK_EVERY)


async def _pause(stop: asyncio.Event, longest: timedelta) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), longest.total_seconds())


async def _first_of(stop: asyncio.Event, news: asyncio.Event, longest: timedelta) -> None:
    """Until one of them is set, or the time is over."""
    waiting = [asyncio.ensure_future(one.wait()) for one in (stop, news)]
    await asyncio.wait(waiting, timeout=longest.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
    for one in waiting:
        one.cancel()
