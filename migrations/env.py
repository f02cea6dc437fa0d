"""Alembic over asyncpg: one migrator at a time, each revision its own transaction, no waiting in a queue of locks."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from migrations.locks import LOCK_TIMEOUT, retrying
from migrations.metadata import metadata, ours

ADVISORY_LOCK = 7_262_014_411


def configure(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_schemas=True,
        include_object=ours,
        version_table_schema="registry",
        transaction_per_migration=True,
        compare_server_default=False,
    )


def migrate(connection: Connection) -> None:
    connection.execute(text("create schema if not exists registry"))
    connection.commit()
    connection.execute(text(f"select pg_advisory_lock({ADVISORY_LOCK})"))
    connection.commit()
    configure(connection)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()


async def run() -> None:
    engine = create_async_engine(
        context.config.attributes["url"],
        connect_args={"server_settings": {"lock_timeout": LOCK_TIMEOUT, "statement_timeout": "0"}},
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


given = context.config.attributes.get("connection")
if context.is_offline_mode():
    context.configure(
        dialect_name="postgresql", target_metadata=metadata, literal_binds=True, version_table_schema="registry"
    )
    with context.begin_transaction():
        context.run_migrations()
elif given is not None:
    configure(given)
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(retrying(run))
