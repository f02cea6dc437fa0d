"""Signing in with the national account, against npm oidc-provider: the whole way, and every way it must not go."""

import time
from dataclasses import replace

import httpx
import pytest
from joserfc.jwk import ECKey
from sqlalchemy import func, select, update
from starlette.applications import Starlette

from auth.flow_tables import Identity, SignInState
from auth.routes import routes
from auth.settings import NationalSettings
from auth.tables import WebSession
from domain.values import utc_now
from tests.auth.flows import ISSUER, RECORD_SCOPES, query_of
from tests.auth.national import CALLBACK, CLIENT, SECRET, STRONG, NationalProvider, away, back, sign_in
from tests.interop.node import free_port, installed, running

KEY = ECKey.generate_key("P-256", {"kid": "ours", "use": "sig"})
PERSON = {"name": "Trần Thị Xanh", "birthdate": "1955-03-14", "gender": "female", "citizen_id": "001155000001"}


@pytest.fixture(scope="module")
def provider(request):
    folder = installed(request.config.cache.mkdir("node"))
    told = {"port": free_port(), "redirect": CALLBACK, "clientKey": KEY.as_dict(private=False)}
    with running(folder, "national_provider.mjs", told):
        yield NationalProvider(f"http://127.0.0.1:{told['port']}")


@pytest.fixture
def national(provider):
    return NationalSettings(issuer=provider.issuer, client_id=CLIENT, client_secret=SECRET, acr=(STRONG,))


@pytest.fixture
async def browser(settings, sessions, citizens, national):
    """A browser at a healthbook that has the national provider and nothing else."""

    def at(**changes):
        chosen = replace(settings, demo_sign_in=False, national=replace(national, **changes))
        app = Starlette(routes=routes(chosen, sessions, citizens, RECORD_SCOPES))
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER)

    opened = []

    def open_one(**changes):
        opened.append(at(**changes))
        return opened[-1]

    yield open_one
    for client in opened:
        await client.aclose()


async def web_session(sessions):
    async with sessions() as session:
        return (await session.scalars(select(WebSession).where(WebSession.revoked_at.is_(None)))).one()


async def test_signs_in_and_goes_on_to_where_the_citizen_was_going(browser, provider, sessions, citizens):
    await provider.sign_in_as("blue")
    http = browser()
    asked = await http.get("/login/national?next=/oauth/authorize?a=b&lang=en")
    there = query_of(asked)
    assert there["code_challenge_method"] == "S256"
    assert (there["acr_values"], there["max_age"], there["ui_locales"]) == (STRONG, "28800", "en")
    answer = await back(http, await provider.follow(asked.headers["location"]))
    assert (answer.status_code, answer.headers["location"]) == (303, "/oauth/authorize?a=b")
    row = await web_session(sessions)
    assert row.acr == "urn:healthbook:acr:2"
    assert abs((utc_now() - row.auth_time).total_seconds()) < 60
    assert row.citizen_id == citizens.people[-1].id
    assert citizens.linked == []


async def test_the_button_leads_there(browser):
    page = await browser().get("/login?next=/account&lang=vi")
    assert page.status_code == 200
    assert "Đăng nhập bằng VNeID" in page.text
    assert 'href="/login/national?lang=vi&amp;next=%2Faccount"' in page.text


async def test_an_account_is_known_by_issuer_and_subject_alone(browser, provider, sessions, citizens):
    known = len(citizens.people)
    for sub in ("blue", "blue", "green"):
        await provider.sign_in_as(sub, **PERSON)
        await sign_in(browser(), provider)
    assert len(citizens.people) == known + 2
    async with sessions() as session:
        rows = (await session.scalars(select(Identity))).all()
    assert sorted((row.issuer, row.subject) for row in rows) == [(provider.issuer, "blue"), (provider.issuer, "green")]


async def test_the_claims_of_an_authoritative_provider_reach_the_book(browser, provider, citizens):
    await provider.sign_in_as("blue", **PERSON)
    await sign_in(browser(cccd_claim="citizen_id"), provider)
    ((citizen_id, claim),) = citizens.linked
    assert citizen_id == citizens.people[-1].id
    assert (claim.cccd, claim.name, claim.birth_date, claim.sex) == tuple(
        PERSON[name] for name in ("citizen_id", "name", "birthdate", "gender")
    )
    assert "001155000001" not in repr(claim)


@pytest.mark.parametrize("missing", ["citizen_id", "name", "birthdate"])
async def test_half_a_claim_links_nobody(browser, provider, citizens, missing):
    await provider.sign_in_as("blue", **{name: value for name, value in PERSON.items() if name != missing})
    assert (await sign_in(browser(cccd_claim="citizen_id"), provider)).status_code == 303
    assert citizens.linked == []


async def test_proves_itself_with_a_private_key(browser, provider):
    await provider.sign_in_as("blue")
    http = browser(client_id="healthbook-key", client_secret=None, client_key=KEY.as_dict(private=True))
    assert (await sign_in(http, provider)).status_code == 303


async def test_an_account_of_low_assurance_is_refused(browser, provider, sessions):
    await provider.sign_in_as("blue", acr="urn:vneid:1")
    answer = await sign_in(browser(), provider)
    assert answer.status_code == 403
    assert "mức độ 2" in answer.text
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(WebSession)) == 0


async def test_a_step_up_asks_the_provider_for_a_fresh_sign_in(browser, provider, sessions):
    await provider.sign_in_as("blue", ts=int(time.time()) - 3600)
    session = httpx.Cookies()
    assert (await sign_in(browser(), provider, session=session)).status_code == 303
    assert (utc_now() - (await web_session(sessions)).auth_time).total_seconds() > 3500
    await provider.sign_in_as("blue", ts=int(time.time()) - 3600)
    step_up = "next=/oauth/authorize&acr=2&max_age=300"
    assert (await sign_in(browser(), provider, step_up, session)).status_code == 403
    await provider.sign_in_as("blue")
    assert (await sign_in(browser(), provider, step_up, session)).status_code == 303


async def test_a_sign_in_made_anew_is_as_fresh_as_its_beginning_here(browser, provider, sessions):
    """Else a provider whose clock is some seconds late would send the citizen round in circles."""
    began_at = utc_now()
    await provider.sign_in_as("blue", ts=int(time.time()) - 10)
    session = httpx.Cookies()
    answer = await sign_in(browser(), provider, "next=/oauth/authorize&max_age=0", session)
    assert answer.status_code == 303
    assert (await web_session(sessions)).auth_time >= began_at


async def test_declining_at_the_provider_is_no_error_page(browser, provider):
    await provider.sign_in_as("blue", deny=True)
    answer = await sign_in(browser(), provider, "next=/oauth/authorize?a=b")
    assert answer.status_code == 200
    assert "Bạn chưa đăng nhập" in answer.text
    assert 'href="/login?lang=vi&amp;next=%2Foauth%2Fauthorize%3Fa%3Db"' in answer.text


async def test_abuse_11_mix_up_an_answer_that_names_another_issuer_is_refused(browser, provider, sessions):
    await provider.sign_in_as("blue")
    http = browser()
    answer = await provider.follow(await away(http))
    forged = str(httpx.URL(answer).copy_set_param("iss", "https://evil.example"))
    assert (await back(http, forged)).status_code == 403
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(WebSession)) == 0


async def test_abuse_11_an_answer_that_names_no_issuer_is_refused(browser, provider):
    await provider.sign_in_as("blue")
    http = browser()
    answer = httpx.URL(await provider.follow(await away(http))).copy_remove_param("iss")
    assert (await back(http, str(answer))).status_code == 403


async def test_abuse_14_login_csrf_an_answer_for_another_browser_signs_nobody_in(browser, provider, sessions):
    await provider.sign_in_as("green")
    answer = await provider.follow(await away(browser()))
    victim = browser()
    await away(victim)
    assert (await back(victim, answer)).status_code == 403
    assert (await back(browser(), answer)).status_code == 403
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(WebSession)) == 0


async def test_an_answer_is_taken_once(browser, provider):
    await provider.sign_in_as("blue")
    http = browser()
    answer = await provider.follow(await away(http))
    assert [(await back(http, answer)).status_code for _ in range(2)] == [303, 403]


async def test_a_stranger_s_answer_does_not_spend_the_citizen_s(browser, provider):
    await provider.sign_in_as("blue")
    http = browser()
    answer = await provider.follow(await away(http))
    assert (await back(http, f"{CALLBACK}?code=x&state=guessed")).status_code == 403
    assert (await back(http, answer)).status_code == 303


async def test_after_ten_minutes_the_citizen_starts_again(browser, provider, sessions):
    await provider.sign_in_as("blue")
    http = browser()
    answer = await provider.follow(await away(http))
    async with sessions() as session:
        await session.execute(update(SignInState).values(expires_at=utc_now()))
        await session.commit()
    assert (await back(http, answer)).status_code == 403


async def test_what_is_remembered_is_not_in_the_browser(browser, provider):
    http = browser()
    there = query_of(await http.get("/login/national?next=/account"))
    cookie = http.cookies["signin"]
    assert len(cookie) == 43
    for secret in (there["nonce"], there["state"]):
        assert secret not in cookie


async def test_a_code_that_the_provider_refuses_is_refused(browser, provider):
    await provider.sign_in_as("blue")
    http = browser()
    answer = httpx.URL(await provider.follow(await away(http))).copy_set_param("code", "x" * 43)
    refused = await back(http, str(answer))
    assert refused.status_code == 403
    assert "xxx" not in refused.text


async def test_a_wrong_secret_shows_a_page_and_no_traceback(browser, provider):
    await provider.sign_in_as("blue")
    answer = await sign_in(browser(client_secret="not that secret"), provider)
    assert answer.status_code == 503
    assert "không trả lời" in answer.text


@pytest.mark.parametrize(
    "query",
    ["code=a&code=b&state=s", "state=a&state=b", "code=%00&state=s", "state=%ff", "", "code=x", "iss=a&iss=b&state=s"],
)
async def test_abuse_33_bent_answers_are_refused(browser, query):
    assert (await browser().get(f"/login/national/callback?{query}")).status_code in {400, 403}


async def test_a_provider_that_is_down_is_said_in_plain_words(browser):
    http = browser(issuer=f"http://127.0.0.1:{free_port()}")
    answer = await http.get("/login/national?next=/account")
    assert answer.status_code == 503
    assert "không trả lời" in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_two_first_sign_ins_at_once_make_one_citizen(browser, provider, citizens):
    import asyncio

    await provider.sign_in_as("blue")
    known, browsers = len(citizens.people), [browser() for _ in range(4)]
    answers = [await provider.follow(await away(http)) for http in browsers]
    done = await asyncio.gather(*(back(http, answer) for http, answer in zip(browsers, answers, strict=True)))
    assert {answer.status_code for answer in done} == {303}
    assert len(citizens.people) == known + 1


async def test_without_a_provider_the_way_is_closed(http):
    for path in ("/login/national", "/login/national/callback"):
        assert (await http.get(path)).status_code == 503
