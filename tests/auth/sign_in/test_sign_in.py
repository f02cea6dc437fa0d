"""The demo's sign-in page, its cookie, and signing out."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select, update
from starlette.applications import Starlette

from auth.routes import routes
from auth.tables import WebSession
from domain.values import utc_now
from tests.auth.flows import ISSUER, RECORD_SCOPES, hidden


async def test_lists_the_demo_citizens_with_a_clear_mark(http):
    page = await http.get("/login")
    assert page.status_code == 200
    assert "Bản demo" in page.text
    assert "Trần Thị Xanh" in page.text
    assert "có hai bệnh viện" in page.text
    assert '<html lang="vi">' in page.text
    english = await http.get("/login?lang=en")
    assert '<html lang="en">' in english.text
    assert "None of the people below are real" in english.text


async def test_abuse_15_clickjacking_the_page_is_not_stored_framed_or_scripted(http):
    headers = (await http.get("/login")).headers
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"].endswith("frame-ancestors 'none'; form-action 'self'")
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"


async def test_the_style_sheet_is_where_the_page_says(http):
    assert 'href="/oauth/style.css"' in (await http.get("/login")).text
    style = await http.get("/oauth/style.css")
    assert style.headers["content-type"].startswith("text/css")


async def test_signing_in_sets_a_new_private_cookie_so_no_session_is_fixed(phone):
    await phone.http.get("/login")
    before = phone.http.cookies["sid"]
    answer = await phone.sign_in()
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert phone.http.cookies["sid"] != before
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("sid=")
    for flag in ("httponly", "samesite=lax", "path=/"):
        assert flag in cookie
    assert "secure" not in cookie


async def test_on_https_the_cookie_is_bound_to_the_host(settings, sessions, citizens):
    secure = replace(settings, issuer="https://127.0.0.1")
    app = Starlette(routes=routes(secure, sessions, citizens, RECORD_SCOPES))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://127.0.0.1") as client:
        (cookie,) = (await client.get("/login")).headers.get_list("set-cookie")
    assert cookie.lower().startswith("__host-sid=")
    for flag in ("httponly", "samesite=lax", "path=/", "secure"):
        assert flag in cookie.lower()


async def test_on_https_what_a_sign_in_remembers_is_bound_to_the_host_for_ten_minutes(settings, sessions, citizens):
    secure = replace(settings, issuer="https://localhost")
    app = Starlette(routes=routes(secure, sessions, citizens, RECORD_SCOPES))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://localhost") as client:
        cookies = (await client.get("/login")).headers.get_list("set-cookie")
    (cookie,) = [one.lower() for one in cookies if one.startswith("__Host-signin=")]
    for flag in ("httponly", "samesite=lax", "path=/", "secure", "max-age=600"):
        assert flag in cookie


@pytest.mark.parametrize("after", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_abuse_13_open_redirect_signing_in_and_out_stay_here(phone, after):
    page = await phone.http.get("/login", params={"next": after})
    assert "evil.example" not in page.text.replace("lang=", "").split("<main>")[1]
    form = {"form_token": hidden(page, "form_token"), "next": after, "citizen": str(phone.citizen_id)}
    assert (await phone.http.post("/login", data=form)).headers["location"] == "/"
    token = hidden(await phone.http.get("/account"), "form_token")
    assert (await phone.http.post("/logout", data={"form_token": token, "next": after})).headers["location"] == "/"


async def test_each_sign_in_ends_the_session_before_it(phone, sessions):
    await phone.sign_in()
    await phone.sign_in()
    async with sessions() as session:
        rows = (await session.scalars(select(WebSession))).all()
    assert sorted(row.revoked_at is None for row in rows) == [False, True]


@pytest.mark.parametrize("changes", [{"form_token": "0" * 64}, {"form_token": ""}])
async def test_abuse_14_login_csrf_a_form_of_another_browser_signs_nobody_in(phone, changes):
    page = await phone.http.get("/login")
    form = {"form_token": hidden(page, "form_token"), "citizen": str(phone.citizen_id)} | changes
    assert (await phone.http.post("/login", data=form)).status_code == 403


async def test_without_a_cookie_nobody_signs_in(phone):
    page = await phone.http.get("/login")
    phone.http.cookies.clear()
    form = {"form_token": hidden(page, "form_token"), "citizen": str(phone.citizen_id)}
    assert (await phone.http.post("/login", data=form)).status_code == 403


@pytest.mark.parametrize(
    "citizen", ["7b0f2a5e-0d3c-4c54-9a54-2f3a4b5c6d7e", "", "x", "'; drop table citizen; --", "đ" * 500]
)
async def test_only_listed_citizens_can_be_chosen(phone, citizen):
    page = await phone.http.get("/login")
    form = {"form_token": hidden(page, "form_token"), "citizen": citizen}
    assert (await phone.http.post("/login", data=form)).status_code == 400


async def test_without_the_demo_there_is_no_list_and_no_way_in(settings, sessions, citizens):
    app = Starlette(routes=routes(replace(settings, demo_sign_in=False), sessions, citizens, RECORD_SCOPES))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as client:
        page = await client.get("/login")
        posted = await client.post("/login", data={"citizen": str(citizens.people[0].id)})
    assert (page.status_code, posted.status_code) == (503, 503)
    assert "Xanh" not in page.text


async def test_signing_out_ends_the_session(phone):
    await phone.sign_in()
    token = hidden(await phone.authorize(), "form_token")
    answer = await phone.http.post("/logout", data={"form_token": token, "next": "/login"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert (await phone.authorize()).headers["location"].startswith("/login?")


async def test_signing_out_needs_the_form_of_this_browser(phone):
    await phone.sign_in()
    assert (await phone.http.post("/logout", data={"form_token": "x"})).status_code == 403
    assert (await phone.authorize()).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"last_seen_at": utc_now() - timedelta(minutes=16)},
        {"expires_at": utc_now()},
        {"revoked_at": utc_now()},
    ],
)
async def test_idle_old_and_ended_sessions_are_over(phone, sessions, change):
    await phone.sign_in()
    async with sessions() as session:
        await session.execute(update(WebSession).values(change))
        await session.commit()
    assert (await phone.authorize()).headers["location"].startswith("/login?")


async def test_using_a_session_keeps_it_awake(phone, sessions):
    await phone.sign_in()
    async with sessions() as session:
        await session.execute(update(WebSession).values(last_seen_at=utc_now() - timedelta(minutes=10)))
        await session.commit()
    await phone.authorize()
    async with sessions() as session:
        assert (await session.scalar(select(WebSession.last_seen_at))) > utc_now() - timedelta(minutes=1)
