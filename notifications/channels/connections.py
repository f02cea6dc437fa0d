"""Requests to one server, many at a time, over connections that stay open: HTTP/1.1, a request a connection at a time.

Why not httpx: its pool looks through all connections and all that wait whenever a request is done, which costs several
milliseconds of processor time for each of 500 messages, and here a fraction of one. Answers and errors are httpx's,
because firebase-admin asks for those. No redirects, no compression, no proxy of the environment; bounded answers.
"""

import asyncio
import ssl
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

import httptools
import httpx

MOST_BYTES = 256 * 1024
_url = lru_cache(maxsize=16)(httpx.URL)


class Connections:
    """At most `most` connections to the server of each address asked for; a request waits for its turn."""

    def __init__(self, most: int, limit: timedelta) -> None:
        self._turns = asyncio.Semaphore(most)
        self._limit_s = limit.total_seconds()
        self._tls = ssl.create_default_context()
        self._idle: list[tuple[str, _Connection]] = []

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        """The answer, whatever its status. httpx.HTTPError: none, none in time, or none that can be read."""
        request = httpx.Request("POST", _url(url), headers=headers)
        async with self._turns:
            try:
                async with asyncio.timeout(self._limit_s):
                    return await self._asked(urlsplit(url), request, body)
            except TimeoutError:
                raise httpx.ReadTimeout("no answer in time", request=request) from None
            except (OSError, ValueError, httptools.HttpParserError) as failure:
                raise httpx.RemoteProtocolError(type(failure).__name__, request=request) from None

    async def _asked(self, parts: SplitResult, request: httpx.Request, body: bytes) -> httpx.Response:
        server = f"{parts.scheme}://{parts.netloc}"
        connection = self._waiting(server) or await self._opened(parts)
        try:
            status, headers, content = await connection.ask(_head(parts, request, body) + body)
        except BaseException:
            connection.abort()
            raise
        if connection.is_open:
            self._idle.append((server, connection))
        return httpx.Response(status, headers=headers, content=content, request=request)

    def _waiting(self, server: str) -> "_Connection | None":
        """The one used last, which is the least likely to have been closed over there."""
        while self._idle:
            to, connection = self._idle.pop()
            if to == server and connection.is_open:
                return connection
            connection.abort()
        return None

    async def _opened(self, parts: SplitResult) -> "_Connection":
        is_tls = parts.scheme == "https"
        _, connection = await asyncio.get_running_loop().create_connection(
            _Connection, parts.hostname or "", parts.port or (443 if is_tls else 80), ssl=self._tls if is_tls else None
        )
        return connection

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[1].abort()


class _Connection(asyncio.Protocol):
    """One request at a time. `ask` raises OSError where the connection ends before the answer does."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, list[tuple[bytes, bytes]], bytes]] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._size = 0

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, request: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        if self._transport is None or not self.is_open:
            raise ConnectionError("closed")
        self._parser = httptools.HttpResponseParser(self)
        self._headers, self._body, self._size = [], [], 0
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._fail(exc or ConnectionError("closed"))

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as failure:
            self._fail(failure)
            self.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > MOST_BYTES:
            self._fail(ValueError("too long an answer"))
            self.abort()
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        if not self._parser.should_keep_alive() and self._transport is not None:
            self._transport.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((self._parser.get_status_code(), self._headers, b"".join(self._body)))

    def _fail(self, failure: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(failure)


def _head(parts: SplitResult, request: httpx.Request, body: bytes) -> bytes:
    """Httpx has checked names and values of the headers; the length is told here."""
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"POST {target} HTTP/1.1".encode()]
    lines += [name + b": " + value for name, value in request.headers.raw if name.lower() != b"content-length"]
    lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"", b""])
