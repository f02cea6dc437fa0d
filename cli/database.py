"""The database a command works on: a real server where one is named, else the embedded one for as long as it runs."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import asyncpg
import typer

from cli.embedded_postgres import DEMO, EmbeddedPostgres
from cli.migrations import upgrade
from cli.settings import LOGINS, Addresses, data_folder
from domain.database import REVISION

NAME = "healthbook"


@contextmanager
def database(environ: Mapping[str, str]) -> Iterator[Addresses]:
    """Addresses of the database; an embedded server is started for the block, migrated, and stopped after it."""
    url = environ.get("HEALTHBOOK_DATABASE_URL")
    if url:
        yield Addresses.of_server(url, environ.get("HEALTHBOOK_ROLE_PASSWORD"))
        return
    with EmbeddedPostgres(data_folder(environ) / "postgres", DEMO) as server:
        asyncio.run(_create(server.dsn()))
        addresses = Addresses(server.dsn(NAME), **{name: server.dsn(NAME, role) for name, role in LOGINS.items()})
        if not is_current(addresses.owner):
            typer.echo("Preparing the database ...")
            upgrade(addresses.owner)
        yield addresses


async def _create(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        if not await connection.fetchval("select exists (select from pg_database where datname = $1)", NAME):
            await connection.execute(f"create database {NAME}")
    finally:
        await connection.close()


def is_current(dsn: str) -> bool:
    """Whether the schema is the one this code needs; cheaper than asking alembic."""
    return asyncio.run(_revision(dsn)) == REVISION


async def _revision(dsn: str) -> str | None:
    connection = await asyncpg.connect(dsn)
    try:
        if await connection.fetchval("select to_regclass('registry.alembic_version')") is None:
            return None
        return str(await connection.fetchval("select version_num from registry.alembic_version"))
    finally:
        await connection.close()
