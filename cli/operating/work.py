"""What the operator's commands share: the configured database for one piece of work, and refusals in plain words."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from auth.settings import decode_kek
from cli.database import database
from cli.sessions import auth_session, worker_session
from cli.settings import Addresses, data_folder, environment, keys
from domain.database import open_engine
from domain.errors import HealthbookError

T = TypeVar("T")


def on_database(work: Callable[[Addresses], Awaitable[T]]) -> T:
    """Run `work` on the configured database. What it refuses is told on stderr, with exit code 1."""

    async def run(addresses: Addresses) -> T:
        return await work(addresses)

    with database(environment()) as addresses:
        try:
            return asyncio.run(run(addresses))
        except (HealthbookError, ValueError) as refused:
            raise refusal(refused) from None


def in_auth(work: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """One transaction as the login of the authorization server."""

    async def run(addresses: Addresses) -> T:
        async with auth_session(addresses) as session:
            done = await work(session)
            await session.commit()
        return done

    return on_database(run)


def in_worker(work: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """One transaction as the login of the worker."""

    async def run(addresses: Addresses) -> T:
        async with worker_session(addresses) as session:
            done = await work(session)
            await session.commit()
        return done

    return on_database(run)


def in_registry(work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """One transaction as the login that may write facilities."""

    async def run(addresses: Addresses) -> T:
        engine = open_engine(addresses.intake)
        try:
            async with engine.begin() as connection:
                return await work(connection)
        finally:
            await engine.dispose()

    return on_database(run)


def kek() -> bytes:
    """The key-encryption key that the server uses."""
    environ = environment()
    try:
        return decode_kek(keys(environ, data_folder(environ))["HEALTHBOOK_KEK"])
    except ValueError as wrong:
        raise refusal(wrong) from None


def refusal(refused: Exception) -> typer.Exit:
    """Says why on stderr: "field: rule" where a field is to blame."""
    field = getattr(refused, "field", None)
    typer.echo(f"healthbook: {f'{field}: ' if field else ''}{refused}", err=True)
    return typer.Exit(1)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as they need; tabs and line breaks of a value cannot break them."""
    lines = [headings, *([_plain(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    for line in lines:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _plain(cell: str) -> str:
    return "".join(char if char.isprintable() else " " for char in cell)
