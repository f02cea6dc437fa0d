"""Passkeys: registering after a fresh sign-in, signing in, and every answer of a device that must not do."""

import asyncio
import html
import json
import re
from dataclasses import replace

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from starlette.applications import Starlette

from auth.flow_tables import Passkey, SignInState
from auth.routes import routes
from auth.sign_in.passkeys import NotAccepted, _hostile, _json
from auth.tables import WebSession
from domain.values import utc_now
from tests.auth.authenticator import USER_PRESENT, Authenticator, base64url
from tests.auth.conftest import BLUE, GREEN
from tests.auth.flows import ISSUER, RECORD_SCOPES, hidden

ORIGIN, DOMAIN = "http://localhost:8000", "localhost"


@pytest.fixture
def app(settings, sessions, citizens):
    """Named by a name, because passkeys are never bound to an address."""
    return Starlette(routes=routes(replace(settings, issuer=ORIGIN), sessions, citizens, RECORD_SCOPES))


@pytest.fixture
async def browsers(app):
    opened = []

    def new():
        opened.append(httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN))
        return opened[-1]

    yield new
    for one in opened:
        await one.aclose()


@pytest.fixture
def device():
    return Authenticator(ORIGIN, DOMAIN)


def options_of(page):
    return json.loads(html.unescape(re.search(r'data-options="([^"]*)"', page.text)[1]))


async def by_list(http, citizen_id=BLUE):
    page = await http.get("/login")
    form = {"form_token": hidden(page, "form_token"), "citizen": str(citizen_id)}
    assert (await http.post("/login", data=form)).status_code == 303


async def offer(http):
    """The account page, and what it asks a device for."""
    page = await http.get("/account")
    assert page.status_code == 200
    return page, options_of(page)


async def register(http, device, **changes):
    page, options = await offer(http)
    form = {"form_token": hidden(page, "form_token"), "credential": device.create(options, **changes)}
    return await http.post("/account/passkeys", data=form)


@pytest.fixture
async def registered(browsers, device):
    http = browsers()
    await by_list(http)
    assert (await register(http, device)).status_code == 303
    return http


async def sign_in(http, device, after="/account", **changes):
    page = await http.get("/login", params={"next": after})
    form = {"form_token": hidden(page, "form_token"), "next": after}
    return await http.post("/login/passkey", data=form | {"credential": device.get(options_of(page), **changes)})


async def living(sessions, table):
    async with sessions() as session:
        return (await session.scalars(select(table).where(table.revoked_at.is_(None)))).all()


async def test_a_passkey_signs_in_at_level_two(registered, browsers, device, sessions):
    http = browsers()
    answer = await sign_in(http, device, "/oauth/authorize?a=b")
    assert (answer.status_code, answer.headers["location"]) == (303, "/oauth/authorize?a=b")
    acr = {row.acr: row.citizen_id for row in await living(sessions, WebSession)}
    assert acr["urn:healthbook:acr:2"] == BLUE


async def test_what_is_asked_of_the_device(registered, browsers):
    asked = options_of(await browsers().get("/login"))
    assert (asked["rpId"], asked["userVerification"], asked["allowCredentials"]) == (DOMAIN, "required", [])
    _, made = await offer(registered)
    assert made["authenticatorSelection"]["residentKey"] == "required"
    assert made["authenticatorSelection"]["userVerification"] == "required"
    assert len(made["excludeCredentials"]) == 1
    assert "Xanh" not in json.dumps(made, ensure_ascii=False)


async def test_what_is_kept_of_it(registered, sessions, device):
    (row,) = await living(sessions, Passkey)
    assert (row.citizen_id, row.credential_id, row.transports) == (BLUE, device.credential_id, ["internal"])


async def test_the_page_names_its_one_script(browsers):
    page = await browsers().get("/login")
    policy = page.headers["content-security-policy"]
    assert f"script-src {ORIGIN}/login/passkey.js;" in policy
    assert "unsafe" not in policy
    script = await browsers().get("/login/passkey.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["x-content-type-options"] == "nosniff"


async def test_a_sign_in_with_a_passkey_is_a_new_session(registered, device):
    before = registered.cookies["sid"]
    await sign_in(registered, device)
    assert registered.cookies["sid"] != before


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:8001"},
        {"rp_id": "evil.example"},
        {"flags": USER_PRESENT},
        {"flags": 0x04},
        {"user_handle": GREEN.bytes},
        {"user_handle": b""},
        {"credential_id": b"another credential"},
    ],
)
async def test_refuses_a_device_that_answers_for_somewhere_or_somebody_else(
    registered, browsers, device, sessions, change
):
    for name, value in change.items():
        setattr(device, name, value)
    assert (await sign_in(browsers(), device)).status_code == 403
    assert len(await living(sessions, WebSession)) == 1


async def test_refuses_another_key(registered, browsers, device):
    device.key = Authenticator(ORIGIN, DOMAIN).key
    assert (await sign_in(browsers(), device)).status_code == 403


@pytest.mark.parametrize(
    "changes",
    [{"response": {"userHandle": None}}, {"type": "password"}, {"id": "AAAA"}, {"response": {"signature": ""}}],
)
async def test_refuses_half_an_answer(registered, browsers, device, changes):
    assert (await sign_in(browsers(), device, **changes)).status_code == 403


async def test_a_challenge_is_answered_once_and_only_here(registered, browsers, device):
    http, other = browsers(), browsers()
    page = await http.get("/login")
    credential = device.get(options_of(page))
    elsewhere = await other.get("/login")
    stolen = {"form_token": hidden(elsewhere, "form_token"), "credential": credential}
    assert (await other.post("/login/passkey", data=stolen)).status_code == 403
    form = {"form_token": hidden(page, "form_token"), "credential": credential}
    assert (await http.post("/login/passkey", data=form)).status_code == 303
    again = {"form_token": hidden(await http.get("/account"), "form_token"), "credential": credential}
    assert (await http.post("/login/passkey", data=again)).status_code == 403


async def test_an_old_challenge_is_over(registered, browsers, device, sessions):
    http = browsers()
    page = await http.get("/login")
    async with sessions() as session:
        await session.execute(update(SignInState).values(expires_at=utc_now()))
        await session.commit()
    form = {"form_token": hidden(page, "form_token"), "credential": device.get(options_of(page))}
    assert (await http.post("/login/passkey", data=form)).status_code == 403


async def test_the_count_of_a_device_must_grow(registered, browsers, device):
    device.count = 5
    assert (await sign_in(browsers(), device)).status_code == 303
    copy = replace(device, count=4)
    assert (await sign_in(browsers(), copy)).status_code == 403
    assert (await sign_in(browsers(), device)).status_code == 303


async def test_of_two_uses_with_one_count_one_wins(registered, browsers, device):
    async def one():
        return await sign_in(browsers(), replace(device, count=9))

    answers = await asyncio.gather(*(one() for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [303, 403, 403, 403]


async def test_its_owner_is_told_of_a_passkey_that_comes_or_goes(browsers, device, citizens):
    http = browsers()
    await by_list(http)
    citizens.warned.clear()
    await register(http, device)
    assert citizens.warned == [BLUE]
    assert (await register(http, device)).status_code == 400
    page = await http.get("/account")
    form = {"form_token": hidden(page, "form_token"), "name": base64url(device.credential_id)}
    for name in ("đ", form["name"], form["name"]):
        await http.post("/account/passkeys/remove", data=form | {"name": name})
    assert citizens.warned == [BLUE, BLUE]


async def test_a_removed_passkey_signs_nobody_in(registered, browsers, device, sessions):
    page = await registered.get("/account")
    name = re.search(r'action="/account/passkeys/remove.*?name="name" value="([^"]+)"', page.text, re.DOTALL)[1]
    form = {"form_token": hidden(page, "form_token"), "name": name}
    assert (await registered.post("/account/passkeys/remove", data=form)).status_code == 303
    assert await living(sessions, Passkey) == []
    assert (await sign_in(browsers(), device)).status_code == 403


async def test_nobody_removes_another_s_passkey(registered, browsers, device, sessions):
    green = browsers()
    await by_list(green, GREEN)
    page = await green.get("/account")
    form = {"form_token": hidden(page, "form_token"), "name": base64url(device.credential_id)}
    for name in (form["name"], "đ", "=", ""):
        assert (await green.post("/account/passkeys/remove", data=form | {"name": name})).status_code == 303
    assert len(await living(sessions, Passkey)) == 1


async def test_nobody_registers_a_credential_that_another_has(registered, browsers, device, sessions):
    green = browsers()
    await by_list(green, GREEN)
    assert (await register(green, device)).status_code == 400
    (row,) = await living(sessions, Passkey)
    assert row.citizen_id == BLUE


@pytest.mark.parametrize("change", [{"origin": "https://evil.example"}, {"rp_id": "evil"}, {"flags": USER_PRESENT}])
async def test_registers_no_device_that_answers_for_elsewhere(browsers, device, sessions, change):
    http = browsers()
    await by_list(http)
    for name, value in change.items():
        setattr(device, name, value)
    assert (await register(http, device)).status_code == 400
    assert await living(sessions, Passkey) == []


async def test_a_registration_belongs_to_who_began_it(browsers, device, sessions):
    """Signed in as somebody else meanwhile, in the same browser."""
    http = browsers()
    await by_list(http)
    _, options = await offer(http)
    await by_list(http, GREEN)
    token = hidden(await http.get("/account"), "form_token")
    async with sessions() as session:
        await session.execute(
            update(SignInState)
            .where(SignInState.kind != "passkey")
            .values(data={"challenge": options["challenge"], "citizen": str(BLUE)})
        )
        await session.commit()
    form = {"form_token": token, "credential": device.create(options)}
    assert (await http.post("/account/passkeys", data=form)).status_code == 400


async def test_ten_passkeys_are_enough(registered, sessions):
    for _ in range(9):
        assert (await register(registered, Authenticator(ORIGIN, DOMAIN))).status_code == 303
    assert (await register(registered, Authenticator(ORIGIN, DOMAIN))).status_code == 400
    assert len(await living(sessions, Passkey)) == 10


async def test_abuse_14_a_form_of_another_site_signs_nobody_in(registered, browsers, device):
    http = browsers()
    page = await http.get("/login")
    form = {"form_token": hidden(page, "form_token"), "credential": device.get(options_of(page))}
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert (await http.post("/login/passkey", data=form, headers=headers)).status_code == 403
    http.cookies.clear()
    assert (await http.post("/login/passkey", data=form)).status_code == 403


HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("clientDataJSON", "authenticatorData", "signature", "userHandle", "attestationObject", "transports")
BYTES = st.binary(max_size=80).map(base64url)


@hypothesis_settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(max_size=60)
    | HOSTILE.map(json.dumps)
    | st.fixed_dictionaries(
        {"id": BYTES, "rawId": BYTES, "type": st.just("public-key")},
        optional={"response": st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, BYTES | HOSTILE))},
    ).map(json.dumps)
)
async def test_abuse_33_whatever_a_device_says_is_refused_and_no_error(browsers, answer):
    http = browsers()
    page = await http.get("/login")
    form = {"form_token": hidden(page, "form_token"), "credential": answer}
    assert (await http.post("/login/passkey", data=form)).status_code in {400, 403}
    await by_list(http)
    page = await http.get("/account")
    form = {"form_token": hidden(page, "form_token"), "credential": answer}
    assert (await http.post("/account/passkeys", data=form)).status_code == 400
    await http.aclose()


@pytest.mark.parametrize("answer", ["", "[]", "7", "[" * 10_000, '{"a":' * 5000, "\ud800"])
def test_abuse_33_no_depth_breaks_the_reader(answer):
    with pytest.raises(NotAccepted):
        _json(answer)


def test_whatever_a_parser_raises_is_a_refusal():
    with pytest.raises(NotAccepted, match="ZeroDivisionError"):
        _hostile(lambda: 1 // 0)


async def test_on_an_address_there_are_no_passkeys(settings, sessions, citizens):
    app = Starlette(routes=routes(settings, sessions, citizens, RECORD_SCOPES))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as http:
        page = await http.get("/login")
        assert "data-options" not in page.text
        assert "script" not in page.headers["content-security-policy"]
        assert (await http.post("/login/passkey", data={"credential": "{}"})).status_code == 503
