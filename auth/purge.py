"""Throwing away what can never be used again. Grants stay: the access log names them."""

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from auth.tables import AuthorizationCode, Once, RefreshToken, WebSession

KEPT = timedelta(days=1)
"""After their end, so that a late replay of a code or refresh token is still recognised as one."""


async def purge(session: AsyncSession, now: datetime) -> int:
    """How many codes, refresh tokens, web sessions and assertion ids were deleted."""
    deleted = 0
    for table in (AuthorizationCode, RefreshToken, WebSession, Once):
        done = await session.execute(delete(table).where(table.expires_at < now - KEPT).returning(table.expires_at))
        deleted += len(done.all())
    return deleted
