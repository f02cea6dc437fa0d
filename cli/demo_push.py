"""A push server on this machine that speaks FCM's HTTP v1, and the phones behind it: for the demo and the tests.

Every message is put on the phone of its token: one that replaces what was shown under the same tag does not ring when
it is the same message again. `GET /messages` tells what arrived. How a token is answered can be scripted: an error of
FCM's, a proxy's page, a broken connection, a slow answer.

Source: firebase.google.com/docs/reference/fcm/rest/v1/projects.messages/send and .../fcm/rest/v1/ErrorCode.
"""

import asyncio
import json
import re
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httptools

KEPT = 1000
_SEND = re.compile(rb"/v1/projects/[a-z0-9-]+/messages:send")
_STATUS = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One answer to one message. `error_code` is FCM's, `page` a proxy's; `resets` breaks the connection."""

    status: int = 200
    error_code: str | None = None
    retry_after: str | None = None
    page: str | None = None
    resets: bool = False
    delay_s: float = 0.0


OK = Behaviour()
UNREGISTERED = Behaviour(404, "UNREGISTERED")
SENDER_ID_MISMATCH = Behaviour(403, "SENDER_ID_MISMATCH")
TOO_MANY = Behaviour(429, "QUOTA_EXCEEDED", retry_after="60")
INTERNAL, UNAVAILABLE = Behaviour(500, "INTERNAL"), Behaviour(503, "UNAVAILABLE")
PAGE = Behaviour(404, page="<html><body>Not here</body></html>")


@dataclass(slots=True)
class Phone:
    """What a phone shows, by tag, and how often it rang."""

    shown: dict[str, str] = field(default_factory=dict)
    rang: Counter[str] = field(default_factory=Counter)

    def receive(self, tag: str, message: str) -> None:
        if self.shown.get(tag) != message:
            self.rang[tag] += 1
        self.shown[tag] = message


def tag_of(message: dict[str, Any]) -> str:
    """What the phone shows this message under, by its platform."""
    if "apns" in message:
        return str(message["apns"]["headers"]["apns-collapse-id"])
    return str(message["android" if "android" in message else "webpush"]["notification"]["tag"])


@dataclass(slots=True)
class PushServer:
    """Serves in a thread of its own until `close`. Read `phones`, `attempts` and `messages` when it is quiet."""

    host: str = "127.0.0.1"
    port: int = 0
    phones: dict[str, Phone] = field(default_factory=lambda: defaultdict(Phone))
    attempts: Counter[str] = field(default_factory=Counter)
    messages: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=KEPT))
    down: Behaviour | None = None
    _scripts: dict[str, deque[Behaviour]] = field(default_factory=dict)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _thread: threading.Thread | None = None
    _ready: threading.Event = field(default_factory=threading.Event)

    def start(self) -> "PushServer":
        self._thread = threading.Thread(target=self._serve, name="push server", daemon=True)
        self._thread.start()
        self._ready.wait()
        return self

    def close(self) -> None:
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._thread = None

    @property
    def origin(self) -> str:
        return f"http://{self.host}:{self.port}"

    def script(self, token: str, behaviours: Iterable[Behaviour]) -> None:
        """The next answers for a token, one after the other; then everything is well."""
        self._scripts[token] = deque(behaviours)

    def behaviour_of(self, token: str) -> Behaviour:
        waiting = self._scripts.get(token)
        return self.down or (waiting.popleft() if waiting else OK)

    def receive(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        self.phones[message["token"]].receive(tag_of(message), message["data"]["message"])

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            self._loop.create_server(lambda: _Connection(self), self.host, self.port)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


class _Connection(asyncio.Protocol):
    """HTTP/1.1, kept alive; one request at a time, as httpx asks."""

    def __init__(self, server: PushServer) -> None:
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._url, self._body = b"", b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._abort()

    def on_message_begin(self) -> None:
        self._url, self._body = b"", b""

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._parser.get_method() == b"GET" and self._url == b"/messages":
            self._answer(200, list(self._server.messages))
        elif self._parser.get_method() == b"POST" and _SEND.fullmatch(self._url):
            self._take()
        else:
            self._answer(404, {"error": {"code": 404, "status": "NOT_FOUND", "message": "No such method."}})

    def _take(self) -> None:
        try:
            message = json.loads(self._body)["message"]
            token = str(message["token"])
        except (ValueError, KeyError, TypeError):
            self._answer(400, _error(Behaviour(400, "INVALID_ARGUMENT")))
            return
        self._server.attempts[token] += 1
        behaviour = self._server.behaviour_of(token)
        if behaviour.delay_s:
            asyncio.get_running_loop().call_later(behaviour.delay_s, self._behave, behaviour, message)
        else:
            self._behave(behaviour, message)

    def _behave(self, behaviour: Behaviour, message: dict[str, Any]) -> None:
        if behaviour.resets:
            self._abort()
        elif behaviour.page is not None:
            self._write(behaviour, behaviour.page.encode(), "text/html")
        elif behaviour.error_code is not None:
            self._write(behaviour, json.dumps(_error(behaviour)).encode())
        else:
            self._server.receive(message)
            self._answer(200, {"name": f"projects/demo/messages/{message['data']['message']}"})

    def _answer(self, status: int, told: Any) -> None:
        self._write(Behaviour(status), json.dumps(told).encode())

    def _write(self, behaviour: Behaviour, body: bytes, kind: str = "application/json") -> None:
        wait = f"Retry-After: {behaviour.retry_after}\r\n" if behaviour.retry_after else ""
        head = f"HTTP/1.1 {behaviour.status} {_STATUS[behaviour.status]}\r\nContent-Type: {kind}\r\n{wait}"
        if self._transport is not None:
            self._transport.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def _error(behaviour: Behaviour) -> dict[str, Any]:
    statuses = {400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}
    detail = {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": behaviour.error_code}
    status = statuses.get(behaviour.status, str(behaviour.error_code))
    return {"error": {"code": behaviour.status, "message": "Scripted.", "status": status, "details": [detail]}}
