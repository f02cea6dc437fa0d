"""Subscriptions as server-sent events: GraphQL over SSE, distinct connections mode (npm graphql-sse, PROTOCOL.md).

One POST to /graphql with `Accept: text/event-stream` is one subscription; the token comes as with every request. Events
are `next` with a result and, at the end, `complete`; why it ended is the errors of the last result.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any
from uuid import UUID

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from api.http.refusals import Refused, method_not_allowed, told
from api.http.requests import checked, is_json, parsed
from api.subscriptions.fields import LiveContext
from api.subscriptions.hub import Hub
from api.subscriptions.limits import HEARTBEAT_S, LARGEST_MESSAGE, SEND_S, Full, Room
from api.subscriptions.metrics import counted
from api.subscriptions.operations import Operations, error_of
from auth.tokens.bearer import InvalidToken
from auth.tokens.resource import refusal
from domain.errors import HealthbookError, Invalid, Unauthenticated

EVENTS = "text/event-stream"
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
HEARTBEAT = b":\n\n"
COMPLETE = b"event: complete\ndata:\n\n"

Results = AsyncGenerator[dict[str, Any], None]


def wants_events(request: Request) -> bool:
    """RFC 9110 12.5.1: the type is named itself; */* means an ordinary answer."""
    named = (one.partition(";")[0].strip().lower() for one in request.headers.get("accept", "").split(","))
    return EVENTS in named


class Stream:
    """One answer that goes on until one side ends it."""

    def __init__(self, request: Request, operations: Operations, hub: Hub, room: Room) -> None:
        self._request, self._operations, self._hub, self._room = request, operations, hub, room
        self._deadline: asyncio.Timeout | None = None
        self._sending: asyncio.Timeout | None = None
        self._is_over = False

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Whatever keeps a subscription from beginning is an ordinary HTTP answer."""
        caller = self._request.state.caller
        context = LiveContext(caller, self._hub, UUID(self._request.state.request_id), self._interrupt)
        try:
            asked = checked(await self._body())
            with self._room.taken(caller), counted("stream"):
                async with aclosing(self._operations.results(asked, context)) as results:
                    first = await anext(results)
                    await self._tell(first, results, receive, send, context)
        except ClientDisconnect:
            return
        except Unauthenticated as ended:
            await refusal(InvalidToken("invalid_token", str(ended)))(scope, receive, send)
        except (Refused, HealthbookError) as refused:
            await _refused(refused)(scope, receive, send)

    def end(self) -> None:
        """From outside: the server goes away. The client finds the stream complete and comes back."""
        self._is_over = True
        if self._deadline is not None:
            with suppress(RuntimeError):
                self._deadline.reschedule(asyncio.get_running_loop().time())

    async def _body(self) -> object:
        """Refused for what is no JSON, or too long."""
        if self._request.method != "POST":
            raise method_not_allowed("Subscriptions are sent by POST.", "POST")
        is_json(self._request)
        taken = bytearray()
        async for chunk in self._request.stream():
            taken += chunk
            if len(taken) > LARGEST_MESSAGE:
                raise Refused([told(f"The body has at most {LARGEST_MESSAGE} bytes.", "CONTENT_TOO_LARGE")], 413)
        return parsed(bytes(taken))

    async def _tell(
        self, first: dict[str, Any], results: Results, receive: Receive, send: Send, context: LiveContext
    ) -> None:
        beside = [asyncio.create_task(self._gone(receive)), asyncio.create_task(self._beat(send))]
        try:
            async with asyncio.timeout(None) as self._deadline:
                await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
                await self._next(first, send)
                async for result in results:
                    await self._next(result, send)
        except TimeoutError:
            pass  # it was ended, or nobody takes what is sent
        except Exception as failure:  # noqa: BLE001 -- the answer has begun: it ends by telling why
            await self._last({"errors": error_of(failure, context.request_id)}, send)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        await self._last(None, send)

    async def _next(self, result: dict[str, Any], send: Send) -> None:
        self._sending = asyncio.timeout(SEND_S)
        try:
            async with self._sending:
                await send({"type": "http.response.body", "body": _event(result), "more_body": True})
        finally:
            self._sending = None

    async def _last(self, result: dict[str, Any] | None, send: Send) -> None:
        """With a result, why it ends; without one, the end."""
        body = COMPLETE if result is None else _event(result)
        with suppress(TimeoutError):
            async with asyncio.timeout(SEND_S):
                await send({"type": "http.response.body", "body": body, "more_body": result is not None})

    def _interrupt(self) -> None:
        if self._sending is not None:
            with suppress(RuntimeError):  # it has gone out
                self._sending.reschedule(asyncio.get_running_loop().time())

    async def _gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.end()

    async def _beat(self, send: Send) -> None:
        """What keeps proxies from taking silence for the end."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            await send({"type": "http.response.body", "body": HEARTBEAT, "more_body": True})


def _event(result: dict[str, Any]) -> bytes:
    return b"event: next\ndata: " + orjson.dumps(result) + b"\n\n"


def _refused(refused: Refused | HealthbookError) -> Response:
    """Before it began: GraphQL errors with a status."""
    if isinstance(refused, Refused):
        return JSONResponse({"errors": refused.errors}, refused.status, headers=refused.headers)
    if isinstance(refused, Full):
        return JSONResponse({"errors": error_of(refused, None)}, 503, headers={"Retry-After": "30"})
    if isinstance(refused, Invalid):
        return JSONResponse({"errors": error_of(refused, None)}, 400)
    return Response(_event({"data": None, "errors": error_of(refused, None)}) + COMPLETE, 200, media_type=EVENTS)
