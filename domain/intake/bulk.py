"""Many rows into one table, in the transaction of the connection, by the driver's own executemany.

SQLAlchemy names the columns and their types; it does not look at every value of every row, which would cost more
than the insert itself.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

Encoder = Callable[[Any], Any]


async def insert_rows(connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that have the columns of the first one. The transaction must have begun with another statement."""
    names = tuple(name for name in table.columns.keys() if name in rows[0])  # noqa: SIM118
    encoders = _encoders(table, names)
    driver: Any = (await connection.get_raw_connection()).driver_connection
    values = [[row[name] if encode is None else encode(row[name]) for name, encode in encoders] for row in rows]
    await driver.executemany(_statement(table, names), values)


@cache
def _statement(table: Table, names: tuple[str, ...]) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    places = ", ".join(f"${number}" for number in range(1, len(names) + 1))
    return f"insert into {table.fullname} ({columns}) values ({places})"


@cache
def _encoders(table: Table, names: tuple[str, ...]) -> tuple[tuple[str, Encoder | None], ...]:
    return tuple((name, _json if isinstance(table.columns[name].type, JSONB) else None) for name in names)


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
