"""Breaking the glass over HTTP: an hour, the emergency set first, the citizen told, and then nothing."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from api.app import create_app, record_scopes
from api.limits.bounds import LONGEST_STRING
from cli import demo_clinician
from domain.emergencies import FIRST_SECTIONS
from domain.emergency_reviews import Alarm
from domain.values import new_id, utc_now
from tests.api.conftest import AUTH
from tests.api.families import code_of, family_of

OPEN = """mutation ($patient: ID!, $why: EmergencyReason! = UNCONSCIOUS, $reason: String!) {
  openEmergency(patientId: $patient, reasonCode: $why, reason: $reason) {
    ... on Emergency { id sections isSensitiveOpen openedAt expiresAt review practitionerName organization { code } }
    ... on EmergencyRefused { code } } }"""
WIDEN = """mutation ($id: ID!, $reason: String!, $sections: [String!], $sensitive: Boolean! = false) {
  widenEmergency(id: $id, reason: $reason, sections: $sections, sensitive: $sensitive) {
    id sections isSensitiveOpen expiresAt widenedReasons } }"""
CLOSE = "mutation ($id: ID!) { closeEmergency(id: $id) { closedAt } }"
LIST = """query ($patient: ID, $first: Int! = 20, $after: ID) {
  emergencies(patientId: $patient, first: $first, after: $after) {
  next items { id practitionerName practitionerRole organization { code name } reasonCode reason sections
               isSensitiveOpen openedAt expiresAt closedAt widenedReasons review reviewedAt } } }"""
READ = """{ healthRecord(patientId: "%s", purpose: %s) {
  demographics { name } prescriptions { totalCount } labs { totalCount } conditions { nodes { sensitivity } } } }"""
REASON, SECOND = "Bất tỉnh tại hiện trường tai nạn", "Cần xem xét nghiệm đông máu trước mổ"
OTHER = "Ngừng tim lần hai tại khoa cấp cứu"


class Ward:
    """The demo's doctor, and the citizen whose book holds HIV conditions, prescriptions and labs."""

    def __init__(self, book, citizen, patient, organization):
        self.book, self.citizen, self.patient, self.organization = book, citizen, patient, organization

    async def doctor(self, *, acr="urn:healthbook:acr:2", citizen=demo_clinician.DOCTOR, **more):
        return await self.book.token(citizen, demo_clinician.scope(), demo_clinician.CLIENT, acr=acr, **more)

    async def open(self, token, reason=REASON, patient=None):
        return await self.book.ask(OPEN, token, {"patient": str(patient or self.patient), "reason": reason})

    async def opened(self, token, reason=REASON):
        return (await self.open(token, reason))["data"]["openEmergency"]

    async def widen(self, token, emergency, reason=SECOND, **more):
        return await self.book.ask(WIDEN, token, {"id": emergency["id"], "reason": reason} | more)

    async def reads(self, token, purpose="BTG"):
        """The sections that the token reads, with the labels of the conditions; None where the book is shut."""
        record = (await self.book.ask(READ % (self.patient, purpose), token))["data"]["healthRecord"]
        if record is None:
            return None
        labels = {one["sensitivity"] for one in (record.pop("conditions") or {"nodes": []})["nodes"]}
        return {name for name, found in record.items() if found is not None} | labels

    async def shift(self, minutes):
        """Time passes, for emergencies."""
        await self.book.sql(
            """update access.emergency_access set opened_at = opened_at - $1 * interval '1 minute',
                      expires_at = expires_at - $1 * interval '1 minute'""", minutes,
        )  # fmt: skip

    async def rows(self):
        return await self.book.sql("select * from access.emergency_access order by id")

    async def notices(self, citizen=None):
        rows = await self.book.sql(
            "select subject_id from notify.inbox_item where citizen_id = $1 and kind = 'emergency_access' order by id",
            citizen or self.citizen,
        )
        return [row["subject_id"] for row in rows]

    async def deny(self, scope="all", *, in_emergency=True, **more):
        columns = {"patient_id": self.patient, "id": new_id(), "scope": scope, "in_emergency": in_emergency}
        columns |= {"placed_by": self.citizen, "placed_at": utc_now()} | more
        places = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
        await self.book.sql(f"insert into access.denial ({', '.join(columns)}) values ({places})", *columns.values())


@pytest.fixture
async def ward(book):
    [row] = await book.sql(
        """select c.id, c.patient_id, o.id as organization from access.citizen c, registry.organization o
            where c.demo_label like '%| có dữ liệu nhạy cảm'
              and o.id = (select organization_id from access.practitioner_role)"""
    )
    return Ward(book, row["id"], row["patient_id"], row["organization"])


async def test_an_emergency_opens_the_first_sections_for_an_hour_and_only_with_the_purpose_btg(ward):
    doctor = await ward.doctor()
    assert await ward.reads(doctor) is None
    made = await ward.opened(doctor)
    assert made["sections"] == list(FIRST_SECTIONS)
    assert made["practitionerName"] == demo_clinician.NAME
    [row] = await ward.rows()
    assert row["expires_at"] - row["opened_at"] == timedelta(minutes=60)
    assert await ward.reads(doctor) == {"demographics", "prescriptions"}  # the conditions are HIV, all of them
    assert await ward.reads(doctor, "TREAT") is None


async def test_the_citizen_and_who_manages_his_book_are_told_at_once(ward):
    family = await family_of(ward.book)
    ward.patient = family.child
    child = await family.citizen(family.child)
    await ward.opened(await ward.doctor())
    [row] = await ward.rows()
    for citizen in (family.mother, child):
        assert await ward.notices(citizen) == [row["id"]]


async def test_more_is_open_only_with_a_second_reason_and_sensitive_rows_only_with_a_second_tick(ward):
    doctor = await ward.doctor()
    made = await ward.opened(doctor)
    same = await ward.widen(doctor, made, REASON.upper(), sections=["labs"])
    assert code_of(same) == "INVALID"
    wider = (await ward.widen(doctor, made, sections=["labs"]))["data"]["widenEmergency"]
    assert (wider["isSensitiveOpen"], wider["expiresAt"]) == (False, made["expiresAt"])
    assert await ward.reads(doctor) == {"demographics", "prescriptions", "labs"}
    assert code_of(await ward.widen(doctor, made, sensitive=True)) == "INVALID"
    widest = (await ward.widen(doctor, made, OTHER, sensitive=True))["data"]["widenEmergency"]
    assert widest["widenedReasons"] == [SECOND, OTHER]
    assert await ward.reads(doctor) == {"demographics", "prescriptions", "labs", "HIV"}
    assert len(await ward.notices()) == 3


async def test_after_sixty_minutes_nothing_is_open_and_nothing_can_be_widened(ward):
    doctor = await ward.doctor()
    made = await ward.opened(doctor)
    await ward.shift(59)
    assert await ward.reads(doctor) is not None
    await ward.shift(1)
    assert await ward.reads(doctor) is None
    for answer in (
        await ward.widen(doctor, made, sections=["labs"]),
        await ward.book.ask(CLOSE, doctor, {"id": made["id"]}),
    ):
        assert code_of(answer) == "NOT_FOUND"


async def test_abuse_38_opening_again_is_the_same_hour_and_then_needs_a_new_reason(ward):
    doctor = await ward.doctor()
    made = await ward.opened(doctor)
    await ward.shift(30)
    again = await ward.opened(doctor, OTHER)
    assert again["id"] == made["id"]
    assert again["expiresAt"] < made["expiresAt"]
    await ward.shift(30)
    assert await ward.opened(doctor, f"  {REASON.upper()}") == {"code": "NEW_REASON_NEEDED"}
    assert await ward.reads(doctor) is None
    new = await ward.opened(doctor, OTHER)
    assert new["id"] != made["id"]
    assert await ward.reads(doctor) is not None
    first, second = await ward.rows()
    assert first["closed_at"] == first["expires_at"]
    assert second["closed_at"] is None
    assert await ward.notices() == [first["id"], second["id"]]


async def test_opened_many_times_at_once_it_is_one_row_and_one_notice(ward):
    doctor = await ward.doctor()
    answers = await asyncio.gather(*(ward.opened(doctor) for _ in range(6)))
    assert len({answer["id"] for answer in answers}) == 1
    assert len(await ward.rows()) == len(await ward.notices()) == 1


async def test_closed_is_closed_and_the_same_words_do_not_open_it_again(ward):
    doctor = await ward.doctor()
    made = await ward.opened(doctor)
    assert (await ward.book.ask(CLOSE, doctor, {"id": made["id"]}))["data"]["closeEmergency"]["closedAt"]
    assert await ward.reads(doctor) is None
    assert await ward.opened(doctor) == {"code": "NEW_REASON_NEEDED"}


async def test_abuse_38_opened_for_one_clinician_is_not_open_for_another(ward):
    colleague = new_id()
    await ward.book.sql("insert into access.citizen (id) values ($1)", colleague)
    await ward.book.sql(
        """insert into access.practitioner_role (id, citizen_id, organization_id, role, display_name)
           values ($1, $1, $2, 'nurse', 'ĐD')""", colleague, ward.organization,
    )  # fmt: skip
    made = await ward.opened(await ward.doctor())
    nurse = await ward.doctor(citizen=colleague)
    assert await ward.reads(nurse) is None
    for answer in (
        await ward.widen(nurse, made, sections=["labs"]),
        await ward.book.ask(CLOSE, nurse, {"id": made["id"]}),
    ):
        assert code_of(answer) == "NOT_FOUND"


@pytest.mark.parametrize(
    "statement",
    [
        "update access.practitioner_role set revoked_at = now()",
        "update registry.organization set status = 'suspended'",
        "update auth.client set status = 'suspended' where kind = 'clinician'",
        "update auth.token_grant set revoked_at = now(), revoke_reason = 'test'",
    ],
)
async def test_abuse_38_a_clinician_or_facility_that_is_no_more_reads_nothing_and_opens_nothing(ward, statement):
    doctor = await ward.doctor()
    made = await ward.opened(doctor)
    assert await ward.reads(doctor) is not None
    await ward.book.sql(statement)
    for query, told in (
        (READ % (ward.patient, "BTG"), None),
        (OPEN, {"patient": str(ward.patient), "reason": OTHER}),
        (CLOSE, {"id": made["id"]}),
    ):
        assert (await ward.book.post(query, doctor, told)).status_code == 401
    assert len(await ward.rows()) == 1


async def test_abuse_38_it_needs_a_fresh_strong_sign_in(ward):
    stale = utc_now() - timedelta(minutes=6)
    for token in (await ward.doctor(acr=None), await ward.doctor(auth_time=stale), await ward.doctor(acr="weak")):
        assert code_of(await ward.open(token)) == "STEP_UP_REQUIRED"
    assert await ward.rows() == [] == await ward.notices()


async def test_abuse_38_no_citizen_and_no_machine_opens_an_emergency(ward):
    scope = f"emergency:open {' '.join(record_scopes())}"
    citizen = await ward.book.token(ward.book.citizens[0], " ".join(record_scopes()), acr="demo")
    assert code_of(await ward.open(citizen)) == "INSUFFICIENT_SCOPE"
    for who, client in ((ward.book.citizens[0], "healthbook-phone"), (None, "demo-facility")):
        token = await ward.book.token(who, scope, client, acr="demo")
        assert code_of(await ward.open(token)) in {"FORBIDDEN", "NOT_FOUND"}
    assert await ward.rows() == []


async def test_without_the_scope_an_open_emergency_reads_nothing(ward):
    await ward.opened(await ward.doctor())
    narrow = await ward.book.token(
        demo_clinician.DOCTOR, " ".join(record_scopes()), demo_clinician.CLIENT, acr="urn:healthbook:acr:2"
    )
    assert await ward.reads(narrow) is None


async def test_a_patient_who_does_not_exist_is_not_found_and_logged(ward):
    nobody = new_id()
    assert code_of(await ward.open(await ward.doctor(), patient=nobody)) == "NOT_FOUND"
    rows = await ward.book.sql("select purpose, outcome from access.access_log where patient_id = $1", nobody)
    assert [tuple(row) for row in rows] == [("openEmergency", "ALLOWED")]


async def test_who_opted_out_stays_closed_and_the_try_is_logged(ward):
    doctor = await ward.doctor()
    await ward.deny()
    assert await ward.opened(doctor) == {"code": "OPTED_OUT"}
    assert await ward.reads(doctor) is None
    assert await ward.rows() == []
    rows = await ward.book.sql(
        "select citizen_id, organization_id from access.access_log where purpose = 'openEmergency' and patient_id = $1",
        ward.patient,
    )
    assert [tuple(row) for row in rows] == [(demo_clinician.DOCTOR, ward.organization)]


async def test_opting_out_during_an_emergency_ends_the_reading(ward):
    doctor = await ward.doctor()
    await ward.opened(doctor)
    await ward.deny("organization", organization_id=ward.organization)
    assert await ward.reads(doctor) is None
    assert await ward.opened(doctor) == {"code": "OPTED_OUT"}


@pytest.mark.parametrize(
    "denial",
    [
        {"scope": "all", "in_emergency": False},
        {"scope": "all", "lifted_at": utc_now()},
        {"scope": "organization", "organization_id": new_id()},
        {"scope": "section", "section": "labs"},
    ],
)
async def test_a_denial_that_is_not_for_this_emergency_does_not_keep_it_shut(ward, denial):
    await ward.deny(**denial)
    doctor = await ward.doctor()
    await ward.opened(doctor)
    assert await ward.reads(doctor) == {"demographics", "prescriptions"}


@pytest.mark.parametrize(
    "reason", ["", "gấp", " " * 40, "x" * 501, "x" * 100_000, "Bất tỉnh\x00 tại nhà", "Bất\u202e tỉnh tại nhà"]
)
async def test_a_reason_that_says_nothing_is_invalid(ward, reason):
    doctor = await ward.doctor()
    refused = "INVALID" if len(reason) <= LONGEST_STRING else "VARIABLES_TOO_LARGE"
    assert code_of(await ward.open(doctor, reason)) == refused
    made = await ward.opened(doctor)
    assert code_of(await ward.widen(doctor, made, reason, sections=["labs"])) == refused


@pytest.mark.parametrize("more", [{"sections": ["everything"]}, {"sections": []}, {"sections": ["allergies"]}, {}])
async def test_widening_by_nothing_is_invalid(ward, more):
    doctor = await ward.doctor()
    assert code_of(await ward.widen(doctor, await ward.opened(doctor), **more)) == "INVALID"


async def test_an_emergency_is_widened_a_few_times_only(ward):
    doctor = await ward.doctor()
    made = await ward.opened(doctor)
    names = ["labs", "imaging", "vitals", "procedures", "encounters", "documents"]
    codes = [code_of(await ward.widen(doctor, made, f"{SECOND} {name}", sections=[name])) for name in names]
    assert codes == [None] * 5 + ["INVALID"]


async def test_the_citizen_sees_who_when_why_and_what_and_nobody_else_does(ward):
    doctor = await ward.doctor()
    made = await ward.opened(doctor)
    await ward.widen(doctor, made, sections=["labs"], sensitive=True)
    citizen = await ward.book.token(ward.citizen, "log:read")
    [seen] = (await ward.book.ask(LIST, citizen))["data"]["emergencies"]["items"]
    assert (seen["practitionerName"], seen["practitionerRole"]) == (demo_clinician.NAME, "doctor")
    assert seen["organization"]["name"]
    assert (seen["reasonCode"], seen["reason"], seen["widenedReasons"]) == ("UNCONSCIOUS", REASON, [SECOND])
    assert set(seen["sections"]) == {*FIRST_SECTIONS, "labs"}
    assert seen["isSensitiveOpen"]
    assert (seen["review"], seen["reviewedAt"], seen["closedAt"]) == ("WAITING", None, None)
    stranger = await ward.book.token(ward.book.citizens[0], "log:read")
    assert code_of(await ward.book.ask(LIST, stranger, {"patient": str(ward.patient)})) == "NOT_FOUND"
    assert code_of(await ward.book.ask(LIST, await ward.book.token(ward.citizen))) == "INSUFFICIENT_SCOPE"
    await ward.book.sql(
        """insert into access.related_person (id, citizen_id, patient_id, kind, valid_until)
           values ($1, $1, $2, 'delegate', now() + interval '1 day')""", ward.book.citizens[0], ward.patient,
    )  # fmt: skip
    assert code_of(await ward.book.ask(LIST, stranger, {"patient": str(ward.patient)})) == "FORBIDDEN"


async def test_the_list_comes_in_pages_newest_first(ward):
    doctor = await ward.doctor()
    for number in range(3):
        await ward.opened(doctor, f"{REASON} {number}")
        await ward.shift(60)
    citizen = await ward.book.token(ward.citizen, "log:read")
    first = (await ward.book.ask(LIST, citizen, {"first": 2}))["data"]["emergencies"]
    last = (await ward.book.ask(LIST, citizen, {"first": 2, "after": first["next"]}))["data"]["emergencies"]
    assert [one["reason"][-1] for one in [*first["items"], *last["items"]]] == ["2", "1", "0"]
    assert last["next"] is None
    for told in ({"first": 0}, {"first": 101}, {"after": "x"}):
        assert code_of(await ward.book.ask(LIST, citizen, told)) == "INVALID"


@pytest.fixture
async def strict_ward(ward):
    """At a server whose alarms ring early."""
    app = create_app(ward.book.database.api_settings(emergency_alarm=Alarm(1, 2)), AUTH)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=AUTH.issuer) as client,
    ):
        book = replace(ward.book, app=app, client=client)
        yield Ward(book, ward.citizen, ward.patient, ward.organization)


async def test_abuse_38_too_many_a_day_ring_an_alarm_that_names_ids_only(strict_ward):
    ward = strict_ward
    doctor = await ward.doctor()
    with capture_logs() as logs:
        for number in range(3):
            await ward.opened(doctor, f"{REASON} {number}")
            await ward.opened(doctor)
            await ward.shift(60)
    warned = [entry for entry in logs if entry["event"] == "many emergencies"]
    assert [entry["over"] for entry in warned] == ["practitioner", "practitioner", "organization"]
    ids = {"practitioner_id": str(demo_clinician.DOCTOR), "organization_id": str(ward.organization)}
    assert all(
        entry == {"event": "many emergencies", "log_level": "warning", "over": entry["over"], **ids} for entry in warned
    )
    await ward.shift(24 * 60)
    with capture_logs() as logs:
        await ward.opened(doctor, f"{REASON} 4")
    assert [entry for entry in logs if entry["event"] == "many emergencies"] == []
    counted = [REGISTRY.get_sample_value("healthbook_emergency_alarms_total", {"over": "practitioner"})]
    assert counted >= [2]


async def test_every_reading_names_the_emergency_in_the_log(ward):
    doctor = await ward.doctor()
    await ward.opened(doctor)
    await ward.reads(doctor)
    [emergency] = await ward.rows()
    [row] = await ward.book.sql(
        "select basis, purpose, outcome, citizen_id from access.access_log where emergency_id = $1", emergency["id"]
    )
    assert tuple(row) == ("emergency", "BTG", "ALLOWED", demo_clinician.DOCTOR)
