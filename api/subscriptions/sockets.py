"""Subscriptions over a websocket: the graphql-transport-ws protocol (npm graphql-ws, PROTOCOL.md), subscriptions only.

The token comes in the Authorization header of the handshake or in `connection_init` (`{"Authorization": "Bearer ..."}`,
for a bound token `"DPoP ..."` with a proof in `"DPoP"` for GET and the address of /graphql), never in the address.
Close codes beside the protocol's own: 4403 no usable token, or it expired (come back with a new one: graphql-ws does,
and takes its subscriptions up again); 4401 the grant, client or facility is no more (sign in again); 1001 the server
goes away, 1008 too many messages, 1011 messages are not taken, 1013 no seat.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, aclosing, contextmanager, suppress
from typing import Any
from uuid import uuid4

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.http.refusals import Refused
from api.http.requests import GraphQLRequest, checked
from api.subscriptions.decisions import TokenExpired
from api.subscriptions.fields import LiveContext
from api.subscriptions.hub import Hub
from api.subscriptions.limits import (
    INIT_S,
    LARGEST_MESSAGE,
    LONGEST_ID,
    MESSAGES_WINDOW_S,
    MOST_MESSAGES,
    MOST_SUBSCRIPTIONS,
    SEND_S,
    Full,
    Room,
)
from api.subscriptions.metrics import counted
from api.subscriptions.operations import Operations, error_of
from auth.tokens.bearer import Caller, InvalidToken, Offered, Verifier
from domain.errors import Unauthenticated

PROTOCOL = "graphql-transport-ws"
SUBPROTOCOL_NOT_ACCEPTABLE, TRY_AGAIN, POLICY, TOO_BIG, GOING_AWAY, SLOW = 4406, 1013, 1008, 1009, 1001, 1011
BAD, UNAUTHORIZED, FORBIDDEN, INIT_TIMEOUT, EXISTS, TWICE = 4400, 4401, 4403, 4408, 4409, 4429
FAREWELL_S = 0.25
"""For the subscriptions of a socket to say why they end."""


class Closing(Exception):
    """The socket is to be closed with this code and these words, which name nobody."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Conversation:
    """One accepted websocket, to its close. `waiting` holds the seat of those who have not said who they are."""

    def __init__(
        self,
        socket: WebSocket,
        operations: Operations,
        hub: Hub,
        verifier: Verifier,
        room: Room,
        waiting: ExitStack,
    ) -> None:
        self._socket, self._operations, self._hub = socket, operations, hub
        self._verifier, self._room, self._waiting = verifier, room, waiting
        self._caller: Caller | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._deadline = asyncio.timeout(INIT_S)
        self._closing: Closing | None = None
        self._messages, self._window_ends = 0, 0.0

    async def run(self) -> None:
        """Until one side closes it."""
        try:
            async with self._deadline:
                await self._begin()
        except TimeoutError:
            self._closing = self._closing or self._late()
        except Closing as closing:
            self._closing = closing
        except Full as full:
            self._closing = Closing(TRY_AGAIN, str(full))
        except WebSocketDisconnect:
            self._closing = None
        finally:
            await self._end_all()
        if self._closing is not None:
            await self._close(self._closing)

    def end(self, code: int, reason: str) -> None:
        """From outside, or from one of its subscriptions. The first reason counts."""
        if self._closing is None:
            self._closing = Closing(code, reason)
            with suppress(RuntimeError):  # it is about to end already
                self._deadline.reschedule(asyncio.get_running_loop().time())

    async def _begin(self) -> None:
        self._caller = await self._initialised()
        self._waiting.close()
        with self._room.taken(self._caller), counted("websocket"):
            loop = asyncio.get_running_loop()
            self._deadline.reschedule(loop.time() + self._caller.expires_at - time.time())
            await self._send({"type": "connection_ack"})
            while True:
                await self._handle(await self._received())

    async def _initialised(self) -> Caller:
        """Who it is. Closing where he does not say it first, or cannot show it."""
        while (message := await self._received())["type"] != "connection_init":
            if message["type"] == "subscribe":
                raise Closing(UNAUTHORIZED, "Unauthorized")
            await self._alive(message)
        try:
            return await self._verifier.caller(self._offered(message.get("payload")))
        except InvalidToken as refused:
            raise Closing(FORBIDDEN, f"Forbidden: {refused}") from None

    def _offered(self, payload: object) -> Offered:
        told = payload if isinstance(payload, dict) else {}
        named = {name.lower(): value for name, value in told.items() if isinstance(value, str)}
        headers = self._socket.headers
        authorization = [named["authorization"]] if "authorization" in named else headers.getlist("authorization")
        proofs = [named["dpop"]] if "dpop" in named else headers.getlist("dpop")
        return Offered(authorization, proofs, "GET", self._verifier.issuer + self._socket.url.path)

    async def _received(self) -> dict[str, Any]:
        """The next message. Closing where it is none of the protocol's, or one too many."""
        received = await self._socket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1005))
        self._count()
        text = received.get("text")
        if text is None:
            raise Closing(BAD, "Messages are text.")
        if len(text) > LARGEST_MESSAGE:
            raise Closing(TOO_BIG, f"A message has at most {LARGEST_MESSAGE} bytes.")
        try:
            message = orjson.loads(text)
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            message = None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise Closing(BAD, "Invalid message")
        return message

    def _count(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._window_ends:
            self._messages, self._window_ends = 0, now + MESSAGES_WINDOW_S
        self._messages += 1
        if self._messages > MOST_MESSAGES:
            raise Closing(POLICY, "Too many messages")

    async def _handle(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "subscribe":
                await self._subscribe(message)
            case "complete":
                task = self._tasks.pop(_id(message), None)
                if task is not None:
                    task.cancel()
            case "connection_init":
                raise Closing(TWICE, "Too many initialisation requests")
            case _:
                await self._alive(message)

    async def _alive(self, message: dict[str, Any]) -> None:
        if message["type"] == "ping":
            await self._send({"type": "pong"})
        elif message["type"] != "pong":
            raise Closing(BAD, "Invalid message")

    async def _subscribe(self, message: dict[str, Any]) -> None:
        id_ = _id(message)
        if id_ in self._tasks:
            raise Closing(EXISTS, "Subscriber already exists")
        try:
            request = checked(message.get("payload"))
        except Refused:
            raise Closing(BAD, "Invalid message") from None
        if len(self._tasks) >= MOST_SUBSCRIPTIONS:
            full = Full(f"A socket has at most {MOST_SUBSCRIPTIONS} subscriptions.")
            await self._send({"id": id_, "type": "error", "payload": error_of(full, None)})
            return
        self._tasks[id_] = asyncio.create_task(self._operate(id_, request))

    async def _operate(self, id_: str, request: GraphQLRequest) -> None:
        """One subscription: its results, and the word that ends it."""
        request_id, push = uuid4(), _Push()
        caller = self._caller
        assert caller is not None  # noqa: S101 -- nobody subscribes before
        last: dict[str, Any] = {"id": id_, "type": "complete"}
        try:
            context = LiveContext(caller, self._hub, request_id, push.interrupt)
            async with aclosing(self._operations.results(request, context)) as results:
                async for result in results:
                    with push.sending() as deadline:
                        async with deadline:
                            await self._send({"id": id_, "type": "next", "payload": result})
        except TimeoutError:
            self.end(SLOW, "Messages are not taken.")
            return
        except TokenExpired as expired:
            self.end(FORBIDDEN, str(expired))  # and no word to the subscription, so that clients take it up again
            return
        except Exception as failure:  # noqa: BLE001 -- whatever it is, the client gets one word and the log another
            last = {"id": id_, "type": "error", "payload": error_of(failure, request_id)}
            self._end_with(failure)
        if self._tasks.pop(id_, None) is not None:
            await self._last_word(last)

    def _end_with(self, failure: Exception) -> None:
        """A grant that ended takes the whole socket along, once the other subscriptions could say so."""
        if isinstance(failure, Unauthenticated):
            asyncio.get_running_loop().call_later(FAREWELL_S, self.end, UNAUTHORIZED, str(failure))

    async def _last_word(self, message: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(SEND_S):
                await self._send(message)
        except TimeoutError:
            self.end(SLOW, "Messages are not taken.")

    async def _send(self, message: dict[str, Any]) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):  # it is closed; whoever receives will see it
            await self._socket.send_text(orjson.dumps(message).decode())

    def _late(self) -> Closing:
        """Why the deadline came."""
        if self._caller is None:
            return Closing(INIT_TIMEOUT, "Connection initialisation timeout")
        return Closing(FORBIDDEN, "The access token expired.")

    async def _end_all(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _close(self, closing: Closing) -> None:
        with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
            async with asyncio.timeout(SEND_S):
                await self._socket.close(closing.code, closing.reason)


class _Push:
    """A message on its way, which can be called back as long as it waits for its turn."""

    def __init__(self) -> None:
        self._deadline: asyncio.Timeout | None = None

    @contextmanager
    def sending(self) -> Iterator[asyncio.Timeout]:
        self._deadline = asyncio.timeout(SEND_S)
        try:
            yield self._deadline
        finally:
            self._deadline = None

    def interrupt(self) -> None:
        if self._deadline is not None:
            with suppress(RuntimeError):  # it has gone out, or was not begun
                self._deadline.reschedule(asyncio.get_running_loop().time())


def _id(message: dict[str, Any]) -> str:
    id_ = message.get("id")
    if not isinstance(id_, str) or not 0 < len(id_) <= LONGEST_ID:
        raise Closing(BAD, "Invalid message")
    return id_
