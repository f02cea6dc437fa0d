"""Everything that lives as long as the process does for subscriptions, and the two doors to them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from api.subscriptions.decisions import Decisions
from api.subscriptions.feed import Feed
from api.subscriptions.hub import CONNECTIONS, Hub
from api.subscriptions.limits import Full, Room, Seats
from api.subscriptions.metrics import counted
from api.subscriptions.operations import Operations
from api.subscriptions.sockets import GOING_AWAY, PROTOCOL, SUBPROTOCOL_NOT_ACCEPTABLE, Conversation
from api.subscriptions.streams import Stream, wants_events
from auth.server.cors import Origins
from auth.tokens.bearer import Verifier

START_WITHIN_S = 10
FAREWELL_S = 2


class Live:
    """Open while the block of `open` runs."""

    def __init__(self, operations: Operations, hub: Hub, verifier: Verifier, origins: Origins, seats: Seats) -> None:
        self.hub = hub
        self._operations = operations
        self._verifier, self._origins = verifier, origins
        self._room = Room(seats)
        self._open: set[Conversation | Stream] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._is_over = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls, dsn: str, operations: Operations, verifier: Verifier, origins: Origins, seats: Seats
    ) -> "AsyncIterator[Live]":
        async with Decisions.open(dsn, size=CONNECTIONS) as decisions:
            hub = Hub(decisions)
            feed, live = Feed(dsn, hub), cls(operations, hub, verifier, origins, seats)
            tasks = [asyncio.create_task(feed.run()), asyncio.create_task(hub.run())]
            try:
                async with asyncio.timeout(START_WITHIN_S):
                    await feed.listening.wait()
                yield live
            finally:
                await live.close()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Everybody is told that the server goes away, and nobody new is let in."""
        self._is_over = True
        for one in list(self._open):
            if isinstance(one, Conversation):
                one.end(GOING_AWAY, "Going away")
            else:
                one.end()
        try:
            async with asyncio.timeout(FAREWELL_S):
                await self._empty.wait()
        except TimeoutError:
            return

    async def websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A handshake: from no foreign page, as long as there is a seat."""
        socket = WebSocket(scope, receive, send)
        with ExitStack() as waiting:
            refused = await self._refusal(socket, waiting)
            if refused is not None:
                await socket.send_denial_response(refused)
                return
            waiting.enter_context(counted("waiting"))
            if PROTOCOL not in scope["subprotocols"]:
                await socket.accept()
                await socket.close(SUBPROTOCOL_NOT_ACCEPTABLE, "Subprotocol not acceptable")
                return
            await socket.accept(PROTOCOL)
            conversation = Conversation(socket, self._operations, self.hub, self._verifier, self._room, waiting)
            with self._listed(conversation):
                await conversation.run()

    async def _refusal(self, socket: WebSocket, waiting: ExitStack) -> PlainTextResponse | None:
        origin = socket.headers.get("origin")
        if origin is not None and not await self._is_known(origin):
            return PlainTextResponse("This page may not listen here.", 403)
        try:
            if not self._is_over:
                waiting.enter_context(self._room.waiting())
                return None
        except Full:
            pass
        return PlainTextResponse("There is no room. Try again later.", 503, headers={"Retry-After": "30"})

    async def _is_known(self, origin: str) -> bool:
        """Our own pages, and those of living public clients (auth.server.cors); what no browser page sends is none."""
        issuer = urlsplit(self._verifier.issuer)
        return origin == f"{issuer.scheme}://{issuer.netloc}" or await self._origins.has(origin)

    @contextmanager
    def _listed(self, one: Conversation | Stream) -> Iterator[None]:
        self._open.add(one)
        self._empty.clear()
        try:
            yield
        finally:
            self._open.discard(one)
            if not self._open:
                self._empty.set()

    def streams(self, app: ASGIApp) -> ASGIApp:
        """`app`, and streams of events where they are asked for. The caller is known by then."""

        async def door(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive)
            if not wants_events(request):
                await app(scope, receive, send)
                return
            stream = Stream(request, self._operations, self.hub, self._room)
            if self._is_over:
                await PlainTextResponse("Going away", 503, headers={"Retry-After": "5"})(scope, receive, send)
                return
            with self._listed(stream):
                await stream.answer(scope, receive, send)

        return door
