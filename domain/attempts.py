"""Security counters that hold across workers and restarts: how often something was tried within a window.

One statement counts and answers, so two tries at once are two tries.
"""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import Index, delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql.dml import ReturningInsert

from domain.database import Base


class Attempt(Base, kw_only=True):
    """`key_hash` is the SHA-256 of who or what was tried: no name, number or address is kept."""

    __tablename__ = "attempt"
    __table_args__ = (Index(None, "window_end"), {"schema": "auth", "info": {"class": "local"}})

    kind: Mapped[str] = mapped_column(primary_key=True)
    key_hash: Mapped[bytes] = mapped_column(primary_key=True)
    window_end: Mapped[datetime]
    count: Mapped[int]


async def count(session: AsyncSession, kind: str, key: str, *, window: timedelta, now: datetime) -> int:
    """Count one more try and return how many there were in this window, which starts with the first of them."""
    return (await session.execute(_counted(kind, key, window, now))).scalar_one()


def count_now(db: Session, kind: str, key: str, *, window: timedelta, now: datetime) -> int:
    """The same on the synchronous face of a session."""
    return db.execute(_counted(kind, key, window, now)).scalar_one()


def _counted(kind: str, key: str, window: timedelta, now: datetime) -> ReturningInsert[int]:
    fresh = insert(Attempt).values(
        kind=kind, key_hash=hashlib.sha256(f"{kind} {key}".encode()).digest(), window_end=now + window, count=1
    )
    over = Attempt.window_end <= now
    return fresh.on_conflict_do_update(
        index_elements=["kind", "key_hash"],
        set_={
            "count": _either(over, 1, Attempt.count + 1),
            "window_end": _either(over, fresh.excluded.window_end, Attempt.window_end),
        },
    ).returning(Attempt.count)


async def forget(session: AsyncSession, now: datetime) -> None:
    """Throw away windows that are over."""
    await session.execute(delete(Attempt).where(Attempt.window_end <= now))


def _either(condition: object, then: object, otherwise: object) -> object:
    from sqlalchemy import case

    return case((condition, then), else_=otherwise)  # type: ignore[arg-type]  # columns and plain values alike
