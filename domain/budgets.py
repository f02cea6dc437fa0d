"""How much of a minute's budget was handed out, to whom: the truth that all workers share.

Written only by `access.lease`, in bulk. Nothing here is worth keeping through a crash, so the table is unlogged.
"""

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base

WINDOW = timedelta(seconds=60)


class Budget(Base, kw_only=True):
    """`key` is the SHA-256 of who spends: no id is kept. `taken` counts in the minute that `window_start` begins."""

    __tablename__ = "budget"
    __table_args__ = (
        CheckConstraint("taken >= 0", name="taken"),
        {"schema": "access", "info": {"class": "local"}, "prefixes": ["UNLOGGED"]},
    )

    key: Mapped[bytes] = mapped_column(primary_key=True)
    window_start: Mapped[datetime]
    taken: Mapped[int] = mapped_column(BigInteger)


async def forget(session: AsyncSession, now: datetime) -> None:
    """Throw away windows that are over."""
    await session.execute(delete(Budget).where(Budget.window_start < now - 2 * WINDOW))
