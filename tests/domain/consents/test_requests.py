"""Asking: what a facility may ask, what the citizen makes of it, and what the facility hears."""

import asyncio
from dataclasses import fields, replace
from datetime import date, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.consents import requests, texts
from domain.consents.parties import facility
from domain.consents.requests import LIFE, MOST_OPEN, Asker, Place, narrowed
from domain.consents.tables import CATEGORIES
from domain.consents.terms import SECTION_NAMES, Terms
from domain.errors import Invalid, NotFound
from tests.conftest import Database
from tests.domain.consents.desk import (
    ASKER,
    CITIZEN,
    CLINIC,
    DOCTOR,
    FORMER,
    HOSPITAL,
    NOW,
    PATIENT,
    PERSONS,
    SELF,
    STRANGER,
    Desk,
    signed,
    terms,
)

LATER = NOW + timedelta(minutes=1)


@pytest.fixture
async def desk(database: Database) -> Desk:
    return await Desk(database).furnish()


async def asked(desk, *, asker=ASKER, patient=PATIENT, now=NOW, **changes):
    persons = PERSONS if patient in PERSONS else (patient,)
    wanted = terms(**changes).checked(now)
    return await desk.work(
        lambda db: requests.ask(db, patient, persons, asker=asker, terms=wanted, now=now), {*persons, patient}
    )


async def granted(desk, request, now=LATER, **changes):
    def work(db):
        found = requests.shown(db, PERSONS, request.id)
        agreed = narrowed(requests.terms_of(found), terms(**changes), now)
        reader = facility(db, found.organization_id)
        text = texts.document(reader, agreed, "vi")
        return requests.grant(db, found, agreed, reader=reader, by=SELF, text=text, now=now, sign=signed)

    return await desk.work(work)


async def declined(desk, request):
    return await desk.work(lambda db: requests.decline(db, requests.shown(db, PERSONS, request.id), LATER))


async def sent(desk, organization=CLINIC, *, now=LATER, first=10, after=None):
    def work(db):
        return requests.sent(db, organization, now=now, first=first, after=after)

    return await desk.work(work, persons=(), organization=organization)


async def listed(desk, *, status=None, now=LATER, first=10, after=None, persons=PERSONS):
    def work(db):
        return requests.of_patient(db, persons, status=status, now=now, first=first, after=after)

    return await desk.work(work, persons)


days = st.none() | st.dates(date(2020, 1, 1), date(2026, 12, 31)).map(str)
drawn_terms = st.builds(
    Terms,
    purposes=st.sampled_from([("TREAT",), ("CAREMGT",), ("TREAT", "CAREMGT"), ("HPAYMT",)]),
    sections=st.sets(st.sampled_from(SECTION_NAMES), min_size=1).map(tuple),
    sensitive=st.sets(st.sampled_from(CATEGORIES)).map(tuple),
    data_from=days,
    data_to=days,
    valid_until=st.timedeltas(timedelta(minutes=1), timedelta(days=365)).map(lambda life: NOW + life),
    erase_by=st.none(),
)


@given(drawn_terms, drawn_terms, st.sets(st.sampled_from([field.name for field in fields(Terms)])))
def test_an_answer_never_opens_more_than_was_asked(wanted, other, alike):
    wished = replace(other, **{name: getattr(wanted, name) for name in alike})
    try:
        given_terms = narrowed(wanted, wished, NOW)
    except Invalid:
        return
    assert set(given_terms.sections) <= set(wanted.sections)
    assert set(given_terms.sensitive) <= set(wanted.sensitive)
    assert set(given_terms.purposes) <= set(wanted.purposes)
    assert (given_terms.data_from or "") >= (wanted.data_from or "")
    assert wanted.data_to is None or (given_terms.data_to is not None and given_terms.data_to <= wanted.data_to)
    assert given_terms.valid_until <= wanted.valid_until


@pytest.mark.parametrize(
    "wider",
    [
        {"sections": ("labs", "documents")},
        {"sensitive": ("HIV", "MENTAL")},
        {"data_from": None},
        {"data_from": "2023-12-31"},
        {"valid_until": NOW + timedelta(days=91)},
        {"purposes": ("TREAT", "CAREMGT")},
    ],
)
def test_a_wider_answer_is_refused(wider):
    with pytest.raises(Invalid):
        narrowed(terms(), terms(**wider), NOW)


async def test_a_request_waits_two_weeks_but_not_beyond_what_it_asks_for(desk):
    assert (await asked(desk)).expires_at == NOW + LIFE
    soon = NOW + timedelta(days=1)
    assert (await asked(desk, valid_until=soon)).expires_at == soon


async def test_a_facility_has_only_so_many_requests_to_a_patient_waiting(desk):
    made = [await asked(desk) for _ in range(MOST_OPEN)]
    assert await asked(desk) is None
    assert await asked(desk, patient=FORMER) is None, "the same person under a former id"
    assert await asked(desk, asker=Asker(HOSPITAL, "hospital", None)) is not None
    assert await asked(desk, patient=STRANGER) is not None
    await declined(desk, made[0])
    assert await asked(desk) is not None


async def test_requests_at_once_do_not_slip_past_the_bound(desk):
    made = await asyncio.gather(*(asked(desk) for _ in range(MOST_OPEN + 4)))
    assert sum(one is not None for one in made) == MOST_OPEN


async def test_granting_makes_a_consent_of_what_was_granted(desk):
    request = await asked(desk)
    consent = await granted(desk, request, sections=("labs", "vitals"), sensitive=())
    assert (consent.kind, consent.organization_id, consent.request_id) == ("written_request", CLINIC, request.id)
    assert (consent.sections, consent.sensitive, consent.data_from) == (["labs", "vitals"], [], "2024-01-01")
    assert (consent.granted_by, consent.channel, consent.acr) == (CITIZEN, "app", SELF.acr)
    (row,) = await desk.sql("select status, consent_id, answered_at from access.consent_request")
    assert tuple(row) == ("granted", consent.id, LATER)
    (event,) = await desk.sql("select kind from access.consent_event")
    assert event["kind"] == "granted"


async def test_of_two_answers_at_once_one_wins(desk):
    request = await asked(desk)
    answers = await asyncio.gather(granted(desk, request), declined(desk, request), granted(desk, request))
    assert sum(bool(answer) for answer in answers) == 1
    (row,) = await desk.sql("select status, consent_id from access.consent_request")
    consents = await desk.sql("select id from access.consent")
    assert [row["consent_id"]] * len(consents) == [one["id"] for one in consents]
    assert (row["status"] == "granted") == (len(consents) == 1)


@pytest.mark.parametrize("end", ["granted", "declined", "cancelled", "expired"])
async def test_what_has_ended_is_answered_no_more(desk, end):
    request = await asked(desk)
    await desk.sql(
        """update access.consent_request
              set status = $1, expires_at = case when $1 = 'asked' then $2 else expires_at end""",
        "asked" if end == "expired" else end, LATER,
    )  # fmt: skip
    assert await granted(desk, request) is None
    assert await declined(desk, request) is False
    assert [one.id for one in await listed(desk, status=end)] == [request.id]
    assert await listed(desk, status="asked") == []


async def test_a_request_is_nobody_elses(desk):
    request = await asked(desk)
    with pytest.raises(NotFound):
        await desk.work(lambda db: requests.shown(db, (STRANGER,), request.id), (STRANGER,))
    assert await listed(desk, persons=(STRANGER,)) == []
    cancel = lambda db: requests.cancel(db, PERSONS, HOSPITAL, request.id, LATER)  # noqa: E731
    assert await desk.work(cancel, organization=HOSPITAL) is False
    assert await sent(desk, HOSPITAL) == []


async def test_row_level_security_alone_keeps_another_facilitys_requests(desk):
    await asked(desk)
    read = lambda db: requests.sent(db, CLINIC, now=LATER, first=10, after=None)  # noqa: E731
    assert await desk.work(read, persons=(), organization=HOSPITAL) == []


async def test_the_facility_takes_its_request_back_once(desk):
    request = await asked(desk)
    cancel = lambda db: requests.cancel(db, PERSONS, CLINIC, request.id, LATER)  # noqa: E731
    assert [await desk.work(cancel), await desk.work(cancel)] == [True, False]
    assert [one.status for one in await sent(desk)] == ["cancelled"]


class TestADeniedFacility:
    @pytest.mark.parametrize(("scope", "organization"), [("organization", CLINIC), ("all", None)])
    async def test_asks_as_before_and_is_shown_to_nobody(self, desk, scope, organization):
        await desk.deny(scope, organization)
        request = await asked(desk)
        assert request.status == "asked"
        assert await listed(desk) == []
        with pytest.raises(NotFound):
            await granted(desk, request)
        assert [one.status for one in await sent(desk)] == ["asked"]
        assert [one.status for one in await sent(desk, now=NOW + LIFE)] == ["expired"]
        assert await desk.work(lambda db: requests.is_denied(db, PERSONS, CLINIC))

    async def test_keeps_the_bound_that_it_had(self, desk):
        await desk.deny()
        made = [await asked(desk) for _ in range(MOST_OPEN + 1)]
        assert [one is None for one in made] == [False] * MOST_OPEN + [True]

    async def test_is_seen_again_when_the_denial_is_lifted(self, desk):
        await desk.deny()
        request = await asked(desk)
        await desk.sql("update access.denial set lifted_at = now(), lifted_by = placed_by")
        assert [one.id for one in await listed(desk)] == [request.id]

    async def test_does_not_hide_what_was_answered_before(self, desk):
        await declined(desk, await asked(desk))
        await desk.deny()
        assert [one.status for one in await listed(desk)] == ["declined"]

    async def test_does_not_hide_others(self, desk):
        await desk.deny(organization=HOSPITAL)
        request = await asked(desk)
        assert [one.id for one in await listed(desk)] == [request.id]


class TestWhatTheFacilitySees:
    async def test_is_what_its_answer_opens_now(self, desk):
        await granted(desk, await asked(desk), sections=("labs",), sensitive=())
        assert [(one.status, one.open_sections) for one in await sent(desk)] == [("granted", ("labs",))]
        await desk.sql("update access.consent set withdrawn_at = now(), withdrawn_by = granted_by")
        assert [(one.status, one.open_sections) for one in await sent(desk)] == [("granted", ())]

    async def test_is_nothing_of_other_consents(self, desk):
        await granted(desk, await asked(desk), sections=("labs",))
        await desk.sql("update access.consent_request set status = 'declined', consent_id = null")
        assert [(one.status, one.open_sections) for one in await sent(desk)] == [("declined", ())]

    async def test_comes_in_pages_newest_first(self, desk):
        made = [await asked(desk, patient=uuid4(), now=NOW + timedelta(seconds=n // 2)) for n in range(5)]
        expected = [one.id for one in reversed(made)]
        first = await sent(desk, first=2)
        last = first[-1].request
        rest = await sent(desk, first=9, after=Place(last.created_at, last.id))
        assert [one.request.id for one in [*first, *rest]] == expected


async def test_a_clinicians_name_is_the_one_of_his_present_role(desk):
    await desk.sql(
        """insert into access.practitioner_role (id, citizen_id, organization_id, role, display_name, revoked_at)
           values (gen_random_uuid(), $1, $2, 'nurse', 'ĐD Xanh', now()),
                  (gen_random_uuid(), $1, $2, 'doctor', 'BS Xanh', null)""",
        DOCTOR, CLINIC,
    )  # fmt: skip
    request = await asked(desk)
    assert await desk.work(lambda db: requests.clinicians(db, [request])) == {(DOCTOR, CLINIC): "BS Xanh"}
