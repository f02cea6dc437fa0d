"""Many who listen, and some who do not take what they are told: nobody else waits for them."""

import asyncio
import base64
import os
import time

import orjson
from hypothesis import given
from hypothesis import strategies as st

from api.subscriptions import follower, sockets
from api.subscriptions.news import EVERYTHING, KNOWN_ROWS, News
from tests.api.consenting import WITHDRAW, citizen, clinic, terms
from tests.api.subscriptions.conftest import RECORD, WITHIN_S, Watch
from tests.pace import seconds

CROWD = int(os.environ.get("CROWD", "2000"))
PROBES, P99_S = 100, 0.2
HANDSHAKE = (
    "GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    f"Sec-WebSocket-Key: {base64.b64encode(b'k' * 16).decode()}\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
).encode()
LABS = "record:labs:read record:vitals:read"


async def idle(port: int, gate: asyncio.Semaphore):
    async with gate:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(HANDSHAKE)
        assert b" 101 " in await reader.readline()
        return writer


async def test_idle_websockets_keep_no_reader_waiting(line, monkeypatch):
    monkeypatch.setattr(sockets, "INIT_S", 120)
    mine = await citizen(line.book, scope=LABS)
    query, took = "{ healthRecord { labs(first: 5) { totalCount } } }", []
    gate = asyncio.Semaphore(50)
    async with line.phone(mine.token) as phone:
        id_, _ = await phone.follow(RECORD)
        crowd = await asyncio.gather(*(idle(line.port, gate) for _ in range(CROWD)))
        for _ in range(PROBES):
            started = time.perf_counter()
            assert (await line.book.ask(query, mine.token))["data"]["healthRecord"] is not None
            took.append(time.perf_counter() - started)
        await line.change(mine.patient_id, 6, labs=[""])
        assert (await phone.next(id_))["revision"] == 6
        assert line.book.app.state.services.live._room["waiting"] == CROWD
        for writer in crowd:
            writer.close()
    assert sorted(took)[int(PROBES * 0.99) - 1] < seconds(P99_S)


ROWS = st.lists(st.one_of(st.sampled_from(sorted(KNOWN_ROWS)), st.text(), st.integers(), st.none()))
PAYLOADS = st.lists(st.fixed_dictionaries({}, optional={"rows": ROWS, "revision": st.one_of(st.integers(), st.text())}))


@given(PAYLOADS)
def test_news_never_grow_whatever_comes(payloads):
    news = News()
    for payload in payloads:
        news.add(payload)
    revisions = [one["revision"] for one in payloads if isinstance(one.get("revision"), int)]
    assert news.rows == {row for one in payloads for row in one.get("rows", ()) if row in KNOWN_ROWS}
    assert news.told_revision == (max([0, *revisions]) if revisions else None)
    news.miss()
    assert news.rows >= EVERYTHING
    assert news.told_revision is None


class Deaf:
    """A client that takes nothing once it was told the first event, as the server sees it: `send` does not return."""

    def __init__(self, token: str, patient) -> None:
        init = {"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}
        ask = {"id": "1", "type": "subscribe", "payload": {"query": RECORD, "variables": {"id": str(patient)}}}
        self.says = [
            {"type": "websocket.connect"},
            *({"type": "websocket.receive", "text": orjson.dumps(one).decode()} for one in (init, ask)),
        ]
        self.sent, self.stuck, self.given_up = [], asyncio.Event(), asyncio.Event()
        self.begun = asyncio.Event()

    async def receive(self):
        if self.says:
            return self.says.pop(0)
        return await asyncio.Event().wait()

    async def send(self, message):
        told = orjson.loads(message["text"]) if message["type"] == "websocket.send" else message
        if told["type"] == "next" and self.begun.is_set():
            self.stuck.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.given_up.set()
        self.sent.append(told)
        if told["type"] == "next":
            self.begun.set()


def scope_of(app):
    return {
        "type": "websocket", "path": "/graphql", "raw_path": b"/graphql", "headers": [], "query_string": b"",
        "scheme": "ws", "subprotocols": ["graphql-transport-ws"], "app": app, "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }  # fmt: skip


async def test_abuse_25_what_waits_to_be_taken_is_called_back_when_the_right_is_lost(line):
    mine, reader = await citizen(line.book), await clinic(line.book)
    consent = await mine.grant(reader.reader, terms("labs"))
    deaf = Deaf(reader.token, mine.patient_id)
    served = asyncio.create_task(line.book.app(scope_of(line.book.app), deaf.receive, deaf.send))
    async with asyncio.timeout(WITHIN_S):
        await deaf.begun.wait()
        await line.change(mine.patient_id, 7, labs=[""])
        await deaf.stuck.wait()
        watch = Watch()
        await mine.ask(WITHDRAW, id=consent["id"])
        await deaf.given_up.wait()
        assert watch.passed < 1
        await served
    assert 7 not in [one["payload"]["data"]["recordChanged"]["revision"] for one in deaf.sent if one["type"] == "next"]
    assert deaf.sent[-1]["type"] == "websocket.close"


async def test_somebody_who_takes_nothing_for_long_is_closed_and_keeps_nobody_waiting(line, monkeypatch):
    monkeypatch.setattr(sockets, "SEND_S", 1.5)
    monkeypatch.setattr(follower, "PACE_S", 0.01)
    mine = await citizen(line.book, scope=LABS)
    deaf = Deaf(mine.token, mine.patient_id)
    served = asyncio.create_task(line.book.app(scope_of(line.book.app), deaf.receive, deaf.send))
    async with asyncio.timeout(WITHIN_S), line.phone(mine.token) as phone:
        id_, _ = await phone.follow(RECORD)
        await deaf.begun.wait()
        for revision in range(1, 6):
            await line.change(mine.patient_id, revision, labs=[""])
            assert (await phone.next(id_))["revision"] == revision
        await served
    assert deaf.sent[-1] == {"type": "websocket.close", "code": 1011, "reason": "Messages are not taken."}
