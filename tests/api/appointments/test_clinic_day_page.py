"""The clinic's day in a browser: for its staff, on a phone, with a keyboard, and without barriers."""

import html
import re

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from api.app import create_app
from auth import web_sessions
from auth.settings import AuthSettings
from domain.database import open_engine
from domain.values import utc_now
from tests.api.appointments.test_desk import today
from tests.api.conftest import AUTH
from tests.browser import PHONE, axe, barriers, chromium, listening, serving

__all__ = ["axe", "chromium"]
PATH = "/clinic/day"
SMALL = """() => [...document.querySelectorAll('main button')]
    .filter(e => e.getBoundingClientRect().height < 44).map(e => e.textContent)"""


async def signed_in(world, citizen):
    """The cookie of a browser session."""
    engine = open_engine(world.clinic.book.database.auth)
    async with async_sessionmaker(engine)() as session:
        cookie = await web_sessions.begin(session, citizen, acr="demo", now=utc_now())
        await session.commit()
    await engine.dispose()
    return cookie


@pytest.fixture
async def doctor(world):
    """A browser of the clinic's doctor, on a day with two appointments."""
    await world.book(await world.other_phone(3), 0)
    await world.book(await world.other_phone(4), 1)
    world.date = await today(world)
    world.cookies = {"sid": await signed_in(world, world.clinic.doctor)}
    return world


async def get(world, path=PATH, **options):
    world.clinic.book.client.cookies = getattr(world, "cookies", {})
    return await world.clinic.book.client.get(path, **options)


async def post(world, path=PATH, headers=None, **form):
    world.clinic.book.client.cookies = getattr(world, "cookies", {})
    return await world.clinic.book.client.post(path, data=form, headers=headers or {})


def field(page, name):
    return re.findall(rf'name="{name}" value="([^"]+)"', page.text)


async def test_who_is_not_signed_in_is_led_there_and_back(world):
    answer = await get(world, f"{PATH}?date=2026-11-25")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?")
    assert "clinic%2Fday" in answer.headers["location"]


async def test_the_list_and_a_step(doctor):
    page = await get(doctor)
    assert page.status_code == 200
    assert page.text.count("Nguyễn Văn An") >= 2
    assert page.headers["cache-control"] == "no-store"
    told = {"form_token": field(page, "form_token")[0], "id": field(page, "id")[0]}
    done = await post(doctor, **told, to="checked_in")
    assert (done.status_code, "trouble" in done.headers["location"]) == (303, False)
    assert "Số 1" in (await get(doctor)).text
    refused = await post(doctor, **told, to="no_show")
    assert "trouble=1" in refused.headers["location"]
    assert "không làm được" in (await get(doctor, refused.headers["location"])).text.lower()
    assert "Did not come" in (await get(doctor, f"{PATH}?lang=en")).text


async def test_only_steps_whose_time_has_come_are_offered(world):
    await world.book(await world.other_phone(3), 0)
    world.cookies = {"sid": await signed_in(world, world.clinic.doctor)}
    in_two_days = await get(world, f"{PATH}?date={world.day}")
    assert "Nguyễn Văn An" in in_two_days.text
    assert field(in_two_days, "to") == []
    await today(world)
    assert field(await get(world), "to") == ["checked_in", "no_show"]


async def test_one_that_nobody_settled_is_shown_as_such_and_may_still_be_settled(world):
    await world.book(await world.other_phone(3), 0)
    await today(world)
    await world.clinic.book.sql("update booking.booking set status = 'lapsed'")
    world.cookies = {"sid": await signed_in(world, world.clinic.doctor)}
    page = await get(world)
    assert "Chưa ghi kết quả" in page.text
    assert field(page, "to") == ["done", "no_show"]


async def test_from_any_day_a_link_leads_to_the_day_before_after_and_today(doctor):
    page = await get(doctor, f"{PATH}?date=2026-12-31&lang=en")
    links = re.findall(r'<a href="([^"]+)">(?:Day before|Today|Day after)<', page.text)
    assert [html.unescape(one) for one in links] == [
        f"{PATH}?clinic=99000&date=2026-12-30&lang=en",
        f"{PATH}?clinic=99000&lang=en",
        f"{PATH}?clinic=99000&date=2027-01-01&lang=en",
    ]


async def test_each_look_and_step_stands_in_the_log(doctor):
    page = await get(doctor)
    await post(doctor, form_token=field(page, "form_token")[0], id=field(page, "id")[0], to="checked_in")
    rows = await doctor.clinic.book.sql(
        """select purpose, outcome, citizen_id from access.access_log
            where organization_id is not null and client_id = '' order by at"""
    )
    assert [tuple(row) for row in rows] == [
        ("clinicDay", "ALLOWED", doctor.clinic.doctor),
        ("stepAppointment", "ALLOWED", doctor.clinic.doctor),
    ]


async def test_nobody_else_sees_or_changes_anything(doctor):
    page = await get(doctor)
    told = {"form_token": field(page, "form_token")[0], "id": field(page, "id")[0], "to": "checked_in"}
    assert (await post(doctor, **told | {"form_token": "0" * 64})).status_code == 403
    assert (await post(doctor, headers={"Origin": "https://evil.example"}, **told)).status_code == 403
    assert (await get(doctor, f"{PATH}?clinic=99001")).status_code == 403
    doctor.cookies = {"sid": await signed_in(doctor, doctor.clinic.book.citizens[5])}
    assert (await get(doctor)).status_code == 403
    assert (await post(doctor, **told)).status_code == 403
    rows = await doctor.clinic.book.sql("select distinct status from booking.booking")
    assert [row["status"] for row in rows] == ["booked"]


async def test_who_works_there_no_longer_is_nobody_else(doctor):
    await doctor.clinic.book.sql("update access.practitioner_role set valid_until = now()")
    assert (await get(doctor)).status_code == 403


async def test_malformed_addresses_and_forms(doctor):
    for query in (
        "date=2026-13-01",
        "date=x",
        "date=0001-01-01",
        "date=9999-12-31",
        "date=2026-11-25&date=2026-11-26",
        "clinic=%00",
    ):
        assert (await get(doctor, f"{PATH}?{query}")).status_code == 400, query
    token = field(await get(doctor), "form_token")[0]
    for form in (
        {},
        {"id": "x"},
        {"id": "é"},
        {"id": "A" * 500},
        {"id": field(await get(doctor), "id")[0], "to": "gone"},
    ):
        assert (await post(doctor, form_token=token, **form)).status_code == 400, form


async def test_a_phones_browser_with_a_keyboard_and_without_barriers(doctor, chromium, axe):
    bound = listening()
    origin = f"http://127.0.0.1:{bound.getsockname()[1]}"
    auth = AuthSettings(issuer=origin, audience=f"{origin}/graphql", kek=AUTH.kek)
    async with serving(create_app(doctor.clinic.book.database.api_settings(), auth), bound):
        context = await chromium.new_context(viewport=PHONE, locale="vi-VN", base_url=origin)
        await context.add_cookies([{"name": "sid", "value": doctor.cookies["sid"], "url": origin}])
        try:
            page = await context.new_page()
            for lang in ("vi", "en"):
                await page.goto(f"{PATH}?lang={lang}")
                assert await barriers(page, axe) == []
                assert await page.evaluate(SMALL) == []
            await page.goto(PATH)
            button = page.locator("button[value=checked_in]").first
            await button.focus()
            await page.keyboard.press("Enter")
            await page.wait_for_url("**/clinic/day?**")
            assert await page.get_by_text("Số 1").count() == 1
            assert await page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
        finally:
            await context.close()
