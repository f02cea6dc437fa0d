"""Pushed authorization requests: what is pushed counts, once, for the client that pushed it."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from auth.clients.registration import register
from auth.flow_tables import PushedRequest
from auth.tables import AuthorizationCode, OAuthClient, WebSession
from domain.values import utc_now
from tests.auth.flows import ISSUER, RECORD_SCOPES, REDIRECT, SCOPE, hidden, query_of
from tests.auth.proofs import Key

PAR_URL = f"{ISSUER}/oauth/par"
URN = "urn:ietf:params:oauth:request_uri:"


async def push(phone, headers=None, **changes):
    return await phone.http.post("/oauth/par", data=phone.asks(**changes), headers=headers or {})


async def pushed(phone, headers=None, **changes):
    """What the browser then carries."""
    answer = await push(phone, headers, **changes)
    assert answer.status_code == 201, answer.text
    return {"client_id": phone.client_id, "request_uri": answer.json()["request_uri"]}


async def authorize(phone, query):
    return await phone.http.get("/oauth/authorize", params=query)


async def decide(phone, query, decision="allow"):
    page = await authorize(phone, query)
    form = {"form_token": hidden(page, "form_token"), "decision": decision, "scope": list(RECORD_SCOPES)}
    return await phone.http.post("/oauth/consent", params=query, data=form)


async def change(sessions, **values):
    async with sessions() as session:
        await session.execute(update(PushedRequest).values(**values))
        await session.commit()


@pytest.fixture
async def another(sessions):
    async with sessions() as session:
        await register(
            session,
            client_id="another-app",
            name="Ứng dụng Cam",
            kind="sandbox",
            auth_method="none",
            grant_types=["authorization_code", "refresh_token"],
            scope=SCOPE,
            redirect_uris=["http://127.0.0.1/callback"],
        )
        await session.commit()
    return "another-app"


async def test_a_pushed_request_leads_to_tokens(phone, sessions):
    answer = await push(phone)
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    assert answer.json()["expires_in"] == 60
    reference = answer.json()["request_uri"]
    assert reference.startswith(URN)
    assert len(reference) - len(URN) >= 22
    await phone.sign_in()
    query = {"client_id": phone.client_id, "request_uri": reference}
    told = query_of(await decide(phone, query))
    assert (told["state"], told["iss"]) == ("s-123", ISSUER)
    assert (await phone.redeem(told["code"])).json()["scope"] == SCOPE
    async with sessions() as session:
        row = await session.scalar(select(PushedRequest))
    assert reference not in str(row.parameters)
    assert row.used_at is not None


async def test_the_page_may_be_shown_again_before_it_is_answered(phone):
    query = await pushed(phone)
    first = await authorize(phone, query)
    assert first.headers["location"].startswith("/login?")
    await phone.sign_in()
    assert (await authorize(phone, query)).status_code == 200
    assert (await authorize(phone, query)).status_code == 200
    assert "code" in query_of(await decide(phone, query))


@pytest.mark.parametrize("decision", ["allow", "deny"])
async def test_a_reference_is_spent_by_the_answer(phone, decision):
    """Abuse case 12: reuse."""
    query = await pushed(phone)
    await phone.sign_in()
    assert (await decide(phone, query, decision)).status_code == 303
    again = await authorize(phone, query)
    assert (again.status_code, "location" in again.headers) == (400, False)


async def test_a_reference_is_spent_by_an_error_to_the_client(phone):
    query = await pushed(phone, prompt="none")
    assert query_of(await authorize(phone, query))["error"] == "login_required"
    assert (await authorize(phone, query)).status_code == 400


async def test_of_parallel_answers_one_wins(phone, sessions):
    await phone.sign_in()
    for _ in range(10):
        query = await pushed(phone)
        token = hidden(await authorize(phone, query), "form_token")
        form = {"form_token": token, "decision": "allow", "scope": list(RECORD_SCOPES)}
        posts = (phone.http.post("/oauth/consent", params=query, data=form) for _ in range(3))
        answers = await asyncio.gather(*posts)
        assert sorted(answer.status_code for answer in answers) == [303, 400, 400]
    async with sessions() as session:
        assert len((await session.scalars(select(AuthorizationCode))).all()) == 10


async def test_a_reference_must_be_opened_within_a_minute(phone, sessions):
    query = await pushed(phone)
    await phone.sign_in()
    async with sessions() as session:
        row = await session.scalar(select(PushedRequest))
        assert row.expires_at - row.created_at == timedelta(seconds=60)
    await change(sessions, expires_at=utc_now())
    assert (await authorize(phone, query)).status_code == 400


async def test_once_opened_there_is_time_to_sign_in_and_answer_but_not_for_ever(phone, sessions):
    query = await pushed(phone)
    await authorize(phone, query)
    await change(sessions, created_at=utc_now() - timedelta(minutes=9), expires_at=utc_now() + timedelta(minutes=1))
    await phone.sign_in()
    assert (await authorize(phone, query)).status_code == 200
    async with sessions() as session:
        row = await session.scalar(select(PushedRequest))
    assert row.expires_at - row.created_at == timedelta(minutes=10)


@pytest.mark.parametrize(
    "reference",
    [
        URN + "x" * 43,
        URN,
        "https://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/request.jwt",
        "file:///etc/passwd",
        "urn:example:other",
        "x",
        "' OR 1=1 --",
    ],
)
async def test_a_reference_that_is_not_ours_is_an_error_page(phone, reference):
    """Abuse case 12: fake PAR urn."""
    await phone.sign_in()
    answer = await authorize(phone, phone.asks(request_uri=reference))
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert reference not in answer.text.split("<main>")[1]


async def test_nothing_is_ever_fetched(phone):
    """Abuse case 12: request_uri SSRF."""
    visits = []
    listening = await asyncio.start_server(lambda _reader, writer: visits.append(writer.close()), "127.0.0.1", 0)
    async with listening:
        address = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/request.jwt"
        await phone.sign_in()
        for changes in ({"request_uri": address}, {"request": address}):
            await phone.authorize(**changes)
            await push(phone, **changes)
    assert visits == []


async def test_a_reference_is_of_no_use_to_another_client(phone, another):
    """Abuse case 12: by another client."""
    query = await pushed(phone)
    await phone.sign_in()
    for client_id in (another, "nobody", None):
        stolen = {name: value for name, value in (query | {"client_id": client_id}).items() if value}
        assert (await authorize(phone, stolen)).status_code == 400
    assert (await authorize(phone, query)).status_code == 200


async def test_what_stands_beside_the_reference_is_ignored(phone):
    """Abuse case 12: parameters added next to request_uri."""
    query = await pushed(phone, scope="openid record:labs:read")
    added = {"scope": SCOPE, "redirect_uri": "https://evil.example/", "state": "evil", "prompt": "none", "nonce": '"'}
    await phone.sign_in()
    answer = query_of(await decide(phone, query | added))
    assert answer["state"] == "s-123"
    assert (await phone.redeem(answer["code"])).json()["scope"] == "openid record:labs:read"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": "https://evil.example/callback"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "record:submit"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"prompt": "dance"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"aud": "https://evil.example/fhir"}, "invalid_request"),
        ({"dpop_jkt": "x"}, "invalid_request"),
        ({"acr_values": "unheard-of"}, "unmet_authentication_requirements"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
        ({"request_uri": URN + "x" * 43}, "invalid_request"),
        ({"state": "a\x00b"}, "invalid_request"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_id": None}, "invalid_client"),
    ],
)
async def test_everything_is_checked_when_it_is_pushed(phone, sessions, changes, error):
    answer = await push(phone, **changes)
    assert answer.status_code == (401 if error == "invalid_client" else 400)
    assert answer.json()["error"] == error
    assert "location" not in answer.headers
    async with sessions() as session:
        assert await session.scalar(select(PushedRequest)) is None


async def test_a_repeated_parameter_is_an_invalid_request(phone):
    body = "client_id=healthbook-phone&scope=openid&scope=openid"
    answer = await phone.http.post(
        "/oauth/par", content=body, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_confidential_client_proves_itself(phone, facility):
    asked = {"response_type": "code", "redirect_uri": REDIRECT, "client_id": facility.client_id}
    assert (await phone.http.post("/oauth/par", data=asked)).json()["error"] == "invalid_client"
    wrong = await phone.http.post("/oauth/par", data=asked, auth=(facility.client_id, "wrong"))
    assert wrong.status_code == 401


async def test_who_must_push_is_refused_without(phone, sessions):
    async with sessions() as session:
        await session.execute(update(OAuthClient).values(requires_par=True))
        await session.commit()
    await phone.sign_in()
    told = query_of(await phone.authorize())
    assert (told["error"], told["state"], told["iss"]) == ("invalid_request", "s-123", ISSUER)
    assert "code" in query_of(await decide(phone, await pushed(phone)))


async def test_a_proof_at_the_push_binds_the_code(phone):
    """RFC 9449 10.1; abuse case 8."""
    key = Key()
    query = await pushed(phone, key.headers(PAR_URL))
    await phone.sign_in()
    code = query_of(await decide(phone, query))["code"]
    stolen = await phone.http.post("/oauth/token", data=phone.redemption(code), headers=Key().headers())
    assert stolen.json()["error"] == "invalid_grant"
    query = await pushed(phone, key.headers(PAR_URL))
    code = query_of(await decide(phone, query))["code"]
    mine = await phone.http.post("/oauth/token", data=phone.redemption(code), headers=key.headers())
    assert mine.json()["token_type"] == "DPoP"


async def test_a_proof_at_the_push_must_hold_and_agree_with_dpop_jkt(phone):
    key = Key()
    wrong = await push(phone, key.headers(f"{ISSUER}/oauth/token"))
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_dpop_proof")
    other = await push(phone, key.headers(PAR_URL), dpop_jkt=Key().jkt)
    assert (other.status_code, other.json()["error"]) == (400, "invalid_request")
    assert (await push(phone, key.headers(PAR_URL), dpop_jkt=key.jkt)).status_code == 201


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "0"}])
async def test_a_sign_in_after_the_push_is_the_fresh_one_that_was_asked_for(phone, sessions, changes):
    await phone.sign_in()
    async with sessions() as session:
        await session.execute(update(WebSession).values(auth_time=utc_now() - timedelta(minutes=1)))
        await session.commit()
    query = await pushed(phone, **changes)
    for _ in range(2):
        assert (await authorize(phone, query)).headers["location"].startswith("/login?")
    await phone.sign_in()
    assert (await authorize(phone, query)).status_code == 200


async def test_a_suspended_client_pushes_nothing_and_what_it_pushed_is_void(phone, sessions):
    query = await pushed(phone)
    await phone.sign_in()
    async with sessions() as session:
        await session.execute(update(OAuthClient).values(status="suspended"))
        await session.commit()
    assert (await push(phone)).json()["error"] == "invalid_client"
    assert (await authorize(phone, query)).status_code == 400
