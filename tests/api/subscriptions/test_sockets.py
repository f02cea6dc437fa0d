"""Over a websocket: what is told, and what the protocol answers to what is none of it."""

import time

import pytest
import websockets.asyncio.client as sockets
from sqlalchemy.ext.asyncio import AsyncSession
from websockets.exceptions import InvalidStatus

from api.representation.notices import tell
from api.subscriptions import limits
from api.subscriptions import sockets as ours
from domain.database import open_engine
from domain.values import utc_now
from tests.api.conftest import AUTH, started
from tests.api.consenting import citizen, clinic, terms
from tests.api.documents.conftest import Shelf
from tests.api.families import family_of
from tests.api.subscriptions.conftest import CONSENT, INBOX, RECORD, served, until
from tests.auth.proofs import Key

LABS = "record:labs:read record:vitals:read"


async def test_tells_the_first_event_at_once_and_then_what_changed(line):
    mine = await citizen(line.book, scope=LABS)
    async with line.phone(mine.token) as phone:
        id_, first = await phone.follow(RECORD)
        assert first == {"patientId": str(mine.patient_id), "sections": ["labs", "vitals"], "revision": None}
        await line.change(mine.patient_id, 7, labs=[""], conditions=[""])
        assert await phone.next(id_) == {"patientId": str(mine.patient_id), "sections": ["labs"], "revision": 7}


async def test_what_comes_while_nothing_is_told_is_told_as_one(line):
    mine = await citizen(line.book, scope=LABS)
    async with line.phone(mine.token) as phone:
        id_, _ = await phone.follow(RECORD)
        await line.change(mine.patient_id, 1, labs=[""])
        assert (await phone.next(id_))["revision"] == 1
        many = {revision: {"vitals" if revision % 2 else "labs": [""]} for revision in range(2, 40)}
        await line.changes(mine.patient_id, many)
        assert await phone.next(id_) == {
            "patientId": str(mine.patient_id), "sections": ["labs", "vitals"], "revision": 39,
        }  # fmt: skip


async def test_a_label_that_is_closed_to_the_reader_is_not_betrayed_by_an_event(line):
    mine, reader = await citizen(line.book), await clinic(line.book)
    await mine.grant(reader.reader, terms("labs", "vitals"))
    async with line.phone(reader.token) as phone:
        id_, _ = await phone.follow(RECORD, id=str(mine.patient_id))
        await line.change(mine.patient_id, 5, labs=["HIV"])
        await line.change(mine.patient_id, 6, labs=["HIV"], vitals=[""])
        assert (await phone.next(id_))["sections"] == ["vitals"]


async def test_other_people_s_changes_are_told_to_nobody_else(line):
    mine, other = await citizen(line.book, 0, LABS), await citizen(line.book, 1, LABS)
    async with line.phone(mine.token) as phone:
        id_, _ = await phone.follow(RECORD)
        await line.change(other.patient_id, 8, labs=[""])
        await line.change(mine.patient_id, 9, labs=[""])
        assert (await phone.next(id_))["revision"] == 9
        foreign = await phone.subscribe(RECORD, id=str(other.patient_id))
        assert await phone.error(foreign) == "NOT_FOUND"


async def test_consents_and_the_inbox_are_told(line):
    mine, reader = await citizen(line.book), await clinic(line.book)
    async with line.phone(mine.token) as phone:
        consents, first = await phone.follow(CONSENT)
        assert first["patientId"] == str(mine.patient_id)
        await mine.grant(reader.reader, terms("labs"))
        assert (await phone.next(consents))["patientId"] == str(mine.patient_id)
        inbox, before = await phone.follow(INBOX)
        await line.book.sql("select pg_notify('inbox', $1)", f'{{"citizens": ["{mine.citizen_id}"]}}')
        assert await phone.next(inbox) == before


async def test_an_unread_notice_is_counted(line):
    family = await family_of(line.book)
    mother = await family.of(family.mother)
    async with line.phone(mother) as phone:
        inbox, before = await phone.follow(INBOX)
        engine = open_engine(line.book.database.owner)
        async with AsyncSession(engine) as session:
            told = {"patient_id": family.child, "subject_id": family.right, "now": utc_now()}
            await session.run_sync(lambda db: tell(db, [family.mother], "delegation", **told))
            await session.commit()
        await engine.dispose()
        assert (await phone.next(inbox))["unread"] == before["unread"] + 1


@pytest.mark.parametrize(("query", "code"), [(CONSENT, "INSUFFICIENT_SCOPE"), (RECORD, "INSUFFICIENT_SCOPE")])
async def test_a_token_that_does_not_reach_is_told_which_scope_is_missing(line, query, code):
    mine = await citizen(line.book, scope="log:read")
    async with line.phone(mine.token) as phone:
        assert await phone.error(await phone.subscribe(query)) == code


async def test_a_facility_follows_neither_consents_nor_an_inbox(line):
    mine, reader = await citizen(line.book), await clinic(line.book)
    token = await line.book.token(None, f"consent:read {LABS}", "clinic-0")
    assert reader
    async with line.phone(token) as phone:
        assert await phone.error(await phone.subscribe(CONSENT, id=str(mine.patient_id))) == "FORBIDDEN"
        assert await phone.error(await phone.subscribe(INBOX)) == "NOT_FOUND"


async def test_a_token_that_is_no_longer_good_closes_with_4403_and_a_dead_grant_with_4401(line):
    mine = await citizen(line.book, scope=LABS)
    async with line.phone() as phone:
        await phone.send(type="connection_init", payload={"Authorization": f"Bearer {mine.token}x"})
        assert await phone.closed() == 4403
    await line.book.sql("update auth.token_grant set revoked_at = now(), revoke_reason = 'test'")
    async with line.phone(mine.token) as phone:
        assert await phone.error(await phone.subscribe(RECORD)) == "UNAUTHENTICATED"
        assert await phone.closed() == 4401


async def test_a_token_may_come_in_the_handshake_but_never_in_the_address(line):
    mine = await citizen(line.book, scope=LABS)
    async with line.phone(additional_headers={"Authorization": f"Bearer {mine.token}"}) as phone:
        await phone.send(type="connection_init")
        assert await phone.receive() == {"type": "connection_ack"}
    address = f"ws://127.0.0.1:{line.port}/graphql?access_token={mine.token}"
    async with sockets.connect(address, subprotocols=["graphql-transport-ws"]) as socket:
        await socket.send('{"type": "connection_init"}')
        await socket.wait_closed()
        assert socket.close_code == 4403


async def test_a_bound_token_needs_a_proof_of_its_key_which_is_used_once(line):
    key, mine = Key(), await citizen(line.book)
    token = await line.book.token(mine.citizen_id, LABS, jkt=key.jkt)
    proof = key.proof(f"{AUTH.issuer}/graphql", "GET", token=token)
    for payload, is_let_in in [
        ({"Authorization": f"Bearer {token}"}, False),
        ({"Authorization": f"DPoP {token}"}, False),
        ({"Authorization": f"DPoP {token}", "DPoP": Key().proof(f"{AUTH.issuer}/graphql", "GET", token=token)}, False),
        ({"Authorization": f"DPoP {token}", "DPoP": proof}, True),
        ({"Authorization": f"DPoP {token}", "DPoP": proof}, False),
    ]:
        async with line.phone() as phone:
            await phone.send(type="connection_init", payload=payload)
            if is_let_in:
                assert await phone.receive() == {"type": "connection_ack"}
            else:
                assert await phone.closed() == 4403


WRONG = [
    ("not json", 4400),
    ("[]", 4400),
    ("7", 4400),
    ('{"type": 7}', 4400),
    ('{"no": "type"}', 4400),
    ('{"type": "connection_terminate"}', 4400),
    ('{"type": "subscribe", "payload": {"query": "subscription { inboxChanged { unread } }"}}', 4400),
    ('{"type": "subscribe", "id": "", "payload": {"query": "x"}}', 4400),
    ('{"type": "subscribe", "id": 7, "payload": {"query": "x"}}', 4400),
    ('{"type": "subscribe", "id": "%s", "payload": {"query": "x"}}' % ("a" * 129), 4400),
    ('{"type": "subscribe", "id": "1", "payload": null}', 4400),
    ('{"type": "subscribe", "id": "1", "payload": {"query": 7}}', 4400),
    ('{"type": "subscribe", "id": "1", "payload": {"query": "x", "variables": []}}', 4400),
    ('{"type": "complete"}', 4400),
    ('{"type": "connection_init"}', 4429),
    ("[" * 5000, 4400),
    ('{"type": "ping", "payload": "%s"}' % ("a" * 40_000), 1009),
    ('{"type": "ping", "payload": "%s"}' % ("a" * 400_000), 1009),
    (b"\x00\xff", 4400),
]


@pytest.mark.parametrize(("message", "code"), WRONG, ids=range(len(WRONG)))
async def test_what_the_protocol_does_not_know_closes_the_socket(protocol_line, message, code):
    line, token = protocol_line
    async with line.phone(token) as phone:
        await phone.socket.send(message)
        assert await phone.closed() == code


@pytest.fixture(scope="module")
async def protocol_line(databases, populated):
    """One book for all of what is wrong with messages alone."""
    async with started(databases, populated) as book, served(book) as line:
        yield line, await book.token(book.citizens[0], LABS)


DOCUMENTS = [
    ("{ me { clientId } }", "NOT_A_SUBSCRIPTION"),
    ('mutation { withdrawConsent(id: "x") { id } }', "NOT_A_SUBSCRIPTION"),
    ("subscription { inboxChanged { unread } recordChanged { revision } }", "GRAPHQL_VALIDATION_FAILED"),
    ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
    ("subscription {", "GRAPHQL_PARSE_FAILED"),
    ('subscription { recordChanged(patientId: "\\u0000") { revision } }', "INVALID"),
    ('subscription { recordChanged(patientId: "x") { revision } }', "INVALID"),
    ("subscription A { inboxChanged { unread } } query B { me { clientId } }", "OPERATION_RESOLUTION_FAILURE"),
]


@pytest.mark.parametrize(("query", "code"), DOCUMENTS, ids=range(len(DOCUMENTS)))
async def test_a_document_that_is_no_subscription_is_an_error_of_that_operation_alone(protocol_line, query, code):
    line, token = protocol_line
    async with line.phone(token) as phone:
        id_ = await phone.subscribe(query)
        message = await phone.receive()
        assert (message["type"], message["id"]) == ("error", id_)
        assert message["payload"][0].get("extensions", {}).get("code") == code
        await phone.send(type="ping")
        assert await phone.receive() == {"type": "pong"}


async def test_a_subscription_pays_for_its_document_and_its_beginning(line, monkeypatch):
    """Abuse 3: what is refused to a query is refused here, and the socket lives on."""
    mine, toll = await citizen(line.book, scope=LABS), line.book.app.state.services.toll
    async with line.phone(mine.token) as phone:
        assert await phone.error(await phone.subscribe(RECORD, id="x" * 20_000)) == "VARIABLES_TOO_LARGE"
        monkeypatch.setattr(toll, "_allowed", 1)
        assert await phone.error(await phone.subscribe(RECORD)) == "QUERY_TOO_EXPENSIVE"
        monkeypatch.undo()
        for account in toll._budgets._accounts.values():  # all of it is spent, for a minute from now on
            account.left, account.rest, account.ends_at = 0, 0, time.monotonic() + 60
        assert await phone.error(await phone.subscribe(RECORD)) == "RATE_LIMITED"
        assert await phone.error(await phone.subscribe(RECORD.replace("revision", "at: revision"))) == "RATE_LIMITED"


async def test_a_client_of_trusted_documents_follows_those_and_no_others(line, monkeypatch):
    monkeypatch.setattr("api.documents.published.LOOK_AGAIN_S", 0.0)
    mine = await citizen(line.book, scope=LABS)
    shelf = Shelf(line.book, mine.token)
    document_id = await shelf.publish(RECORD)
    await shelf.restrict()
    await shelf.looked()
    async with line.phone(mine.token) as phone:
        await phone.send(id="known", type="subscribe", payload={"documentId": document_id})
        assert set(await phone.next("known")) == {"patientId", "sections", "revision"}
        assert await phone.error(await phone.subscribe(f"{RECORD} ")) == "DOCUMENT_NOT_TRUSTED"
        await phone.send(id="unknown", type="subscribe", payload={"documentId": "0" * 64})
        assert await phone.error("unknown") == "PERSISTED_DOCUMENT_NOT_FOUND"


async def test_an_id_is_used_once_at_a_time_and_free_again_after_complete(protocol_line):
    line, token = protocol_line
    async with line.phone(token) as phone:
        id_, _ = await phone.follow(RECORD)
        await phone.send(id=id_, type="complete")
        phone.number -= 1
        assert (await phone.follow(RECORD))[0] == id_
        await phone.send(id=id_, type="subscribe", payload={"query": RECORD})
        assert await phone.closed() == 4409


async def test_subscribing_before_the_token_is_4401_and_pings_are_answered(protocol_line):
    line, _ = protocol_line
    async with line.phone() as phone:
        await phone.send(type="ping")
        assert await phone.receive() == {"type": "pong"}
        await phone.subscribe(RECORD)
        assert await phone.closed() == 4401


async def test_a_socket_that_says_nothing_is_closed(protocol_line, monkeypatch):
    monkeypatch.setattr(ours, "INIT_S", 0.2)
    line, _ = protocol_line
    async with line.phone() as phone:
        assert await phone.closed() == 4408


async def test_a_socket_holds_so_many_subscriptions_and_sends_so_many_messages(protocol_line, monkeypatch):
    line, token = protocol_line
    monkeypatch.setattr(ours, "MOST_MESSAGES", 60)
    async with line.phone(token) as phone:
        for _ in range(limits.MOST_SUBSCRIPTIONS):
            await phone.follow(INBOX)
        assert await phone.error(await phone.subscribe(INBOX)) == "TOO_MANY_SUBSCRIBERS"
        for _ in range(60):
            await phone.send(type="ping")
        assert await phone.closed() == 1008


async def test_a_page_of_another_origin_may_not_listen(protocol_line):
    line, token = protocol_line
    for origin in ("https://evil.example", "null"):
        with pytest.raises(InvalidStatus) as refused:
            async with line.phone(origin=origin):
                pass
        assert refused.value.response.status_code == 403
    async with line.phone(token, origin=AUTH.issuer) as phone:
        await phone.follow(RECORD)


async def test_another_subprotocol_is_4406(protocol_line):
    line, _ = protocol_line
    async with sockets.connect(f"ws://127.0.0.1:{line.port}/graphql") as socket:
        await socket.wait_closed()
        assert socket.close_code == 4406


async def test_seats_are_counted_by_process_client_and_citizen(book):
    live = book.app.state.services.live
    live._room = limits.Room(limits.Seats(process=4, client=1, citizen=2))
    first, second = await citizen(book, 0, LABS), await citizen(book, 1, LABS)
    reader = await clinic(book)
    async with served(book) as line:
        async with line.phone(first.token), line.phone(first.token) as phone:
            async with line.phone() as third:
                await third.send(type="connection_init", payload={"Authorization": f"Bearer {first.token}"})
                assert await third.closed() == 1013
            async with line.phone(second.token), line.phone(reader.token), line.phone() as full:
                await full.send(type="connection_init", payload={"Authorization": f"Bearer {second.token}"})
                assert await full.closed() == 1013
            await phone.follow(RECORD)
        async with line.phone(first.token):
            pass
        waiting = [
            await sockets.connect(f"ws://127.0.0.1:{line.port}/graphql", subprotocols=["graphql-transport-ws"])
            for _ in range(4)
        ]
        with pytest.raises(InvalidStatus) as refused:
            async with line.phone():
                pass
        assert refused.value.response.status_code == 503
        for one in waiting:
            await one.close()


async def test_who_leaves_leaves_nothing_behind(line):
    mine = await citizen(line.book, scope=f"{LABS} consent:read")
    async with line.phone(mine.token) as phone:
        for query in (RECORD, INBOX, CONSENT):
            await phone.follow(query)
        id_, _ = await phone.follow(RECORD)
        await phone.send(id=id_, type="complete")
    await until(lambda: not line.hub.topics)


async def test_the_server_says_that_it_goes_away(line):
    mine = await citizen(line.book, scope=LABS)
    async with line.phone(mine.token) as phone, line.phone() as idle:
        await phone.follow(RECORD)
        await line.book.app.state.services.live.close()
        assert (await phone.closed(), await idle.closed()) == (1001, 1001)
        with pytest.raises(InvalidStatus):
            async with line.phone():
                pass
