"""What an answer on the consent page does: code, scope, grant and consent, together and no wider than chosen."""

import asyncio
import hashlib
import html
import re
from datetime import datetime, timedelta

import jwt
import pytest
from sqlalchemy.exc import ProgrammingError

from domain.values import VIETNAM, utc_now
from tests.auth.apps import (
    DIARY,
    FORMER_PATIENT,
    PATIENT,
    PHONE_APP,
    SCOPES,
    TRIAL,
    WITH_BOOK,
    WITHOUT_BOOK,
    world,
)
from tests.auth.flows import hidden, query_of

__all__ = ["world"]
LABS, VITALS = "record:labs:read", "record:vitals:read"


async def press(phone, decision, form=(), **changes):
    """One button of the page, with what else the form says."""
    page = await phone.authorize(**changes)
    fields = {"form_token": hidden(page, "form_token"), "decision": decision, **dict(form)}
    return await phone.http.post("/oauth/consent", params=phone.asks(**changes), data=fields)


async def allow(phone, form, **changes):
    """Choose, read, say yes; the answer that leads back to the app."""
    review = await press(phone, "go_on", form, **changes)
    assert review.status_code == 200, review.text
    return await press(phone, "allow", {**form, "shown": hidden(review, "shown")}, **changes)


async def scopes_of(phone, answer):
    return set((await phone.redeem(query_of(answer)["code"])).json()["scope"].split(" "))


@pytest.mark.parametrize("client_id", [DIARY, TRIAL])
async def test_two_of_five_sections_are_in_the_token_and_in_the_consent(world, client_id):
    async with world.browser(client_id=client_id) as phone:
        await phone.sign_in()
        form = {"scope": [LABS, VITALS], "period": "years_5", "until": "months_6", "sensitive": ["GENETIC"]}
        answer = await allow(phone, form, purpose="CAREMGT")
        assert await scopes_of(phone, answer) == {"openid", "offline_access", LABS, VITALS}
    [consent] = await world.consents()
    today = datetime.now(VIETNAM).date()
    assert (consent["kind"], consent["client_id"], consent["channel"]) == ("app", client_id, "page")
    assert (consent["sections"], consent["purposes"]) == (["labs", "vitals"], ["CAREMGT"])
    assert (consent["sensitive"], consent["data_to"]) == (["GENETIC"], None)
    assert consent["data_from"][:4] == str(today.year - 5)
    assert (consent["patient_id"], consent["granted_by"], consent["actor_role"]) == (PATIENT, WITH_BOOK, "self")
    assert consent["acr"] == "demo"
    assert timedelta(days=180) < consent["valid_until"] - utc_now() < timedelta(days=186)


async def test_the_text_that_is_kept_is_the_text_that_was_shown(world):
    async with world.browser() as phone:
        await phone.sign_in()
        review = await press(phone, "go_on", {"scope": [LABS]}, lang="en")
        await allow(phone, {"scope": [LABS]}, lang="en")
    [consent] = await world.consents()
    [text] = await world.sql("select * from access.consent_text")
    assert consent["text_hash"] == text["text_hash"] == hashlib.sha256(text["body"].encode()).digest()
    assert hidden(review, "shown") == text["text_hash"].hex()
    article = re.search(r"<article.*?</article>", review.text, re.DOTALL)[0]
    read = html.unescape(re.sub(r"<[^>]+>", "", article))
    for line in filter(None, text["body"].splitlines()):
        assert line.removeprefix("- ") in read


async def test_the_receipt_verifies_with_the_published_key(world):
    async with world.browser() as phone:
        await phone.sign_in()
        await allow(phone, {"scope": [LABS]})
        keys = (await phone.http.get("/oauth/receipt-jwks")).json()["keys"]
    [event] = await world.sql("select * from access.consent_event")
    kid = jwt.get_unverified_header(event["receipt"])["kid"]
    key = next(jwt.PyJWK.from_dict(key) for key in keys if key["kid"] == kid)
    claims = jwt.decode(event["receipt"], key, algorithms=["ES256"])
    assert (claims["iss"], claims["event"], claims["sections"]) == (world.origin, "granted", ["labs"])


async def test_nothing_is_granted_before_the_text_was_read(world):
    async with world.browser() as phone:
        await phone.sign_in()
        for shown in ("", "0" * 64, "đ"):
            answer = await press(phone, "allow", {"scope": [LABS], "shown": shown})
            assert answer.status_code == 200
            assert 'name="shown"' in answer.text
    assert await world.consents() == []


async def test_a_yes_to_one_text_is_no_yes_to_another(world):
    async with world.browser() as phone:
        await phone.sign_in()
        shown = hidden(await press(phone, "go_on", {"scope": [LABS]}), "shown")
        for wider in (
            {"scope": [LABS, VITALS]},
            {"scope": [LABS], "until": "year_1"},
            {"scope": [LABS], "sensitive": "HIV"},
        ):
            answer = await press(phone, "allow", {**wider, "shown": shown})
            assert answer.status_code == 200
            assert "Nội dung đã đổi" in answer.text
    assert await world.consents() == []


async def test_6_an_edited_form_gets_at_most_what_was_asked_and_ticked(world):
    async with world.browser() as phone:
        await phone.sign_in()
        form = {
            "scope": [LABS, VITALS, "record:documents:read", "consent:manage", "openid"],
            "sensitive": ["HIV", "ALL"],
        }
        answer = await allow(phone, form, scope=f"openid {LABS}")
        assert await scopes_of(phone, answer) == {"openid", LABS}
    [consent] = await world.consents()
    assert (consent["sections"], consent["sensitive"]) == (["labs"], ["HIV"])


@pytest.mark.parametrize(
    "form",
    [
        {"decision": ["allow", "allow"]},
        {"decision": ["deny", "allow"]},
        {"decision": "grant"},
        {"decision": ""},
        {"period": "always"},
        {"period": ["years_1", "everything"]},
        {"until": "for_ever"},
        {"first": "1" * 21},
        {"last": ["2025-01-01", "2026-01-01"]},
        {"first": "2025\x00"},
    ],
)
async def test_6_a_form_that_no_page_of_ours_sends_is_refused(world, form):
    async with world.browser() as phone:
        await phone.sign_in()
        answer = await press(phone, "allow", {"scope": [LABS], **form})
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert await world.consents() == []


async def test_nothing_ticked_is_told_and_nothing_is_lost(world):
    async with world.browser() as phone:
        await phone.sign_in()
        typed = {"period": "dates", "first": "31/1/2024", "until": "year_1", "sensitive": "HIV"}
        answer = await press(phone, "go_on", typed)
    assert answer.status_code == 400
    assert "Bạn chưa chọn phần nào" in answer.text
    for kept in (
        'id="period-dates" name="period" value="dates" checked',
        'value="2024-01-31"',
        'value="year_1" checked',
    ):
        assert kept in answer.text
    assert 'value="HIV" checked' in answer.text


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"first": ""}, "Hãy ghi ngày bắt đầu"),
        ({"first": "31/02/2025"}, "Ngày bắt đầu không đúng"),
        ({"first": "<b>"}, "Ngày bắt đầu không đúng"),
        ({"first": "2025-01-01", "last": "9999-01-01"}, "Ngày kết thúc không đúng"),
        ({"first": "2025-01-02", "last": "01/01/2025"}, "trước ngày bắt đầu"),
    ],
)
async def test_wrong_days_are_told_beside_the_field(world, typed, words):
    async with world.browser() as phone:
        await phone.sign_in()
        answer = await press(phone, "go_on", {"scope": [LABS], "period": "dates", **typed})
    assert answer.status_code == 400
    assert answer.text.count(words) == 2
    assert f'value="{LABS}" checked' in answer.text
    assert "<b>" not in answer.text


async def test_choosing_all_ticks_every_section_and_no_private_category(world):
    async with world.browser() as phone:
        await phone.sign_in()
        assert "checked" not in (await phone.authorize()).text.split("<fieldset")[1]
        answer = await press(phone, "all")
        ticked = re.findall(r'name="(\w+)" value="([^"]+)" checked', answer.text)
        assert [value for name, value in ticked if name == "scope"] == SCOPES
        assert "sensitive" not in dict(ticked)
        assert " checked" not in (await press(phone, "none", {"scope": SCOPES})).text.split("<fieldset")[1]
    assert await world.consents() == []


async def test_an_earlier_consent_of_the_app_is_withdrawn_by_the_new_one(world):
    async with world.browser() as phone:
        await phone.sign_in()
        await allow(phone, {"scope": [LABS]})
        await allow(phone, {"scope": [VITALS]})
    first, second = await world.consents()
    assert (first["sections"], first["withdrawn_by"]) == (["labs"], WITH_BOOK)
    assert (second["sections"], second["withdrawn_at"]) == (["vitals"], None)
    events = await world.sql("select kind from access.consent_event order by place")
    assert [event["kind"] for event in events] == ["granted", "withdrawn", "granted"]


async def test_a_consent_given_before_the_books_were_merged_is_replaced_too(world):
    await world.sql("delete from access.patient_redirect")
    async with world.browser() as phone:
        await phone.sign_in()
        await allow(phone, {"scope": [LABS]})
        await world.sql(
            "insert into access.patient_redirect (old_id, patient_id) values ($1, $2)", FORMER_PATIENT, PATIENT
        )
        await allow(phone, {"scope": [VITALS]})
    first, second = await world.consents()
    assert (first["patient_id"], first["withdrawn_by"]) == (FORMER_PATIENT, WITH_BOOK)
    assert (second["patient_id"], second["withdrawn_by"]) == (PATIENT, None)


async def test_other_apps_and_other_purposes_keep_their_consents(world):
    async with world.browser() as phone, world.browser(client_id=TRIAL) as other:
        await phone.sign_in()
        await other.sign_in()
        await allow(other, {"scope": [LABS]})
        await allow(phone, {"scope": [LABS]}, purpose="HRESCH")
        await allow(phone, {"scope": [VITALS]})
    assert [consent["withdrawn_at"] for consent in await world.consents()] == [None, None, None]


async def test_two_answers_at_once_leave_one_consent_standing(world):
    async with world.browser() as phone:
        await phone.sign_in()
        form = {"scope": [LABS]}
        form["shown"] = hidden(await press(phone, "go_on", form), "shown")
        answers = await asyncio.gather(*(press(phone, "allow", form) for _ in range(4)))
        assert [answer.status_code for answer in answers] == [303] * 4
    standing = [consent for consent in await world.consents() if consent["withdrawn_at"] is None]
    assert len(standing) == 1


async def test_the_grant_ends_with_the_consent_at_the_latest(world):
    async with world.browser() as phone:
        await phone.sign_in()
        answer = await allow(phone, {"scope": [LABS]})
        [code] = await world.sql("select grant_until from auth.authorization_code")
        [consent] = await world.consents()
        assert code["grant_until"] == consent["valid_until"]
        soon = utc_now() + timedelta(days=3)
        await world.sql("update auth.authorization_code set grant_until = $1", soon)
        await phone.redeem(query_of(answer)["code"])
    [grant] = await world.sql("select expires_at from auth.token_grant")
    assert grant["expires_at"] == soon


async def test_without_the_consent_there_is_no_code(world):
    async with world.browser() as phone:
        await phone.sign_in()
        await world.sql("revoke insert on access.consent_event from healthbook_auth")
        with pytest.raises(ProgrammingError, match="permission denied"):
            await allow(phone, {"scope": [LABS]})
    assert await world.consents() == []
    assert await world.sql("select * from auth.token_grant") == []


async def test_12_a_pushed_request_is_answered_once(world):
    async with world.browser(client_id=TRIAL) as phone:
        await phone.sign_in()
        asked = {**phone.asks(), "purpose": "HRESCH", "ui_locales": "en"}
        reference = (await phone.http.post("/oauth/par", data=asked)).json()["request_uri"]
        phone.asks = lambda: {"client_id": TRIAL, "request_uri": reference}
        assert "Research" in (await phone.authorize()).text
        form = {"scope": [LABS]}
        form["form_token"] = hidden(await phone.authorize(), "form_token")
        form["shown"] = hidden(await press(phone, "go_on", form), "shown")
        again = {"params": phone.asks(), "data": {**form, "decision": "allow"}}
        answers = await asyncio.gather(*(phone.http.post("/oauth/consent", **again) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [303, 400, 400]
    [consent] = await world.consents()
    assert consent["purposes"] == ["HRESCH"]


async def test_a_session_that_ended_meanwhile_leads_to_sign_in(world):
    async with world.browser() as phone:
        await phone.sign_in()
        form = {"form_token": hidden(await phone.authorize(), "form_token"), "decision": "allow", "scope": [LABS]}
        await world.sql("update auth.web_session set revoked_at = now()")
        answer = await phone.http.post("/oauth/consent", params=phone.asks(), data=form)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?")


async def test_a_refusal_leaves_nothing_behind(world):
    async with world.browser() as phone:
        await phone.sign_in()
        answer = await press(phone, "deny", {"scope": SCOPES})
    assert query_of(answer)["error"] == "access_denied"
    assert await world.consents() == []
    assert await world.sql("select * from auth.token_grant") == []


async def test_the_own_app_gets_scopes_and_no_consent(world):
    async with world.browser(client_id=PHONE_APP) as phone:
        await phone.sign_in()
        page = await phone.authorize()
        assert "chính Sổ sức khỏe" in page.text
        assert 'name="until"' not in page.text
        assert await scopes_of(phone, await press(phone, "allow", {"scope": [LABS]})) == {
            "openid",
            "offline_access",
            LABS,
        }
    assert await world.consents() == []


async def test_an_app_that_only_asks_who_it_is_needs_no_consent(world):
    async with world.browser(WITHOUT_BOOK) as phone:
        await phone.sign_in()
        page = await phone.authorize(scope="openid")
        assert "muốn biết bạn là ai" in page.text
        answer = await press(phone, "allow", scope="openid")
        assert await scopes_of(phone, answer) == {"openid"}
    assert await world.consents() == []


async def test_a_citizen_without_a_book_is_told_so_and_led_back(world):
    async with world.browser(WITHOUT_BOOK) as phone:
        await phone.sign_in()
        page = await phone.authorize()
        assert page.status_code == 403
        assert "Chưa tìm thấy sổ sức khỏe của bạn" in page.text
        forced = await press(phone, "allow", {"scope": [LABS]})
        assert forced.status_code == 403
        assert query_of(await press(phone, "deny"))["error"] == "access_denied"
    assert await world.consents() == []


@pytest.mark.parametrize(("years", "may"), [(15, False), (17, True)])
async def test_a_child_does_not_open_his_book_to_apps_alone(world, years, may):
    await world.born(str(datetime.now(VIETNAM).year - years))
    async with world.browser() as phone:
        await phone.sign_in()
        page = await phone.authorize()
        assert page.status_code == (200 if may else 403)
        assert ("Cần người đại diện" in page.text) != may
        forced = await press(phone, "go_on", {"scope": [LABS]})
        assert ('name="shown"' in forced.text) == may
    assert await world.consents() == []


async def test_an_unknown_purpose_is_refused_to_the_client(world):
    async with world.browser() as phone:
        await phone.sign_in()
        for purpose in ("TREAT", "BTG", "marketing"):
            assert query_of(await phone.authorize(purpose=purpose))["error"] == "invalid_request"


@pytest.mark.parametrize(("client_id", "is_told"), [(TRIAL, True), (DIARY, False)])
async def test_an_app_that_nobody_reviewed_is_marked(world, client_id, is_told):
    async with world.browser(client_id=client_id) as phone:
        await phone.sign_in()
        assert ("Chưa được kiểm chứng" in (await phone.authorize()).text) == is_told
