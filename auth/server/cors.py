"""Which browser apps may call: the origins of public clients' registered addresses (Fetch 3.2), and no others.

Only where a token or nothing is needed; never with cookies, and never the pages of sign-in and consent.
"""

import asyncio
import time
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auth.clients.redirects import origin_of
from auth.tables import OAuthClient
from domain.values import utc_now

OPEN_PATHS = frozenset(
    {
        "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server",
        "/.well-known/smart-configuration", "/fhir/.well-known/smart-configuration", "/oauth/jwks", "/oauth/token",
        "/oauth/par", "/oauth/revoke", "/oauth/userinfo", "/graphql",
    }
)  # fmt: skip
KEPT_S = 30
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, DPoP, If-None-Match",
    "Access-Control-Max-Age": "600",
}
_EXPOSED = "ETag, WWW-Authenticate, X-Request-Id"


class Origins:
    """The origins of living public clients, read again from the database at most every half minute."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], clock: Callable[[], float] = time.monotonic) -> None:
        self._sessions, self._clock = sessions, clock
        self._known: frozenset[str] = frozenset()
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def has(self, origin: str) -> bool:
        async with self._reading:
            if self._clock() - self._read_at >= KEPT_S:
                self._known, self._read_at = await self._read(), self._clock()
        return origin in self._known

    async def _read(self) -> frozenset[str]:
        now = utc_now()
        public = select(OAuthClient).where(OAuthClient.auth_method == "none", OAuthClient.status == "active")
        async with self._sessions() as session:
            clients = (await session.scalars(public)).all()
        uris = (uri for client in clients if client.is_active(now) for uri in client.redirect_uris)
        return frozenset(origin for origin in map(origin_of, uris) if origin)


class Cors:
    """Answers preflight requests, and lets known origins read the answers of the open paths."""

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self.app, self.origins = app, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in OPEN_PATHS:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        allowed = origin if origin and await self.origins.has(origin) else None
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await _preflight(allowed)(scope, receive, send)
            return

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                _mark(MutableHeaders(scope=message), allowed)
            await send(message)

        await self.app(scope, receive, tell)


def _preflight(origin: str | None) -> Response:
    told = {"Access-Control-Allow-Origin": origin, **_PREFLIGHT} if origin else {}
    return Response(status_code=204 if origin else 403, headers={"Vary": "Origin", "Cache-Control": "no-store", **told})


def _mark(headers: MutableHeaders, origin: str | None) -> None:
    headers.add_vary_header("Origin")
    if origin:
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = _EXPOSED
