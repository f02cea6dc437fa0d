"""Referrals: XML13 in, FHIR ServiceRequest of category referral in and out."""

import pytest
from hypothesis import given

from domain.exchange.fhir_systems import REQUEST_CATEGORY
from domain.sections.referrals import SECTION
from tests.domain.sections.bundles import again, hostile, own, resource, stored, written
from tests.domain.sections.visits import ENDED, referral, summary, visit

ICD10, SNOMED = "http://hl7.org/fhir/sid/icd-10", "http://snomed.info/sct"
FACILITY = "http://healthbook.vn/fhir/sid/ma-cskcb"
LICENCE = "http://healthbook.vn/fhir/sid/practitioner-licence"
REQUEST = {
    "resourceType": "ServiceRequest",
    "id": "s1",
    "identifier": [{"system": "urn:theirs", "value": "ct0001"}],
    "status": "active",
    "intent": "order",
    "category": [{"coding": [{"system": SNOMED, "code": "3457005"}]}],
    "priority": "urgent",
    "code": {"coding": [{"system": SNOMED, "code": "183519002", "display": "Cardiology"}], "text": "Khám tim mạch"},
    "subject": {"reference": "Patient/p1"},
    "encounter": {"reference": "Encounter/e1"},
    "occurrencePeriod": {"start": "2025-03-14", "end": "2025-03-28"},
    "authoredOn": "2025-03-14T10:15:00+07:00",
    "requester": {"identifier": {"system": LICENCE, "value": "000123"}, "display": "BS. Lê Văn Lam"},
    "performerType": {"text": "tim mạch"},
    "performer": [{"identifier": {"system": FACILITY, "value": "99002"}, "display": "Bệnh viện Mẫu"}],
    "reasonCode": [{"coding": [{"system": ICD10, "code": "I20.0"}], "text": "Đau thắt ngực"}],
    "reasonReference": [{"reference": "Condition/c1"}],
    "note": [{"text": "Kèm phim chụp"}],
    "patientInstruction": "Mang theo giấy tờ",
}
CONDITION = {"resourceType": "Condition", "id": "c1", "code": {"coding": [{"system": ICD10, "code": "I10"}]}}
VISIT = {"resourceType": "Encounter", "id": "e1"}


def request(**changes):
    (row,) = SECTION.from_fhir(resource({**REQUEST, **changes}, VISIT, CONDITION))
    return row


def paper(**fields):
    (row,) = SECTION.from_qd4750(visit(referral=referral(**fields)))
    return row


def test_reads_the_paper():
    row = paper(
        from_facilities=("99001", "99003"),
        main_icd10="I20.0",
        other_icd10=("I10", "I20.0"),
        traditional_codes=("U57.121",),
        diagnosis="Đau thắt ngực không ổn định",
        condition="Tỉnh",
        plan="Chụp mạch vành",
        transport="Xe cứu thương",
        doctor_code="000123",
    )
    assert (row.document, row.number, row.reason_code) == ("XML13", "CT0001", "1")
    assert (row.from_facility_code, row.to_facility_code) == ("99001", "99002")
    assert row.route_facility_codes == ["99001", "99003"]
    assert [diagnosis["code"] for diagnosis in row.diagnoses] == ["I20.0", "I10", "U57.121"]
    assert (row.condition, row.plan, row.transport) == ("Tỉnh", "Chụp mạch vành", "Xe cứu thương")
    assert (row.occurred, row.valid_until) == (ENDED, None)


def test_takes_day_and_diagnoses_of_the_visit_where_the_paper_has_none():
    one = visit(referral=referral(ended_at=None), summary=summary(main_icd10="I10"))
    (row,) = SECTION.from_qd4750(one)
    assert row.occurred == ENDED
    assert row.diagnoses == [{"system": ICD10, "code": "I10"}]
    assert row.encounter_id == one.encounter_id


def test_a_visit_without_the_paper_has_no_referral():
    assert list(SECTION.from_qd4750(visit(summary=summary(referred_to="99002")))) == []


def test_reads_a_request():
    row = request()
    assert (row.status, row.priority, row.number, row.service) == ("active", "urgent", "ct0001", "Khám tim mạch")
    assert (row.doctor_code, row.doctor) == ("000123", "BS. Lê Văn Lam")
    assert (row.to_facility_code, row.to_facility, row.specialty) == ("99002", "Bệnh viện Mẫu", "tim mạch")
    assert (row.valid_from, row.valid_until) == ("2025-03-14", "2025-03-28")
    assert [diagnosis["code"] for diagnosis in row.diagnoses] == ["I20.0", "I10"]


def test_a_facility_that_asks_is_no_doctor():
    clinic = {"resourceType": "Organization", "id": "o1", "name": "Trạm Mẫu"}
    (row,) = SECTION.from_fhir(resource({**REQUEST, "requester": {"reference": "Organization/o1"}}, clinic))
    assert (row.from_facility, row.doctor) == ("Trạm Mẫu", None)


@pytest.mark.parametrize(
    "category",
    [
        None,
        [],
        [{"coding": [{"code": "108252007"}]}],
        [{"coding": [{"system": REQUEST_CATEGORY, "code": "follow-up"}]}],
    ],
)
def test_leaves_other_requests_alone(category):
    assert list(SECTION.from_fhir(resource({**REQUEST, "category": category}))) == []


def test_one_number_in_one_year_is_one_referral():
    assert request().fact() == paper().fact()
    assert request().content() == paper().content()
    assert request(authoredOn="2024-03-14").fact() != paper().fact()


def test_without_a_number_place_and_day_decide():
    said = request(identifier=None)
    assert said.fact() == paper(number=None).fact()
    assert said.fact() != paper(number=None, to_facility="99009").fact()


def test_another_destination_contradicts():
    assert paper(to_facility="99009").content() != paper().content()
    assert request(status="revoked").content() != request().content()


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({}, ""),
        ({"main_icd10": "B20"}, "HIV"),
        ({"main_icd10": "I10", "other_icd10": ("F32.1",)}, "MENTAL"),
        ({"findings": "Anti-HIV dương tính"}, "HIV"),
    ],
)
def test_labels_a_paper_by_all_that_it_says(fields, label):
    assert paper(**fields).sensitivity == label


def test_labels_a_paper_by_its_visit():
    (row,) = SECTION.from_qd4750(visit(referral=referral(main_icd10="K52.9"), summary=summary(main_icd10="B24")))
    assert row.sensitivity == "HIV"


def test_labels_a_request_by_its_reasons():
    assert request(reasonCode=[{"coding": [{"system": ICD10, "code": "Z21"}]}]).sensitivity == "HIV"
    assert request().sensitivity == ""


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"requester": {"type": "Organization", "identifier": {"system": FACILITY, "value": "99001"}}},
        {"reasonCode": None, "reasonReference": None, "identifier": None, "encounter": None},
        {"occurrencePeriod": None, "occurrenceDateTime": "2025-03-20", "code": None, "performer": None},
    ],
)
def test_comes_back_as_it_was_written(changes):
    row = request(**changes)
    assert own(again(SECTION, row)) == own(row)


def test_a_paper_survives_fhir_whole():
    row = paper(main_icd10="I20.0", from_facilities=("99001", "99003"), signs="Đau ngực", arrived_at="2025-03-14")
    body = written(SECTION, row)
    assert body["resourceType"] == SECTION.holds[0]
    assert body["requester"]["identifier"]["value"] == "99001"
    assert own(again(SECTION, row)) == own(row)


@given(hostile(REQUEST))
def test_never_fails_on_hostile_input(body):
    for row in SECTION.from_fhir(resource(body, VISIT, CONDITION)):
        assert SECTION.to_fhir(stored(row))["subject"]
        assert row.fact()
