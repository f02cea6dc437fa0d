"""Every decision leaves a signed receipt that anybody verifies offline, and an event nobody changes unseen."""

import asyncio
import base64
import hashlib
import json
from typing import Any

import asyncpg
import jwt
import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from auth.signing.keys import RECEIPT, rotate
from domain.consents import events
from domain.consents.tables import ConsentEvent
from domain.database import open_engine
from domain.values import utc_now
from tests.api.conftest import AUTH, Book
from tests.api.consenting import WITHDRAW, Citizen, app, citizen, clinic, terms

PROOF = """query($id: ID!) { consentReceipt(id: $id) {
    consent { status } text { body hash } events { place kind version receipt } } }"""


async def verified(book: Book, receipt: str) -> dict[str, Any]:
    """With PyJWT and the public keys alone; receipts are signed with another library."""
    published = (await book.client.get("/oauth/receipt-jwks")).json()["keys"]
    keys = {key["kid"]: jwt.PyJWK(key) for key in published}
    header = jwt.get_unverified_header(receipt)
    assert (header["alg"], header["typ"]) == ("ES256", "consent-receipt+jwt")
    assert all("d" not in key for key in published)
    return jwt.decode(
        receipt, keys[header["kid"]], algorithms=["ES256"], issuer=AUTH.issuer, options={"verify_iat": False}
    )


async def proof(person: Citizen, consent: dict) -> list[dict]:
    return (await person.ask(PROOF, id=consent["id"]))["events"]


async def chain(book: Book) -> list[ConsentEvent]:
    engine = open_engine(book.database.owner)
    async with async_sessionmaker(engine)() as session:
        from sqlalchemy import select

        rows = (await session.scalars(select(ConsentEvent).order_by(ConsentEvent.patient_id, ConsentEvent.place))).all()
    await engine.dispose()
    return list(rows)


async def test_a_receipt_says_what_was_decided_and_is_verified_with_another_library(book: Book) -> None:
    person, place = await citizen(book), await clinic(book)
    wish = terms("labs", "vitals", sensitive=["HIV"], dataFrom="2025-01-01")
    consent = await person.grant(place.reader, wish)
    shown = (await person.ask(PROOF, id=consent["id"]))["text"]
    [event] = await proof(person, consent)
    told = await verified(book, event["receipt"])
    assert told["event"] == "granted"
    assert (told["place"], told["version"], told["kind"]) == (1, 1, "written_request")
    assert told["grantee"] == {"id": str(place.organization_id), "code": consent["reader"]["code"], "name": place.name}
    assert (told["purposes"], told["sections"]) == (["TREAT"], ["labs", "vitals"])
    assert told["sensitive"] == ["HIV"]
    assert "MENTAL" in told["excluded"]
    assert "HIV" not in told["excluded"]
    assert (told["data_from"], told["data_to"]) == ("2025-01-01", None)
    assert told["decided_by"]["role"] == "self"
    assert told["decided_by"]["acr"] == "demo"
    assert told["notice"] == {"sha256": shown["hash"], "template": "written_request", "version": 1, "language": "vi"}
    digest = base64.urlsafe_b64encode(hashlib.sha256(shown["body"].encode()).digest()).decode().rstrip("=")
    assert digest == shown["hash"]


async def test_it_names_the_person_to_each_reader_by_another_name_and_nobody_by_his_own(book: Book) -> None:
    person, place, elsewhere = await citizen(book), await clinic(book), await clinic(book, 1)
    told = []
    for reader in (place, elsewhere, place):
        [event] = await proof(person, await person.grant(reader.reader, terms("labs")))
        told.append(await verified(book, event["receipt"]))
        assert str(person.patient_id) not in json.dumps(told[-1])
    assert told[0]["sub"] == told[2]["sub"] != told[1]["sub"]


async def test_a_withdrawal_is_a_second_signed_event(book: Book) -> None:
    person, place = await citizen(book), await clinic(book)
    wish = terms("labs", "vitals")
    consent = await person.grant(place.reader, wish)
    first = (await proof(person, consent))[0]
    await person.narrow(consent, wish | {"sections": ["labs"]})
    await person.ask(WITHDRAW, id=consent["id"])
    history = await proof(person, consent)
    assert [one["kind"] for one in history] == ["GRANTED", "NARROWED", "WITHDRAWN"]
    assert history[0] == first
    told = [await verified(book, one["receipt"]) for one in history]
    assert [one["version"] for one in told] == [1, 2, 3]
    assert [one["sections"] for one in told] == [["labs", "vitals"], ["labs"], ["labs"]]
    assert [one["withdrawn_at"] is None for one in told] == [True, True, False]
    previous = bytes(32)
    for claims in told:  # each receipt proves the one before it, with nothing but the receipts
        assert claims["prev"] == events.base64url(previous)
        event = {name: value for name, value in claims.items() if name != "iss"}
        previous = events.chained(previous, event)


async def test_a_changed_receipt_is_no_receipt(book: Book) -> None:
    person, place = await citizen(book), await clinic(book)
    [event] = await proof(person, await person.grant(place.reader, terms("labs")))
    header, payload, signature = event["receipt"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    wider = json.dumps(claims | {"sections": ["labs", "vitals"]}).encode()
    forged = ".".join((header, base64.urlsafe_b64encode(wider).decode().rstrip("="), signature))
    with pytest.raises(jwt.InvalidSignatureError):
        await verified(book, forged)


async def test_a_receipt_is_no_access_token(book: Book) -> None:
    """Abuse 19: other typ, other key."""
    person, place = await citizen(book), await clinic(book)
    [event] = await proof(person, await person.grant(place.reader, terms("labs")))
    answer = await book.post("{ me { id } }", event["receipt"])
    assert answer.status_code == 401


async def test_it_is_verified_after_the_key_was_rotated_twice(book: Book) -> None:
    person, place = await citizen(book), await clinic(book)
    [event] = await proof(person, await person.grant(place.reader, terms("labs")))
    engine = open_engine(book.database.auth)
    for _ in range(2):
        async with async_sessionmaker(engine)() as session:
            await rotate(session, AUTH.kek, utc_now(), use=RECEIPT)
            await session.commit()
    await engine.dispose()
    assert (await verified(book, event["receipt"]))["event"] == "granted"


async def test_events_of_one_person_are_one_chain_also_when_made_at_once(book: Book) -> None:
    """Eight phones at a time: places 1 to 16 without a gap, every hash on the one before (abuse 39)."""
    person, place = await citizen(book), await clinic(book)
    consents = await asyncio.gather(*(person.grant(place.reader, terms("labs")) for _ in range(8)))
    await asyncio.gather(*(person.ask(WITHDRAW, id=one["id"]) for one in consents))
    history = await chain(book)
    assert [one.place for one in history] == list(range(1, 17))
    assert events.broken_at(history) is None


async def test_39_of_many_withdrawals_at_once_one_is_made(book: Book) -> None:
    person, place = await citizen(book), await clinic(book)
    consent = await person.grant(place.reader, terms("labs"))
    answers = await asyncio.gather(*(person.ask(WITHDRAW, id=consent["id"]) for _ in range(8)))
    assert len({one["withdrawnAt"] for one in answers}) == 1
    assert [one.kind for one in await chain(book)] == ["granted", "withdrawn"]


async def test_a_narrowing_never_brings_back_what_was_withdrawn_at_the_same_moment(book: Book) -> None:
    person, place = await citizen(book), await clinic(book)
    wish = terms("labs", "vitals")
    for _ in range(5):
        consent = await person.grant(place.reader, wish)
        await asyncio.gather(
            person.narrow(consent, wish | {"sections": ["labs"]}), person.ask(WITHDRAW, id=consent["id"])
        )
        assert await place.reads(person.patient_id, "labs", "vitals") == {"labs": None, "vitals": None}
    assert events.broken_at(await chain(book)) is None


async def test_a_change_in_the_history_is_found(book: Book) -> None:
    person, place = await citizen(book), await clinic(book)
    for _ in range(3):
        await person.grant(place.reader, terms("labs"))
    assert events.broken_at(await chain(book)) is None
    for change in (
        "snapshot = jsonb_set(snapshot, '{sections}', '[\"vitals\"]')",
        "kind = 'withdrawn'",
        "version = 7",
        "at = at - interval '1 day'",
        "previous_hash = hash",
        "hash = previous_hash",
    ):
        connection = await asyncpg.connect(book.database.owner)
        await connection.execute("create table kept as select * from access.consent_event")
        await connection.execute(f"update access.consent_event set {change} where place = 2")
        assert events.broken_at(await chain(book)) == 2, change
        await connection.execute("delete from access.consent_event")
        await connection.execute("insert into access.consent_event select * from kept")
        await connection.execute("drop table kept")
        await connection.close()
    await book.sql("delete from access.consent_event where place = 2")
    assert events.broken_at(await chain(book)) == 2


async def test_the_writing_role_cannot_change_the_history(book: Book) -> None:
    person, place = await citizen(book), await clinic(book)
    await person.grant(place.reader, terms("labs"))
    connection = await asyncpg.connect(book.database.consent)
    await connection.execute("select set_config('app.persons', $1, false)", str(person.patient_id))
    for statement in (
        "update access.consent_event set kind = 'withdrawn'",
        "delete from access.consent_event",
        "update access.consent set granted_by = patient_id",
        "update access.consent set valid_from = now()",
        "delete from access.consent",
        "update access.consent_text set body = 'x'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()


async def test_an_apps_receipt_names_the_app(book: Book) -> None:
    person = await citizen(book)
    [[citizen_id]] = await book.sql("select id from access.citizen where patient_id = $1", person.patient_id)
    phone = await app(book, citizen_id)
    [event] = await proof(person, await person.grant(phone.reader, terms("labs", purposes=["PATRQT"])))
    told = await verified(book, event["receipt"])
    assert told["grantee"] == {"id": "steps", "code": "", "name": phone.name}
    assert told["notice"]["template"] == "app"
