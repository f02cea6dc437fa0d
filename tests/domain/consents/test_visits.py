"""Visits: what a QR and a card open, to whom, and what ends it."""

import asyncio
from datetime import timedelta

import pytest

from domain.consents import visit_texts, visits
from domain.consents.parties import facility
from domain.consents.terms import SECTION_NAMES, Decider
from domain.consents.visits import LONGEST, OFFER_LIFE
from domain.errors import Invalid, NotFound
from domain.sections import SECTIONS
from tests.conftest import Database
from tests.domain.consents.desk import (
    CITIZEN,
    CLINIC,
    FORMER,
    HOSPITAL,
    MOTHER,
    NOW,
    PATIENT,
    PERSONS,
    SELF,
    STRANGER,
    Desk,
    signed,
)

LATER = NOW + timedelta(minutes=1)
TOKEN = b"t" * 32
BY_MOTHER = Decider(MOTHER, "representative", "app", "urn:healthbook:acr:2", NOW)
BY_CLINIC = Decider(CLINIC, "facility", "desk", "", LATER)


@pytest.fixture
async def desk(database: Database) -> Desk:
    return await Desk(database).furnish()


async def offered(desk, sections=("labs", "vitals"), *, by=SELF, token=TOKEN):
    text = visit_texts.document("qr", sections, "vi")
    return await desk.work(lambda db: visits.offer(db, PATIENT, sections, token_hash=token, by=by, text=text, now=NOW))


async def chose(desk, sections, *, by=SELF, patient=PATIENT, now=NOW):
    text = visit_texts.document("card", sections, "vi")
    await desk.work(lambda db: visits.choose(db, patient, sections, by=by, text=text, now=now))


async def checked_in(desk, *, organization=CLINIC, now=LATER, token=TOKEN, persons=PERSONS):
    def work(db):
        permission = visits.redeem(db, PATIENT, persons, token, now)
        if permission is None:
            return None
        reader = facility(db, organization, "visit")
        return visits.check_in(db, PATIENT, permission, reader=reader, now=now, sign=signed)

    return await desk.work(work, persons)


async def checked_out(desk, visit, *, organization=CLINIC, by=BY_CLINIC, persons=PERSONS):
    return await desk.work(
        lambda db: visits.check_out(
            db, persons, visit.id, organization_id=organization, by=by, now=LATER, sign=signed
        ),
        persons,
    )  # fmt: skip


async def test_a_qr_opens_what_was_offered_for_a_day_at_most(desk):
    await offered(desk)
    visit = await checked_in(desk)
    assert (visit.kind, visit.organization_id, visit.channel) == ("visit", CLINIC, "qr")
    assert (visit.sections, visit.sensitive, visit.purposes) == (["labs", "vitals"], [], ["TREAT"])
    assert visit.valid_until == LATER + LONGEST
    assert (visit.granted_by, visit.acr, visit.auth_time) == (CITIZEN, SELF.acr, NOW)
    (kept,) = await desk.sql("select body from access.consent_text where text_hash = $1", visit.text_hash)
    assert kept["body"] == visit_texts.document("qr", ("labs", "vitals"), "vi").body


async def test_abuse_28_a_qr_is_used_once(desk):
    await offered(desk)
    assert await checked_in(desk) is not None
    assert await checked_in(desk, organization=HOSPITAL) is None


async def test_of_two_desks_with_one_qr_one_wins(desk):
    await offered(desk)
    both = [checked_in(desk, organization=one) for one in (CLINIC, HOSPITAL, CLINIC, HOSPITAL)]
    won = [visit for visit in await asyncio.gather(*both) if visit is not None]
    (row,) = await desk.sql("select id from access.consent")
    assert [visit.id for visit in won] == [row["id"]]


async def test_abuse_28_a_qr_dies_after_minutes(desk):
    await offered(desk)
    ended = NOW + OFFER_LIFE
    assert await desk.work(lambda db: visits.offered(db, TOKEN, ended)) is None
    assert await checked_in(desk, now=ended) is None
    assert await desk.work(lambda db: visits.offered(db, TOKEN, ended - timedelta(seconds=1))) == PATIENT


async def test_abuse_28_another_token_opens_nothing(desk):
    await offered(desk)
    assert await desk.work(lambda db: visits.offered(db, b"u" * 32, LATER)) is None
    assert await checked_in(desk, token=b"u" * 32) is None


async def test_an_offer_is_not_redeemed_for_another_patient(desk):
    await offered(desk)
    assert await checked_in(desk, persons=(STRANGER,)) is None
    assert await checked_in(desk) is not None


async def test_an_offer_opens_at_least_one_section(desk):
    with pytest.raises(Invalid):
        await offered(desk, ())


@pytest.mark.parametrize(
    "ended",
    [
        "revoked_at = now(), revoked_by = citizen_id",
        "valid_until = valid_from + interval '1 second'",
        "can_manage = false",
    ],
)
async def test_abuse_37_what_a_former_guardian_offered_or_chose_opens_nothing(desk, ended):
    await offered(desk, by=BY_MOTHER)
    await chose(desk, ("labs",), by=BY_MOTHER)
    assert await desk.work(lambda db: visits.chosen(db, PATIENT, PERSONS, LATER)) is not None
    await desk.sql(f"update access.related_person set {ended} where citizen_id = $1", MOTHER)
    later = LATER + timedelta(minutes=2)
    assert await checked_in(desk, now=later) is None
    assert await desk.work(lambda db: visits.chosen(db, PATIENT, PERSONS, later)) is None


class TestTheCard:
    async def test_opens_nothing_without_a_choice(self, desk):
        assert await desk.work(lambda db: visits.chosen(db, PATIENT, PERSONS, LATER)) is None

    async def test_opens_what_was_chosen_last(self, desk):
        await chose(desk, ("labs",))
        await chose(desk, ("vitals", "allergies"), by=BY_MOTHER, now=LATER)
        permission = await desk.work(lambda db: visits.chosen(db, PATIENT, PERSONS, LATER))
        assert permission.sections == ("vitals", "allergies")
        assert (permission.by.citizen_id, permission.by.channel) == (MOTHER, "desk")

    async def test_opens_nothing_after_a_choice_of_nothing(self, desk):
        await chose(desk, ("labs",))
        await chose(desk, (), now=LATER)
        assert await desk.work(lambda db: visits.chosen(db, PATIENT, PERSONS, LATER)) is None

    async def test_of_merged_patients_the_last_choice_counts(self, desk):
        await chose(desk, ("labs",), now=LATER)
        await chose(desk, ("vitals",), patient=FORMER)
        assert (await desk.work(lambda db: visits.chosen(db, PATIENT, PERSONS, LATER))).sections == ("labs",)

    async def test_is_anothers_to_nobody(self, desk):
        await chose(desk, ("labs",))
        assert await desk.work(lambda db: visits.chosen(db, PATIENT, PERSONS, LATER), (STRANGER,)) is None


class TestCheckOut:
    async def test_ends_the_visit_and_says_so_once(self, desk):
        await offered(desk)
        visit = await checked_in(desk)
        await checked_out(desk, visit)
        await checked_out(desk, visit)
        (row,) = await desk.sql("select withdrawn_at, withdrawn_by from access.consent")
        assert tuple(row) == (LATER, CLINIC)
        events = await desk.sql("select kind from access.consent_event order by place")
        assert [event["kind"] for event in events] == ["granted", "withdrawn"]

    async def test_by_the_citizen_at_any_facility(self, desk):
        await offered(desk)
        ended = await checked_out(desk, await checked_in(desk), organization=None, by=SELF)
        assert ended.withdrawn_by == CITIZEN

    async def test_not_of_anothers_visit(self, desk):
        await offered(desk)
        visit = await checked_in(desk)
        for persons, organization in ((PERSONS, HOSPITAL), ((STRANGER,), CLINIC)):
            with pytest.raises(NotFound):
                await checked_out(desk, visit, organization=organization, persons=persons)
        (row,) = await desk.sql("select withdrawn_at from access.consent")
        assert row["withdrawn_at"] is None

    async def test_ends_visits_only(self, desk):
        await offered(desk)
        visit = await checked_in(desk)
        await desk.sql("update access.consent set kind = 'written_request'")
        with pytest.raises(NotFound):
            await checked_out(desk, visit)


def test_sections_come_in_the_order_of_the_book_each_once():
    assert visits.known(["labs", "allergies", "labs"]) == ("allergies", "labs")
    with pytest.raises(Invalid):
        visits.known(["labs", "diary"])


def test_what_is_asked_at_the_desk_are_sections():
    assert visits.known(visits.ASKED_AT_THE_DESK) == visits.ASKED_AT_THE_DESK


@pytest.mark.parametrize("way", ["qr", "card"])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_text_names_the_sections_and_that_the_data_are_sensitive(way, language):
    names = {one.name: one.vi if language == "vi" else one.en for one in SECTIONS}
    text = visit_texts.document(way, ("labs", "vitals"), language)
    shown = {line.removeprefix("- ") for line in text.body.splitlines()}
    assert {names["labs"], names["vitals"]} <= shown
    assert not shown & {names[name] for name in SECTION_NAMES if name not in ("labs", "vitals")}
    assert ("nhạy cảm" if language == "vi" else "sensitive") in text.body
    assert visit_texts.document(way, ("vitals", "labs"), language) == text
