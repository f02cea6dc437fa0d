"""The book on a real port, and subscribers who talk to it as apps do."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import pytest
import uvicorn
import websockets.asyncio.client as sockets
from websockets.exceptions import ConnectionClosed

from api.subscriptions.hub import topic
from cli.serve import WEBSOCKETS
from domain.changes_feed import RecordChange, tell_records
from domain.database import open_engine
from domain.values import new_id
from tests.api.conftest import Book
from tests.browser import listening

WITHIN_S = 8
RECORD = """subscription ($id: ID, $purpose: PurposeOfUse) {
    recordChanged(patientId: $id, purpose: $purpose) { patientId sections revision } }"""
CONSENT = "subscription ($id: ID) { consentChanged(patientId: $id) { patientId at } }"
INBOX = "subscription { inboxChanged { unread } }"


class Closed(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code, self.reason = code, reason


@dataclass
class Phone:
    """One websocket; what comes for a subscription waits until it is asked for."""

    socket: sockets.ClientConnection
    line: "Line" = field(repr=False)
    number: int = 0
    waiting: list[dict[str, Any]] = field(default_factory=list)

    async def send(self, **message: Any) -> None:
        await self.socket.send(orjson.dumps(message).decode())

    async def receive(self) -> dict[str, Any]:
        """The next message; Closed when there is none any more."""
        try:
            async with asyncio.timeout(WITHIN_S):
                return orjson.loads(await self.socket.recv())
        except ConnectionClosed:
            raise Closed(self.socket.close_code, self.socket.close_reason) from None

    async def begin(self, token: str) -> None:
        await self.send(type="connection_init", payload={"Authorization": f"Bearer {token}"})
        assert await self.receive() == {"type": "connection_ack"}

    async def subscribe(self, query: str, **variables: Any) -> str:
        self.number += 1
        payload = {"query": query, "variables": variables}
        await self.send(id=str(self.number), type="subscribe", payload=payload)
        return str(self.number)

    async def next(self, id_: str) -> Any:
        """The one field of the next event."""
        message = await self.receive()
        assert (message["type"], message["id"]) == ("next", id_), message
        assert "errors" not in message["payload"], message
        (value,) = message["payload"]["data"].values()
        return value

    async def follow(self, query: str, **variables: Any) -> tuple[str, Any]:
        """A subscription that has begun, and its first event. What was done before is no news to it."""
        await self.line.settled()
        id_ = await self.subscribe(query, **variables)
        return id_, await self.next(id_)

    async def error(self, id_: str) -> str:
        """The code of the error that ends it."""
        message = await self.receive()
        assert (message["type"], message["id"]) == ("error", id_), message
        return message["payload"][0]["extensions"]["code"]

    async def closed(self) -> int:
        """The close code, whatever is said before."""
        with contextlib.suppress(Closed):
            while True:
                await self.receive()
        return self.socket.close_code


@dataclass(frozen=True)
class Line:
    """Where the book is served. `port` is real; the issuer in its tokens is the tests' usual one."""

    book: Book
    port: int

    @asynccontextmanager
    async def phone(self, token: str | None = None, **options: Any) -> AsyncIterator[Phone]:
        """A socket, and who it is said already where a token is given."""
        told = {"subprotocols": ["graphql-transport-ws"], "compression": None} | options
        async with sockets.connect(f"ws://127.0.0.1:{self.port}/graphql", **told) as socket:
            phone = Phone(socket, self)
            if token is not None:
                await phone.begin(token)
            yield phone

    @asynccontextmanager
    async def stream(self, token: str, query: str, **variables: Any) -> AsyncIterator[httpx.Response]:
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        await self.settled()
        async with (
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=WITHIN_S) as client,
            client.stream("POST", "/graphql", json={"query": query, "variables": variables}, headers=headers) as answer,
        ):
            yield answer

    async def settled(self) -> None:
        """Returns when everything told so far has been heard: notifications come in the order of their commits."""
        last = new_id()
        await self.book.sql("select pg_notify('rights', $1)", orjson.dumps({"patients": [str(last)]}).decode())
        await until(lambda: any(topic("patients", last) in told for told in self.hub._lately))

    @property
    def hub(self):
        return self.book.app.state.services.live.hub

    async def change(self, patient, revision: int, **sections: list[str]) -> None:
        """What an import tells: sections, and the labels of the rows that came."""
        await self.changes(patient, {revision: sections})

    async def changes(self, patient, told: dict[int, dict[str, list[str]]]) -> None:
        """Several revisions, committed at one moment."""
        engine = open_engine(self.book.database.intake)
        async with engine.begin() as connection:
            for revision, sections in told.items():
                rows = frozenset((section, label) for section, labels in sections.items() for label in labels)
                await tell_records(connection, [RecordChange(patient, revision, rows)])
        await engine.dispose()


async def events(answer: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    """Name and data of each event of a stream."""
    name = ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data:"):
            data = line.removeprefix("data:").strip()
            yield name, orjson.loads(data) if data else None


@asynccontextmanager
async def served(book: Book) -> AsyncIterator[Line]:
    """The application, whose lifespan runs already, by the server's own settings of websockets."""
    bound = listening()
    server = uvicorn.Server(uvicorn.Config(book.app, log_config=None, lifespan="off", **WEBSOCKETS))
    running = asyncio.create_task(server.serve(sockets=[bound]))
    await until(lambda: server.started)
    try:
        yield Line(book, bound.getsockname()[1])
    finally:
        await book.app.state.services.live.close()
        server.should_exit = True
        await running


@pytest.fixture
async def line(book: Book) -> AsyncIterator[Line]:
    async with served(book) as made:
        yield made


async def until(is_so: Callable[[], object]) -> None:
    """Looks again until it is, for what tells nobody."""
    async with asyncio.timeout(WITHIN_S):
        while not is_so():  # noqa: ASYNC110 -- there is no event to wait for
            await asyncio.sleep(0.01)


class Watch:
    """How long it took, in seconds."""

    def __init__(self) -> None:
        self.started = time.monotonic()

    @property
    def passed(self) -> float:
        return time.monotonic() - self.started
