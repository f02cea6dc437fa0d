"""Follow-ups: XML14 and XML1 in; FHIR ServiceRequest, CarePlan and Appointment in and out."""

import pytest
from hypothesis import given

from domain.sections.follow_ups import SECTION
from tests.domain.sections.bundles import again, hostile, own, resource, stored, written
from tests.domain.sections.visits import FACILITY, in_progress, reexamination, summary, visit

ICD10, SNOMED = "http://hl7.org/fhir/sid/icd-10", "http://snomed.info/sct"
PLACE = {"type": "Organization", "identifier": {"system": "http://healthbook.vn/fhir/sid/ma-cskcb", "value": FACILITY}}
DOCTOR = {"type": "Practitioner", "display": "BS. Lê Văn Lam"}
SLIP = {
    "resourceType": "ServiceRequest",
    "id": "s1",
    "identifier": [{"value": "HK0001"}],
    "status": "active",
    "intent": "order",
    "category": [{"coding": [{"system": SNOMED, "code": "390906007"}]}],
    "code": {"text": "Khám lại tim mạch"},
    "subject": {"reference": "Patient/p1"},
    "encounter": {"reference": "Encounter/e1"},
    "occurrenceDateTime": "2025-04-11T07:30:00+07:00",
    "authoredOn": "2025-03-14",
    "requester": DOCTOR,
    "performer": [PLACE],
    "reasonCode": [{"coding": [{"system": ICD10, "code": "I10"}], "text": "Tăng huyết áp"}],
    "patientInstruction": "Nhịn ăn sáng",
    "note": [{"text": "Mang theo sổ"}],
}
PLAN = {
    "resourceType": "CarePlan",
    "id": "p1",
    "status": "active",
    "intent": "plan",
    "category": [{"coding": [{"system": SNOMED, "code": "736376001"}]}],
    "title": "Phục hồi chức năng",
    "description": "Sau phẫu thuật gối",
    "subject": {"reference": "Patient/p1"},
    "period": {"start": "2025-04-01", "end": "2025-06-30"},
    "created": "2025-03-14",
    "author": DOCTOR,
    "addresses": [{"reference": "Condition/c1"}],
    "activity": [
        {"detail": {"code": {"text": "Tập gối"}, "status": "scheduled", "scheduledString": "mỗi ngày"}},
        {"reference": {"display": "Đo góc gối"}},
    ],
}
APPOINTMENT = {
    "resourceType": "Appointment",
    "id": "a1",
    "status": "booked",
    "serviceType": [{"coding": [{"system": "urn:mine", "code": "tm"}], "text": "Khám tim mạch"}],
    "specialty": [{"text": "Tim mạch"}],
    "reasonCode": [{"text": "Tăng huyết áp"}],
    "description": "Khám định kỳ",
    "start": "2025-04-11T07:30:00+07:00",
    "end": "2025-04-11T08:00:00+07:00",
    "created": "2025-03-14",
    "comment": "Đến sớm 15 phút",
    "participant": [
        {"actor": {"reference": "Patient/p1", "type": "Patient"}, "status": "accepted"},
        {"actor": DOCTOR, "status": "accepted"},
        {"actor": {**PLACE, "type": "Location"}, "status": "accepted"},
    ],
}
VISIT = {"resourceType": "Encounter", "id": "e1"}
CONDITION = {"resourceType": "Condition", "id": "c1", "code": {"coding": [{"system": ICD10, "code": "M17"}]}}


def one(body, **changes):
    (row,) = SECTION.from_fhir(resource({**body, **changes}, VISIT, CONDITION))
    return row


def returns(**fields):
    return list(SECTION.from_qd4750(visit(**fields)))


def test_reads_the_slip():
    (row,) = returns(reexamination=reexamination(main_icd10="I10", diagnosis="Tăng huyết áp", issued_on="2025-03-14"))
    assert (row.document, row.kind, row.number) == ("XML14", "slip", "HK0001")
    assert (row.occurred, row.issued_on, row.facility_code) == ("2025-04-11", "2025-03-14", FACILITY)
    assert row.diagnoses == [{"system": ICD10, "code": "I10"}]


def test_reads_the_days_that_no_slip_names():
    days = summary(reexaminations_on=("2025-04-11", "2025-05-12", "2025-05-12"), final_diagnosis="Tăng huyết áp")
    slip, alone = returns(reexamination=reexamination(appointment="2025-04-11T07:30:00+07:00"), summary=days)
    assert (slip.document, slip.occurred) == ("XML14", "2025-04-11T07:30:00+07:00")
    assert (alone.document, alone.occurred, alone.diagnosis) == ("XML1", "2025-05-12", "Tăng huyết áp")


def test_without_a_slip_every_day_of_the_visit_counts():
    rows = returns(summary=summary(reexaminations_on=("2025-04-11", "2025-05-12")))
    assert [row.occurred for row in rows] == ["2025-04-11", "2025-05-12"]
    assert returns() == []
    assert list(SECTION.from_qd4750(in_progress())) == []


def test_reads_a_request_to_return():
    row = one(SLIP)
    assert (row.kind, row.title, row.number) == ("slip", "Khám lại tim mạch", "HK0001")
    assert (row.facility_code, row.doctor, row.instruction) == (FACILITY, "BS. Lê Văn Lam", "Nhịn ăn sáng")


def test_reads_a_plan():
    row = one(PLAN)
    assert (row.kind, row.title, row.occurred, row.until) == ("plan", "Phục hồi chức năng", "2025-04-01", "2025-06-30")
    assert row.diagnoses == [{"system": ICD10, "code": "M17"}]
    assert row.activities == [
        {"display": "Tập gối", "status": "scheduled", "scheduled": "mỗi ngày"},
        {"display": "Đo góc gối"},
    ]


def test_reads_an_appointment():
    row = one(APPOINTMENT)
    assert (row.kind, row.status, row.occurred) == ("appointment", "booked", "2025-04-11T07:30:00+07:00")
    assert (row.facility_code, row.doctor, row.specialty) == (FACILITY, "BS. Lê Văn Lam", "Tim mạch")
    assert (row.title, row.note) == ("Khám tim mạch", "Đến sớm 15 phút")


def test_a_proposed_appointment_has_the_time_that_was_asked_for():
    row = one(APPOINTMENT, status="proposed", start=None, requestedPeriod=[{"start": "2025-04-12"}])
    assert row.occurred == "2025-04-12"


@pytest.mark.parametrize("status", ["fulfilled", "noshow", "arrived", None, 3])
def test_leaves_appointments_that_are_past_alone(status):
    assert list(SECTION.from_fhir(resource({**APPOINTMENT, "status": status}))) == []


def test_leaves_other_requests_alone():
    assert list(SECTION.from_fhir(resource({**SLIP, "category": [{"coding": [{"code": "3457005"}]}]}))) == []
    assert list(SECTION.from_fhir(resource({**SLIP, "category": None}))) == []


def test_slip_summary_and_request_of_one_day_are_one_fact():
    (slip,) = returns(reexamination=reexamination())
    (day,) = returns(summary=summary(reexaminations_on=("2025-04-11",)))
    assert slip.fact() == day.fact() == one(SLIP).fact()
    assert slip.content() == day.content() == one(SLIP).content()


def test_another_day_or_place_is_another_fact():
    (slip,) = returns(reexamination=reexamination())
    assert returns(reexamination=reexamination(appointment="2025-04-12"))[0].fact() != slip.fact()
    assert returns(reexamination=reexamination(facility="99009"))[0].fact() != slip.fact()
    later = one(APPOINTMENT, start="2025-04-11T14:00:00+07:00")
    assert later.fact() != one(APPOINTMENT).fact()


def test_calling_off_contradicts():
    assert one(APPOINTMENT, status="cancelled").content() != one(APPOINTMENT).content()


def test_labels_by_visit_diagnosis_and_words():
    (day,) = returns(summary=summary(main_icd10="B24", reexaminations_on=("2025-04-11",)))
    assert day.sensitivity == "HIV"
    assert one(SLIP, code={"text": "Khám lại, lĩnh ARV"}).sensitivity == "HIV"
    hiv = {"resourceType": "Condition", "id": "c2", "code": {"coding": [{"system": ICD10, "code": "B20"}]}}
    (plan,) = SECTION.from_fhir(resource({**PLAN, "addresses": [{"reference": "Condition/c2"}]}, hiv))
    assert plan.sensitivity == "HIV"
    assert {one(body).sensitivity for body in (SLIP, PLAN, APPOINTMENT)} == {""}


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        (SLIP, {}),
        (SLIP, {"occurrenceDateTime": None, "occurrencePeriod": {"start": "2025-04-11", "end": "2025-04-14"}}),
        (SLIP, {"requester": None, "performer": None, "reasonCode": None, "encounter": None, "code": None}),
        (PLAN, {}),
        (PLAN, {"title": None, "description": None, "addresses": None, "activity": None, "author": PLACE}),
        (APPOINTMENT, {}),
        (APPOINTMENT, {"serviceType": None, "participant": None, "end": None}),
    ],
)
def test_comes_back_as_it_was_written(body, changes):
    row = one(body, **changes)
    assert own(again(SECTION, row)) == own(row)


def test_a_slip_survives_fhir_whole():
    (row,) = returns(reexamination=reexamination(main_icd10="I10", eligibility="1.5", head_code="T1", ended_at="2025"))
    assert written(SECTION, row)["resourceType"] == SECTION.holds[0]
    assert own(again(SECTION, row)) == own(row)


@pytest.mark.parametrize("body", [SLIP, PLAN, APPOINTMENT])
def test_writes_the_type_it_came_from(body):
    assert written(SECTION, one(body))["resourceType"] == body["resourceType"]


@pytest.mark.parametrize("valid", [SLIP, PLAN, APPOINTMENT])
def test_never_fails_on_hostile_input(valid):
    @given(hostile(valid))
    def check(body):
        for row in SECTION.from_fhir(resource(body, VISIT, CONDITION)):
            assert SECTION.to_fhir(stored(row))["resourceType"] in SECTION.holds
            assert row.fact()

    check()
