"""Logging out at the request of an app."""

from datetime import timedelta
from uuid import UUID

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwt as joserfc_jwt
from sqlalchemy import select, update

from auth.tables import OAuthClient, TokenGrant, WebSession
from domain.values import utc_now
from tests.auth.conftest import GREEN
from tests.auth.flows import ISSUER, Phone, hidden
from tests.auth.grants.test_grant_types import claims_of

PATH = "/oauth/logout"
AFTERWARDS = "https://app.example/signed-out"


@pytest.fixture
async def registered(phone, sessions):
    """The phone, with an address to go to afterwards."""
    async with sessions() as session:
        await session.execute(update(OAuthClient).values(post_logout_redirect_uris=[AFTERWARDS]))
        await session.commit()
    return phone


async def grants(sessions):
    async with sessions() as session:
        return {grant.id: grant.revoke_reason for grant in await session.scalars(select(TokenGrant))}


async def is_signed_in(phone):
    return (await phone.authorize()).status_code == 200


def asks(tokens, **changes):
    asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": AFTERWARDS, "state": "bye"} | changes
    return {name: value for name, value in asked.items() if value is not None}


async def test_a_hint_ends_the_session_and_its_grant_and_leads_back(registered, sessions):
    tokens = await registered.tokens()
    answer = await registered.http.get(PATH, params=asks(tokens))
    assert (answer.status_code, answer.headers["location"]) == (303, f"{AFTERWARDS}?state=bye")
    assert not await is_signed_in(registered)
    assert set((await grants(sessions)).values()) == {"logout"}
    assert (await registered.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_other_sign_ins_of_the_citizen_at_the_app_stay(registered, sessions):
    here, elsewhere = await registered.tokens(), await registered.tokens()
    await registered.http.get(PATH, params=asks(here))
    assert (await registered.refresh(elsewhere["refresh_token"])).status_code == 200
    assert sorted(map(str, (await grants(sessions)).values())) == ["None", "logout"]


async def test_a_refreshed_id_token_is_of_the_same_sign_in(registered):
    tokens = await registered.tokens()
    refreshed = (await registered.refresh(tokens["refresh_token"])).json()
    await registered.http.get(PATH, params=asks(refreshed))
    assert (await registered.refresh(refreshed["refresh_token"])).json()["error"] == "invalid_grant"


async def test_an_expired_hint_counts(registered, ring):
    tokens = await registered.tokens()
    old = claims_of(tokens["id_token"]) | {"iat": 1_600_000_000, "exp": 1_600_000_300}
    hint = joserfc_jwt.encode({"alg": "ES256"}, old, ring.signing)
    answer = await registered.http.get(PATH, params=asks(tokens, id_token_hint=hint))
    assert answer.headers["location"] == f"{AFTERWARDS}?state=bye"


async def test_a_form_is_continued_as_a_get(registered):
    tokens = await registered.tokens()
    answer = await registered.http.post(PATH, data=asks(tokens))
    assert answer.status_code == 303
    answer = await registered.http.get(answer.headers["location"])
    assert answer.headers["location"] == f"{AFTERWARDS}?state=bye"


async def test_without_an_address_a_page_says_so(registered):
    tokens = await registered.tokens()
    answer = await registered.http.get(PATH, params={"id_token_hint": tokens["id_token"]})
    assert (answer.status_code, "Bạn đã đăng xuất" in answer.text) == (200, True)
    assert not await is_signed_in(registered)


async def test_without_a_hint_the_citizen_is_asked(registered, sessions):
    await registered.tokens()
    asked = {"client_id": registered.client_id, "post_logout_redirect_uri": AFTERWARDS, "state": "bye"}
    page = await registered.http.get(PATH, params=asked)
    assert (page.status_code, await is_signed_in(registered)) == (200, True)
    assert "form-action 'self' https://app.example" in page.headers["content-security-policy"]
    form = {"form_token": hidden(page, "form_token")}
    answer = await registered.http.post("/oauth/logout/confirm", params=asked, data=form)
    assert answer.headers["location"] == f"{AFTERWARDS}?state=bye"
    assert not await is_signed_in(registered)
    assert set((await grants(sessions)).values()) == {None}


async def test_a_hint_of_another_citizen_signs_nobody_out_unasked(registered, http):
    tokens = await Phone(http, GREEN).tokens()
    await registered.sign_in()
    page = await http.get(PATH, params=asks(tokens))
    assert (page.status_code, "form_token" in page.text) == (200, True)
    assert await is_signed_in(registered)


async def test_the_answer_must_be_of_our_own_form(registered):
    """Abuse case 14: logout CSRF."""
    await registered.sign_in()
    page = await registered.http.get(PATH)
    for form, headers in (
        ({}, {}),
        ({"form_token": "x"}, {}),
        ({"form_token": hidden(page, "form_token")}, {"origin": "https://evil.example"}),
    ):
        answer = await registered.http.post("/oauth/logout/confirm", data=form, headers=headers)
        assert answer.status_code in {400, 403}
    assert await is_signed_in(registered)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        f"{AFTERWARDS}/../x",
        f"{AFTERWARDS}?x=y",
        AFTERWARDS.upper(),
        "http://127.0.0.1:53117/callback",
        "javascript:alert(1)",
        "//evil.example",
    ],
)
async def test_only_a_registered_address_is_gone_to(registered, sessions, address):
    """Abuse case 13: open redirect. Nothing is ended by a request that is wrong."""
    tokens = await registered.tokens()
    for asked in (asks(tokens), {"client_id": registered.client_id}):
        answer = await registered.http.get(PATH, params=asked | {"post_logout_redirect_uri": address})
        assert (answer.status_code, "location" in answer.headers) == (400, False)
        assert address not in answer.text.split("<main>")[1]
    assert await is_signed_in(registered)
    assert set((await grants(sessions)).values()) == {None}


async def test_an_address_without_a_client_is_not_gone_to(registered):
    answer = await registered.http.get(PATH, params={"post_logout_redirect_uri": AFTERWARDS})
    assert answer.status_code == 400


async def test_a_hint_must_be_an_id_token_of_ours(registered, ring, facility, sessions):
    tokens = await registered.tokens()
    claims = claims_of(tokens["id_token"])
    forged = [
        tokens["access_token"],
        tokens["id_token"][:-4] + "AAAA",
        jwt.encode(claims, None, "none", headers={"kid": next(iter(ring.public))}),
        jwt.encode(claims, b"k" * 32, "HS256", headers={"kid": next(iter(ring.public))}),
        joserfc_jwt.encode({"alg": "ES256"}, claims | {"iss": "https://evil.example"}, ring.signing),
        joserfc_jwt.encode({"alg": "ES256", "typ": "at+jwt"}, claims, ring.signing),
        joserfc_jwt.encode({"alg": "ES256"}, claims | {"aud": []}, ring.signing),
        joserfc_jwt.encode({"alg": "ES256"}, claims | {"sub": "x"}, ring.signing),
        joserfc_jwt.encode({"alg": "ES256"}, {k: v for k, v in claims.items() if k != "sid"}, ring.signing),
        "a.b.c",
        "x",
    ]
    for hint in forged:
        answer = await registered.http.get(PATH, params=asks(tokens, id_token_hint=hint))
        assert (answer.status_code, "location" in answer.headers) == (400, False)
    other = await registered.http.get(
        PATH, params=asks(tokens, client_id=facility.client_id, post_logout_redirect_uri=None)
    )
    assert other.status_code == 400
    assert await is_signed_in(registered)
    assert set((await grants(sessions)).values()) == {None}


async def test_who_is_not_signed_in_is_simply_sent_on(registered):
    asked = {"client_id": registered.client_id, "post_logout_redirect_uri": AFTERWARDS}
    assert (await registered.http.get(PATH, params=asked)).headers["location"] == AFTERWARDS


async def test_the_cookie_goes_and_the_session_with_it(registered, sessions):
    tokens = await registered.tokens()
    answer = await registered.http.get(PATH, params=asks(tokens))
    assert 'sid=""' in answer.headers["set-cookie"]
    async with sessions() as session:
        ended = await session.scalars(select(WebSession.revoked_at))
        assert all(moment > utc_now() - timedelta(minutes=1) for moment in ended)


async def test_the_sid_tells_nothing_of_the_grant(registered):
    tokens = await registered.tokens()
    claims = claims_of(tokens["id_token"])
    gid = claims_of(tokens["access_token"])["gid"]
    assert UUID(claims["sid"]) != UUID(gid)
    assert gid not in str(claims)


names = st.sampled_from(["id_token_hint", "post_logout_redirect_uri", "client_id", "state", "lang", "x"])
values = st.sampled_from([AFTERWARDS, "healthbook-phone", "\x00", '"', "đ", "a.b.c", "x" * 9000]) | st.text(max_size=20)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some=st.lists(st.tuples(names, values), max_size=6))
async def test_any_query_gets_an_answer(registered, some):
    """Abuse case 33."""
    query = [(name, value.encode("utf-8", "surrogatepass")) for name, value in some]
    from urllib.parse import urlencode

    answer = await registered.http.get(f"{PATH}?{urlencode(query)}")
    assert answer.status_code in {200, 303, 400}
    assert answer.headers.get("location", AFTERWARDS).startswith(AFTERWARDS)
    assert answer.headers.get("content-language", "vi") in {"vi", "en"}
    assert ISSUER not in answer.headers.get("location", "")
