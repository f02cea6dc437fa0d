"""Introspection and revocation, the metadata documents and the JWKS."""

from uuid import UUID

import jwt
import pytest

from auth.tables import TokenGrant
from tests.auth.flows import ISSUER


async def facility_token(http, facility):
    answer = await http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=facility.auth)
    return answer.json()["access_token"]


async def introspect(http, facility, token, **more):
    return await http.post("/oauth/introspect", data={"token": token, **more}, auth=facility.auth)


async def test_a_client_sees_its_own_token(http, facility):
    token = await facility_token(http, facility)
    told = (await introspect(http, facility, token)).json()
    assert told["active"] is True
    assert (told["client_id"], told["sub"]) == (facility.client_id, facility.client_id)
    assert (told["scope"], told["iss"]) == ("record:submit record:labs:read", ISSUER)
    assert {"exp", "iat", "jti", "aud", "token_type"} <= told.keys()


async def test_a_client_sees_nothing_of_others(phone, facility):
    """Abuse 22."""
    tokens = await phone.tokens()
    for token in (tokens["access_token"], tokens["refresh_token"], tokens["id_token"], "unknown", "a.b.c", "x" * 8000):
        answer = await introspect(phone.http, facility, token)
        assert (answer.status_code, answer.json()) == (200, {"active": False})


async def test_a_public_client_may_not_introspect(phone):
    token = (await phone.tokens())["access_token"]
    answer = await phone.http.post("/oauth/introspect", data={"token": token, "client_id": phone.client_id})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense"])
async def test_revoking_either_token_ends_the_grant(phone, sessions, kind, hint):
    tokens = await phone.tokens()
    form = {"token": tokens[kind], "client_id": phone.client_id} | ({"token_type_hint": hint} if hint else {})
    answer = await phone.http.post("/oauth/revoke", data=form)
    assert answer.status_code == 200
    gid = jwt.decode(tokens["access_token"], options={"verify_signature": False})["gid"]
    async with sessions() as session:
        assert (await session.get(TokenGrant, UUID(gid))).revoke_reason == "client_request"
    assert (await phone.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_revoked_token_is_not_active(http, facility):
    token = await facility_token(http, facility)
    await http.post("/oauth/revoke", data={"token": token}, auth=facility.auth)
    assert (await introspect(http, facility, token)).json() == {"active": False}


async def test_revoking_unknown_and_foreign_tokens_is_fine_and_does_nothing(phone, facility):
    tokens = await phone.tokens()
    for token in (tokens["refresh_token"], tokens["access_token"], "unknown"):
        answer = await phone.http.post("/oauth/revoke", data={"token": token}, auth=facility.auth)
        assert (answer.status_code, answer.json()) == (200, {})
    assert (await phone.refresh(tokens["refresh_token"])).status_code == 200


@pytest.mark.parametrize("path", ["/oauth/revoke", "/oauth/introspect"])
async def test_a_request_without_a_token_is_invalid(http, facility, path):
    answer = await http.post(path, data={"x": "y"}, auth=facility.auth)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"])
async def test_metadata_describes_what_there_is(http, path):
    told = (await http.get(path)).json()
    assert told["issuer"] == ISSUER
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["authorization_response_iss_parameter_supported"] is True
    assert {"openid", "record:labs:read", "record:submit"} <= set(told["scopes_supported"])
    assert told["dpop_signing_alg_values_supported"] == ["ES256"]
    assert told["acr_values_supported"] == ["urn:healthbook:acr:1", "urn:healthbook:acr:2"]
    assert told["require_pushed_authorization_requests"] is False
    required = {"response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported"}
    assert required <= told.keys()
    for name in (
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "revocation_endpoint",
        "introspection_endpoint",
        "pushed_authorization_request_endpoint",
        "device_authorization_endpoint",
        "registration_endpoint",
        "userinfo_endpoint",
        "end_session_endpoint",
    ):
        assert told[name].startswith(f"{ISSUER}/oauth/")
        answer = await http.get(told[name].removeprefix(ISSUER))
        assert answer.status_code != 404


async def test_the_jwks_has_the_next_key_too_and_no_private_part(http):
    keys = (await http.get("/oauth/jwks")).json()["keys"]
    assert len(keys) == 2
    for key in keys:
        assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
        assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")
    assert len({key["kid"] for key in keys}) == 2


@pytest.mark.parametrize(
    "path",
    [
        "/oauth/token",
        "/oauth/par",
        "/oauth/revoke",
        "/oauth/introspect",
        "/oauth/consent",
        "/oauth/logout/confirm",
        "/logout",
    ],
)
async def test_what_changes_something_is_never_a_get(http, path):
    assert (await http.get(path)).status_code == 405
