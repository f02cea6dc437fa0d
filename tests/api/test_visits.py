"""A visit: the citizen's QR or card opens the chosen sections to the facility he stands in, until he leaves."""

import asyncio
import json
from xml.etree import ElementTree as ET

import pytest

from api.limits.bounds import LONGEST_STRING
from domain.consents.finding import TRIES
from domain.values import utc_now
from tests.api.clinic import CLINIC, OTHER, WARD, Clinic, furnish

TEXT = """query ($sections: [String!]!, $way: VisitWay!) { visitText(sections: $sections, way: $way) { body hash } }"""
OFFER = """mutation ($sections: [String!]!, $hash: String!, $id: ID, $agrees: Boolean! = false) {
  offerVisit(sections: $sections, textHash: $hash, patientId: $id, childAgrees: $agrees) { __typename
    ... on VisitOffer { token svg sections expiresAt } ... on ConsentRefused { code } } }"""
CHOOSE = """mutation ($sections: [String!]!, $hash: String!, $id: ID) {
  chooseVisitSections(sections: $sections, textHash: $hash, patientId: $id) { __typename
    ... on VisitChoice { sections chosenAt } ... on ConsentRefused { code } } }"""
CHOICE = "{ visitChoice { sections chosenAt } }"
CHECK_IN = """mutation ($offer: String, $card: CitizenCardInput) { checkIn(offer: $offer, citizenCard: $card) {
  outcome visit { id patientId sections validUntil endedAt } request { id status } } }"""
CHECK_OUT = "mutation ($id: ID!) { checkOut(visitId: $id) { endedAt } }"
REQUESTS = "{ consentRequests { nodes { status sections } } }"
GIVEN = "{ consents { nodes { id kind sections reader { name } } } }"
ENDED = {"outcome": "OFFER_ENDED", "visit": None, "request": None}


@pytest.fixture
async def clinic(book, monkeypatch) -> Clinic:
    monkeypatch.setattr("api.facilities.finding.TAKES_S", 0)
    return await furnish(book)


async def offer(phone, sections=("labs", "vitals"), patient=None, *, agrees=False):
    text = await phone.get(TEXT, sections=list(sections), way="QR")
    return await phone.get(OFFER, sections=list(sections), hash=text["hash"], id=patient, agrees=agrees)


async def choose(phone, sections, patient=None):
    text = await phone.get(TEXT, sections=list(sections), way="CARD")
    return await phone.get(CHOOSE, sections=list(sections), hash=text["hash"], id=patient)


async def test_a_qr_opens_the_chosen_sections_until_the_check_out(clinic):
    desk, phone = await clinic.desk(), await clinic.phone()
    shown = await offer(phone)
    checked_in = await desk.get(CHECK_IN, offer=shown["token"])
    assert checked_in["outcome"] == "CHECKED_IN"
    assert checked_in["visit"]["patientId"] == str(clinic.patient)
    assert await clinic.read_by(desk) == {"labs", "vitals"}
    assert await clinic.inbox() == ["visit"]
    assert [one["kind"] for one in (await phone.get(GIVEN))["nodes"]] == ["VISIT"]
    ended = await desk.get(CHECK_OUT, id=checked_in["visit"]["id"])
    assert ended["endedAt"] is not None
    assert await clinic.read_by(desk) == set()
    assert await clinic.inbox() == ["visit", "visit"]
    assert await desk.get(CHECK_OUT, id=checked_in["visit"]["id"]) == ended
    assert await clinic.inbox() == ["visit", "visit"]


async def test_the_clinic_s_clinician_reads_by_the_visit_too(clinic):
    await (await clinic.desk()).get(CHECK_IN, offer=(await offer(await clinic.phone()))["token"])
    assert await clinic.read_by(await clinic.desk(WARD)) == {"labs", "vitals"}
    assert await clinic.read_by(await clinic.desk(OTHER)) == set()


async def test_a_clinician_checks_in_and_out(clinic):
    ward = await clinic.desk(WARD)
    visit = (await ward.get(CHECK_IN, offer=(await offer(await clinic.phone()))["token"]))["visit"]
    await ward.get(CHECK_OUT, id=visit["id"])
    (row,) = await clinic.book.sql("select withdrawn_by from access.consent")
    assert row["withdrawn_by"] == clinic.doctor


async def test_the_citizen_ends_the_visit_himself_without_signing_in_anew(clinic):
    desk = await clinic.desk()
    visit = (await desk.get(CHECK_IN, offer=(await offer(await clinic.phone()))["token"]))["visit"]
    await (await clinic.phone(acr=None)).get(CHECK_OUT, id=visit["id"])
    assert await clinic.read_by(desk) == set()


async def test_a_visit_ends_after_a_day_by_itself(clinic):
    desk = await clinic.desk()
    await desk.get(CHECK_IN, offer=(await offer(await clinic.phone()))["token"])
    (row,) = await clinic.book.sql(
        "select valid_until - valid_from <= interval '24 hours' as a_day from access.consent"
    )
    assert row["a_day"]
    assert await clinic.read_by(desk) == {"labs", "vitals"}
    await clinic.book.sql(
        """update access.consent
              set valid_from = valid_from - interval '24 hours', valid_until = valid_until - interval '24 hours'"""
    )
    assert await clinic.read_by(desk) == set()


async def test_abuse_28_a_qr_is_used_once(clinic):
    token = (await offer(await clinic.phone()))["token"]
    assert (await (await clinic.desk()).get(CHECK_IN, offer=token))["outcome"] == "CHECKED_IN"
    assert await (await clinic.desk(OTHER)).get(CHECK_IN, offer=token) == ENDED
    assert await (await clinic.desk()).get(CHECK_IN, offer=token) == ENDED


async def test_of_two_desks_with_one_qr_one_wins(clinic):
    token = (await offer(await clinic.phone()))["token"]
    desks = [await clinic.desk(), await clinic.desk(OTHER)]
    answers = await asyncio.gather(*(desk.get(CHECK_IN, offer=token) for desk in desks * 3))
    assert sorted(one["outcome"] for one in answers) == ["CHECKED_IN"] + ["OFFER_ENDED"] * 5
    assert len(await clinic.book.sql("select from access.consent")) == 1
    assert sorted([bool(await clinic.read_by(desk)) for desk in desks]) == [False, True]


async def test_abuse_28_a_qr_dies_after_five_minutes(clinic):
    token = (await offer(await clinic.phone()))["token"]
    (row,) = await clinic.book.sql("select expires_at <= now() + interval '5 minutes' as soon from access.visit_offer")
    assert row["soon"]
    await clinic.book.sql("update access.visit_offer set expires_at = expires_at - interval '5 minutes'")
    assert await (await clinic.desk()).get(CHECK_IN, offer=token) == ENDED


async def test_abuse_28_the_token_is_long_kept_as_a_hash_and_no_address(clinic):
    shown = await offer(await clinic.phone())
    assert len(shown["token"]) >= 43, "256 bits"
    assert shown["token"].replace("-", "").replace("_", "").isalnum(), "no address that a scanner would open"
    rows = await clinic.book.sql("select * from access.visit_offer")
    assert shown["token"] not in str([dict(row) for row in rows])
    answer = await clinic.book.post(OFFER, "x")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("token", ["", "x", "\x01", "é", "A" * 43, "A" * 100_000])
async def test_abuse_28_guessed_tokens_open_nothing(clinic, token):
    await offer(await clinic.phone())
    answer = await (await clinic.desk()).answer(CHECK_IN, offer=token)
    if len(token) <= LONGEST_STRING:
        assert answer["data"]["checkIn"] == ENDED
    else:
        assert [one["extensions"]["code"] for one in answer["errors"]] == ["VARIABLES_TOO_LARGE"]


LONE = "\ud800"  # half of a surrogate pair, which JSON can say and UTF-8 cannot
HOSTILE = [
    "mutation ($x: String!) { checkIn(offer: $x) { outcome } }",
    "mutation ($x: String!) { findPatient(number: $x, name: $x, birthDate: $x) { outcome } }",
    'mutation ($x: String!) { findPatient(number: "001199123457", name: $x, birthDate: "1990") { outcome } }',
    "mutation ($x: ID!) { checkOut(visitId: $x) { id } }",
    "mutation ($x: ID!) { cancelConsentRequest(id: $x) }",
    "query ($x: String!) { sentRequests(after: $x) { endCursor } }",
    "query ($x: String!) { visitText(sections: [$x], way: QR) { hash } }",
    """mutation ($x: String!, $id: ID!, $at: Instant!) {
         requestConsent(patientId: $id, sections: [$x], purpose: TREAT, validUntil: $at) { outcome } }""",
]


@pytest.mark.parametrize("text", [LONE, f"An {LONE}", "\x00", "\u202e", "x" * 70_000])
async def test_abuse_33_hostile_text_is_no_fault_of_ours(clinic, text):
    headers = {"Authorization": f"Bearer {(await clinic.desk()).token}", "Content-Type": "application/json"}
    for query in HOSTILE:
        variables = {name: text for name in ("x", "id", "at") if f"${name}:" in query}
        body = json.dumps({"query": query, "variables": variables})
        answer = await clinic.book.client.post("/graphql", content=body, headers=headers)
        assert answer.status_code < 500
        assert "INTERNAL" not in answer.text


async def test_the_svg_is_a_drawing_of_the_token(clinic):
    shown = await offer(await clinic.phone())
    drawn = ET.fromstring(shown["svg"])
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    assert int(drawn.get("width")) == int(drawn.get("height")) > 100
    assert shown["token"] not in shown["svg"]


class TestTheCard:
    async def test_opens_what_was_chosen_beforehand(self, clinic):
        desk, phone = await clinic.desk(), await clinic.phone()
        assert (await choose(phone, ["vitals", "allergies"]))["sections"] == ["allergies", "vitals"]
        assert (await phone.get(CHOICE))["sections"] == ["allergies", "vitals"]
        checked_in = await desk.get(CHECK_IN, card=await clinic.card())
        assert (checked_in["outcome"], checked_in["visit"]["sections"]) == ("CHECKED_IN", ["allergies", "vitals"])
        assert await clinic.read_by(desk) == {"allergies", "vitals"}
        assert await clinic.inbox() == ["visit"]

    async def test_opens_nothing_where_nothing_was_chosen_and_asks_instead(self, clinic):
        desk, phone = await clinic.desk(), await clinic.phone()
        checked_in = await desk.get(CHECK_IN, card=await clinic.card())
        assert (checked_in["outcome"], checked_in["visit"]) == ("NOTHING_CHOSEN", None)
        assert checked_in["request"]["status"] == "ASKED"
        assert await clinic.read_by(desk) == set()
        assert await clinic.inbox() == ["consent_request"]
        (asked,) = (await phone.get(REQUESTS))["nodes"]
        assert {"labs", "allergies"} < set(asked["sections"])

    async def test_opens_nothing_after_the_choice_was_taken_back(self, clinic):
        phone = await clinic.phone()
        await choose(phone, ["labs"])
        await choose(phone, [])
        assert (await (await clinic.desk()).get(CHECK_IN, card=await clinic.card()))["outcome"] == "NOTHING_CHOSEN"

    async def test_asks_a_patient_who_denied_the_facility_for_nothing_to_be_seen(self, clinic):
        await clinic.deny()
        checked_in = await (await clinic.desk()).get(CHECK_IN, card=await clinic.card())
        assert (checked_in["outcome"], checked_in["request"]["status"]) == ("NOTHING_CHOSEN", "ASKED")
        assert await clinic.inbox() == []
        assert (await (await clinic.phone()).get(REQUESTS))["nodes"] == []

    @pytest.mark.parametrize("wrong", [{"birthDate": "1901-01-01"}, {"name": "Lê Văn Nam"}, {"number": "001199123457"}])
    async def test_abuse_27_of_whom_not_all_agrees_opens_and_asks_nothing(self, clinic, wrong):
        await choose(await clinic.phone(), ["labs"])
        checked_in = await (await clinic.desk()).get(CHECK_IN, card=await clinic.card() | wrong)
        assert checked_in == {"outcome": "NOT_FOUND", "visit": None, "request": None}
        assert await clinic.inbox() == []

    async def test_counts_as_a_look_up(self, clinic, monkeypatch):
        monkeypatch.setitem(TRIES, "number", 1)
        desk, card = await clinic.desk(), await clinic.card()
        await desk.get(CHECK_IN, card=card)
        assert (await desk.get(CHECK_IN, card=card))["outcome"] == "TOO_MANY_TRIES"


async def test_abuse_26_a_denial_is_stronger_than_a_qr_and_the_desk_does_not_see_it(clinic):
    desk, phone = await clinic.desk(), await clinic.phone()
    await clinic.deny()
    assert (await desk.get(CHECK_IN, offer=(await offer(phone))["token"]))["outcome"] == "CHECKED_IN"
    assert await clinic.read_by(desk) == set()


class TestWhoMay:
    async def test_offering_and_choosing_need_a_fresh_strong_sign_in(self, clinic):
        phone = await clinic.phone(acr=None)
        assert await phone.refused(OFFER, sections=["labs"], hash="x") == "STEP_UP_REQUIRED"
        assert await phone.refused(CHOOSE, sections=["labs"], hash="x") == "STEP_UP_REQUIRED"

    async def test_offering_and_choosing_need_the_text_that_was_shown(self, clinic):
        phone = await clinic.phone()
        text = await phone.get(TEXT, sections=["vitals"], way="QR")
        for mutation in (OFFER, CHOOSE):
            answer = await phone.get(mutation, sections=["labs"], hash=text["hash"])
            assert answer == {"__typename": "ConsentRefused", "code": "TEXT_CHANGED"}

    async def test_a_delegate_does_not_offer(self, clinic):
        helper = clinic.book.citizens[4]
        await clinic.relate(helper, kind="delegate", can_manage=False)
        phone = await clinic.phone(helper)
        assert await phone.refused(OFFER, sections=["labs"], hash="x", id=str(clinic.patient)) == "FORBIDDEN"

    async def test_nobody_offers_for_a_stranger(self, clinic):
        phone = await clinic.phone(clinic.book.citizens[4])
        assert await phone.refused(OFFER, sections=["labs"], hash="x", id=str(clinic.patient)) == "NOT_FOUND"

    async def test_abuse_37_what_a_former_guardian_chose_opens_nothing(self, clinic):
        guardian, desk = clinic.book.citizens[4], await clinic.desk()
        await clinic.relate(guardian)
        phone = await clinic.phone(guardian)
        assert (await choose(phone, ["labs"], str(clinic.patient)))["__typename"] == "VisitChoice"
        shown = await offer(phone, patient=str(clinic.patient))
        await clinic.book.sql("update access.related_person set revoked_at = now() where citizen_id = $1", guardian)
        assert await desk.get(CHECK_IN, offer=shown["token"]) == ENDED
        assert (await desk.get(CHECK_IN, card=await clinic.card()))["outcome"] == "NOTHING_CHOSEN"

    async def test_a_child_of_ten_agrees_itself(self, clinic):
        mother = clinic.book.citizens[1]
        (row,) = await clinic.book.sql(
            """update access.related_person set can_manage = true, private_from = null, revoked_at = null
                where id = (select id from access.related_person where citizen_id = $1 limit 1) returning patient_id""",
            mother,
        )
        born = f"{utc_now().year - 10}-01-01"
        await clinic.book.sql(
            "update book.demographics set birth_date = $2 where patient_id = $1", row["patient_id"], born
        )
        phone, child = await clinic.phone(mother), str(row["patient_id"])
        assert await offer(phone, patient=child) == {"__typename": "ConsentRefused", "code": "CHILD_MUST_AGREE"}
        assert (await offer(phone, patient=child, agrees=True))["__typename"] == "VisitOffer"

    async def test_checking_in_needs_the_scope_and_a_facility(self, clinic):
        token = (await offer(await clinic.phone()))["token"]
        assert await (await clinic.desk(scope="patient:find")).refused(CHECK_IN, offer=token) == "INSUFFICIENT_SCOPE"
        phone = await clinic.phone(scope="visit:manage")
        assert await phone.refused(CHECK_IN, offer=token) == "NOT_FOUND"
        assert await phone.refused(CHECK_IN, card=await clinic.card()) == "NOT_FOUND"
        assert (await (await clinic.desk()).get(CHECK_IN, offer=token))["outcome"] == "CHECKED_IN"

    async def test_another_facility_or_citizen_does_not_end_the_visit(self, clinic):
        desk = await clinic.desk()
        visit = (await desk.get(CHECK_IN, offer=(await offer(await clinic.phone()))["token"]))["visit"]
        assert await (await clinic.desk(OTHER)).refused(CHECK_OUT, id=visit["id"]) == "NOT_FOUND"
        assert await (await clinic.phone(clinic.book.citizens[4])).refused(CHECK_OUT, id=visit["id"]) == "NOT_FOUND"
        assert await clinic.read_by(desk) == {"labs", "vitals"}

    @pytest.mark.parametrize("told", [{}, {"offer": "x", "card": {"number": "1", "name": "An", "birthDate": "1990"}}])
    async def test_a_check_in_is_by_one_of_the_two(self, clinic, told):
        assert await (await clinic.desk()).refused(CHECK_IN, **told) == "INVALID"

    @pytest.mark.parametrize("sections", [[], ["diary"], ["labs\x00"], ["labs"] * 51])
    async def test_an_offer_names_sections(self, clinic, sections):
        phone = await clinic.phone()
        text = await phone.get(TEXT, sections=[], way="QR")
        assert await phone.refused(OFFER, sections=sections, hash=text["hash"]) == "INVALID"


async def test_the_citizen_reads_in_his_log_who_checked_him_in_and_out(clinic):
    desk = await clinic.desk()
    visit = (await desk.get(CHECK_IN, offer=(await offer(await clinic.phone()))["token"]))["visit"]
    await desk.get(CHECK_OUT, id=visit["id"])
    rows = await clinic.book.sql(
        """select purpose, organization_id from access.access_log
            where patient_id = $1 and basis = 'organization' order by at""",
        clinic.patient,
    )
    clinic_id = clinic.organizations[CLINIC]
    assert [tuple(row) for row in rows] == [("checkIn", clinic_id), ("checkOut", clinic_id)]
