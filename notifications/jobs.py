"""The job queue, and the only module that knows PgQueuer. Delivery is at least once, so handlers are idempotent.

A job is enqueued in the transaction that makes it necessary; a payload holds ids, never a health word. How often a job
was started is counted in a table of ours, committed before its work: PgQueuer takes a job up again after its worker was
killed and counts nothing then, so a job that kills its worker would do so for ever. After three starts it is parked.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import Channel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Session

from notifications.channels import backoff
from notifications.metrics import JOBS

SETTINGS = DBSettings(prefix="", db_schema="jobs", channel=Channel("healthbook_jobs"))
MOST_STARTS = 3
PAUSED_FOR = timedelta(seconds=15)
HEARTBEAT = timedelta(seconds=30)
BATCH, AT_ONCE = 10, 20

Payload = Mapping[str, Any]
Handler = Callable[[Payload], Awaitable[None]]
log = structlog.get_logger("healthbook.jobs")

ENQUEUE = text(
    "select jobs.enqueue(:entrypoint, cast(:payload as bytea), cast(:after as interval), cast(:key as text), :priority)"
)
START = text(
    """insert into notify.job_start as s (job_id, starts, started_at) values (:job, 1, clock_timestamp())
       on conflict (job_id) do update set starts = s.starts + 1, started_at = excluded.started_at returning starts"""
)
DONE = text("delete from notify.job_start where job_id = :job")
IS_PAUSED = text("select exists (select from notify.job_pause where entrypoint = :entrypoint)")


class JobFailed(Exception):
    """All that is kept of a failure: its kind. The words of the cause may hold a value of a record."""


def enqueue(
    session: Session,
    entrypoint: str,
    payload: Payload,
    *,
    after: timedelta | None = None,
    key: str | None = None,
    priority: int = 0,
) -> int | None:
    """Enqueue in this transaction: the job's id, or None where one with this key is waiting or running already."""
    told = {
        "entrypoint": entrypoint,
        "payload": json.dumps(payload).encode(),
        "after": after,
        "key": key,
        "priority": priority,
    }
    job: int | None = session.scalar(ENQUEUE, told)
    return job


@dataclass(slots=True)
class Queue:
    """Runs jobs until it is told to stop; what runs then is let finish.

    `heartbeat`: a job whose worker was silent for so long is taken up by another.
    """

    dsn: str
    engine: AsyncEngine
    handlers: Mapping[str, Handler]
    heartbeat: timedelta = HEARTBEAT

    async def run(self, stop: asyncio.Event) -> None:
        """Needs a connection of its own that no pooler stands before, for LISTEN."""
        connection = await asyncpg.connect(self.dsn)
        try:
            manager = self._manager(connection)
            ending = asyncio.create_task(_pass_on(stop, manager.shutdown))
            try:
                await manager.run(
                    batch_size=BATCH,
                    max_concurrent_tasks=AT_ONCE,
                    dequeue_timeout=self.heartbeat / 2,
                    heartbeat_timeout=self.heartbeat,
                )
            finally:
                ending.cancel()
        finally:
            await connection.close()

    def _manager(self, connection: asyncpg.Connection) -> QueueManager:
        queries = Queries(
            AsyncpgDriver(connection),
            QueryBuilderEnvironment(SETTINGS),
            QueryQueueBuilder(SETTINGS),
            QuerySchedulerBuilder(SETTINGS),
        )
        manager = QueueManager(queries, SETTINGS.channel)
        for name, handler in self.handlers.items():
            manager.entrypoint(name, on_failure="hold", accepts_context=False)(self._counted(handler))
        return manager

    def _counted(self, handler: Handler) -> Callable[[Job], Awaitable[None]]:
        async def run(job: Job) -> None:
            starts = await self._start(job)
            try:
                await handler(json.loads(job.payload or b"{}"))
            except Exception as failure:  # noqa: BLE001 -- whatever it was, it is tried again or parked
                _give_up_or_retry(job, starts, failure)
            await self._finish(job)

        return run

    async def _start(self, job: Job) -> int:
        """How often this job was started, this time included; RetryRequested where its kind is paused."""
        async with self.engine.begin() as connection:
            if await connection.scalar(IS_PAUSED, {"entrypoint": job.entrypoint}):
                raise RetryRequested(PAUSED_FOR, "paused")
            starts = int(await connection.scalar(START, {"job": job.id}) or 0)
        if starts > MOST_STARTS:
            JOBS.labels(job.entrypoint, "parked").inc()
            log.error("job_parked", job=job.id, entrypoint=job.entrypoint)
            raise JobFailed("started too often")
        return starts

    async def _finish(self, job: Job) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(DONE, {"job": job.id})
        JOBS.labels(job.entrypoint, "done").inc()


def _give_up_or_retry(job: Job, starts: int, failure: Exception) -> None:
    kind = type(failure).__name__
    log.warning("job_failed", job=job.id, entrypoint=job.entrypoint, kind=kind, starts=starts)
    if starts < MOST_STARTS:
        JOBS.labels(job.entrypoint, "retried").inc()
        raise RetryRequested(backoff(starts), kind) from None
    JOBS.labels(job.entrypoint, "parked").inc()
    raise JobFailed(kind) from None


async def _pass_on(told: asyncio.Event, to: asyncio.Event) -> None:
    await told.wait()
    to.set()
