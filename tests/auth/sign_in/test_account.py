"""The citizen's own page: where he is signed in, his contacts, and that only he, freshly signed in, changes them."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import delete, func, select, update
from starlette.applications import Starlette

from auth.flow_tables import ContactPoint
from auth.purge import purge
from auth.routes import routes
from auth.settings import NationalSettings
from auth.sign_in.devices import device_of
from auth.sign_in.levels import CODE_ACR
from auth.tables import WebSession
from domain.attempts import Attempt
from domain.values import utc_now
from tests.auth.conftest import BLUE, GREEN
from tests.auth.flows import ISSUER, RECORD_SCOPES, hidden

ANDROID = (
    "Mozilla/5.0 (Linux; Android 14; SM-A155F) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0 Mobile Safari/537.36"
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"


@pytest.fixture
async def browsers(app):
    opened = []

    async def new(citizen_id=BLUE, user_agent=ANDROID):
        http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url=ISSUER, headers={"user-agent": user_agent}
        )
        opened.append(http)
        page = await http.get("/login")
        form = {"form_token": hidden(page, "form_token"), "citizen": str(citizen_id)}
        assert (await http.post("/login", data=form)).status_code == 303
        return http

    yield new
    for one in opened:
        await one.aclose()


async def post(http, path, **form):
    token = hidden(await http.get("/account"), "form_token")
    return await http.post(path, data={"form_token": token} | form)


async def is_signed_in(http):
    return (await http.get("/account")).status_code == 200


def names(page, path="/account/sessions"):
    return re.findall(rf'action="{path}\?lang=vi">.*?name="name" value="([0-9a-f]+)"', page.text, re.DOTALL)


async def test_lists_own_sessions_by_family_of_device_only(browsers):
    here = await browsers()
    await browsers(user_agent=IPHONE)
    await browsers(GREEN, user_agent="Windows Firefox")
    page = (await here.get("/account")).text
    assert "Chrome · Android" in page
    assert "Safari · iPhone" in page
    assert "Windows" not in page
    assert "SM-A155F" not in page
    assert page.index("Máy này") < page.index("Safari · iPhone")


async def test_ending_one_session_works_on_its_next_request(browsers):
    here, there = await browsers(), await browsers(user_agent=IPHONE)
    (name,) = names(await here.get("/account"))
    assert (await post(here, "/account/sessions", name=name)).status_code == 303
    assert not await is_signed_in(there)
    assert await is_signed_in(here)


async def test_ending_all_ends_this_one_too(browsers):
    here, there, other = await browsers(), await browsers(), await browsers(GREEN)
    await post(here, "/account/sessions", all="1")
    assert [await is_signed_in(one) for one in (here, there, other)] == [False, False, True]


async def test_nobody_ends_another_s_session(browsers, sessions):
    here, other = await browsers(), await browsers(GREEN)
    second = await browsers(GREEN)
    for name in [*names(await other.get("/account")), "0" * 32, "đ", ""]:
        await post(here, "/account/sessions", name=name)
    assert [await is_signed_in(one) for one in (other, second)] == [True, True]


async def test_what_is_listed_opens_nothing(browsers, sessions):
    await browsers()
    here = await browsers()
    page = await here.get("/account")
    async with sessions() as session:
        hashes = [row.id_hash.hex() for row in await session.scalars(select(WebSession))]
    assert not [one for one in hashes if one in page.text or one[:32] in names(page)]


async def test_without_a_sign_in_the_page_leads_there_and_back(http):
    answer = await http.get("/account")
    assert answer.headers["location"] == "/login?lang=vi&next=%2Faccount"
    assert answer.status_code == 303


@pytest.mark.parametrize(
    "path",
    [
        "/account/sessions", "/account/passkeys", "/account/passkeys/remove", "/account/contacts",
        "/account/contacts/check", "/account/contacts/remove",
    ],
)  # fmt: skip
async def test_abuse_14_forms_of_other_sites_change_nothing(browsers, path):
    here = await browsers()
    token = hidden(await here.get("/account"), "form_token")
    told = {"form_token": token, "all": "1", "name": "x", "contact": "0912345678", "code": "1", "credential": "{}"}
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert (await here.post(path, data=told, headers=headers)).status_code == 403
    assert (await here.post(path, data=told | {"form_token": "0" * 64})).status_code == 403
    assert await is_signed_in(here)


async def test_abuse_15_clickjacking_no_page_is_framed(browsers):
    here = await browsers()
    for path in ("/login", "/account", "/login/national"):
        headers = (await here.get(path)).headers
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"


async def add_contact(http, contact="0912345678"):
    page = await post(http, "/account/contacts?lang=vi", contact=contact)
    assert page.status_code == 200, page.text
    outbox = await http.get("/login")
    code = re.search(r'class="code">([0-9]{6})<', outbox.text)[1]
    form = {"form_token": hidden(page, "form_token"), "code": code}
    return await http.post("/account/contacts/check", data=form)


async def test_a_contact_is_added_once_its_code_arrived_and_then_signs_in(browsers, sessions):
    here = await browsers()
    assert (await add_contact(here)).status_code == 303
    page = await here.get("/account")
    assert "•••••• 678" in page.text
    assert "0912345678" not in page.text
    (name,) = names(page, "/account/contacts/remove")
    await post(here, "/account/contacts/remove", name=name)
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(ContactPoint)) == 0


async def test_a_wrong_code_adds_nothing(browsers, sessions):
    here = await browsers()
    page = await post(here, "/account/contacts", contact="0912345678")
    form = {"form_token": hidden(page, "form_token"), "code": "12345x"}
    assert (await here.post("/account/contacts/check", data=form)).status_code == 400
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(ContactPoint)) == 0


async def test_another_s_contact_cannot_be_taken_over(browsers, sessions):
    await add_contact(await browsers())
    async with sessions() as session:
        await session.execute(update(Attempt).values(window_end=utc_now()))
        await session.commit()
    green = await browsers(GREEN)
    assert (await add_contact(green)).status_code == 400
    async with sessions() as session:
        assert (await session.scalar(select(ContactPoint.citizen_id))) == BLUE


async def test_nobody_removes_another_s_contact(browsers, sessions):
    blue = await browsers()
    await add_contact(blue)
    (name,) = names(await blue.get("/account"), "/account/contacts/remove")
    await post(await browsers(GREEN), "/account/contacts/remove", name=name)
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(ContactPoint)) == 1


async def test_a_code_asked_for_to_sign_in_verifies_no_contact(browsers, sessions):
    here = await browsers()
    await add_contact(here)
    async with sessions() as session:
        await session.execute(update(Attempt).values(window_end=utc_now()))
        await session.commit()
    await post(here, "/account/contacts", contact="0987654321")  # its code never arrives
    page = await here.get("/login")
    asked = {"form_token": hidden(page, "form_token"), "contact": "0912345678"}
    assert (await here.post("/login/code", data=asked)).status_code == 200
    code = re.search(r'class="code">([0-9]{6})<', (await here.get("/login")).text)[1]
    assert (await post(here, "/account/contacts/check", code=code)).status_code == 400
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(ContactPoint)) == 1


@pytest.mark.parametrize("change", ["old", "weak"])
async def test_ways_to_sign_in_are_changed_only_after_a_fresh_and_strong_one(
    settings, sessions, citizens, browsers, change
):
    here = await browsers()
    national = NationalSettings(issuer="https://id.example.vn", client_id="c", acr=("a",), client_secret="s")
    chosen = replace(settings, national=national)
    old = utc_now() - timedelta(days=1, minutes=1)
    async with sessions() as session:
        await session.execute(update(WebSession).values({"auth_time": old} if change == "old" else {"acr": CODE_ACR}))
        await session.commit()
    app = Starlette(routes=routes(chosen, sessions, citizens, RECORD_SCOPES))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER, cookies=here.cookies) as browser:
        page = await browser.get("/account")
        assert "Để thêm hoặc xóa" in page.text
        assert 'action="/account/contacts' not in page.text
        token = hidden(page, "form_token")
        for path in ("contacts", "contacts/check", "contacts/remove", "passkeys", "passkeys/remove"):
            answer = await browser.post(f"/account/{path}", data={"form_token": token, "contact": "0912345678"})
            assert answer.headers["location"] == "/login?lang=vi&next=%2Faccount&acr=2&max_age=86400"


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (ANDROID, "Chrome · Android"),
        (IPHONE, "Safari · iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/129 Safari/537 Edg/129", "Edge · Windows"),
        ("Mozilla/5.0 (Linux; Android 13) SamsungBrowser/25 Chrome/121", "Samsung Internet · Android"),
        ("curl/8", ""),
        ("<script>alert(1)</script>", ""),
        ("A" * 100_000, ""),
    ],
)
def test_a_browser_in_two_plain_words(user_agent, device):
    assert device_of(user_agent) == device


async def test_a_citizen_is_told_of_a_sign_in_on_a_device_never_used_before(browsers, sessions, citizens):
    await browsers()
    await browsers()
    assert citizens.warned == [BLUE]
    await browsers(user_agent=IPHONE)
    assert citizens.warned == [BLUE, BLUE]
    async with sessions() as session:
        await session.execute(delete(WebSession))
        await purge(session, utc_now() + timedelta(days=300))
        await session.commit()
    await browsers(user_agent=IPHONE)
    assert citizens.warned == [BLUE, BLUE]
    await browsers(GREEN, IPHONE)
    assert citizens.warned == [BLUE, BLUE, GREEN]


async def test_of_two_first_sign_ins_at_once_a_citizen_is_told_once(browsers, citizens):
    await asyncio.gather(*(browsers() for _ in range(4)))
    assert citizens.warned == [BLUE]


async def test_which_devices_a_citizen_used_is_kept_as_hashes(browsers, sessions):
    await browsers()
    async with sessions() as session:
        connection = await session.connection()
        stored = str((await connection.exec_driver_sql("SELECT t::text FROM auth.attempt t")).all())
    assert "Android" not in stored
    assert str(BLUE) not in stored
