"""The consent pages as a citizen meets them: a phone's Chromium, fingers, a keyboard, large text, no script."""

from contextlib import asynccontextmanager
from datetime import datetime
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from playwright.async_api import expect

from domain.values import VIETNAM
from tests.auth.apps import CALLBACKS, DIARY, HOSPITAL, PHONE_APP, SCOPE, TRIAL, WARD, WITH_BOOK, world
from tests.auth.flows import Phone
from tests.browser import PHONE, axe, barriers, chromium

__all__ = ["axe", "chromium", "world"]
CITIZEN, STRANGER = "Trần Thị Xanh", "Lê Văn Lục"
GO_ON, ALLOW, DENY = "button[value=go_on]", "button[value=allow]", "button[value=deny]"
LABS, VITALS = "#section-3", "#section-4"
IS_WIDER_THAN_THE_SCREEN = "document.scrollingElement.scrollWidth > document.scrollingElement.clientWidth"
FOCUSED = "() => { const e = document.activeElement; return e.id || e.value || e.tagName }"
HAS_OUTLINE = "() => getComputedStyle(document.activeElement).outlineStyle !== 'none'"
SMALL_TARGETS = """() => [...document.querySelectorAll('main button, main label, main summary, main .button')]
    .filter(e => e.offsetParent && e.getBoundingClientRect().height < 44 && !e.matches('.above'))
    .map(e => e.textContent)"""


@asynccontextmanager
async def screen(world, chromium, **options):
    """A phone's browser at the consent server; `page.asks` remembers the app's own secrets."""
    options = {"viewport": PHONE, "locale": "vi-VN", **options}
    context = await chromium.new_context(base_url=world.origin, **options)
    try:
        yield await context.new_page()
    finally:
        await context.close()


async def asked(page, app, citizen=CITIZEN, **changes):
    """Led here by the app, and signed in on the way if that was not done before."""
    await page.goto(f"/oauth/authorize?{urlencode(app.asks(**changes))}")
    if "/login" in page.url:
        await page.get_by_role("button", name=citizen).click()
        await page.wait_for_url("**/oauth/authorize?**")


async def returned(page, app, press):
    """Where the browser is sent when a button answers the request: the client's address, with its parameters."""
    address = app.redirect
    async with page.expect_request(lambda request: request.url.startswith(address)) as sent:
        await press
    return parse_qs(urlsplit((await sent.value).url).query)


def app_of(world, client_id=DIARY, scope=SCOPE, callback="loopback"):
    app = Phone(httpx.AsyncClient(base_url=world.origin), WITH_BOOK, client_id, scope)
    app.redirect = CALLBACKS[callback]
    return app


async def token(app, code):
    async with app.http:
        return (await app.redeem(code[0], redirect_uri=app.redirect)).json()


async def test_two_of_five_sections_and_a_period_are_what_the_app_gets(world, chromium):
    app = app_of(world)
    async with screen(world, chromium) as page:
        await asked(page, app)
        assert await page.locator("input[type=checkbox]:checked").count() == 0
        await page.get_by_role("checkbox", name="Kết quả xét nghiệm").check()
        await page.get_by_text("Huyết áp, mạch").click()
        await page.get_by_role("radio", name="Tôi tự chọn ngày").check()
        await page.get_by_label("Từ ngày", exact=True).fill("2024-01-31")
        await page.get_by_role("button", name="Tiếp tục").click()
        await expect(page.get_by_role("article")).to_contain_text("từ ngày 31/01/2024")
        for name in ("Kết quả xét nghiệm", "Dấu hiệu sinh tồn", "Nhật ký Cam", "HIV/AIDS", "không thể lấy lại"):
            await expect(page.get_by_role("article")).to_contain_text(name)
        answer = await returned(page, app, page.get_by_role("button", name="Cho phép", exact=True).click())
    granted = (await token(app, answer["code"]))["scope"].split(" ")
    assert set(granted) == {"openid", "offline_access", "record:labs:read", "record:vitals:read"}
    [consent] = await world.consents()
    assert consent["sections"] == ["labs", "vitals"]
    assert (consent["data_from"], consent["data_to"], consent["sensitive"]) == ("2024-01-31", None, [])
    assert (consent["valid_until"].astimezone(VIETNAM).date() - datetime.now(VIETNAM).date()).days == 30


@pytest.mark.parametrize("callback", CALLBACKS)
@pytest.mark.parametrize("answers", [[GO_ON, ALLOW], [DENY]], ids=["yes", "no"])
async def test_the_browser_follows_the_answer_to_the_app(world, chromium, callback, answers):
    app = app_of(world, callback=callback)
    async with screen(world, chromium) as page:
        await asked(page, app, redirect_uri=app.redirect)
        await page.locator(LABS).check()
        for button in answers[:-1]:
            await page.locator(button).click()
        told = await returned(page, app, page.locator(answers[-1]).click())
    await app.http.aclose()
    assert ("code" in told, told.get("error")) == ((True, None) if answers[-1] == ALLOW else (False, ["access_denied"]))
    assert told["iss"] == [world.origin]


async def pages(page, world):
    """Every page of the flow, one after the other, under its name."""
    app, own, ward = app_of(world, TRIAL), app_of(world, PHONE_APP), app_of(world, WARD, "openid record:labs:read")
    await page.goto("/login?next=/account")
    yield "sign in"
    await asked(page, app)
    yield "choose"
    await page.locator("#period-dates").check()
    await page.locator("summary").click()
    await page.locator(GO_ON).click()
    await expect(page.locator("#problems")).to_be_visible()
    yield "problems"
    await page.locator(LABS).check()
    await page.locator("#first").fill("2024-01-31")
    await page.locator(GO_ON).click()
    await expect(page.get_by_role("article")).to_be_visible()
    yield "review"
    await asked(page, own)
    yield "own app"
    await asked(page, ward)
    yield "no work there"
    await world.sql(
        "insert into access.practitioner_role (id, citizen_id, organization_id, role, display_name)"
        " values (gen_random_uuid(), $1, $2, 'doctor', 'Bs. Xanh') on conflict do nothing",
        WITH_BOOK,
        HOSPITAL,
    )
    await asked(page, ward)
    yield "work"
    await page.goto("/oauth/authorize?client_id=nobody")
    yield "trouble"
    await page.context.clear_cookies()
    await asked(page, app, STRANGER)
    yield "no book"
    for each in (app, own, ward):
        await each.http.aclose()


@pytest.mark.parametrize("locale", ["vi-VN", "en-GB"])
@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_axe_finds_no_barrier_on_any_page(world, chromium, axe, locale, colours):
    async with screen(world, chromium, locale=locale, color_scheme=colours) as page:
        async for name in pages(page, world):
            assert await barriers(page, axe) == [], name
            assert await page.locator("html").get_attribute("lang") == locale[:2]


@pytest.mark.parametrize(
    ("viewport", "text_size"), [({"width": 320, "height": 640}, 16), (PHONE, 32), ({"width": 320, "height": 640}, 32)]
)
async def test_no_page_scrolls_sideways(world, chromium, viewport, text_size):
    async with screen(world, chromium, viewport=viewport) as page:
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("Page.setFontSizes", {"fontSizes": {"standard": text_size}})
        async for name in pages(page, world):
            assert not await page.evaluate(IS_WIDER_THAN_THE_SCREEN), name
            assert await page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= text_size, name


async def test_what_a_finger_must_hit_is_large(world, chromium):
    async with screen(world, chromium, has_touch=True) as page:
        async for name in pages(page, world):
            assert await page.evaluate(SMALL_TARGETS) == [], name


async def test_yes_and_no_have_equal_weight(world, chromium):
    app = app_of(world)
    look = "e => { const s = getComputedStyle(e); return [s.color, s.backgroundColor, s.fontWeight, s.border] }"
    async with screen(world, chromium) as page:
        await asked(page, app)
        await page.locator(LABS).check()
        await page.locator(GO_ON).click()
        yes, no = page.locator(ALLOW), page.locator(DENY)
        assert await yes.evaluate(look) == await no.evaluate(look)
        yes_box, no_box = await yes.bounding_box(), await no.bounding_box()
        assert (yes_box["width"], yes_box["height"]) == (no_box["width"], no_box["height"])
    await app.http.aclose()


async def test_it_works_with_a_keyboard_alone(world, chromium):
    app = app_of(world)
    async with screen(world, chromium) as page:
        await asked(page, app)
        visited = await _tabs(page, until="section-3")
        assert visited.index("all") < visited.index("section-1")
        assert await page.evaluate(HAS_OUTLINE)
        await page.keyboard.press("Space")
        await _tabs(page, until="period-years_1")
        await page.keyboard.press("ArrowDown")
        await _tabs(page, until="go_on")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("article")).to_contain_text("Kết quả xét nghiệm")
        await _tabs(page, until="allow")
        assert await page.evaluate(HAS_OUTLINE)
        told = await returned(page, app, page.keyboard.press("Enter"))
    await app.http.aclose()
    assert "code" in told
    [consent] = await world.consents()
    assert consent["data_from"][:4] == str(datetime.now(VIETNAM).year - 5)


async def _tabs(page, *, until):
    visited = []
    while not visited or visited[-1] != until:
        await page.keyboard.press("Tab")
        visited.append(await page.evaluate(FOCUSED))
        assert len(visited) < 60, visited
    return visited


async def test_the_enter_key_on_a_box_grants_nothing_and_loses_nothing(world, chromium):
    app = app_of(world)
    async with screen(world, chromium) as page:
        await asked(page, app)
        await page.locator(LABS).check()
        async with page.expect_navigation():
            await page.locator(LABS).press("Enter")
        await expect(page.locator(LABS)).to_be_checked()
        await expect(page.locator(VITALS)).not_to_be_checked()
        await expect(page.locator("#problems")).to_have_count(0)
    await app.http.aclose()
    assert await world.consents() == []


async def test_it_works_without_script(world, chromium):
    app = app_of(world)
    async with screen(world, chromium, java_script_enabled=False) as page:
        await asked(page, app)
        await page.get_by_role("button", name="Chọn tất cả các phần").click()
        await expect(page.locator("input[name=scope]:checked")).to_have_count(5)
        await expect(page.locator("input[name=sensitive]:checked")).to_have_count(0)
        await page.get_by_text("Dữ liệu đặc biệt riêng tư").first.click()
        await page.get_by_role("checkbox", name="Thông tin di truyền").check()
        await page.locator(GO_ON).click()
        await page.get_by_role("button", name="Sửa lại").click()
        await expect(page.locator("input[name=scope]:checked")).to_have_count(5)
        await expect(page.get_by_role("checkbox", name="Thông tin di truyền")).to_be_checked()
        await page.locator(GO_ON).click()
        told = await returned(page, app, page.locator(ALLOW).click())
    await app.http.aclose()
    assert "code" in told
    [consent] = await world.consents()
    assert (len(consent["sections"]), consent["sensitive"]) == (5, ["GENETIC"])


async def test_a_problem_is_what_a_screen_reader_comes_to_first(world, chromium):
    app = app_of(world)
    async with screen(world, chromium) as page:
        await asked(page, app)
        await page.locator("#until-year_1").check()
        await page.locator(GO_ON).click()
        alert = page.get_by_role("alert")
        await expect(alert).to_be_focused()
        await expect(alert).to_contain_text("Bạn chưa chọn phần nào")
        assert (await page.title()).startswith("Cần sửa trước khi tiếp tục")
        await expect(page.locator("#until-year_1")).to_be_checked()
        await expect(page.locator("#sections")).to_have_accessible_description(
            "Bạn chưa chọn phần nào. Hãy chọn ít nhất một phần, hoặc bấm “Không cho phép”."
        )
        await alert.get_by_role("link").click()
        await expect(page.locator("#sections")).to_be_focused()
    await app.http.aclose()


async def test_a_screen_reader_hears_it_in_the_order_of_the_eye(world, chromium):
    app = app_of(world, TRIAL)
    async with screen(world, chromium) as page:
        await asked(page, app)
        heard = await page.get_by_role("main").aria_snapshot()
        await expect(page.locator(LABS)).to_have_accessible_name("Kết quả xét nghiệm")
        await expect(page.locator(LABS)).to_have_accessible_description("Máu, nước tiểu và các xét nghiệm khác")
    await app.http.aclose()
    told = ("Bước chân Hồng", "Chưa được kiểm chứng", "Để ứng dụng cho bạn xem", "Bạn cho xem phần nào?", "Dị ứng")
    told += ("Cho xem dữ liệu từ khi nào?", "Cho phép đến khi nào?", "Bạn nên biết", "Tiếp tục", "Không cho phép")
    places = [heard.index(words) for words in told[:-1]] + [heard.rindex(told[-1])]
    assert places == sorted(places)


async def test_nothing_moves(world, chromium):
    async with screen(world, chromium, reduced_motion="reduce") as page:
        style = await (await page.request.get("/oauth/style.css")).text()
    assert not [word for word in ("transition", "animation", "scroll-behavior") if word in style]
