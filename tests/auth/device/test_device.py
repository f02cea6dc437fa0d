"""The device flow: a screen asks, a citizen types its code, sees who asks, and decides."""

import asyncio
import re
from datetime import timedelta
from types import SimpleNamespace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from auth.clients.profiles import CODE, DEVICE, REFRESH
from auth.clients.registration import register, suspend
from auth.device import approvals, codes, grant
from auth.flow_tables import DeviceAuthorization
from auth.network import address_of, counted, network_of
from auth.tables import TokenGrant
from domain.attempts import Attempt
from domain.values import utc_now
from tests.auth.conftest import BLUE, GREEN
from tests.auth.flows import ISSUER, SCOPE, Phone, hidden

TV = "television"
ROUNDS = 20


@pytest.fixture
async def screen(http, sessions):
    """A client that shows codes."""
    async with sessions() as session:
        await register(
            session,
            client_id=TV,
            name="Màn hình Cam",
            kind="first_party",
            auth_method="none",
            grant_types=[DEVICE, REFRESH],
            scope=SCOPE,
            requires_dpop=False,
        )
        await session.commit()
    return Screen(http)


class Screen:
    def __init__(self, http):
        self.http = http

    async def ask(self, **changes):
        form = {"client_id": TV, "scope": SCOPE} | changes
        return await self.http.post(
            "/oauth/device", data={name: value for name, value in form.items() if value is not None}
        )

    async def poll(self, device_code, **changes):
        form = {"grant_type": DEVICE, "device_code": device_code, "client_id": TV} | changes
        return await self.http.post("/oauth/token", data=form)


async def confirm(http, user_code):
    """The second page, where the citizen sees who asks."""
    page = await http.get("/device")
    return await http.post("/device", data={"form_token": hidden(page, "form_token"), "user_code": user_code})


async def decide(http, user_code, decision="allow", ticked=("record:labs:read", "record:vitals:read")):
    page = await http.get("/device")
    form = {
        "form_token": hidden(page, "form_token"),
        "user_code": user_code,
        "decision": decision,
        "scope": list(ticked),
    }
    return await http.post("/device", data=form)


async def signed_in(http, citizen=BLUE):
    await Phone(http, citizen).sign_in()


async def wait(sessions, seconds):
    """As if the last poll had been so much earlier."""
    async with sessions() as session:
        earlier = DeviceAuthorization.last_polled_at - timedelta(seconds=seconds)
        await session.execute(update(DeviceAuthorization).values(last_polled_at=earlier))
        await session.commit()


async def test_a_device_gets_tokens_once_its_citizen_allowed_it(screen, http, sessions, verifier):
    asked = (await screen.ask()).json()
    assert asked.keys() == {
        "device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval",
    }  # fmt: skip
    assert (asked["expires_in"], asked["interval"]) == (600, 5)
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", asked["user_code"])
    assert asked["verification_uri"] == f"{ISSUER}/device"
    assert asked["verification_uri_complete"] == f"{ISSUER}/device?user_code={asked['user_code']}"
    assert (await screen.poll(asked["device_code"])).json()["error"] == "authorization_pending"

    await signed_in(http)
    done = await decide(http, asked["user_code"].lower().replace("-", " "), ticked=["record:labs:read"])
    assert done.status_code == 200

    answer = await screen.poll(asked["device_code"])
    tokens = answer.json()
    assert answer.status_code == 200, tokens
    assert tokens["scope"] == "openid offline_access record:labs:read"
    assert {"access_token", "refresh_token", "id_token"} <= tokens.keys()
    async with sessions() as session:
        granted = await session.scalar(select(TokenGrant))
    assert (granted.citizen_id, granted.client_id) == (BLUE, TV)
    assert granted.expires_at > utc_now() + timedelta(days=29)
    refreshed = await screen.poll("", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refreshed.status_code == 200


async def test_what_was_not_ticked_or_not_asked_is_not_granted(screen, http, sessions):
    asked = (await screen.ask(scope="openid record:labs:read")).json()
    await signed_in(http)
    await decide(http, asked["user_code"], ticked=["record:vitals:read", "record:submit"])
    assert (await screen.poll(asked["device_code"])).json()["scope"] == "openid"


async def test_a_citizen_who_leaves_nothing_has_denied(screen, http):
    asked = (await screen.ask(scope="record:labs:read")).json()
    await signed_in(http)
    assert "từ chối" in (await decide(http, asked["user_code"], ticked=[])).text
    assert (await screen.poll(asked["device_code"])).json()["error"] == "access_denied"


async def test_a_denied_device_is_told(screen, http):
    asked = (await screen.ask()).json()
    await signed_in(http)
    await decide(http, asked["user_code"], "deny")
    answer = await screen.poll(asked["device_code"])
    assert (answer.status_code, answer.json()["error"]) == (400, "access_denied")


async def test_29_a_link_with_the_code_approves_nothing(screen, http, sessions):
    """Abuse case 29: device code phishing. The link fills the code in; the citizen compares, sees who and where."""
    asked = (await screen.ask()).json()
    link = asked["verification_uri_complete"].removeprefix(ISSUER)
    to_sign_in = await http.get(link)
    assert to_sign_in.status_code == 303
    assert to_sign_in.headers["location"].startswith("/login?")
    await signed_in(http)
    page = await http.get(link)
    assert page.status_code == 200
    assert f'value="{asked["user_code"]}"' in page.text
    assert 'name="decision"' not in page.text
    shown = (await confirm(http, asked["user_code"])).text
    for told in ("Màn hình Cam", asked["user_code"], "127.0.0.1", "Kết quả xét nghiệm", "Không nhập mã mà người khác"):
        assert told in shown
    assert "checked" not in shown
    assert (await screen.poll(asked["device_code"])).json()["error"] == "authorization_pending"
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(TokenGrant)) == 0


async def test_29_a_device_in_another_network_is_pointed_out(screen, http, sessions):
    """Abuse case 29: the page says that the device is elsewhere."""
    asked = (await screen.ask()).json()
    await signed_in(http)
    assert "Cùng mạng" in (await confirm(http, asked["user_code"])).text
    async with sessions() as session:
        await session.execute(update(DeviceAuthorization).values(place="203.0.113.9"))
        await session.commit()
    shown = (await confirm(http, asked["user_code"])).text
    assert "203.0.113.9" in shown
    assert "Khác mạng" in shown


@pytest.mark.parametrize("same", ["citizen", "address"])
async def test_29_five_wrong_codes_lock_the_page(screen, app, http, sessions, same):
    """Abuse case 29: guessing. The sixth try is not looked at, right or wrong, from the citizen or from the address."""
    asked = (await screen.ask()).json()
    await signed_in(http)
    for _ in range(5):
        assert (await confirm(http, "BBBB-BBBB")).status_code == 400
    address, citizen = ("198.51.100.7", BLUE) if same == "citizen" else ("127.0.0.1", GREEN)
    transport = httpx.ASGITransport(app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as other:
        await signed_in(other, citizen)
        for answer in (await confirm(other, asked["user_code"]), await decide(other, asked["user_code"])):
            assert answer.status_code == 429
    assert (await screen.poll(asked["device_code"])).json()["error"] == "authorization_pending"
    async with sessions() as session:
        await session.execute(update(Attempt).values(window_end=utc_now()))
        await session.commit()
    assert (await confirm(http, asked["user_code"])).status_code == 200


async def test_29_of_many_guesses_at_once_five_are_looked_at(screen, http):
    """Abuse case 29: parallel guesses do not slip past the counter."""
    asked = (await screen.ask()).json()
    await signed_in(http)
    token = hidden(await http.get("/device"), "form_token")
    guesses = ["BBBB-BBBB"] * 15 + [asked["user_code"]]
    answers = await asyncio.gather(
        *(http.post("/device", data={"form_token": token, "user_code": guess}) for guess in guesses)
    )
    statuses = [answer.status_code for answer in answers]
    assert statuses[:15].count(400) == 5
    assert statuses[:15].count(429) == 10


async def test_right_codes_are_not_counted(screen, http):
    await signed_in(http)
    for _ in range(4):
        asked = (await screen.ask()).json()
        assert (await confirm(http, asked["user_code"])).status_code == 200
        assert (await decide(http, asked["user_code"])).status_code == 200
    assert (await confirm(http, "BBBB-BBBB")).status_code == 400


async def test_29_parallel_redemptions_of_a_device_code_have_one_winner(screen, http):
    """Abuse case 29: a device code is used once, whoever else holds it."""
    await signed_in(http)
    for _ in range(ROUNDS):
        asked = (await screen.ask()).json()
        await decide(http, asked["user_code"])
        answers = await asyncio.gather(*(screen.poll(asked["device_code"]) for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [200, 400, 400]


async def test_29_a_replayed_device_code_ends_what_it_was_redeemed_for(screen, http, sessions, citizens):
    """Abuse case 29: single use; a second redemption shows that somebody else has the code."""
    asked = (await screen.ask()).json()
    await signed_in(http)
    await decide(http, asked["user_code"])
    citizens.warned.clear()
    tokens = (await screen.poll(asked["device_code"])).json()
    assert (await screen.poll(asked["device_code"])).json()["error"] == "invalid_grant"
    async with sessions() as session:
        assert (await session.scalar(select(TokenGrant))).revoke_reason == "device_code_replay"
    assert citizens.warned == [BLUE]
    refused = await screen.poll("x", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refused.json()["error"] == "invalid_grant"


async def test_of_two_citizens_at_once_one_decides(screen, app, http):
    asked = (await screen.ask()).json()
    await signed_in(http)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as other:
        await signed_in(other, GREEN)
        answers = await asyncio.gather(decide(http, asked["user_code"]), decide(other, asked["user_code"], "deny"))
    assert sorted(answer.status_code for answer in answers) == [200, 400]


async def test_a_device_that_is_being_decided_is_held(screen, sessions, settings):
    asked = (await screen.ask()).json()
    hashed = codes.keyed(settings.kek, codes.typed(asked["user_code"]))
    one, other = (
        approvals.Guess(hashed, str(citizen), address, utc_now())
        for citizen, address in ((BLUE, "203.0.113.1"), (GREEN, "203.0.113.2"))
    )
    async with sessions() as first, sessions() as second:
        assert await approvals.find(first, one)
        await second.execute(text("set local lock_timeout = '50ms'"))
        with pytest.raises(DBAPIError, match="lock timeout"):
            await approvals.find(second, other)


async def test_polling_too_fast_is_slowed_down_for_good(screen, sessions):
    code = (await screen.ask()).json()["device_code"]
    assert (await screen.poll(code)).json()["error"] == "authorization_pending"
    assert (await screen.poll(code)).json()["error"] == "slow_down"
    await wait(sessions, 9)
    assert (await screen.poll(code)).json()["error"] == "slow_down"
    await wait(sessions, 15)
    answer = await screen.poll(code)
    assert (answer.status_code, answer.json()["error"]) == (400, "authorization_pending")


async def test_codes_die_after_ten_minutes(screen, http, sessions):
    asked = (await screen.ask()).json()
    await signed_in(http)
    async with sessions() as session:
        row = await session.scalar(select(DeviceAuthorization))
        assert timedelta(minutes=9) < row.expires_at - utc_now() <= timedelta(minutes=10)
        await session.execute(update(DeviceAuthorization).values(expires_at=utc_now()))
        await session.commit()
    assert (await screen.poll(asked["device_code"])).json()["error"] == "expired_token"
    assert (await confirm(http, asked["user_code"])).status_code == 400
    assert (await decide(http, asked["user_code"])).status_code == 400


@pytest.mark.parametrize("device_code", ["unknown", "a" * 43])
async def test_a_wrong_device_code_is_invalid_grant(screen, device_code):
    answer = await screen.poll(device_code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_device_code_is_of_no_use_to_another_client(screen, http, sessions):
    async with sessions() as session:
        await register(
            session,
            client_id="other",
            name="Màn hình Tím",
            kind="sandbox",
            auth_method="none",
            grant_types=[DEVICE],
            scope=SCOPE,
        )
        await session.commit()
    asked = (await screen.ask()).json()
    await signed_in(http)
    await decide(http, asked["user_code"])
    assert (await screen.poll(asked["device_code"], client_id="other")).json()["error"] == "invalid_grant"
    assert (await screen.poll(asked["device_code"])).status_code == 200


async def test_an_app_of_somebody_else_that_reads_nothing_needs_no_consent(screen, http, sessions):
    async with sessions() as session:
        sandbox = {"name": "Màn hình Tím", "kind": "sandbox", "auth_method": "none", "grant_types": [DEVICE]}
        await register(session, client_id="other", scope=SCOPE, **sandbox)
        await session.commit()
    theirs = (await screen.ask(client_id="other", scope="openid")).json()
    await signed_in(http)
    assert "Chưa ai kiểm duyệt" in (await confirm(http, theirs["user_code"])).text
    await decide(http, theirs["user_code"])
    assert (await screen.poll(theirs["device_code"], client_id="other")).json()["scope"] == "openid"


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_id": "unknown"}, 401, "invalid_client"),
        ({"client_id": None}, 401, "invalid_client"),
        ({"client_id": "healthbook-phone"}, 400, "unauthorized_client"),
        ({"scope": None}, 400, "invalid_scope"),
        ({"scope": "record:submit"}, 400, "invalid_scope"),
        ({"scope": 'record"x'}, 400, "invalid_request"),
        ({"scope": "a\x00b"}, 400, "invalid_request"),
        ({"scope": "x" * 5000}, 400, "invalid_request"),
        ({"scope": ["openid", "openid"]}, 400, "invalid_request"),
    ],
)
async def test_a_device_that_asks_wrongly_gets_no_code(screen, phone, changes, status, error):
    answer = await screen.ask(**changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_a_client_gets_so_many_codes_in_one_network_and_no_more(screen, http, sessions, monkeypatch):
    monkeypatch.setattr(grant, "MOST", 3)
    answers = await asyncio.gather(*(screen.ask() for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 429, 429]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert (refused.json()["error"], refused.headers["retry-after"]) == ("temporarily_unavailable", "3600")
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(DeviceAuthorization)) == 3
        other = {"name": "Màn hình Tím", "kind": "sandbox", "auth_method": "none", "grant_types": [DEVICE]}
        await register(session, client_id="other", scope=SCOPE, **other)
        await session.commit()
    assert (await screen.ask(client_id="other")).status_code == 200
    async with sessions() as session:
        await session.execute(update(Attempt).values(window_end=utc_now()))
        await session.commit()
    assert (await screen.ask()).status_code == 200


async def test_a_client_is_counted_by_network(screen, app, monkeypatch):
    monkeypatch.setattr(grant, "MOST", 1)
    statuses = []
    for address in ("203.0.113.7", "203.0.113.8", "198.51.100.7"):
        transport = httpx.ASGITransport(app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as elsewhere:
            statuses.append((await Screen(elsewhere).ask()).status_code)
    assert statuses == [200, 429, 200]


async def test_an_unknown_client_leaves_no_counter(screen, sessions):
    assert (await screen.ask(client_id="unknown")).status_code == 401
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Attempt)) == 0


@pytest.mark.parametrize(
    "form", [{}, {"device_code": "a\x00"}, {"device_code": "x" * 5000}, {"device_code": ["a", "b"]}]
)
async def test_a_poll_that_cannot_be_read_is_invalid_request(screen, form):
    answer = await screen.http.post("/oauth/token", data={"grant_type": DEVICE, "client_id": TV} | form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "code", ["", "x", "BBBB-BBB", "AAAA-AAAA", "B" * 5000, "BBBB\x00BBB", "ßßßß-ßßßß", "'; --", "%F0%9F"]
)
async def test_codes_that_are_none_are_wrong_and_nothing_else(screen, http, code):
    await signed_in(http)
    assert (await confirm(http, code)).status_code == 400


async def test_a_page_of_another_site_decides_nothing(screen, http):
    asked = (await screen.ask()).json()
    await signed_in(http)
    token = hidden(await http.get("/device"), "form_token")
    form = {"user_code": asked["user_code"], "decision": "allow", "scope": "record:labs:read"}
    for headers, offered in (
        ({}, "wrong"),
        ({"origin": "https://evil.example"}, token),
        ({"sec-fetch-site": "cross-site"}, token),
    ):
        assert (await http.post("/device", data=form | {"form_token": offered}, headers=headers)).status_code == 403
    assert (await screen.poll(asked["device_code"])).json()["error"] == "authorization_pending"


async def test_nobody_decides_without_signing_in(screen, http):
    asked = (await screen.ask()).json()
    await http.get("/login")
    answer = await http.post("/device", data={"user_code": asked["user_code"], "decision": "allow", "form_token": "x"})
    assert answer.status_code == 403


@pytest.mark.parametrize("decision", [["allow", "deny"], ["ALLOW"], ["yes"], ["allow", "allow"]])
async def test_only_a_plain_yes_is_one(screen, http, decision):
    asked = (await screen.ask()).json()
    await signed_in(http)
    await decide(http, asked["user_code"], decision)
    assert (await screen.poll(asked["device_code"])).json()["error"] == "access_denied"


async def test_a_suspended_client_disappears_from_the_page(screen, http, sessions):
    asked = (await screen.ask()).json()
    await signed_in(http)
    async with sessions() as session:
        await suspend(session, TV)
        await session.commit()
    assert (await confirm(http, asked["user_code"])).status_code == 400


async def test_neither_code_is_stored(screen, sessions):
    asked = (await screen.ask()).json()
    async with sessions() as session:
        connection = await session.connection()
        stored = str((await connection.exec_driver_sql("SELECT t::text FROM auth.device_authorization t")).all())
    assert asked["device_code"] not in stored
    assert codes.typed(asked["user_code"]) not in stored


async def test_the_page_speaks_both_languages(screen, http):
    asked = (await screen.ask()).json()
    await signed_in(http)
    assert "Connect a device" in (await http.get("/device?lang=en")).text
    page = await http.get("/device?lang=en")
    form = {"form_token": hidden(page, "form_token"), "user_code": asked["user_code"]}
    assert "on another device" in (await http.post("/device?lang=en", data=form)).text


async def test_a_name_cannot_write_into_the_page(http, sessions):
    async with sessions() as session:
        await register(
            session,
            client_id=TV,
            name="<script>alert(1)</script>",
            kind="third_party",
            auth_method="none",
            grant_types=[DEVICE, CODE],
            redirect_uris=["https://cam.example.vn/cb"],
            scope=SCOPE,
        )
        await session.commit()
    asked = (await Screen(http).ask()).json()
    await signed_in(http)
    page = await confirm(http, asked["user_code"])
    assert "<script>" not in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


@given(st.text(max_size=80))
def test_any_text_is_a_code_or_none(text):
    found = codes.typed(text)
    assert found == "" or (len(found) == 8 and set(found) <= set(codes.ALPHABET))


@given(st.text(alphabet=codes.ALPHABET, min_size=8, max_size=8))
def test_a_code_survives_how_it_is_typed(code):
    for shown in (code, codes.shown(code), f" {codes.shown(code).lower()} ", " ".join(code)):
        assert codes.typed(shown) == code


def test_the_same_code_has_another_hash_under_another_key():
    assert codes.keyed(bytes(32), "BBBBBBBB") != codes.keyed(bytes(31) + b"1", "BBBBBBBB")


@pytest.mark.parametrize(
    ("host", "address", "network", "key"),
    [
        ("203.0.113.9", "203.0.113.9", "203.0.113.0/24", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9", "203.0.113.0/24", "203.0.113.9"),
        ("2001:db8:1:2ff::1", "2001:db8:1:2ff::1", "2001:db8:1:200::/56", "2001:db8:1:200::/56"),
        ("testclient", "", "", ""),
        (None, "", "", ""),
    ],
)
def test_an_address_is_counted_by_who_holds_it(host, address, network, key):
    found = address_of(SimpleNamespace(client=SimpleNamespace(host=host) if host else None))
    assert (found, network_of(found), counted(found)) == (address, network, key)
