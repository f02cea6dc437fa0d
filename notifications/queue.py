"""The job queue as an operator sees it: what waits, what is parked, and what to do about it. Payloads hold ids only."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import NotFound
from notifications.metrics import FAILED_JOBS, LAG, OLDEST_JOB

STATES = ("queued", "picked", "failed")
COLUMNS = (
    """j.id, j.entrypoint, j.status::text as status, j.created, j.execute_after, j.attempts, s.starts, j.payload"""
)
LIST = text(
    f"""select {COLUMNS} from jobs.pgqueuer j left join notify.job_start s on s.job_id = j.id
         where (cast(:status as text) is null or j.status::text = :status)
           and (cast(:entrypoint as text) is null or j.entrypoint = :entrypoint)
         order by j.id limit :most"""
)
SHOW = text(f"select {COLUMNS} from jobs.pgqueuer j left join notify.job_start s on s.job_id = j.id where j.id = :id")
FORGET = text("delete from notify.job_start where job_id = :id")
REPLAY = text(
    """update jobs.pgqueuer set status = 'queued', execute_after = now(), updated = now(), attempts = 0,
              queue_manager_id = null where id = :id and status = 'failed' returning id"""
)
DROP = text("delete from jobs.pgqueuer where id = :id and status <> 'picked' returning id")
PAUSE = text("insert into notify.job_pause (entrypoint, paused_at) values (:entrypoint, :now) on conflict do nothing")
RESUME = text("delete from notify.job_pause where entrypoint = :entrypoint returning entrypoint")
MEASURE = text(
    """select coalesce(extract(epoch from clock_timestamp() - min(execute_after)
                               filter (where status = 'queued' and execute_after <= clock_timestamp())), 0) as oldest,
              count(*) filter (where status = 'failed') as parked,
              (select coalesce(extract(epoch from clock_timestamp() - min(d.next_at)), 0) from notify.delivery d
                where d.state in ('due', 'sending') and d.next_at <= clock_timestamp()) as lag
         from jobs.pgqueuer"""
)


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job. `status`: queued, picked (running), failed (parked)."""

    id: int
    entrypoint: str
    status: str
    created: datetime
    execute_after: datetime
    attempts: int
    starts: int
    payload: dict[str, Any]

    @classmethod
    def of(cls, row: Row[Any]) -> "JobRow":
        payload = json.loads(row.payload or b"{}")
        times = row.created, row.execute_after
        return cls(row.id, row.entrypoint, row.status, *times, row.attempts, row.starts or 0, payload)


async def listed(
    session: AsyncSession, *, status: str | None = None, entrypoint: str | None = None, most: int = 100
) -> Sequence[JobRow]:
    """The oldest first."""
    told = {"status": status, "entrypoint": entrypoint, "most": most}
    return [JobRow.of(row) for row in await session.execute(LIST, told)]


async def shown(session: AsyncSession, job_id: int) -> JobRow:
    row = (await session.execute(SHOW, {"id": job_id})).one_or_none()
    if row is None:
        raise NotFound("There is no such job: it is done, or never was.")
    return JobRow.of(row)


async def replay(session: AsyncSession, job_id: int) -> None:
    """A parked job runs again, with its starts forgotten. NotFound for one that is not parked."""
    if await session.scalar(REPLAY, {"id": job_id}) is None:
        raise NotFound("There is no such parked job.")
    await session.execute(FORGET, {"id": job_id})


async def drop(session: AsyncSession, job_id: int) -> None:
    """A job that will not run. NotFound for one that is running or gone."""
    if await session.scalar(DROP, {"id": job_id}) is None:
        raise NotFound("There is no such waiting or parked job.")
    await session.execute(FORGET, {"id": job_id})


async def pause(session: AsyncSession, entrypoint: str, now: datetime) -> None:
    """Jobs of this entrypoint wait; those that run are let finish."""
    await session.execute(PAUSE, {"entrypoint": entrypoint, "now": now})


async def resume(session: AsyncSession, entrypoint: str) -> None:
    if await session.scalar(RESUME, {"entrypoint": entrypoint}) is None:
        raise NotFound("This entrypoint is not paused.")


async def measure(session: AsyncSession) -> None:
    """Set the gauges of `notifications.metrics`."""
    row = (await session.execute(MEASURE)).one()
    OLDEST_JOB.set(float(row.oldest))
    FAILED_JOBS.set(row.parked)
    LAG.set(float(row.lag))
