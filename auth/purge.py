"""Throwing away what can never be used again. Grants and clients stay: the access log names them."""

from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from auth.flow_tables import DeviceAuthorization, OneTimeCode, PushedRequest, RegistrationToken, SignInState
from auth.tables import AuthorizationCode, OAuthClient, Once, RefreshToken, WebSession
from domain import attempts, budgets

KEPT = timedelta(days=1)
"""After their end, so that a late replay of a code or refresh token is still recognised as one."""

PURGED = (
    AuthorizationCode,
    RefreshToken,
    WebSession,
    Once,
    PushedRequest,
    DeviceAuthorization,
    SignInState,
    OneTimeCode,
    RegistrationToken,
)


async def purge(session: AsyncSession, now: datetime) -> int:
    """How many codes, tokens, sessions and other short-lived rows were deleted.

    Windows of security counters that are over go too, and clients past their end are suspended for all to see.
    """
    deleted = 0
    for table in PURGED:
        done = await session.execute(delete(table).where(table.expires_at < now - KEPT).returning(table.expires_at))
        deleted += len(done.all())
    await attempts.forget(session, now)
    await budgets.forget(session, now)
    over = update(OAuthClient).where(OAuthClient.expires_at < now, OAuthClient.status != "suspended")
    await session.execute(over.values(status="suspended"))
    return deleted
