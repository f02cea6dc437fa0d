"""Over server-sent events: the same subscriptions, one an answer."""

import asyncio

import httpx
import pytest

from api.subscriptions import limits
from tests.api.consenting import WITHDRAW, citizen, clinic, terms
from tests.api.subscriptions.conftest import RECORD, WITHIN_S, Watch, events, until

LABS = "record:labs:read record:vitals:read"


async def post(line, token, body, **headers):
    told = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream", "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{line.port}", timeout=WITHIN_S) as client:
        return await client.post("/graphql", content=body, headers=told | headers)


async def test_abuse_25_tells_what_changed_until_the_consent_is_withdrawn(line):
    mine, reader = await citizen(line.book), await clinic(line.book)
    consent = await mine.grant(reader.reader, terms("labs"))
    async with line.stream(reader.token, RECORD, id=str(mine.patient_id)) as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        assert "content-encoding" not in answer.headers, "a compressor's tables for each listener"
        told = events(answer)
        name, first = await anext(told)
        assert (name, first["data"]["recordChanged"]["sections"]) == ("next", ["labs"])
        await line.change(mine.patient_id, 3, labs=[""])
        assert (await anext(told))[1]["data"]["recordChanged"]["revision"] == 3
        watch = Watch()
        await mine.ask(WITHDRAW, id=consent["id"])
        name, last = await anext(told)
        assert (name, last["errors"][0]["extensions"]["code"]) == ("next", "CONSENT_REQUIRED")
        assert watch.passed < 1
        assert await anext(told) == ("complete", None)
        assert [one async for one in told] == []


async def test_a_refusal_before_the_first_event_is_an_event_and_a_dead_token_a_401(line):
    mine, other = await citizen(line.book, 0, LABS), await citizen(line.book, 1, LABS)
    async with line.stream(mine.token, RECORD, id=str(other.patient_id)) as answer:
        told = [one async for one in events(answer)]
        assert answer.status_code == 200
    assert [name for name, _ in told] == ["next", "complete"]
    assert told[0][1]["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    await line.book.sql("update auth.token_grant set revoked_at = now(), revoke_reason = 'test'")
    dead = await post(line, mine.token, b'{"query": "subscription { inboxChanged { unread } }"}')
    assert dead.status_code == 401
    assert "invalid_token" in dead.headers["www-authenticate"]
    assert (await post(line, "no-token", b"{}")).status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"no json", 400),
        (b"[]", 400),
        (b'{"query": 7}', 400),
        (b'{"query": "{ me { clientId } }"}', 400),
        (b'{"query": "subscription { nothing }"}', 400),
        (b'{"query": "%s"}' % (b"a" * 40_000), 413),
        (b"[" * 30_000, 400),
    ],
    ids=range(8),
)
async def test_what_is_no_subscription_is_a_4xx(line, body, status):
    mine = await citizen(line.book, scope=LABS)
    answer = await post(line, mine.token, body)
    assert (answer.status_code, "errors" in answer.json()) == (status, True)


async def test_a_get_is_a_405_and_another_content_type_a_415(line):
    mine = await citizen(line.book, scope=LABS)
    headers = {"Authorization": f"Bearer {mine.token}", "Accept": "text/event-stream"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{line.port}") as client:
        got = await client.get("/graphql", headers=headers, params={"query": RECORD})
    assert (got.status_code, got.headers["allow"]) == (405, "POST")
    assert (await post(line, mine.token, b"{}", **{"Content-Type": "text/plain"})).status_code == 415


async def test_an_ordinary_post_of_a_subscription_is_refused_and_of_a_query_answered_as_ever(line):
    mine = await citizen(line.book, scope=LABS)
    ordinary = await line.book.post("subscription { inboxChanged { unread } }", mine.token)
    assert ordinary.status_code < 500
    assert "unread" not in ordinary.text
    answer = await line.book.ask("{ me { clientId } }", mine.token)
    assert answer["data"]["me"]["clientId"] == "healthbook-phone"


async def test_a_heartbeat_keeps_proxies_awake_and_the_end_of_the_server_completes(line, monkeypatch):
    monkeypatch.setattr("api.subscriptions.streams.HEARTBEAT_S", 0.05)
    mine = await citizen(line.book, scope=LABS)
    async with line.stream(mine.token, RECORD) as answer:
        lines = answer.aiter_lines()
        async with asyncio.timeout(WITHIN_S):
            while (await anext(lines)) != ":":
                pass
            closing = asyncio.create_task(line.book.app.state.services.live.close())
            rest = [one async for one in lines]
        await closing
    assert "event: complete" in rest
    assert (await post(line, mine.token, b"{}")).status_code == 503


async def test_who_leaves_leaves_nothing_behind(line):
    mine = await citizen(line.book, scope=LABS)
    async with line.stream(mine.token, RECORD) as answer:
        await anext(events(answer))
    await until(lambda: not line.hub.topics and not line.book.app.state.services.live._room["known"])


async def test_a_stream_takes_a_seat(line):
    mine = await citizen(line.book, scope=LABS)
    line.book.app.state.services.live._room = limits.Room(limits.Seats(citizen=1))
    async with line.stream(mine.token, RECORD) as answer:
        await anext(events(answer))
        full = await post(line, mine.token, b'{"query": "subscription { inboxChanged { unread } }"}')
        assert (full.status_code, full.headers["retry-after"]) == (503, "30")
