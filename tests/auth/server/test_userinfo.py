"""OpenID Connect userinfo: bearer or bound tokens of a living grant, and nothing for any other."""

from uuid import UUID

import pytest
from sqlalchemy import update

from auth.tables import OAuthClient, TokenGrant
from domain.values import utc_now
from tests.auth.conftest import BLUE, BLUE_PATIENT
from tests.auth.flows import ISSUER, suspend
from tests.auth.grants.test_grant_types import claims_of
from tests.auth.proofs import Key
from tests.auth.tokens.test_dpop import bound

PATH = "/oauth/userinfo"
URL = f"{ISSUER}{PATH}"


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_tells_what_each_scope_adds(phone, method):
    tokens = await phone.tokens(scope="openid profile fhirUser")
    answer = await phone.http.request(method, PATH, headers=bearer(tokens["access_token"]))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json() == {
        "sub": str(BLUE),
        "name": "Trần Thị Xanh",
        "fhirUser": f"{ISSUER}/fhir/Patient/{BLUE_PATIENT}",
    }
    assert answer.json()["sub"] == claims_of(tokens["id_token"])["sub"]


async def test_openid_alone_tells_who_and_no_more(phone):
    token = (await phone.tokens(scope="openid"))["access_token"]
    assert (await phone.http.get(PATH, headers=bearer(token))).json() == {"sub": str(BLUE)}


async def test_a_name_that_the_book_cannot_give_is_left_out(phone, citizens):
    token = (await phone.tokens(scope="openid profile"))["access_token"]
    citizens.people.clear()
    assert (await phone.http.get(PATH, headers=bearer(token))).json() == {"sub": str(BLUE)}


async def test_a_bound_token_needs_its_proof(phone):
    key = Key()
    token = (await bound(phone, key))["access_token"]
    good = {"Authorization": f"DPoP {token}", "DPoP": key.proof(URL, "GET", token=token)}
    assert (await phone.http.get(PATH, headers=good)).status_code == 200
    again = await phone.http.get(PATH, headers=good)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_dpop_proof")
    downgraded = await phone.http.get(PATH, headers=bearer(token))
    assert (downgraded.status_code, downgraded.json()["error"]) == (401, "invalid_token")


async def test_a_token_of_a_revoked_grant_tells_nothing(phone, sessions):
    tokens = await phone.tokens()
    async with sessions() as session:
        grant = await session.get(TokenGrant, UUID(claims_of(tokens["access_token"])["gid"]))
        grant.revoked_at, grant.revoke_reason = utc_now(), "test"
        await session.commit()
    answer = await phone.http.get(PATH, headers=bearer(tokens["access_token"]))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_token_of_a_suspended_or_expired_client_tells_nothing(phone, sessions):
    """Abuse case 24."""
    token = (await phone.tokens())["access_token"]
    async with sessions() as session:
        await session.execute(update(OAuthClient).values(expires_at=utc_now()))
        await session.commit()
    assert (await phone.http.get(PATH, headers=bearer(token))).status_code == 401
    await suspend(sessions, phone.client_id)
    assert (await phone.http.get(PATH, headers=bearer(token))).status_code == 401


async def test_needs_openid(phone):
    token = (await phone.tokens(scope="record:labs:read"))["access_token"]
    answer = await phone.http.get(PATH, headers=bearer(token))
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")


async def test_a_facility_is_nobody(http, facility):
    token = (await http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=facility.auth)).json()
    assert (await http.get(PATH, headers=bearer(token["access_token"]))).status_code == 403


@pytest.mark.parametrize("kind", ["id_token", "refresh_token"])
async def test_no_other_token_will_do(phone, kind):
    """Abuse case 19."""
    tokens = await phone.tokens()
    assert (await phone.http.get(PATH, headers=bearer(tokens[kind]))).status_code == 401


async def test_a_cookie_is_no_token(phone):
    await phone.sign_in()
    answer = await phone.http.get(PATH)
    assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == 'Bearer realm="healthbook", DPoP algs="ES256"'


async def test_a_token_in_the_query_or_form_does_not_count(phone):
    token = (await phone.tokens())["access_token"]
    assert (await phone.http.get(PATH, params={"access_token": token})).status_code == 401
    assert (await phone.http.post(PATH, data={"access_token": token})).status_code == 401
