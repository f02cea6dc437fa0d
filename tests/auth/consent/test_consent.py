"""The authorization endpoint, the consent page, and the way back to the client."""

import html
import re

import httpx
import jwt
import pytest

from auth.tables import OAuthClient
from tests.auth.conftest import GREEN
from tests.auth.flows import ISSUER, RECORD_SCOPES, REDIRECT, SCOPE, Phone, hidden, query_of, suspend


async def test_sends_an_unknown_browser_to_sign_in_and_back(phone):
    first = await phone.authorize()
    assert first.status_code == 303
    assert first.headers["location"].startswith("/login?lang=vi&next=%2Foauth%2Fauthorize%3F")
    page = await phone.http.get(first.headers["location"])
    form = {"form_token": hidden(page, "form_token"), "citizen": str(phone.citizen_id)}
    form["next"] = html.unescape(hidden(page, "next"))
    back = await phone.http.post("/login", data=form)
    consent = await phone.http.get(back.headers["location"])
    assert consent.status_code == 200
    assert "Kết quả xét nghiệm" in consent.text


async def test_shows_who_asks_who_is_signed_in_and_what_for(phone):
    await phone.sign_in()
    page = await phone.authorize()
    assert page.status_code == 200
    for words in ("Sổ sức khỏe", "Trần Thị Xanh", "Dấu hiệu sinh tồn", "lâu nhất 30 ngày"):
        assert words in page.text
    assert page.text.count('type="checkbox"') == len(RECORD_SCOPES)


@pytest.mark.parametrize(
    ("params", "headers", "words"),
    [
        ({"lang": "en"}, {}, "Lab results"),
        ({"ui_locales": "en-GB"}, {}, "Lab results"),
        ({}, {"accept-language": "en-US,en;q=0.9"}, "Lab results"),
        ({"lang": "vi"}, {"accept-language": "en"}, "Kết quả xét nghiệm"),
        ({}, {"accept-language": "fr"}, "Kết quả xét nghiệm"),
    ],
)
async def test_speaks_the_language_asked_for(phone, params, headers, words):
    await phone.sign_in()
    page = await phone.http.get("/oauth/authorize", params=phone.asks(**params), headers=headers)
    assert words in page.text


async def test_language_switch_keeps_the_request(phone):
    await phone.sign_in()
    page = await phone.authorize()
    english = html.unescape(re.search(r'href="([^"]+)" hreflang="en"', page.text)[1])
    assert english.startswith("/oauth/authorize?")
    assert "Lab results" in (await phone.http.get(english)).text


async def test_page_is_private_unframed_and_lets_the_answer_go_to_the_client_only(phone):
    await phone.sign_in()
    headers = (await phone.authorize()).headers
    assert headers["cache-control"] == "no-store"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert policy.endswith("form-action 'self' http://127.0.0.1:53117")
    app_page = await phone.authorize(redirect_uri="vn.healthbook.app:/callback")
    assert app_page.headers["content-security-policy"].endswith("form-action 'self' vn.healthbook.app:")


async def test_returns_code_state_and_issuer(phone):
    await phone.sign_in()
    answer = await phone.decide()
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{REDIRECT}?")
    query = query_of(answer)
    assert query.keys() == {"code", "state", "iss"}
    assert (query["state"], query["iss"]) == ("s-123", ISSUER)


async def test_returns_to_an_app_scheme(phone):
    await phone.sign_in()
    answer = await phone.decide(redirect_uri="vn.healthbook.app:/callback")
    assert answer.headers["location"].startswith("vn.healthbook.app:/callback?code=")


async def test_denial_is_told_to_the_client(phone):
    await phone.sign_in()
    query = query_of(await phone.decide("deny"))
    assert (query["error"], query["state"], query["iss"]) == ("access_denied", "s-123", ISSUER)


async def test_unticked_sections_are_not_granted(phone):
    await phone.sign_in()
    code = query_of(await phone.decide(ticked=["record:labs:read"]))["code"]
    tokens = (await phone.redeem(code)).json()
    assert tokens["scope"] == "openid offline_access record:labs:read"


async def test_ticks_that_were_not_asked_for_grant_nothing(phone):
    """Abuse 6."""
    await phone.sign_in()
    answer = await phone.decide(
        ticked=["record:labs:read", "record:vitals:read", "record:submit"], scope="record:labs:read"
    )
    assert (await phone.redeem(query_of(answer)["code"])).json()["scope"] == "record:labs:read"


@pytest.mark.parametrize("scope", ["record:labs:read", SCOPE])
async def test_nothing_ticked_is_told_on_the_page(phone, scope):
    await phone.sign_in()
    answer = await phone.decide(ticked=[], scope=scope)
    assert answer.status_code == 400
    assert "Bạn chưa chọn phần nào" in answer.text


async def test_nothing_is_ticked_beforehand(phone):
    await phone.sign_in()
    assert " checked" not in (await phone.authorize()).text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "!" * 43}, "invalid_request"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "record:labs:write"}, "invalid_scope"),
        ({"scope": "record:submit"}, "invalid_scope"),
        ({"scope": "record:*:read"}, "invalid_scope"),
        ({"scope": 'record:"labs"'}, "invalid_request"),
        ({"prompt": "none"}, "consent_required"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "dance"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "9" * 40}, "invalid_request"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
    ],
)
async def test_tells_the_client_what_was_wrong_with_state_and_issuer(phone, changes, error):
    """Abuse 9, and 11: `iss` is in errors too."""
    await phone.sign_in()
    answer = await phone.authorize(**changes)
    assert answer.status_code == 303
    query = query_of(answer)
    assert (query["error"], query["state"], query["iss"]) == (error, "s-123", ISSUER)


async def test_prompt_none_without_a_session_needs_a_login(phone):
    assert query_of(await phone.authorize(prompt="none"))["error"] == "login_required"


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "0"}])
async def test_asks_for_a_fresh_sign_in(phone, changes):
    await phone.sign_in()
    answer = await phone.authorize(**changes)
    assert answer.headers["location"].startswith("/login?")
    told = query_of(answer)
    assert told["max_age"] == "0"
    assert not re.search("prompt|max_age", told["next"])


async def test_an_old_enough_max_age_needs_none(phone):
    await phone.sign_in()
    assert (await phone.authorize(max_age="600")).status_code == 200


@pytest.mark.parametrize(
    "redirect_uri",
    [
        None,
        "http://127.0.0.1:53117/callback/",
        "http://127.0.0.1:53117/callback/../evil",
        "http://127.0.0.1:53117/callback?x=1",
        "http://127.0.0.1:53117/callback#x",
        "http://127.0.0.1:53117@evil.example/callback",
        "http://127.0.0.1:123456/callback",
        "http://localhost:53117/callback",
        "http://127.0.0.2:53117/callback",
        "https://127.0.0.1:53117/callback",
        "http://evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "HTTP://127.0.0.1/callback",
        "vn.healthbook.app:/callback2",
        "vn.healthbook.app://callback",
        "javascript:alert(1)",
        "http://127.0.0.1/callback\\@evil.example",
        "http://127.0.0.1/cаllback",
        'http://127.0.0.1/callback"',
    ],
)
async def test_never_redirects_to_an_address_that_is_not_registered(phone, redirect_uri):
    """Abuse 10."""
    await phone.sign_in()
    answer = await phone.authorize(redirect_uri=redirect_uri)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "evil" not in answer.text.replace(html.escape(str(redirect_uri)), "").split("<main>")[1]


async def test_a_repeated_redirect_uri_stays_here_and_another_repeat_returns(phone):
    pairs = list(phone.asks().items())
    stays = await phone.http.get("/oauth/authorize", params=[*pairs, ("redirect_uri", REDIRECT)])
    assert stays.status_code == 400
    returns = await phone.http.get("/oauth/authorize", params=[*pairs, ("scope", "openid")])
    assert query_of(returns)["error"] == "invalid_request"


async def test_an_unknown_client_and_a_suspended_one_look_the_same(phone, sessions):
    unknown = await phone.authorize(client_id="nobody")
    await suspend(sessions, "healthbook-phone")
    suspended = await phone.authorize()
    assert (unknown.status_code, suspended.status_code) == (400, 400)
    assert unknown.text.split("<main>")[1] == suspended.text.split("<main>")[1]


@pytest.mark.parametrize("spoilt", ["", "0" * 64, "đ"])
async def test_consent_needs_the_token_of_this_browser(phone, spoilt):
    """Abuse 14."""
    await phone.sign_in()
    form = {"form_token": spoilt, "decision": "allow", "scope": ["record:labs:read"]}
    answer = await phone.http.post("/oauth/consent", params=phone.asks(), data=form)
    assert answer.status_code == 403
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}]
)
async def test_consent_is_refused_when_the_browser_says_it_came_from_elsewhere(phone, headers):
    await phone.sign_in()
    token = hidden(await phone.authorize(), "form_token")
    form = {"form_token": token, "decision": "allow", "scope": ["record:labs:read"]}
    answer = await phone.http.post("/oauth/consent", params=phone.asks(), data=form, headers=headers)
    assert answer.status_code == 403


async def test_a_posted_request_continues_as_a_get(phone):
    answer = await phone.http.post("/oauth/authorize", data=phone.asks())
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/oauth/authorize?response_type=code&")


async def test_a_citizen_who_is_gone_is_not_signed_in(phone, citizens):
    await phone.sign_in()
    citizens.people.clear()
    assert (await phone.authorize()).headers["location"].startswith("/login?")


async def test_a_hostile_client_name_is_only_text(phone, sessions):
    async with sessions() as session:
        (await session.get(OAuthClient, "healthbook-phone")).name = "<script>alert(1)</script>"
        await session.commit()
    await phone.sign_in()
    page = await phone.authorize()
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text


async def test_two_citizens_in_two_browsers_get_their_own_subject(app, phone):
    mine = await phone.tokens()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as other:
        theirs = await Phone(other, GREEN).tokens()
    subjects = [
        jwt.decode(answer["access_token"], options={"verify_signature": False})["sub"] for answer in (mine, theirs)
    ]
    assert subjects == [str(phone.citizen_id), str(GREEN)]
