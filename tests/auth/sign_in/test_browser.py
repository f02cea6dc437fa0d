"""Signing in on a phone, in a real Chromium: passkeys with a virtual device, the page's one script, and no barriers."""

from dataclasses import replace

import pytest
from sqlalchemy import select
from starlette.applications import Starlette

from auth.flow_tables import Passkey
from auth.routes import routes
from auth.settings import NationalSettings
from auth.tables import WebSession
from tests.auth.flows import RECORD_SCOPES
from tests.browser import PHONE, axe, barriers, chromium, listening, serving

__all__ = ["axe", "chromium"]
NATIONAL = NationalSettings(issuer="https://id.example.vn", client_id="c", acr=("a",), client_secret="s")
DEVICE = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture
async def site(settings, sessions, citizens):
    """A demo by name, where passkeys work, served over HTTP; its origin."""
    bound = listening()
    origin = f"http://localhost:{bound.getsockname()[1]}"
    app = Starlette(routes=routes(replace(settings, issuer=origin), sessions, citizens, RECORD_SCOPES))
    async with serving(app, bound):
        yield origin


@pytest.fixture
async def page(chromium, site):
    context = await chromium.new_context(viewport=PHONE, locale="vi-VN", base_url=site)
    context.set_default_timeout(30_000)
    page = await context.new_page()
    page.told = []
    page.on("console", lambda one: one.location["url"].endswith("/favicon.ico") or page.told.append(one.text))
    page.on("pageerror", lambda error: page.told.append(str(error)))
    yield page
    await context.close()


@pytest.fixture
async def device(page):
    protocol = await page.context.new_cdp_session(page)
    await protocol.send("WebAuthn.enable")
    made = await protocol.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})

    async def verifies(verified):
        told = {"authenticatorId": made["authenticatorId"], "isUserVerified": verified}
        await protocol.send("WebAuthn.setUserVerified", told)

    return verifies


async def register(page):
    await page.goto("/login?next=/account")
    await page.get_by_role("button", name="Trần Thị Xanh").click()
    await page.wait_for_url("**/account")
    await page.get_by_role("button", name="Thêm khóa trên máy này").click()
    await page.wait_for_url("**/account?lang=vi")
    await page.get_by_role("button", name="Xóa").wait_for()


async def test_registers_a_passkey_and_signs_in_with_it(page, device, sessions):
    await register(page)
    await page.get_by_role("button", name="Đăng xuất", exact=True).click()
    await page.wait_for_url("**/login?lang=vi")
    await page.get_by_role("button", name="Dùng vân tay hoặc khuôn mặt").click()
    await page.wait_for_url("**/account")
    async with sessions() as session:
        passkey = (await session.scalars(select(Passkey))).one()
        living = (await session.scalars(select(WebSession).where(WebSession.revoked_at.is_(None)))).one()
    assert living.acr == "urn:healthbook:acr:2"
    assert passkey.last_used_at is not None
    assert passkey.label == "Chrome · Linux"
    assert page.told == []


async def test_a_device_that_does_not_know_its_user_is_said_so_on_the_page(page, device):
    await register(page)
    await device(False)
    await page.goto("/login?lang=vi")
    await page.get_by_role("button", name="Dùng vân tay hoặc khuôn mặt").click()
    await page.get_by_role("alert").get_by_text("Máy chưa nhận ra bạn").wait_for()
    assert page.url.endswith("/login?lang=vi")


async def test_without_script_the_other_ways_still_work(chromium, site):
    context = await chromium.new_context(viewport=PHONE, locale="vi-VN", base_url=site, java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/login?next=/account")
    assert not await page.get_by_role("button", name="Dùng vân tay").is_visible()
    await page.get_by_role("button", name="Trần Thị Xanh").click()
    await page.wait_for_url("**/account")
    await context.close()


async def test_no_other_script_runs(page):
    """The CSP lets one file run, whatever else a page might come to hold."""
    await page.goto("/login")
    await page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))"
    )
    assert await page.evaluate("window.ran") is None
    assert "Content Security Policy" in " ".join(page.told)


async def test_abuse_15_clickjacking_another_page_cannot_frame_the_sign_in(page, site):
    await page.goto("about:blank")
    await page.set_content(f'<iframe src="{site}/login" width="300" height="300"></iframe>')
    frame = await page.locator("iframe").element_handle()
    inside = await frame.content_frame()
    await inside.wait_for_load_state()
    assert await inside.get_by_role("button").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/login?next=/account", "/account", "/login?next=/account&acr=2&max_age=60"])
async def test_axe_finds_no_barriers(page, device, axe, path, scheme):
    await register(page)
    await page.emulate_media(color_scheme=scheme)
    await page.goto(path)
    assert await barriers(page, axe) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
