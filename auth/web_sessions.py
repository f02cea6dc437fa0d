"""The browser session of a citizen at this server: an opaque cookie, its hash in `auth.web_session`.

Only sign-in and consent pages use it; the API takes bearer tokens and no cookies. The anti-forgery token of a
form is derived from the cookie, so there is nothing more to store.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from auth.opaque import digest, new_secret
from auth.settings import AuthSettings
from auth.tables import WebSession
from domain.values import utc_now

IDLE = timedelta(minutes=15)
LIFE = timedelta(hours=8)
_SEEN_EVERY = timedelta(minutes=1)
_MAX_COOKIE = 64


@dataclass(frozen=True, slots=True)
class SignedIn:
    citizen_id: UUID
    acr: str
    auth_time: datetime


def cookie_name(settings: AuthSettings) -> str:
    """`__Host-` binds the cookie to this very host (RFC 6265bis 4.1.3.2) but needs https; the demo has none."""
    return "__Host-sid" if settings.is_secure else "sid"


def cookie_of(request: Request, settings: AuthSettings) -> str:
    """The session secret, or the pre-session secret of a sign-in page; empty if there is none."""
    value = request.cookies.get(cookie_name(settings), "")
    return value if len(value) <= _MAX_COOKIE else ""


def set_cookie(response: Response, settings: AuthSettings, value: str) -> None:
    response.set_cookie(
        cookie_name(settings), value, path="/", secure=settings.is_secure, httponly=True, samesite="lax"
    )


def drop_cookie(response: Response, settings: AuthSettings) -> None:
    response.delete_cookie(cookie_name(settings), path="/", secure=settings.is_secure, httponly=True, samesite="lax")


def form_token(cookie: str) -> str:
    """What a form must send back to show that it was rendered for this cookie's holder."""
    return hashlib.sha256(f"form {cookie}".encode()).hexdigest()


def is_own_form(request: Request, settings: AuthSettings, offered: str) -> bool:
    """The form was ours: the browser does not say otherwise (Origin, Fetch Metadata), and the token fits the cookie."""
    cookie = cookie_of(request, settings)
    origin = request.headers.get("origin", settings.issuer)
    site = request.headers.get("sec-fetch-site", "same-origin")
    if not cookie or origin != settings.issuer or site != "same-origin":
        return False
    return hmac.compare_digest(form_token(cookie).encode(), offered.encode("utf-8", "surrogatepass"))


async def begin(
    session: AsyncSession,
    citizen_id: UUID,
    *,
    acr: str,
    now: datetime,
    auth_time: datetime | None = None,
    device: str = "",
) -> str:
    """A new session, always with a new id (no fixation); returns the cookie's value.

    `auth_time` is when the citizen proved who he is, which a provider may have seen earlier; now unless told.
    """
    secret = new_secret()
    session.add(
        WebSession(
            id_hash=digest(secret),
            citizen_id=citizen_id,
            acr=acr,
            auth_time=auth_time or now,
            last_seen_at=now,
            expires_at=now + LIFE,
            device=device,
        )
    )
    await session.flush()
    return secret


async def current(session: AsyncSession, cookie: str, now: datetime) -> SignedIn | None:
    """Who is signed in, if the session is neither ended, idle for 15 minutes, nor 8 hours old."""
    row = await session.get(WebSession, digest(cookie)) if cookie else None
    if row is None or not _lives(row, now):
        return None
    if row.last_seen_at + _SEEN_EVERY <= now:
        row.last_seen_at = now
    return SignedIn(row.citizen_id, row.acr, row.auth_time)


def _lives(row: WebSession, now: datetime) -> bool:
    return row.revoked_at is None and now < row.expires_at and now < row.last_seen_at + IDLE


async def signed_in(request: Request, settings: AuthSettings, session: AsyncSession) -> SignedIn | None:
    """Who is signed in in this browser; the caller commits what `current` notes."""
    return await current(session, cookie_of(request, settings), utc_now())


async def end(session: AsyncSession, cookie: str, now: datetime) -> None:
    await session.execute(
        update(WebSession)
        .where(WebSession.id_hash == digest(cookie), WebSession.revoked_at.is_(None))
        .values(revoked_at=now)
    )


@dataclass(frozen=True, slots=True)
class Listed:
    """One browser of a citizen, for his own eyes. `name` stands for the session in a form and opens nothing."""

    name: str
    device: str
    auth_time: datetime
    last_seen_at: datetime
    is_this: bool


async def living(session: AsyncSession, citizen_id: UUID, cookie: str, now: datetime) -> list[Listed]:
    """The citizen's sessions that still work, the one of this cookie first, then the latest seen."""
    rows = await session.scalars(
        select(WebSession)
        .where(WebSession.citizen_id == citizen_id, WebSession.revoked_at.is_(None), WebSession.expires_at > now)
        .order_by(WebSession.last_seen_at.desc())
    )
    here = digest(cookie)
    listed = [
        Listed(_public(row.id_hash), row.device, row.auth_time, row.last_seen_at, row.id_hash == here)
        for row in rows
        if _lives(row, now)
    ]
    return sorted(listed, key=lambda one: not one.is_this)


async def end_named(session: AsyncSession, citizen_id: UUID, name: str, now: datetime) -> None:
    """End the one of the citizen's own sessions that is listed under this name; no other's, and no error."""
    rows = await session.scalars(
        select(WebSession).where(WebSession.citizen_id == citizen_id, WebSession.revoked_at.is_(None))
    )
    for row in rows:
        if _public(row.id_hash) == name:
            row.revoked_at = now


async def end_all(session: AsyncSession, citizen_id: UUID, now: datetime) -> None:
    """Every session of the citizen, this browser's too."""
    await session.execute(
        update(WebSession)
        .where(WebSession.citizen_id == citizen_id, WebSession.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def _public(id_hash: bytes) -> str:
    """The id of an id: what is shown in a page must not be what the table is looked up by."""
    return hashlib.sha256(b"listed" + id_hash).hexdigest()[:32]
