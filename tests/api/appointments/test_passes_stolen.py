"""A check-in pass in the wrong hands: what it says, where it is of no use, and what is no pass at all."""

import base64
import json
from datetime import datetime
from xml.etree import ElementTree as ET

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from sqlalchemy.ext.asyncio import async_sessionmaker

from auth.signing.keys import PASS, RECEIPT, TOKEN, KeyStore, drop
from auth.signing.passes import TYPE, Passes
from domain.database import open_engine
from domain.values import utc_now
from tests.api.appointments.passes import (
    HAND_IN,
    READ,
    SECTIONS,
    booked_today,
    claims_of,
    hand_in,
    make,
    refusal,
    visits,
)
from tests.api.appointments.world import CITIZEN, OTHER
from tests.api.conftest import AUTH


class TestStolen:
    async def test_a_pass_is_of_no_use_at_another_clinic(self, world, desk):
        token = (await make(world.phone, (await booked_today(world))["id"]))["token"]
        other = await world.clinic.desk(OTHER, READ)
        assert await refusal(other, token) == "PASS_OF_ANOTHER_CLINIC"
        assert await world.clinic.read_by(other) == set()
        assert await world.inbox() == ["appointment_booked"]
        await hand_in(desk, token)

    async def test_nor_by_a_forged_audience(self, world):
        """The database knows for which clinic it was made, whoever may hold the key."""
        token = (await make(world.phone, (await booked_today(world))["id"]))["token"]
        forged = await signed(world, PASS, claims_of(token) | {"aud": "99001"})
        assert await refusal(await world.clinic.desk(OTHER, READ), forged) == "PASS_NOT_VALID"

    async def test_nor_to_a_phone(self, world):
        token = (await make(world.phone, (await booked_today(world))["id"]))["token"]
        phone = await world.clinic.phone(scope="visit:manage")
        assert await phone.refused(HAND_IN, **{"pass": token}) == "NOT_FOUND"
        assert (
            await (await world.clinic.desk(scope=CITIZEN)).refused(HAND_IN, **{"pass": token}) == "INSUFFICIENT_SCOPE"
        )

    async def test_a_suspended_clinic_hands_nothing_in_and_gets_no_pass(self, world, desk):
        mine = await booked_today(world)
        token = (await make(world.phone, mine["id"]))["token"]
        sql = world.clinic.book.sql
        await sql("update registry.organization set status = 'suspended' where code = '99000'")
        assert (await desk.book.post(HAND_IN, desk.token, {"pass": token})).status_code == 401
        assert (await make(world.phone, mine["id"]))["refusal"] == "NOT_POSSIBLE_NOW"
        assert await visits(world) == 0
        await sql("update registry.organization set status = 'active' where code = '99000'")
        await hand_in(desk, token)

    async def test_a_denial_is_stronger_and_the_desk_does_not_see_it(self, world, desk):
        token = (await make(world.phone, (await booked_today(world))["id"]))["token"]
        await world.clinic.deny()
        await hand_in(desk, token)
        assert await world.clinic.read_by(desk) == set()

    async def test_a_key_that_was_dropped_takes_its_passes_with_it(self, world):
        token = (await make(world.phone, (await booked_today(world))["id"]))["token"]
        engine = open_engine(world.clinic.book.database.auth)
        async with async_sessionmaker(engine)() as session:
            await drop(session, AUTH.kek, jwt.get_unverified_header(token)["kid"], utc_now())
            await session.commit()
        passes = Passes(KeyStore(async_sessionmaker(engine), AUTH.kek, use=PASS), AUTH.issuer)
        assert await passes.read(token) is None
        await engine.dispose()
        published = (await world.clinic.book.client.get("/oauth/pass-jwks")).text
        assert jwt.get_unverified_header(token)["kid"] not in published


class TestWhatItSays:
    async def test_who_and_when_and_nothing_of_the_person(self, world):
        mine = await booked_today(world)
        shown = await make(world.phone, mine["id"])
        token, claims = shown["token"], claims_of(shown["token"])
        header = jwt.get_unverified_header(token)
        assert (header["typ"], header["alg"]) == (TYPE, "ES256")
        assert set(claims) == {"iss", "aud", "jti", "iat", "nbf", "exp", "appointment", "start", "minutes"}
        assert (claims["iss"], claims["aud"]) == (AUTH.issuer, "99000")
        (row,) = await world.clinic.book.sql("select starts_at from booking.booking")
        start = datetime.fromisoformat(claims["start"])
        assert start == row["starts_at"].replace(second=0, microsecond=0)
        assert start.hour in (11, 12, 13), "on the clinic's own clock"
        assert claims["iat"] <= claims["nbf"] < claims["exp"] <= claims["iat"] + 24 * 3600
        for secret in await private(world):
            assert secret not in json.dumps(claims, ensure_ascii=False).lower()

    async def test_its_name_is_kept_as_a_hash(self, world):
        token = (await make(world.phone, (await booked_today(world))["id"]))["token"]
        rows = await world.clinic.book.sql("select * from booking.check_in_pass")
        assert claims_of(token)["jti"] not in str([dict(row) for row in rows])
        assert len(claims_of(token)["jti"]) >= 43, "256 bits"

    async def test_a_qr_holds_it(self, world):
        shown = await make(world.phone, (await booked_today(world))["id"])
        drawn = ET.fromstring(shown["svg"])
        assert int(drawn.get("width")) == int(drawn.get("height")) > 100
        assert len(shown["token"]) < 700


async def private(world):
    """What a pass must not say: of the patient, of what he comes for, and what leads to them."""
    (person,) = await world.clinic.book.sql(
        "select name, identifiers::text as numbers from book.demographics where patient_id = $1 and shown",
        world.clinic.patient,
    )
    (row,) = await world.clinic.book.sql("select patient_id, service_id, slot_id, booked_by from booking.booking")
    numbers = [one["value"] for one in json.loads(person["numbers"])]
    words = [person["name"], *numbers, "Nguyễn Văn An", "0901 234 567", "KHAM", "Khám", "general", *SECTIONS]
    return [str(one).lower() for one in (*words, *row.values())]


async def signed(world, use, claims, typ=TYPE):
    """Something that a key of ours signed."""
    engine = open_engine(world.clinic.book.database.auth)
    ring = await KeyStore(async_sessionmaker(engine), AUTH.kek, use=use).ring()
    await engine.dispose()
    [key] = ring.signing.keys
    header = {"alg": "ES256", "kid": key.kid, "typ": typ}
    return jws.serialize_compact(header, json.dumps(claims).encode(), key, algorithms=["ES256"])


def b64(told):
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


class TestForged:
    async def test_what_we_did_not_sign_as_a_pass_is_none(self, world, desk):
        token = (await make(world.phone, (await booked_today(world))["id"]))["token"]
        claims, (head, body, signature) = claims_of(token), token.split(".")
        kid = jwt.get_unverified_header(token)["kid"]
        mine = ec.generate_private_key(ec.SECP256R1())
        wrong = [
            f"{head}.{b64(claims | {'aud': '99001'})}.{signature}",
            f"{b64({'alg': 'none', 'kid': kid, 'typ': TYPE})}.{body}.",
            jwt.encode(claims, mine, algorithm="ES256", headers={"kid": kid, "typ": TYPE}),
            jwt.encode(claims, mine, algorithm="ES256", headers={"kid": "x", "typ": TYPE}),
            jwt.encode(claims, "k" * 32, algorithm="HS256", headers={"kid": kid, "typ": TYPE}),
            await signed(world, PASS, claims, typ="consent-receipt+jwt"),
            await signed(world, RECEIPT, claims),
            await signed(world, TOKEN, claims),
            await signed(world, PASS, claims | {"jti": "guessed"}),
            await signed(world, PASS, claims | {"iss": "https://elsewhere.example"}),
            await signed(world, PASS, {name: claims[name] for name in claims if name != "jti"}),
            await signed(world, PASS, claims | {"jti": ["x"]}),
            await signed(world, PASS, []),
            desk.token,
        ]
        for one in wrong:
            assert await refusal(desk, one) == "PASS_NOT_VALID", one
        assert await visits(world) == 0
        await hand_in(desk, token)

    async def test_hostile_text_is_no_fault_of_ours(self, desk):
        odd = f"{b64({'kid': {}, 'typ': TYPE})}.e30.x"
        for text in ["", ".", "..", "a.b.c", "\x01", "é", "x" * 9_000, "e30.e30.e30", odd]:
            assert await refusal(desk, text) == "PASS_NOT_VALID", text
        headers = {"Authorization": f"Bearer {desk.token}", "Content-Type": "application/json"}
        for text in ["\x00", "\ud800", "x" * 70_000]:
            body = json.dumps({"query": HAND_IN, "variables": {"pass": text}})
            answer = await desk.book.client.post("/graphql", content=body, headers=headers)
            assert answer.status_code < 500
            assert "INTERNAL" not in answer.text
