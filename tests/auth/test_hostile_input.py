"""Whatever is sent, the answer is a 2xx, 3xx or 4xx of ours: never a 500, never an echo that harms."""

import urllib.parse

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auth.requests import _KNOWN, LIMIT_BYTES, OAuthRequest, Payload
from tests.auth.flows import ISSUER, REDIRECT, SCOPE, hidden

FORM = {"content-type": "application/x-www-form-urlencoded"}
POSTS = [
    "/oauth/token",
    "/oauth/par",
    "/oauth/userinfo",
    "/oauth/logout",
    "/oauth/logout/confirm",
    "/oauth/revoke",
    "/oauth/introspect",
    "/oauth/authorize",
    "/oauth/consent",
    "/login",
    "/logout",
]
GETS = ["/oauth/authorize", "/oauth/logout", "/oauth/userinfo", "/login"]

nasty = st.sampled_from(
    ["\x00", '"', "'", "\\", "đ", "\u202e", "%", "'; DROP TABLE auth.client; --", "a" * 3000, "\r\n"]
)
sensible = st.sampled_from(
    ["code", "S256", "plain", REDIRECT, SCOPE, "openid", "healthbook-phone", "authorization_code", "refresh_token",
     "client_credentials", "none", "login", "0", "x" * 43, "allow", "a.b.c", "vi", "/oauth/authorize"]
)  # fmt: skip
values = sensible | nasty | st.text(max_size=30) | st.tuples(sensible, nasty).map("".join)
names = st.sampled_from(sorted(_KNOWN | {"lang", "next", "citizen", "form_token", "decision", "ui_locales"})) | st.text(
    max_size=10
)
pairs = st.lists(st.tuples(names, values), max_size=12)
thorough = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def encoded(some_pairs):
    return urllib.parse.urlencode(some_pairs, errors="surrogatepass").encode()


def is_ours(answer):
    return answer.status_code in {200, 302, 303, 400, 401, 403, 405, 503}


@thorough
@given(some=pairs, path=st.sampled_from(POSTS))
async def test_any_form_gets_an_answer(phone, some, path):
    answer = await phone.http.post(path, content=encoded(some), headers=FORM)
    assert is_ours(answer)


@thorough
@given(some=pairs, path=st.sampled_from(GETS))
async def test_any_query_gets_an_answer(phone, some, path):
    answer = await phone.http.get(f"{path}?{encoded(some).decode()}")
    assert is_ours(answer)


@thorough
@given(name=st.sampled_from(sorted(_KNOWN)), value=values, again=st.booleans())
async def test_any_change_to_a_good_request_gets_an_answer(phone, name, value, again):
    """Signed in, so that the request goes all the way; a redirect goes to the client or to our own pages only."""
    if "sid" not in phone.http.cookies:
        await phone.sign_in()
    asked = list((phone.asks() | {name: value}).items()) + ([(name, value)] if again else [])
    answer = await phone.http.get(f"/oauth/authorize?{encoded(asked).decode()}")
    assert is_ours(answer)
    location = answer.headers.get("location", "/login?")
    assert location.startswith(("/login?", "http://127.0.0.1", "vn.healthbook.app:/callback"))
    assert "\n" not in location


@thorough
@given(name=st.sampled_from(sorted(_KNOWN)), value=values, again=st.booleans())
async def test_any_change_to_a_redemption_gets_an_answer(phone, name, value, again):
    asked = list((phone.redemption("x" * 43) | {name: value}).items()) + ([(name, value)] if again else [])
    answer = await phone.http.post("/oauth/token", content=encoded(asked), headers=FORM)
    assert answer.status_code in {400, 401}
    assert answer.json()["error"] in {
        "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
        "invalid_scope",
    }  # fmt: skip


@thorough
@given(body=st.binary(max_size=300), path=st.sampled_from(POSTS))
async def test_any_bytes_get_an_answer(http, body, path):
    assert is_ours(await http.post(path, content=body, headers=FORM))


@thorough
@given(value=st.binary(max_size=60).filter(lambda raw: not set(raw) & set(b"\r\n\x00")))
async def test_any_authorization_header_gets_an_answer(http, value):
    headers = [(b"authorization", b"Basic " + value), (b"content-type", FORM["content-type"].encode())]
    answer = await http.post("/oauth/token", content=b"grant_type=client_credentials", headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize("value", ["a\x00b", "a\x1fb", "a\x7fb", "a\x85b"])
@pytest.mark.parametrize("name", ["code", "state", "anything"])
async def test_control_characters_are_an_invalid_request(phone, name, value):
    """Abuse 33."""
    form = [*phone.redemption("x").items(), (name, value)]
    answer = await phone.http.post("/oauth/token", content=encoded(form), headers=FORM)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_repeated_parameter_is_an_invalid_request(phone):
    form = [*phone.redemption("x").items(), ("code", "x")]
    answer = await phone.http.post("/oauth/token", content=encoded(form), headers=FORM)
    assert answer.json() == {"error": "invalid_request", "error_description": "The parameter code is repeated."}


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
async def test_only_forms_are_read(http, content_type):
    answer = await http.post("/oauth/token", content=b"{}", headers={"content-type": content_type})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_an_endless_body_is_not_read_to_its_end(http):
    sent = 0

    async def endless():
        nonlocal sent
        while sent < 50 * LIMIT_BYTES:
            sent += 1024
            yield b"a" * 1024

    answer = await http.post("/oauth/token", content=endless(), headers=FORM)
    assert answer.status_code == 400


async def test_too_long_queries_and_too_many_parameters_are_refused(phone):
    assert (await phone.http.get("/oauth/authorize?state=" + "a" * LIMIT_BYTES)).status_code == 400
    assert (await phone.http.get("/oauth/authorize?" + "a=b&" * 100)).status_code == 400


@pytest.mark.parametrize("next_page", ["//evil.example", "https://evil.example", "/\\evil.example"])
async def test_signing_in_never_leads_away(phone, next_page):
    page = await phone.http.get("/login", params={"next": next_page})
    form = {"form_token": hidden(page, "form_token"), "citizen": str(phone.citizen_id), "next": next_page}
    assert (await phone.http.post("/login", data=form)).headers["location"] == "/"


async def test_an_error_page_repeats_nothing_it_was_sent(phone):
    marker = "<b>zebra</b>"
    answer = await phone.authorize(redirect_uri=f"https://zebra.example/{marker}", client_id="zebra", lang="vi")
    main = answer.text.split("<main>")[1]
    assert "zebra" not in main
    assert marker not in answer.text


async def test_the_host_header_decides_nothing(phone):
    answer = await phone.http.get("/.well-known/openid-configuration", headers={"host": "evil.example"})
    assert answer.json()["token_endpoint"] == f"{ISSUER}/oauth/token"
    assert is_ours(await phone.http.get("/login", headers={"host": "e vil:x"}))


@given(some=pairs)
def test_a_payload_keeps_only_what_is_well_formed(some):
    payload = Payload(some)
    for name, value in payload.data.items():
        assert name in _KNOWN
        assert value
        assert value.isascii()
        assert value.isprintable()


def test_a_parameter_without_a_value_is_absent():
    request = OAuthRequest.of("GET", ISSUER, [("state", ""), ("scope", "openid")])
    assert request.payload.data == {"scope": "openid"}
    assert request.payload.fault is None
