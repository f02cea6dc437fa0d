"""A clinic asks, the citizen answers, the clinic reads exactly that."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from domain.consents.requests import MOST_OPEN
from domain.values import utc_now
from tests.api.clinic import CLINIC, FACILITY_SCOPE, OTHER, WARD, Clinic, furnish

UNTIL = (utc_now() + timedelta(days=30)).replace(microsecond=0).isoformat()
ASKED = ["allergies", "conditions", "labs", "vitals"]
REQUEST = """mutation ($id: ID!, $sections: [String!]!, $purpose: PurposeOfUse!, $until: Instant!,
                       $sensitive: [String!]) {
  requestConsent(patientId: $id, sections: $sections, purpose: $purpose, validUntil: $until, sensitive: $sensitive,
                 dataFrom: "2020-01-01")
  { outcome request { id patientId status openSections askedAt expiresAt answeredAt } } }"""
LIST = """query ($status: ConsentRequestStatus, $id: ID) { consentRequests(status: $status, patientId: $id) { nodes {
  id patientId facility { name code organizationId } practitionerName status purposes sections sensitive dataFrom dataTo
  validUntil askedAt expiresAt answeredAt consentId text { body hash language } } hasNextPage endCursor } }"""
SENT = """query ($first: Int! = 20, $after: String) { sentRequests(first: $first, after: $after) {
  nodes { id patientId status openSections answeredAt } hasNextPage endCursor } }"""
ANSWER = """mutation ($id: ID!, $grant: ConsentAnswerInput, $decline: Boolean! = false) {
  answerConsentRequest(id: $id, grant: $grant, decline: $decline) { __typename
    ... on ConsentRequest { id status consentId answeredAt }
    ... on ConsentRequestEnded { status }
    ... on ConsentRefused { code } } }"""
CANCEL = "mutation ($id: ID!) { cancelConsentRequest(id: $id) }"
TEXT = """query ($reader: ConsentReaderInput!, $terms: ConsentTermsInput!, $id: ID) {
  consentText(reader: $reader, terms: $terms, patientId: $id) { hash } }"""
WITHDRAW = "mutation ($id: ID!) { withdrawConsent(id: $id) { status } }"


@pytest.fixture
async def clinic(book) -> Clinic:
    return await furnish(book)


async def request(desk, patient, *, sections=ASKED, purpose="TREAT", until=UNTIL, sensitive=()):
    return await desk.get(
        REQUEST, id=str(patient), sections=sections, purpose=purpose, until=until, sensitive=list(sensitive)
    )


async def waiting(phone, status="ASKED", patient=None):
    return (await phone.get(LIST, status=status, id=patient))["nodes"]


def terms(sections, **changes):
    told = {"purposes": ["TREAT"], "sections": sections, "validUntil": UNTIL, "dataFrom": "2020-01-01"}
    return told | changes


async def yes(phone, shown, sections, *, child_agrees=False, **changes):
    """Grants a request in part, with the text for this part."""
    wish = terms(sections, **changes)
    reader = {"organizationId": shown["facility"]["organizationId"]}
    text = await phone.get(TEXT, reader=reader, terms=wish, id=shown["patientId"])
    grant = {"terms": wish, "textHash": text["hash"], "childAgrees": child_agrees}
    return await phone.get(ANSWER, id=shown["id"], grant=grant)


async def outcomes(desk):
    return [(one["status"], one["openSections"]) for one in (await desk.get(SENT))["nodes"]]


async def test_a_clinic_asks_for_four_sections_and_reads_the_two_that_were_granted(clinic):
    desk, phone = await clinic.desk(), await clinic.phone()
    assert await clinic.read_by(desk) == set()
    asked = await request(desk, clinic.patient)
    assert asked["outcome"] == "ASKED"
    assert await clinic.inbox() == ["consent_request"]
    (shown,) = await waiting(phone)
    assert (shown["facility"]["name"], shown["sections"], shown["purposes"]) == ("Phòng khám 0", ASKED, ["TREAT"])
    assert "Phòng khám 0" in shown["text"]["body"]
    granted = await yes(phone, shown, ["labs", "vitals"])
    assert (granted["__typename"], granted["status"]) == ("ConsentRequest", "GRANTED")
    assert await clinic.read_by(desk) == {"labs", "vitals"}
    assert await outcomes(desk) == [("GRANTED", ["labs", "vitals"])]
    assert await clinic.read_by(await clinic.desk(OTHER)) == set()
    await phone.get(WITHDRAW, id=granted["consentId"])
    assert await clinic.read_by(desk) == set()
    assert await outcomes(desk) == [("GRANTED", [])]


async def test_all_that_was_asked_is_granted_with_the_requests_own_text(clinic):
    desk, phone = await clinic.desk(), await clinic.phone()
    await request(desk, clinic.patient)
    (shown,) = await waiting(phone)
    grant = {"terms": terms(ASKED), "textHash": shown["text"]["hash"]}
    assert (await phone.get(ANSWER, id=shown["id"], grant=grant))["status"] == "GRANTED"
    assert await clinic.read_by(desk) == set(ASKED)


async def test_a_clinician_asks_under_the_name_he_has_there(clinic):
    await request(await clinic.desk(WARD), clinic.patient)
    (shown,) = await waiting(await clinic.phone())
    assert shown["practitionerName"] == "BS Lê Xanh"
    assert str(clinic.doctor) not in str(shown)


async def test_a_declined_request_opens_nothing_and_says_only_that(clinic):
    desk, phone = await clinic.desk(), await clinic.phone()
    asked = await request(desk, clinic.patient)
    assert (await phone.get(ANSWER, id=asked["request"]["id"], decline=True))["status"] == "DECLINED"
    assert await outcomes(desk) == [("DECLINED", [])]
    assert await clinic.read_by(desk) == set()


async def test_a_guardians_no_looks_like_the_citizens(clinic):
    await clinic.relate(clinic.book.citizens[3])
    desk = await clinic.desk()
    for citizen in (clinic.citizen, clinic.book.citizens[3]):
        asked = await request(desk, clinic.patient)
        await (await clinic.phone(citizen)).get(ANSWER, id=asked["request"]["id"], decline=True)
    first, second = [
        {name: value for name, value in one.items() if name not in ("id", "answeredAt")}
        for one in (await desk.get(SENT))["nodes"]
    ]
    assert first == second


async def test_everybody_who_decides_is_told_and_any_of_them_answers(clinic):
    guardian, helper = clinic.book.citizens[3], clinic.book.citizens[4]
    await clinic.relate(guardian)
    await clinic.relate(helper, kind="delegate", can_manage=False)
    before = await clinic.inbox(helper)
    asked = await request(await clinic.desk(), clinic.patient)
    assert (await clinic.inbox(guardian))[-1] == "consent_request"
    assert await clinic.inbox(helper) == before
    phone = await clinic.phone(helper)
    assert await phone.refused(ANSWER, id=asked["request"]["id"], decline=True) == "FORBIDDEN"
    assert await phone.refused(LIST, id=str(clinic.patient)) == "FORBIDDEN"
    (shown,) = await waiting(await clinic.phone(guardian), patient=str(clinic.patient))
    assert shown["id"] == asked["request"]["id"]


@pytest.mark.parametrize(
    "wider",
    [
        {"sections": ["labs", "documents"]},
        {"sensitive": ["HIV"]},
        {"dataFrom": None},
        {"purposes": ["TREAT", "CAREMGT"]},
        {"validUntil": (utc_now() + timedelta(days=31)).isoformat()},
    ],
)
async def test_an_answer_wider_than_the_request_is_refused(clinic, wider):
    phone = await clinic.phone()
    asked = await request(await clinic.desk(), clinic.patient)
    grant = {"terms": terms(ASKED) | wider, "textHash": "x"}
    assert await phone.refused(ANSWER, id=asked["request"]["id"], grant=grant) == "INVALID"
    assert len(await waiting(phone)) == 1


async def test_a_grant_needs_the_text_that_was_shown(clinic):
    phone = await clinic.phone()
    await request(await clinic.desk(), clinic.patient)
    (shown,) = await waiting(phone)
    grant = {"terms": terms(["labs"]), "textHash": shown["text"]["hash"]}
    assert await phone.get(ANSWER, id=shown["id"], grant=grant) == {
        "__typename": "ConsentRefused",
        "code": "TEXT_CHANGED",
    }
    assert len(await waiting(phone)) == 1


async def test_a_grant_needs_a_fresh_strong_sign_in_and_a_no_does_not(clinic):
    asked = await request(await clinic.desk(), clinic.patient)
    weak, old = await clinic.phone(acr=None), await clinic.phone()
    await clinic.book.sql("update auth.token_grant set auth_time = now() - interval '6 minutes' where acr = 'demo'")
    grant = {"terms": terms(ASKED), "textHash": "x"}
    for phone in (weak, old):
        assert await phone.refused(ANSWER, id=asked["request"]["id"], grant=grant) == "STEP_UP_REQUIRED"
    assert (await weak.get(ANSWER, id=asked["request"]["id"], decline=True))["status"] == "DECLINED"


async def test_two_answers_at_once_have_one_winner(clinic):
    await clinic.relate(clinic.book.citizens[3])
    desk = await clinic.desk()
    await request(desk, clinic.patient)
    phones = [await clinic.phone(), await clinic.phone(clinic.book.citizens[3])]
    (shown,) = await waiting(phones[0])
    grant = {"terms": terms(ASKED), "textHash": shown["text"]["hash"]}
    answers = await asyncio.gather(
        phones[0].get(ANSWER, id=shown["id"], grant=grant), phones[1].get(ANSWER, id=shown["id"], decline=True)
    )
    won = [one for one in answers if one["__typename"] == "ConsentRequest"]
    lost = [one for one in answers if one["__typename"] == "ConsentRequestEnded"]
    assert len(won) == len(lost) == 1
    assert lost[0]["status"] == won[0]["status"]
    assert await clinic.read_by(desk) == (set(ASKED) if won[0]["status"] == "GRANTED" else set())


async def test_what_expired_is_answered_no_more_and_says_so(clinic):
    desk, phone = await clinic.desk(), await clinic.phone()
    await request(desk, clinic.patient)
    (shown,) = await waiting(phone)
    await clinic.book.sql(
        """update access.consent_request
              set created_at = now() - interval '15 days', expires_at = now() - interval '1 day'"""
    )
    grant = {"terms": terms(ASKED), "textHash": shown["text"]["hash"]}
    ended = {"__typename": "ConsentRequestEnded", "status": "EXPIRED"}
    assert await phone.get(ANSWER, id=shown["id"], grant=grant) == ended
    assert await phone.get(ANSWER, id=shown["id"], decline=True) == ended
    assert await outcomes(desk) == [("EXPIRED", [])]
    assert [one["status"] for one in await waiting(phone, "EXPIRED")] == ["EXPIRED"]


async def test_the_clinic_takes_its_own_request_back_and_nobody_elses(clinic):
    desk, other, phone = await clinic.desk(), await clinic.desk(OTHER), await clinic.phone()
    asked = await request(desk, clinic.patient)
    assert await other.get(CANCEL, id=asked["request"]["id"]) is False
    assert await desk.get(CANCEL, id=asked["request"]["id"]) is True
    assert await desk.get(CANCEL, id=asked["request"]["id"]) is False
    assert await outcomes(desk) == [("CANCELLED", [])]
    ended = await phone.get(ANSWER, id=asked["request"]["id"], decline=True)
    assert ended == {"__typename": "ConsentRequestEnded", "status": "CANCELLED"}


async def test_a_denied_clinic_is_answered_like_any_other_and_shown_to_nobody(clinic):
    desk, phone = await clinic.desk(), await clinic.phone()
    before = await request(desk, clinic.patient)
    await clinic.deny()
    after = await request(desk, clinic.patient)
    assert after["outcome"] == before["outcome"]
    assert after["request"].keys() == before["request"].keys()
    assert [one["status"] for one in (await desk.get(SENT))["nodes"]] == ["ASKED", "ASKED"]
    assert await clinic.inbox() == ["consent_request"], "of the time before"
    assert await waiting(phone) == []
    assert await phone.refused(ANSWER, id=after["request"]["id"], decline=True) == "NOT_FOUND"


async def test_an_unknown_patient_is_asked_like_a_silent_one(clinic):
    """No oracle: whether there is such a patient does not show."""
    desk = await clinic.desk()
    known, unknown = await request(desk, clinic.patient), await request(desk, uuid4())
    assert known["outcome"] == unknown["outcome"] == "ASKED"
    assert [one["status"] for one in (await desk.get(SENT))["nodes"]] == ["ASKED", "ASKED"]


async def test_only_so_many_wait_at_a_time(clinic):
    desk = await clinic.desk()
    made = [await request(desk, clinic.patient) for _ in range(MOST_OPEN + 1)]
    assert [one["outcome"] for one in made] == ["ASKED"] * MOST_OPEN + ["TOO_MANY"]
    assert made[-1]["request"] is None
    assert (await request(await clinic.desk(OTHER), clinic.patient))["outcome"] == "ASKED"


async def test_asking_is_rated_by_patient_and_by_facility(clinic, monkeypatch):
    monkeypatch.setattr("api.facilities.asking.MOST_ABOUT_A_PATIENT", 1)
    assert (await request(await clinic.desk(), clinic.patient))["outcome"] == "ASKED"
    assert (await request(await clinic.desk(OTHER), clinic.patient))["outcome"] == "TOO_MANY"
    monkeypatch.setattr("api.facilities.asking.MOST_OF_A_FACILITY", 1)
    assert (await request(await clinic.desk(), uuid4()))["outcome"] == "TOO_MANY"


@pytest.mark.parametrize(
    "changes",
    [
        {"sections": []},
        {"sections": ["diary"]},
        {"sections": ["labs\x00"]},
        {"sections": ["labs"] * 51},
        {"purpose": "PATRQT"},
        {"purpose": "BTG"},
        {"sensitive": ["EVERYTHING"]},
        {"until": "2020-01-01T00:00:00Z"},
        {"until": "9999-12-31T23:59:59-14:00"},
        {"until": "tomorrow"},
        {"patient": "' or 1=1 --"},
    ],
)
async def test_malformed_requests_are_refused_and_none_is_stored(clinic, changes):
    told = {"id": changes.pop("patient", str(clinic.patient)), "sections": ASKED, "purpose": "TREAT", "until": UNTIL}
    assert await (await clinic.desk()).refused(REQUEST, **(told | {"sensitive": []} | changes)) == "INVALID"
    assert await clinic.book.sql("select from access.consent_request") == []


@pytest.mark.parametrize("id_", ["", "x", "\x00", "cmVxdWVzdA", "é", "A" * 10_000])
async def test_ids_that_are_none_are_refused(clinic, id_):
    assert await (await clinic.phone()).refused(ANSWER, id=id_, decline=True) == "INVALID"
    assert await (await clinic.desk()).refused(CANCEL, id=id_) == "INVALID"


@pytest.mark.parametrize("after", ["", "x", "\x00", "MjAyNi0wMS0wMXw=", "é", "A" * 10_000])
async def test_cursors_that_are_none_are_refused(clinic, after):
    assert await (await clinic.desk()).refused(SENT, after=after) == "INVALID"


async def test_sent_requests_come_in_pages(clinic):
    desk = await clinic.desk()
    made = [(await request(desk, uuid4()))["request"]["id"] for _ in range(5)]
    first = await desk.get(SENT, first=2)
    rest = await desk.get(SENT, first=3, after=first["endCursor"])
    assert [one["id"] for one in [*first["nodes"], *rest["nodes"]]] == made[::-1]
    assert (first["hasNextPage"], rest["hasNextPage"]) == (True, False)
    assert await desk.refused(SENT, first=101) == "INVALID"


class TestWhoMayAsk:
    async def test_a_citizen_may_not(self, clinic):
        told = {"id": str(clinic.patient), "sections": ASKED, "purpose": "TREAT", "until": UNTIL, "sensitive": []}
        phone = await clinic.phone(scope=FACILITY_SCOPE)
        assert await phone.refused(REQUEST, **told) == "NOT_FOUND"
        assert await phone.refused(SENT) == "NOT_FOUND"
        assert await clinic.book.sql("select from access.consent_request") == []

    async def test_a_facility_needs_the_scope(self, clinic):
        desk = await clinic.desk(scope="patient:find")
        told = {"id": str(clinic.patient), "sections": ASKED, "purpose": "TREAT", "until": UNTIL, "sensitive": []}
        assert await desk.refused(REQUEST, **told) == "INSUFFICIENT_SCOPE"
        assert await desk.refused(SENT) == "INSUFFICIENT_SCOPE"

    async def test_a_suspended_facility_may_not(self, clinic):
        desk = await clinic.desk()
        await clinic.book.sql(
            "update registry.organization set status = 'suspended' where id = $1", clinic.organizations[CLINIC]
        )
        assert (await desk.book.post(SENT, desk.token)).status_code == 401

    async def test_a_facility_does_not_answer(self, clinic):
        desk = await clinic.desk(scope=f"{FACILITY_SCOPE} consent:manage consent:read")
        asked = await request(desk, clinic.patient)
        assert await desk.refused(ANSWER, id=asked["request"]["id"], decline=True) == "FORBIDDEN"
        assert await desk.refused(LIST, id=str(clinic.patient)) == "FORBIDDEN"


async def test_every_step_stands_in_the_log(clinic):
    desk, phone = await clinic.desk(), await clinic.phone()
    asked = await request(desk, clinic.patient)
    await phone.get(ANSWER, id=asked["request"]["id"], decline=True)
    assert await clinic.logged("requestConsent") == [("ALLOWED", clinic.patient)]
    assert await clinic.logged("answerConsentRequest") == [("ALLOWED", clinic.patient)]
