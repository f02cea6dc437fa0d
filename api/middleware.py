"""What holds for every request: an id, a bound on the body, and headers that keep records out of caches and frames.

The headers are those that OWASP's REST Security and HTTP Headers cheat sheets ask for; pages and public documents
bring stricter or other ones of their own, which stay.
"""

import asyncio
from collections.abc import Callable
from uuid import uuid4

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Permitted-Cross-Domain-Policies": "none",
}
PAGE_POLICY = "frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
"""For HTML that brings no policy of its own (the demo's GraphiQL loads scripts)."""
_ALL = {name.lower().encode(): value.encode() for name, value in {**HEADERS, "Cache-Control": "no-store"}.items()}
_FOR_ALL, _FOR_PAGES = list(_ALL.items()), list((_ALL | {b"content-security-policy": PAGE_POLICY.encode()}).items())
TITLES = {400: "Bad Request", 408: "Request Timeout", 413: "Content Too Large"}


class RequestId:
    """A fresh id a request, in `request.state` and the answer, and the headers that every answer carries."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = scope.setdefault("state", {})["request_id"] = uuid4().hex

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = (b"x-request-id", request_id.encode())
                message["headers"] = secured([*message.get("headers", ()), own])
            await send(message)

        await self.app(scope, receive, tell)


def secured(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """With every header that is not there yet. What no cache may keep also says what it depends on (RFC 9111 4.1)."""
    told = dict(headers)
    wanted = _FOR_PAGES if told.get(b"content-type", b"").startswith(b"text/html") else _FOR_ALL
    names = [name.strip() for key, value in headers if key == b"vary" for name in value.split(b",")]
    if b"no-store" in told.get(b"cache-control", b"no-store"):
        names.append(b"Authorization")
    if names:
        headers = [one for one in headers if one[0] != b"vary"]
        headers.append((b"vary", b", ".join({name.lower(): name for name in names}.values())))
    return headers + [one for one in wanted if one[0] not in told]


class BodyLimit:
    """No body longer than its route may have, whether or not that was announced, nor slower.

    RFC 9110 15.5.14, 15.5.9. `limit_of` a path in bytes, `within_of` in seconds from the request's head to the end of
    the body; `refuse` writes the answer.
    """

    def __init__(
        self,
        app: ASGIApp,
        limit_of: Callable[[str], int],
        refuse: Callable[[Scope, int], Response] | None = None,
        within_of: Callable[[str], float | None] = lambda _: None,
    ) -> None:
        self.app, self.limit_of, self.within_of = app, limit_of, within_of
        self._answer = refuse or problem

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.limit_of(scope["path"])
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > limit:
            await self._refuse(scope, receive, send, 400 if not announced.isdigit() else 413)
            return
        started, taken = False, 0
        within = self.within_of(scope["path"])
        ends_at = None if within is None else asyncio.get_running_loop().time() + within

        async def count() -> Message:
            nonlocal taken, ends_at
            try:
                async with asyncio.timeout_at(ends_at):
                    message = await receive()
            except TimeoutError:
                raise _TooSlow from None
            if not message.get("more_body"):
                ends_at = None  # what is waited for from now on is the client's leaving
            taken += len(message.get("body", b""))
            if taken > limit:
                raise _TooLarge
            return message

        async def note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, count, note)
        except (_TooLarge, _TooSlow) as refused:
            if started:
                raise
            await self._refuse(scope, receive, send, refused.status)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, status: int) -> None:
        response = self._answer(scope, status)
        response.headers["Connection"] = "close"
        await response(scope, receive, send)


def problem(_: Scope, status: int) -> Response:
    """RFC 9457, for a body that is too long, too slow, or whose length is no number."""
    body = {"type": "about:blank", "title": TITLES[status], "status": status}
    return JSONResponse(body, status, media_type="application/problem+json")


class _TooLarge(Exception):
    """Raised inside the reading of a body."""

    status = 413


class _TooSlow(Exception):
    """Raised inside the reading of a body."""

    status = 408
