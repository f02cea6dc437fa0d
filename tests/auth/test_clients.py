"""Registration of clients, and the demo's token."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from auth.clients import issue_demo_token, public_jwks, register, register_facility, register_phone
from auth.opaque import digest
from auth.tables import OAuthClient, TokenGrant
from domain.errors import Invalid, NotFound
from tests.auth.conftest import BLUE
from tests.auth.test_bearer import JWK, KEY

THIRD_PARTY = {
    "name": "Ứng dụng Cam",
    "kind": "third_party",
    "auth_method": "none",
    "grant_types": ["authorization_code"],
    "scope": "openid record:labs:read",
    "redirect_uris": ["https://cam.example.vn/cb"],
}


async def test_a_secret_is_told_once_and_stored_as_a_hash(sessions):
    async with sessions() as session:
        registered = await register_facility(session, name="Trạm", organization_id=uuid4(), scope="record:submit")
        client = await session.get(OAuthClient, registered.client_id)
    assert client.secret_hash == digest(registered.secret)
    assert len(registered.secret) == 43


async def test_the_phone_may_be_registered_at_every_start(sessions):
    for scope in ("openid", "openid record:labs:read"):
        async with sessions() as session:
            await register_phone(session, scope)
            await session.commit()
    async with sessions() as session:
        assert (await session.scalar(select(OAuthClient.scope))) == "openid record:labs:read"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"client_id": "a b"}, "client_id"),
        ({"client_id": "x" * 65}, "client_id"),
        ({"redirect_uris": []}, "redirect_uris"),
        ({"redirect_uris": ["http://cam.example.vn/cb"]}, "redirect_uris"),
        ({"grant_types": ["client_credentials"]}, "redirect_uris"),
        ({"auth_method": "private_key_jwt", "jwks": {"keys": []}}, "jwks"),
    ],
)
async def test_refuses_what_could_not_be_trusted(sessions, changes, field):
    async with sessions() as session:
        with pytest.raises(Invalid) as refused:
            await register(session, **(THIRD_PARTY | changes))
    assert refused.value.field == field


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "admin"},
        {"status": "sleeping"},
        {"auth_method": "client_secret_post"},
        {"auth_method": "private_key_jwt"},
        {"kind": "facility"},
        {"kind": "facility", "auth_method": "client_secret_basic"},
    ],
)
async def test_the_database_refuses_impossible_clients(sessions, changes):
    async with sessions() as session:
        with pytest.raises(IntegrityError):
            await register(session, **(THIRD_PARTY | changes))


@pytest.mark.parametrize(
    "keys",
    [
        None,
        [],
        ["x"],
        [{"kty": "oct", "k": "c2VjcmV0"}],
        [{**JWK, "d": "x"}],
        [{**JWK, "crv": "P-521"}],
        [{**JWK, "x": "!"}],
        [JWK, JWK],
        [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}],
        [{**JWK, "kid": str(number)} for number in range(9)],
    ],
)
def test_refuses_key_sets_that_cannot_verify_anything(keys):
    with pytest.raises(Invalid):
        public_jwks({"keys": keys})


def test_accepts_a_public_key():
    assert KEY
    assert public_jwks({"keys": [JWK], "more": "dropped"}) == {"keys": [JWK]}


async def test_the_demo_token_stands_on_a_real_grant(sessions, settings, ring, verifier, phone):
    async with sessions() as session:
        token = await issue_demo_token(
            session, ring, settings, citizen_id=BLUE, scope="record:labs:read", life=timedelta(hours=1)
        )
        await session.commit()
    caller = verifier.verify(token)
    assert (caller.subject, caller.scopes) == (BLUE, {"record:labs:read"})
    async with sessions() as session:
        grant = await session.get(TokenGrant, caller.grant_id)
    assert grant.expires_at - grant.created_at == timedelta(hours=1)
    assert phone


async def test_there_is_no_demo_token_without_the_demo(sessions, settings, ring):
    async with sessions() as session:
        with pytest.raises(NotFound):
            await issue_demo_token(
                session, ring, replace(settings, demo_sign_in=False), citizen_id=BLUE, scope="", life=timedelta(hours=1)
            )
