"""Bodies that never end and sockets that only sit there, a well-behaved phone beside them. Abuse case 3."""

import asyncio
import base64
import contextlib
import os
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.responses import PlainTextResponse

from api.middleware import BodyLimit
from tests.attacks.server import Server

MEGABYTE = 2**20
SOCKETS = int(os.environ.get("SOCKETS", "2000"))
"""Ten thousand take two cores half a minute to open; what one costs does not change."""
SLOW_BODIES = 200
ENDINGS = (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError)


@pytest.fixture(autouse=True)
def many_files():
    """Room for both ends of the sockets of this process."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def lump(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // MEGABYTE):
        yield b" " * MEGABYTE


@pytest.mark.parametrize("is_announced", [True, False])
async def test_25_megabytes_are_not_taken(server: Server, is_announced: bool) -> None:
    phone = asyncio.create_task(server.phone(200))  # so many that one pause of the machine is none of ours
    async with server.client() as client:
        while not phone.done():
            body = b" " * 25 * MEGABYTE if is_announced else lump(25 * MEGABYTE)
            try:
                answer = await client.post("/graphql", content=body)
            except ENDINGS:
                continue  # it hung up while we were still sending, as RFC 9110 15.5.14 lets it
            assert answer.status_code == 413
    await server.stays_quick(phone)


@asynccontextmanager
async def connected(server: Server, number: int, first_words: bytes) -> AsyncIterator[list[asyncio.StreamReader]]:
    """So many connections on which this was said."""
    readers, writers = [], []
    try:
        for _ in range(number):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(first_words)
            readers.append(reader)
            writers.append(writer)
        yield readers
    finally:
        for writer in writers:
            writer.close()
        for writer in writers:
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def test_bodies_that_come_slowly_hold_nobody_up(server: Server) -> None:
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: book\r\nAuthorization: Bearer {server.token}\r\n"
        'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"query": '
    )
    async with connected(server, SLOW_BODIES, head.encode()):
        await server.stays_quick_meanwhile()


async def test_websockets_that_idle_are_refused_or_harmless(server: Server) -> None:
    head = (
        f"GET /graphql HTTP/1.1\r\nHost: book\r\nAuthorization: Bearer {server.token}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: graphql-transport-ws\r\n"
        f"Sec-WebSocket-Key: {base64.b64encode(b'0' * 16).decode()}\r\n\r\n"
    )
    async with connected(server, SOCKETS, head.encode()) as readers:
        answers = await asyncio.gather(*(reader.readline() for reader in readers))
        await server.stays_quick_meanwhile()
    statuses = {int(answer.split()[1]) for answer in answers if answer}
    assert statuses <= {101, 400, 401, 403, 404, 429, 503}


async def test_a_body_that_does_not_come_in_time_is_ended() -> None:
    """RFC 9110 15.5.9. The clock runs until the body is whole, and not while it is answered."""

    async def whole(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await PlainTextResponse("whole")(scope, receive, send)

    app, sent = BodyLimit(whole, lambda _: 10, within_of=lambda _: 0.05), []

    async def never():
        await asyncio.Event().wait()

    async def note(message):
        sent.append(message)

    await app({"type": "http", "path": "/graphql", "headers": [], "method": "POST"}, never, note)
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]
