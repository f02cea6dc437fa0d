"""Indexes made beside traffic, in a migration that may be cut short and run again."""

import sqlalchemy as sa
from alembic import context, op


def make_index(name: str, definition: str) -> None:
    """`schema.name` as `definition` says (`on ...`), unless it is ready. Inside `autocommit_block` only."""
    if is_ready(name):
        return
    op.execute(f"drop index concurrently if exists {name}")
    op.execute(f"create index concurrently if not exists {name.partition('.')[2]} {definition}")


def is_ready(name: str) -> bool:
    """One whose making was cut short is there, and not valid."""
    if context.is_offline_mode():
        return False
    found = sa.text("select indisvalid from pg_index where indexrelid = to_regclass(:name)")
    return bool(op.get_bind().scalar(found, {"name": name}))
