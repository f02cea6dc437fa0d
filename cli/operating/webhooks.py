"""What `healthbook webhooks` does, as the worker's login."""

from uuid import UUID

import typer

from cli.operating.work import in_worker, kek, refusal, table
from domain.values import utc_now
from notifications import webhooks
from notifications.seals import Seals
from notifications.tables import Webhook


def register(client_id: str, url: str) -> None:
    seals = Seals.of(kek())
    made = in_worker(lambda session: session.run_sync(webhooks.register, seals, client_id, url, utc_now()))
    typer.echo(f"{made.id}\n{made.secret}")


def show_all() -> None:
    rows = in_worker(lambda session: session.run_sync(webhooks.listed))
    table(("id", "client", "state", "url"), ((str(row.id), row.client_id, _state(row), row.url) for row in rows))


def resume(webhook: str) -> None:
    id_ = _id(webhook)
    in_worker(lambda session: session.run_sync(webhooks.resume, id_, utc_now()))
    typer.echo(f"{webhook} goes on.")


def end(webhook: str) -> None:
    id_ = _id(webhook)
    in_worker(lambda session: session.run_sync(webhooks.end, id_, utc_now()))
    typer.echo(f"{webhook} is ended.")


def _state(row: Webhook) -> str:
    if row.held_at is not None:
        return "held"
    return "failing" if row.failing_since is not None else "well"


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as wrong:
        raise refusal(wrong) from None
