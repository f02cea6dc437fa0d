"""What a sign-in under way remembers, in the database and bound to this browser for ten minutes.

The cookie is an opaque secret of its own, never that of a signed-in session, and nothing signed is handed to the
browser. Taking a state deletes it: a challenge, `state` or nonce works once.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from auth.flow_tables import SignInState
from auth.opaque import digest, new_secret
from auth.settings import AuthSettings

LIFE = timedelta(minutes=10)
_MAX_COOKIE = 64


def cookie_name(settings: AuthSettings) -> str:
    return "__Host-signin" if settings.is_secure else "signin"


def cookie_of(request: Request, settings: AuthSettings) -> str:
    """Empty if there is none, or one that this server never made."""
    value = request.cookies.get(cookie_name(settings), "")
    return value if len(value) <= _MAX_COOKIE else ""


def own_cookie(request: Request, settings: AuthSettings) -> str:
    """The browser's, or a fresh one to set."""
    return cookie_of(request, settings) or new_secret()


def set_cookie(response: Response, settings: AuthSettings, value: str) -> None:
    """Lax, because the provider sends the citizen back by a redirect from its own site."""
    response.set_cookie(
        cookie_name(settings),
        value,
        max_age=int(LIFE.total_seconds()),
        path="/",
        secure=settings.is_secure,
        httponly=True,
        samesite="lax",
    )


async def keep(session: AsyncSession, cookie: str, kind: str, data: dict[str, Any], now: datetime) -> None:
    """Remember, in place of what this browser's last try of the kind left."""
    fresh = insert(SignInState).values(cookie_hash=digest(cookie), kind=kind, data=data, expires_at=now + LIFE)
    changed = {"data": fresh.excluded.data, "expires_at": fresh.excluded.expires_at}
    await session.execute(fresh.on_conflict_do_update(index_elements=["cookie_hash", "kind"], set_=changed))


async def take(session: AsyncSession, cookie: str, kind: str, now: datetime) -> dict[str, Any] | None:
    """What was kept, once: of two takers at once one gets it. None if there is nothing or it is too old."""
    if not cookie:
        return None
    mine = (SignInState.cookie_hash == digest(cookie), SignInState.kind == kind)
    gone = delete(SignInState).where(*mine).returning(SignInState.data, SignInState.expires_at)
    row = (await session.execute(gone)).one_or_none()
    return row.data if row and row.expires_at > now else None
