"""Bringing a database to the schema this code needs: `healthbook migrate`."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config

from cli.settings import LOGINS

ROOT = Path(__file__).parents[1]
LOGIN_ROLES = tuple(LOGINS.values())
PARTITIONS_AHEAD = 3


def config(**attributes: Any) -> Config:
    made = Config(toml_file=ROOT / "pyproject.toml")
    made.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    made.attributes.update(attributes)
    return made


def upgrade(dsn: str, *, role_password: str | None = None) -> None:
    """Migrate to the newest revision, prepare the log's partitions, and give the login roles their password."""
    command.upgrade(config(url=dsn.replace("postgresql://", "postgresql+asyncpg://", 1)), "head")
    asyncio.run(_afterwards(dsn, role_password))


async def _afterwards(dsn: str, role_password: str | None) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"select access.prepare_log({PARTITIONS_AHEAD})")
        if role_password is not None:
            for role in LOGIN_ROLES:
                quoted = await connection.fetchval("select quote_literal($1)", role_password)
                await connection.execute(f"alter role {role} password {quoted}")
    finally:
        await connection.close()
