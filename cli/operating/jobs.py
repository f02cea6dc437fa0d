"""What `healthbook jobs` does, as the worker's login."""

import json
from uuid import UUID

import typer

from cli.operating.work import in_worker, table
from domain.values import utc_now
from notifications import campaigns, queue

HEADINGS = ("id", "entrypoint", "status", "starts", "created", "next")


def show_all(status: str | None, entrypoint: str | None) -> None:
    rows = in_worker(lambda session: queue.listed(session, status=status, entrypoint=entrypoint))
    table(HEADINGS, (_cells(row) for row in rows))


def show(job: int) -> None:
    row = in_worker(lambda session: queue.shown(session, job))
    table(HEADINGS, [_cells(row)])
    typer.echo(json.dumps(row.payload))


def replay(job: int) -> None:
    in_worker(lambda session: queue.replay(session, job))
    typer.echo(f"Job {job} runs again.")


def drop(job: int) -> None:
    in_worker(lambda session: queue.drop(session, job))
    typer.echo(f"Job {job} is gone.")


def pause(what: str) -> None:
    campaign = _campaign(what)
    if campaign is None:
        in_worker(lambda session: queue.pause(session, what, utc_now()))
    else:
        in_worker(lambda session: session.run_sync(campaigns.pause, campaign))
    typer.echo(f"{what} is paused.")


def resume(what: str) -> None:
    campaign = _campaign(what)
    if campaign is None:
        in_worker(lambda session: queue.resume(session, what))
    else:
        in_worker(lambda session: session.run_sync(campaigns.resume, campaign))
    typer.echo(f"{what} goes on.")


def campaign(kind: str) -> None:
    started = in_worker(lambda session: session.run_sync(campaigns.start, kind, None, utc_now()))
    typer.echo(str(started.id))


def _campaign(what: str) -> UUID | None:
    try:
        return UUID(what)
    except ValueError:
        return None


def _cells(row: queue.JobRow) -> tuple[str, ...]:
    times = (one.isoformat(timespec="seconds") for one in (row.created, row.execute_after))
    return str(row.id), row.entrypoint, row.status, str(row.starts), *times
