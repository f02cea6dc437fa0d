"""The pass as a clinic meets it: keys fetched once, the network gone, and the few lines of docs/appointments.md."""

import socket
from datetime import timedelta

import jwt
import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from auth.signing.keys import PASS, rotate
from domain.database import open_engine
from domain.values import utc_now
from tests.api.appointments.passes import HAND_IN, booked_today, claims_of, documented, made_earlier, make
from tests.api.conftest import AUTH
from tests.api.test_visits import offer

VERIFY = documented()


class NoNetwork(socket.socket):
    def __init__(self, *_told, **_more):
        raise OSError("the network is gone")


@pytest.fixture
def offline(monkeypatch):
    """From here on nobody connects anywhere."""
    return lambda: monkeypatch.setattr(socket, "socket", NoNetwork)


async def fetched(world):
    return (await world.clinic.book.client.get("/oauth/pass-jwks")).json()


def refused(token, keys, *, issuer=AUTH.issuer, clinic="99000"):
    with pytest.raises(jwt.PyJWTError) as why:
        VERIFY(token, keys, issuer=issuer, clinic=clinic)
    return type(why.value)


async def test_a_clinic_verifies_a_pass_by_the_keys_it_fetched_and_nothing_else(world, offline):
    keys = await fetched(world)
    mine = await booked_today(world)
    shown = await make(world.phone, mine["id"])
    (listed,) = await world.clinic.book.sql("select id from booking.booking")
    offline()
    with pytest.raises(OSError, match="gone"):
        socket.create_connection(("127.0.0.1", 5432))
    claims = VERIFY(shown["token"], keys, issuer=AUTH.issuer, clinic="99000")
    assert claims["appointment"] == str(listed["id"])
    assert claims["minutes"] > 0
    assert refused(shown["token"], keys, clinic="99001") is jwt.InvalidAudienceError
    assert refused(shown["token"], keys, issuer="https://elsewhere.example") is jwt.InvalidIssuerError
    assert refused(shown["token"], {"keys": keys["keys"][:0]}) is not None


async def test_a_tampered_an_expired_and_an_early_pass_are_refused(world, offline, monkeypatch):
    keys = await fetched(world)
    token = (await make(world.phone, (await booked_today(world))["id"]))["token"]
    head, body, signature = token.split(".")
    claims = claims_of(token)
    offline()
    for place in range(0, len(body), 7):
        other = "A" if body[place] != "A" else "B"
        refused(f"{head}.{body[:place]}{other}{body[place + 1 :]}.{signature}", keys)
    refused(f"{head}.{body}.{'A' * len(signature)}", keys)
    refused(f"{head}.{body}.", keys)
    for moment, why in (
        (claims["exp"] + 121, jwt.ExpiredSignatureError),
        (claims["nbf"] - 121, jwt.ImmatureSignatureError),
    ):
        monkeypatch.setattr("jwt.api_jwt.datetime", at(moment))
        assert refused(token, keys) is why
    monkeypatch.setattr("jwt.api_jwt.datetime", at(claims["exp"] - 1))
    assert VERIFY(token, keys, issuer=AUTH.issuer, clinic="99000") == claims


def at(moment):
    """The clinic's clock stands at this second since 1970."""
    from datetime import UTC, datetime

    class Stopped(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.fromtimestamp(moment, tz or UTC)

    return Stopped


async def test_no_other_token_of_the_service_is_a_pass(world):
    keys = await fetched(world)
    shown = await offer(world.phone)
    for other in (world.phone.token, world.desk.token, shown["token"], "", "a.b.c"):
        refused(other, keys)
    every = (await world.clinic.book.client.get("/oauth/jwks")).json()["keys"] + keys["keys"]
    assert refused(world.phone.token, {"keys": every}) is jwt.InvalidTokenError


async def test_keys_of_last_week_verify_a_pass_of_after_the_rotation(world):
    """The next key was listed long before it signed."""
    keys = await fetched(world)
    engine = open_engine(world.clinic.book.database.auth)
    async with async_sessionmaker(engine)() as session:
        await rotate(session, AUTH.kek, utc_now(), use=PASS)
        await session.commit()
    await engine.dispose()
    token = (await make(world.phone, (await booked_today(world))["id"]))["token"]
    assert VERIFY(token, keys, issuer=AUTH.issuer, clinic="99000")["aud"] == "99000"


async def test_what_was_verified_without_a_connection_is_handed_in_when_it_is_back(world):
    keys = await fetched(world)
    token = (await make(world.phone, (await booked_today(world))["id"]))["token"]
    assert VERIFY(token, keys, issuer=AUTH.issuer, clinic="99000")
    came = await made_earlier(world, timedelta(hours=20)) + timedelta(minutes=10)
    again = [await world.desk.get(HAND_IN, **{"pass": token, "at": came.isoformat()}) for _ in range(2)]
    assert again[0] == again[1]
    assert again[0]["outcome"] == "CHECKED_IN"
    assert again[0]["appointment"]["arrivedAt"] == came.isoformat()
