"""One-time codes by phone or e-mail: that they work, how often, and that they tell a stranger nothing."""

import asyncio
import re
from dataclasses import dataclass, field, replace
from datetime import timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from starlette.applications import Starlette

from auth.flow_tables import ContactPoint, OneTimeCode
from auth.routes import routes
from auth.sign_in import codes, contacts
from auth.sign_in.contacts import Contact
from auth.tables import WebSession
from domain.attempts import Attempt
from domain.values import utc_now
from tests.auth.conftest import BLUE, GREEN
from tests.auth.flows import ISSUER, RECORD_SCOPES, hidden

PHONE = "0912 345 678"
KNOWN, UNKNOWN = Contact("phone", "+84912345678"), Contact("phone", "+84987654321")


@dataclass
class Recorder:
    """A CodeSender: what would have reached people."""

    sent: list = field(default_factory=list)
    fails: bool = False

    async def send(self, system, value, code, lang):
        if self.fails:
            raise RuntimeError("no network, and the number +84912345678")
        self.sent.append((system, value, code, lang))


@pytest.fixture
def sender():
    return Recorder()


@pytest.fixture
async def http(settings, sessions, citizens, sender):
    """A browser at a healthbook whose only way in is the code; Blue has verified her phone."""
    chosen = replace(settings, demo_sign_in=False)
    app = Starlette(routes=routes(chosen, sessions, citizens, RECORD_SCOPES, sender))
    async with sessions() as session:
        assert await contacts.add(session, settings.kek, BLUE, KNOWN, utc_now())
        await session.commit()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as client:
        client.app = app
        yield client


async def ask(http, contact=PHONE, **more):
    page = await http.get("/login", params={"next": "/account"} | more)
    form = {"form_token": hidden(page, "form_token"), "contact": contact, "next": "/account"}
    return await http.post("/login/code?lang=vi", data=form)


async def enter(http, page, code):
    form = {"form_token": hidden(page, "form_token"), "code": code, "next": "/account"}
    return await http.post("/login/code/check?lang=vi", data=form)


async def later(sessions):
    """A minute passes for the counters."""
    async with sessions() as session:
        await session.execute(update(Attempt).values(window_end=utc_now()))
        await session.commit()


def wrong(code):
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def test_the_code_signs_in_at_level_one(http, sender, sessions):
    page = await ask(http)
    ((system, value, code, lang),) = sender.sent
    assert (system, value, lang) == ("phone", "+84912345678", "vi")
    assert re.fullmatch(r"[0-9]{6}", code)
    answer = await enter(http, page, f"{code[:3]} {code[3:]}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    async with sessions() as session:
        row = (await session.scalars(select(WebSession))).one()
    assert (row.citizen_id, row.acr) == (BLUE, "urn:healthbook:acr:1")


async def test_the_code_is_kept_as_an_hmac(http, sender, sessions):
    await ask(http)
    code = sender.sent[0][2].encode()
    async with sessions() as session:
        row = (await session.scalars(select(OneTimeCode))).one()
        contact = (await session.scalars(select(ContactPoint))).one()
    assert len(row.code_hmac) == 32
    assert code not in row.code_hmac
    assert b"912345678" not in contact.key + contact.value_sealed


def test_abuse_26_the_form_of_a_known_and_an_unknown_contact_is_looked_at_alike():
    assert contacts.read(PHONE) == KNOWN
    assert contacts.read("Chi.Xanh@Example.VN ") == Contact("email", "chi.xanh@example.vn")


async def test_abuse_26_enumeration_the_answer_is_the_same_for_an_unknown_contact(http, sender, sessions):
    known, unknown = await ask(http), await ask(http, UNKNOWN.value)
    masked = [re.sub(r'name="form_token" value="[^"]*"', "", page.text) for page in (known, unknown)]
    assert masked[0] == masked[1]
    assert known.status_code == unknown.status_code == 200
    names = [sorted(name for name in page.headers if name != "content-length") for page in (known, unknown)]
    assert names[0] == names[1]
    assert len(sender.sent) == 1
    async with sessions() as session:
        assert len((await session.scalars(select(OneTimeCode))).all()) == 1  # one browser, one code at a time


async def test_abuse_26_the_code_is_sent_after_the_answer_has_gone(http, sender):
    """So the time of a slow sender says nothing."""
    page = await http.get("/login")
    form = {"form_token": hidden(page, "form_token"), "contact": PHONE}
    request = http.build_request("POST", "/login/code", data=form)
    body = await request.aread()
    scope = {
        "type": "http", "method": "POST", "path": "/login/code", "query_string": b"", "http_version": "1.1",
        "headers": [(name.lower(), value) for name, value in request.headers.raw], "client": ("127.0.0.1", 1),
    }  # fmt: skip
    sent_before_the_end = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        if message["type"] == "http.response.body" and not message.get("more_body"):
            sent_before_the_end.append(len(sender.sent))

    await http.app(scope, receive, send)
    assert sent_before_the_end == [0]
    assert len(sender.sent) == 1


async def test_abuse_26_nobody_signs_in_with_an_unknown_contact(http, sessions, monkeypatch):
    monkeypatch.setattr("auth.sign_in.codes.secrets.randbelow", lambda _: 123456)
    page = await ask(http, UNKNOWN.value)
    assert (await enter(http, page, "123456")).status_code == 400
    async with sessions() as session:
        assert (await session.scalars(select(WebSession))).all() == []


async def test_five_tries_and_no_more(http, sender):
    page = await ask(http)
    code = sender.sent[0][2]
    for _ in range(5):
        assert (await enter(http, page, wrong(code))).status_code == 400
    assert (await enter(http, page, code)).status_code == 400


async def test_the_fifth_try_may_be_right(http, sender):
    page = await ask(http)
    code = sender.sent[0][2]
    for _ in range(4):
        await enter(http, page, wrong(code))
    assert (await enter(http, page, code)).status_code == 303


async def test_tries_at_once_are_counted_one_by_one(http, sender):
    page = await ask(http)
    code = sender.sent[0][2]
    answers = await asyncio.gather(*(enter(http, page, wrong(code)) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {400}
    assert (await enter(http, page, code)).status_code == 400


async def test_a_code_is_used_once_also_at_once(http, sender):
    page = await ask(http)
    code = sender.sent[0][2]
    answers = await asyncio.gather(*(enter(http, page, code) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers)[:2] == [303, 400]


async def test_after_five_minutes_it_is_over(http, sender, sessions):
    page = await ask(http)
    async with sessions() as session:
        expires_at, created_at = (await session.execute(select(OneTimeCode.expires_at, OneTimeCode.created_at))).one()
        assert expires_at - created_at == timedelta(minutes=5)
        await session.execute(update(OneTimeCode).values(expires_at=utc_now()))
        await session.commit()
    assert (await enter(http, page, sender.sent[0][2])).status_code == 400


async def test_it_works_only_in_the_browser_that_asked(http, sender):
    await ask(http)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(http.app), base_url=ISSUER) as other:
        page = await ask(other, UNKNOWN.value)
        assert (await enter(other, page, sender.sent[0][2])).status_code == 400


async def test_a_new_code_ends_the_one_before(http, sender, sessions):
    page = await ask(http)
    await later(sessions)
    await ask(http)
    first, second = (sent[2] for sent in sender.sent)
    if first != second:
        assert (await enter(http, page, first)).status_code == 400
    assert (await enter(http, page, second)).status_code == 303


async def test_one_a_minute_and_the_same_words_for_an_unknown_contact(http, sender, sessions):
    for contact in (PHONE, UNKNOWN.value):
        assert (await ask(http, contact)).status_code == 200
        again = await ask(http, contact)
        assert again.status_code == 429
        assert "đợi một phút" in again.text
    assert len(sender.sent) == 1
    await later(sessions)
    assert (await ask(http)).status_code == 200


async def test_the_counter_holds_for_other_spellings_of_the_contact(http):
    await ask(http, "+84 912 345 678")
    assert (await ask(http, "0912345678")).status_code == 429


async def test_a_subnet_that_asks_for_many_contacts_is_stopped(http, monkeypatch):
    monkeypatch.setattr(codes, "_SUBNET", replace(codes._SUBNET, most=2))
    answers = [await ask(http, f"09123456{n}") for n in (10, 11, 12)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


@pytest.mark.parametrize("contact", ["", "x", "12345", "a@b", "đ@example.vn", "a" * 300, "0912345678; a@b.vn", "+1"])
async def test_what_is_no_contact_is_said_so(http, sender, contact):
    answer = await ask(http, contact)
    assert (answer.status_code, sender.sent) == (400, []) or contact.startswith("0912345678")


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345\u0666", "abcdef", "'; --", "9" * 5000])
async def test_abuse_33_bent_codes_are_wrong_codes(http, code):
    page = await ask(http)
    assert (await enter(http, page, code)).status_code == 400


async def test_abuse_14_a_form_of_another_browser_asks_for_no_code(http, sender):
    page = await http.get("/login")
    form = {"form_token": hidden(page, "form_token"), "contact": PHONE}
    http.cookies.clear()
    assert (await http.post("/login/code", data=form)).status_code == 403
    assert (await http.post("/login/code/check", data=form | {"code": "123456"})).status_code == 403
    assert sender.sent == []


async def test_a_sender_that_fails_is_noted_without_the_number(http, sender, capsys):
    sender.fails = True
    assert (await ask(http)).status_code == 200
    told = capsys.readouterr().out
    assert "code_not_sent" in told
    assert "912345678" not in told


async def test_a_step_up_to_level_two_is_not_offered_a_code(http):
    page = await http.get("/login", params={"next": "/oauth/authorize", "acr": "2"})
    assert page.status_code == 200
    assert 'action="/login/code' not in page.text


async def test_without_a_sender_the_way_is_off(settings, sessions, citizens):
    app = Starlette(routes=routes(replace(settings, demo_sign_in=False), sessions, citizens, RECORD_SCOPES))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as client:
        for path in ("/login/code", "/login/code/check"):
            assert (await client.post(path, data={"contact": PHONE})).status_code == 503


async def test_a_contact_is_one_citizen_s(sessions, settings):
    async with sessions() as session:
        assert await contacts.add(session, settings.kek, BLUE, KNOWN, utc_now())
        assert not await contacts.add(session, settings.kek, GREEN, KNOWN, utc_now())
        assert await contacts.owner(session, settings.kek, KNOWN) == BLUE


@given(st.text(max_size=300))
def test_whatever_is_typed_is_a_contact_or_nothing(raw):
    read = contacts.read(raw)
    assert read is None or contacts.read(read.value) == read


@pytest.mark.parametrize(
    ("contact", "shown"), [(KNOWN, "•••••• 678"), (Contact("email", "xanh@example.vn"), "x•••@example.vn")]
)
def test_contacts_are_shown_masked(contact, shown):
    assert contacts.masked(contact) == shown
