"""Somebody else's app on a device: what it reads stands on a consent, chosen, read and said yes to as on the page."""

import asyncio
import hashlib
import html
import re
from datetime import timedelta

import httpx
import pytest
from playwright.async_api import expect
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import async_sessionmaker

from auth.clients.profiles import DEVICE, REFRESH
from auth.clients.registration import register
from domain.database import open_engine
from domain.values import utc_now
from tests.auth.apps import PATIENT, SCOPE, SCOPES, WITH_BOOK, WITHOUT_BOOK, world
from tests.auth.flows import Phone, hidden
from tests.browser import PHONE, axe, barriers, chromium

__all__ = ["axe", "chromium", "world"]
LABS, VITALS = "record:labs:read", "record:vitals:read"
SCREEN = "trial-screen"


class Device:
    """A screen that shows a code, and the browser of the citizen who types it."""

    def __init__(self, http, citizen_id):
        self.http, self.citizen_id = http, citizen_id

    async def begin(self, scope=SCOPE):
        await Phone(self.http, self.citizen_id).sign_in()
        asked = await self.http.post("/oauth/device", data={"client_id": SCREEN, "scope": scope})
        assert asked.status_code == 200, asked.text
        self.code, self.user_code = asked.json()["device_code"], asked.json()["user_code"]

    async def press(self, decision=None, form=(), lang="vi"):
        token = hidden(await self.http.get("/device"), "form_token")
        fields = {"form_token": token, "user_code": self.user_code, **dict(form)}
        fields |= {"decision": decision} if decision else {}
        return await self.http.post(f"/device?lang={lang}", data=fields)

    async def allow(self, form, **how):
        """Choose, read, say yes."""
        review = await self.press("go_on", form, **how)
        assert review.status_code == 200, review.text
        return await self.press("allow", {**form, "shown": hidden(review, "shown")}, **how)

    async def poll(self):
        form = {"grant_type": DEVICE, "device_code": self.code, "client_id": SCREEN}
        return await self.http.post("/oauth/token", data=form)


@pytest.fixture
async def browser(world):
    """Where a citizen types the code of a sandbox device; nobody is signed in."""
    engine = open_engine(world.database.auth)
    async with async_sessionmaker(engine)() as session:
        await register(
            session,
            client_id=SCREEN,
            name="Khung ảnh Tím",
            kind="sandbox",
            auth_method="none",
            grant_types=(DEVICE, REFRESH),
            scope=SCOPE,
        )
        await session.commit()
    await engine.dispose()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(world.app), base_url=world.origin) as client:
        yield client


@pytest.fixture
async def device(browser):
    made = Device(browser, WITH_BOOK)
    await made.begin()
    return made


async def nothing_was_granted(world, device):
    assert await world.consents() == []
    assert await world.sql("select * from auth.token_grant") == []
    assert (await device.poll()).json()["error"] == "authorization_pending"


async def test_the_ticked_sections_are_in_the_token_and_in_the_consent(world, device):
    form = {"scope": [LABS, VITALS], "period": "everything", "until": "months_6", "sensitive": ["GENETIC"]}
    done = await device.allow(form)
    assert "Đã kết nối" in done.text
    assert set((await device.poll()).json()["scope"].split()) == {"openid", "offline_access", LABS, VITALS}
    [consent] = await world.consents()
    assert (consent["kind"], consent["client_id"], consent["channel"]) == ("app", SCREEN, "page")
    assert (consent["sections"], consent["purposes"]) == (["labs", "vitals"], ["PATRQT"])
    assert (consent["sensitive"], consent["data_from"], consent["acr"]) == (["GENETIC"], None, "demo")
    assert (consent["patient_id"], consent["granted_by"], consent["actor_role"]) == (PATIENT, WITH_BOOK, "self")
    assert timedelta(days=180) < consent["valid_until"] - utc_now() < timedelta(days=186)


async def test_29_who_asks_from_where_is_on_the_page_and_nothing_is_ticked(device):
    """Abuse case 29: the citizen compares the code and sees whose device it is before he chooses anything."""
    page = await device.press()
    assert page.status_code == 200
    for told in ("Khung ảnh Tím", device.user_code, "127.0.0.1", "Không nhập mã mà người khác", "Chưa được kiểm chứng"):
        assert told in page.text
    assert not re.search(r'type="checkbox"[^>]* checked', page.text)
    assert page.text.count('name="scope"') == len(SCOPES)
    assert "form-action 'self';" in page.headers["content-security-policy"] + ";"
    assert "on another device" in (await device.press(lang="en")).text


async def test_the_text_that_is_kept_is_the_text_that_was_shown(world, device):
    review = await device.press("go_on", {"scope": [LABS]}, lang="en")
    await device.allow({"scope": [LABS]}, lang="en")
    [consent] = await world.consents()
    [text] = await world.sql("select * from access.consent_text")
    assert consent["text_hash"] == text["text_hash"] == hashlib.sha256(text["body"].encode()).digest()
    assert hidden(review, "shown") == text["text_hash"].hex()
    article = html.unescape(re.sub(r"<[^>]+>", "", re.search(r"<article.*?</article>", review.text, re.DOTALL)[0]))
    for line in filter(None, text["body"].splitlines()):
        assert line.removeprefix("- ") in article


@pytest.mark.parametrize("shown", ["", "0" * 64, "đ"])
async def test_a_yes_without_the_text_is_none(world, device, shown):
    answer = await device.press("allow", {"scope": [LABS], "shown": shown})
    assert 'name="shown"' in answer.text
    await nothing_was_granted(world, device)


@pytest.mark.parametrize("decision", ["go_on", "edit", "look", "all"])
async def test_only_the_button_that_allows_does(world, device, decision):
    shown = hidden(await device.press("go_on", {"scope": [LABS]}), "shown")
    assert (await device.press(decision, {"scope": [LABS], "shown": shown})).status_code == 200
    await nothing_was_granted(world, device)


async def test_a_yes_to_one_text_is_no_yes_to_another(world, device):
    shown = hidden(await device.press("go_on", {"scope": [LABS]}), "shown")
    for wider in ({"scope": [LABS, VITALS]}, {"scope": [LABS], "until": "year_1"}):
        assert "Nội dung đã đổi" in (await device.press("allow", {**wider, "shown": shown})).text
    await nothing_was_granted(world, device)


async def test_6_an_edited_form_gets_at_most_what_was_asked(world, browser):
    """Abuse case 6 on the page of a device."""
    device = Device(browser, WITH_BOOK)
    await device.begin(f"openid {LABS}")
    await device.allow({"scope": [LABS, VITALS, "consent:manage"]})
    assert set((await device.poll()).json()["scope"].split()) == {"openid", LABS}
    [consent] = await world.consents()
    assert consent["sections"] == ["labs"]


@pytest.mark.parametrize(
    "form",
    [
        {"decision": ["allow", "allow"]},
        {"decision": ["deny", "allow"]},
        {"decision": "grant"},
        {"decision": "allow", "period": "always"},
        {"decision": "go_on", "until": ["days_30", "year_1"]},
        {"decision": "go_on", "first": "1" * 21},
    ],
)
async def test_31_a_form_that_no_page_of_ours_sends_is_refused(world, device, form):
    """Abuse case 31."""
    assert (await device.press(form={"scope": [LABS], **form})).status_code == 400
    await nothing_was_granted(world, device)


async def test_what_is_missing_is_said_and_the_rest_stays(world, device):
    answer = await device.press("go_on", {"period": "dates", "first": "31/02/2025"})
    assert answer.status_code == 400
    assert "Bạn chưa chọn phần nào" in answer.text
    assert "31/02/2025" in answer.text
    every = await device.press("all")
    assert len(re.findall(r'name="scope"[^>]* checked', every.text)) == len(SCOPES)
    await nothing_was_granted(world, device)


async def test_who_says_no_on_either_page_has_denied(world, device):
    await device.press("go_on", {"scope": [LABS]})
    assert "từ chối" in (await device.press("deny", {"scope": [LABS]})).text
    assert (await device.poll()).json()["error"] == "access_denied"
    assert await world.consents() == []


@pytest.mark.parametrize(("citizen", "years", "told"), [(WITHOUT_BOOK, None, "Chưa tìm thấy"), (WITH_BOOK, 12, "16")])
async def test_who_cannot_open_a_book_alone_is_stopped(world, browser, citizen, years, told):
    if years:
        await world.born(str(utc_now().year - years))
    device = Device(browser, citizen)
    await device.begin()
    answers = [await device.press(), await device.press("go_on", {"scope": [LABS]})]
    answers.append(await device.press("allow", {"scope": [LABS], "shown": "0" * 64}))
    for answer in answers:
        assert answer.status_code == 403
        assert told in answer.text
    await nothing_was_granted(world, device)
    await device.press("deny")
    assert (await device.poll()).json()["error"] == "access_denied"


async def test_the_grant_ends_with_the_consent_at_the_latest(world, device):
    await device.allow({"scope": [LABS]})
    [consent] = await world.consents()
    [row] = await world.sql("select grant_until from auth.device_authorization")
    assert row["grant_until"] == consent["valid_until"]
    soon = utc_now() + timedelta(days=3)
    await world.sql("update auth.device_authorization set grant_until = $1", soon)
    assert (await device.poll()).status_code == 200
    [grant] = await world.sql("select expires_at from auth.token_grant")
    assert grant["expires_at"] == soon


async def test_a_new_device_of_the_app_replaces_the_consent(world, device):
    await device.allow({"scope": [LABS]})
    await device.begin()
    await device.allow({"scope": [VITALS]})
    first, second = await world.consents()
    assert first["withdrawn_at"] is not None
    assert (second["sections"], second["withdrawn_at"]) == (["vitals"], None)


async def test_39_of_two_answers_at_once_one_counts(world, device):
    """Abuse case 39: the device's row is held, so its code is answered once."""
    form = {"scope": [LABS]}
    form["shown"] = hidden(await device.press("go_on", form), "shown")
    answers = await asyncio.gather(*(device.press("allow", form) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400]
    assert len(await world.consents()) == len(await world.sql("select * from auth.token_grant")) == 1


async def test_without_the_consent_nothing_is_approved(world, device):
    await world.sql("revoke insert on access.consent_event from healthbook_auth")
    with pytest.raises(ProgrammingError, match="permission denied"):
        await device.allow({"scope": [LABS]})
    await nothing_was_granted(world, device)


@pytest.mark.parametrize("locale", ["vi-VN", "en-GB"])
@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_axe_finds_no_barrier_and_a_citizen_finds_the_way(world, browser, chromium, axe, locale, colours):
    """On a phone, from the typed code to the device's tokens."""
    device = Device(browser, WITH_BOOK)
    await device.begin()
    context = await chromium.new_context(base_url=world.origin, viewport=PHONE, locale=locale, color_scheme=colours)
    page = await context.new_page()
    await page.goto(f"/device?user_code={device.user_code}")
    await page.get_by_role("button", name="Trần Thị Xanh").click()
    for buttons in (["main form button.main"], ["button[value=go_on]"], ["button[value=all]", "button[value=go_on]"]):
        assert await barriers(page, axe) == []
        for button in buttons:
            await page.locator(button).click()
    await expect(page.get_by_role("article")).to_be_visible()
    assert await barriers(page, axe) == []
    await page.locator("button[value=allow]").click()
    await expect(page.get_by_role("article")).to_have_count(0)
    assert await barriers(page, axe) == []
    await context.close()
    assert set((await device.poll()).json()["scope"].split()) == set(SCOPE.split())
