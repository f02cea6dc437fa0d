"""Registration of clients, and the demo's token."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from auth.clients.profiles import PROFILES
from auth.clients.registration import (
    activate,
    issue_demo_token,
    public_jwks,
    register,
    register_clinician_app,
    register_facility,
    register_phone,
    replace_jwks,
    rotate_secret,
    suspend,
)
from auth.opaque import digest
from auth.scopes import OWN, scopes_allowed
from auth.tables import OAuthClient, TokenGrant
from domain.errors import Invalid, NotFound
from domain.values import utc_now
from tests.auth.conftest import BLUE
from tests.auth.tokens.test_bearer import JWK, KEY

THIRD_PARTY = {
    "name": "Ứng dụng Cam",
    "kind": "third_party",
    "auth_method": "none",
    "grant_types": ["authorization_code"],
    "scope": "openid record:labs:read",
    "redirect_uris": ["https://cam.example.vn/cb"],
}
FACILITY = {
    "kind": "facility",
    "auth_method": "client_secret_basic",
    "grant_types": ["client_credentials"],
    "scope": "record:submit",
    "redirect_uris": [],
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
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "Cam\x00"}, "name"),
        ({"name": "Cam \u202egnod"}, "name"),
        ({"redirect_uris": []}, "redirect_uris"),
        ({"redirect_uris": ["http://cam.example.vn/cb"]}, "redirect_uris"),
        ({"post_logout_redirect_uris": ["javascript:alert(1)"]}, "redirect_uris"),
        ({"redirect_uris": ["https://cam.example.vn/cb"] * 21}, "redirect_uris"),
        ({"grant_types": ["client_credentials"]}, "grant_types"),
        ({"grant_types": []}, "grant_types"),
        ({"grant_types": ["refresh_token"], "redirect_uris": []}, "grant_types"),
        ({"scope": "openid consent:manage"}, "scope"),
        ({"scope": "record:submit"}, "scope"),
        ({"kind": "admin"}, "kind"),
        ({"kind": "first_party", "auth_method": "private_key_jwt", "jwks": {"keys": [JWK]}}, "auth_method"),
        ({"auth_method": "client_secret_post"}, "auth_method"),
        ({"auth_method": "private_key_jwt"}, "jwks"),
        ({"auth_method": "private_key_jwt", "jwks": {"keys": []}}, "jwks"),
        ({"jwks": {"keys": [JWK]}}, "jwks"),
        ({"organization_id": uuid4()}, "organization_id"),
        (FACILITY | {"auth_method": "none"}, "auth_method"),
        (FACILITY, "organization_id"),
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
        {"kind": "facility", "auth_method": "client_secret_basic", "secret_hash": b"x"},
    ],
)
async def test_the_database_refuses_impossible_clients(sessions, changes):
    """The second wall, should a registration ever go round the rules."""
    row = {"client_id": "cam", "status": "active", "created_at": utc_now(), **THIRD_PARTY, **changes}
    async with sessions() as session:
        session.add(OAuthClient(**row))
        with pytest.raises(IntegrityError):
            await session.flush()


@pytest.mark.parametrize("kind", PROFILES)
def test_no_profile_reaches_beyond_what_its_kind_may_use(kind):
    profile = PROFILES[kind]
    assert profile.scopes & OWN.keys() <= scopes_allowed(kind)
    assert profile.excess(["openid", "record:labs:read", "record:own:read", "record::read", "nonsense"])[-2:] == [
        "record::read",
        "nonsense",
    ]
    assert "client_secret_basic" not in profile.auth_methods or kind == "facility"


async def test_what_is_asked_of_a_client_follows_its_kind(sessions):
    def app(client_id, **changes):
        return register(session, **(THIRD_PARTY | {"client_id": client_id} | changes))

    signed = {"auth_method": "private_key_jwt", "jwks": {"keys": [JWK]}}
    async with sessions() as session:
        await app("third")
        await app("sandbox-public", kind="sandbox")
        await app("sandbox-signed", kind="sandbox", **signed)
        await app("told", requires_par=False)
        await app("first", kind="first_party")
        await register_phone(session, "openid")
        await register_clinician_app(
            session,
            client_id="ward",
            name="Khoa Nội",
            organization_id=uuid4(),
            scope="openid record:labs:read emergency:open",
            redirect_uris=["https://ward.example.vn/cb"],
            jwks={"keys": [JWK]},
        )
        await session.commit()
        rows = (await session.scalars(select(OAuthClient))).all()
    asked = {row.client_id: (row.requires_par, row.requires_dpop) for row in rows}
    assert asked == {
        "third": (True, False),
        "sandbox-public": (False, False),
        "sandbox-signed": (True, False),
        "told": (False, False),
        "first": (False, True),
        "healthbook-phone": (False, False),
        "ward": (True, False),
    }


async def test_a_third_party_waits_for_its_review(sessions, http):
    async with sessions() as session:
        registered = await register(
            session,
            name="Ứng dụng Cam",
            kind="third_party",
            auth_method="none",
            grant_types=("authorization_code",),
            scope="openid",
            redirect_uris=["https://cam.example.vn/cb"],
            status="pending",
        )
        await session.commit()
    form = {"grant_type": "authorization_code", "code": "x", "client_id": registered.client_id}
    assert (await http.post("/oauth/token", data=form)).json()["error"] == "invalid_client"
    async with sessions() as session:
        await activate(session, registered.client_id)
        await session.commit()
    assert (await http.post("/oauth/token", data=form)).json()["error"] == "invalid_grant"


async def test_a_suspended_client_gets_nothing_until_it_is_activated(sessions, http, facility):
    async def asks():
        return (
            await http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=facility.auth)
        ).status_code

    assert await asks() == 200
    for change, status in ((suspend, 401), (activate, 200)):
        async with sessions() as session:
            await change(session, facility.client_id)
            await session.commit()
        assert await asks() == status


async def test_a_rotated_secret_replaces_the_old_one_at_once(sessions, http, facility):
    async with sessions() as session:
        secret = await rotate_secret(session, facility.client_id)
        await session.commit()
    form = {"grant_type": "client_credentials"}
    assert (await http.post("/oauth/token", data=form, auth=facility.auth)).status_code == 401
    assert (await http.post("/oauth/token", data=form, auth=(facility.client_id, secret))).status_code == 200


async def test_keys_are_replaced_only_where_there_are_keys(sessions, facility):
    async with sessions() as session:
        await register(
            session, **(THIRD_PARTY | {"auth_method": "private_key_jwt", "jwks": {"keys": [JWK]}, "client_id": "cam"})
        )
        await replace_jwks(session, "cam", {"keys": [{**JWK, "kid": "k2"}]})
        assert [key["kid"] for key in (await session.get_one(OAuthClient, "cam")).jwks["keys"]] == ["k2"]
        for refused in (replace_jwks(session, facility.client_id, {"keys": [JWK]}), rotate_secret(session, "cam")):
            with pytest.raises(Invalid):
                await refused


@pytest.mark.parametrize("client_id", ["unknown", "a\x00b", ""])
async def test_a_client_that_is_not_there_is_told(sessions, client_id):
    async with sessions() as session:
        with pytest.raises(NotFound):
            await suspend(session, client_id)


async def test_a_client_past_its_end_is_not_activated_again(sessions):
    async with sessions() as session:
        over = utc_now() - timedelta(seconds=1)
        await register(session, **(THIRD_PARTY | {"kind": "sandbox", "client_id": "old", "expires_at": over}))
        with pytest.raises(Invalid):
            await activate(session, "old")


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
        [{**JWK, "kid": ["k"]}],
        [{**JWK, "kid": "k\x00"}],
        [{**JWK, "kid": "k" * 256}],
        [{**JWK, "use": "enc"}],
        [{**JWK, "alg": "none"}],
        [{**JWK, "alg": "RS384"}],
        [{**JWK, "x": 7}],
        [{**JWK, "kid": str(number)} for number in range(9)],
    ],
)
def test_refuses_key_sets_that_cannot_verify_anything(keys):
    with pytest.raises(Invalid):
        public_jwks({"keys": keys})


def test_accepts_a_public_key():
    assert KEY
    told = {**JWK, "x5u": "http://169.254.169.254/", "jku": "x", "x5c": ["x"], "note": "a\x00b"}
    assert public_jwks({"keys": [told], "more": "dropped"}) == {"keys": [JWK]}


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
