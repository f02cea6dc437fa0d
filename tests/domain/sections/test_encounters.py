"""Encounters: FHIR Encounter in and out, XML1 with XML7 and XML8 in, XML0 while the visit goes on."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings

from domain.sections.encounters import SECTION
from tests.domain.sections.bundles import again, hostile, own, resource, stored, written
from tests.domain.sections.visits import (
    ARRIVED,
    ENDED,
    EPISODE,
    FACILITY,
    check_in,
    discharge,
    in_progress,
    record_summary,
    summary,
    visit,
)

ICD10, FACILITIES = "http://hl7.org/fhir/sid/icd-10", "http://healthbook.vn/fhir/sid/ma-cskcb"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
STAY = {
    "resourceType": "Encounter",
    "id": "e1",
    "identifier": [
        {"system": f"urn:healthbook:qd4750:{FACILITY}", "value": EPISODE},
        {"system": "urn:example:records", "value": "BA-77"},
    ],
    "status": "finished",
    "class": {"system": ACT, "code": "IMP", "display": "inpatient encounter"},
    "type": [{"coding": [{"system": "urn:example:types", "code": "surgical"}], "text": "Điều trị ngoại khoa"}],
    "serviceType": {"text": "Ngoại tổng hợp"},
    "subject": {"reference": "Patient/p1"},
    "participant": [
        {"type": [{"text": "Bác sĩ điều trị"}], "individual": {"reference": "Practitioner/d1"}},
        {"individual": {}},
    ],
    "period": {"start": "2025-03-14T00:30:12Z", "end": "2025-03-20"},
    "reasonCode": [{"coding": [{"system": ICD10, "code": "R10.4"}], "text": "Đau bụng"}, {"text": "Sốt"}],
    "reasonReference": [{"reference": "Condition/c1"}],
    "diagnosis": [
        {
            "condition": {"reference": "Condition/c1"},
            "use": {"coding": [{"code": "DD"}]},
            "rank": 1,
        },
        {"condition": {"display": "Tăng huyết áp"}},
        {"condition": {"reference": "Condition/nowhere"}},
    ],
    "hospitalization": {
        "origin": {"reference": "Organization/o2"},
        "destination": {"display": "Trạm y tế xã"},
        "dischargeDisposition": {"coding": [{"system": "urn:example:disposition", "code": "home"}], "text": "Về nhà"},
    },
    "location": [{"location": {"display": "Khoa Ngoại"}}],
    "serviceProvider": {"reference": "Organization/o1"},
}
OTHERS = (
    {"resourceType": "Practitioner", "id": "d1", "name": [{"text": "BS. Trần Xanh"}]},
    {
        "resourceType": "Condition",
        "id": "c1",
        "code": {"coding": [{"system": ICD10, "code": "K35.8"}], "text": "Viêm ruột thừa cấp"},
    },
    {
        "resourceType": "Organization",
        "id": "o1",
        "name": "Bệnh viện Màu Lam",
        "identifier": [{"system": FACILITIES, "value": "99002"}],
    },
    {"resourceType": "Organization", "id": "o2", "identifier": [{"system": FACILITIES, "value": "99003"}]},
)


def encounter(**changes):
    (row,) = SECTION.from_fhir(resource({**STAY, **changes}, *OTHERS))
    return row


def visited(**fields):
    (row,) = SECTION.from_qd4750(visit(**fields))
    return row


def test_reads_when_where_and_how():
    row = encounter()
    assert (row.status, row.occurred, row.ended_at) == ("finished", "2025-03-14T07:30:12+07:00", "2025-03-20")
    assert (row.class_code, row.type_code, row.type_display, row.service) == (
        "IMP",
        "surgical",
        "Điều trị ngoại khoa",
        "Ngoại tổng hợp",
    )
    assert (row.facility_code, row.facility_name, row.departments) == ("99002", "Bệnh viện Màu Lam", ["Khoa Ngoại"])
    assert (row.episode, row.record_number) == (EPISODE, "BA-77")
    assert row.practitioners == [{"name": "BS. Trần Xanh", "code": None, "role": "Bác sĩ điều trị"}]


def test_takes_the_facility_from_the_episode_number_if_nothing_else_names_it():
    assert encounter(serviceProvider=None).facility_code == FACILITY


def test_follows_diagnoses_and_reasons_to_their_conditions():
    row = encounter()
    assert [(one["code"], one["display"], one["rank"], one["role"]) for one in row.diagnoses] == [
        ("K35.8", "Viêm ruột thừa cấp", 1, "DD"),
        (None, "Tăng huyết áp", None, None),
    ]
    assert (row.reason_code, row.reason) == ("R10.4", "Đau bụng; Sốt; Viêm ruột thừa cấp")


def test_takes_the_conditions_noted_in_it_where_it_lists_none():
    noted = {**OTHERS[1], "encounter": {"reference": "Encounter/e1"}}
    elsewhere = {**noted, "id": "c2", "encounter": {"reference": "Encounter/e2"}}
    body = {**STAY, "diagnosis": None, "reasonReference": None}
    (row,) = SECTION.from_fhir(resource(body, noted, elsewhere))
    assert [(one["code"], one["rank"]) for one in row.diagnoses] == [("K35.8", None)]
    assert own(again(SECTION, row)) == own(row)


def test_reads_transfers_and_discharge():
    row = encounter()
    assert (row.referred_from_code, row.referred_to, row.discharge_code, row.discharge) == (
        "99003",
        "Trạm y tế xã",
        "home",
        "Về nhà",
    )


def test_takes_no_other_resource():
    assert list(SECTION.from_fhir(resource({"resourceType": "Condition", "id": "c1"}))) == []


def test_joins_the_papers_of_a_visit():
    row = visited(
        summary=summary(
            admitted_at="2025-03-14T08:00:00+07:00",
            main_icd10="I10",
            other_icd10=("E11.9",),
            traditional_codes=("U50.101",),
            visit_reason="Đau đầu",
            departments=("K01", "K03"),
            head_code="000789/HNO-CCHN",
            total_cost=Decimal("350000.00"),
            eligibility="1.1",
            advice="Ăn nhạt",
        ),
        discharge=discharge(archive_number="LT-1", doctor_name="BS. Lê Tím", advice="Nghỉ ngơi", treatment="Nội khoa"),
        record_summary=record_summary(course="Bệnh ba ngày", findings="Bình thường", treatment="Uống thuốc"),
    )
    assert (row.status, row.occurred, row.ended_at, row.document) == ("finished", ARRIVED, ENDED, "XML1")
    assert (row.class_code, row.type_code, row.type_display) == ("AMB", "01", "Khám bệnh")
    assert (row.result_code, row.result, row.discharge_code, row.discharge) == ("2", "Đỡ", "1", "Ra viện")
    assert (row.eligibility_code, row.eligibility) == ("1.1", "Đúng nơi đăng ký ban đầu")
    assert (row.advice, row.treatment, row.course, row.findings) == (
        "Ăn nhạt",
        "Nội khoa",
        "Bệnh ba ngày",
        "Bình thường",
    )
    assert [(one["code"], one["rank"]) for one in row.diagnoses] == [("I10", 1), ("E11.9", 2), ("U50.101", 3)]
    assert row.practitioners == [
        {"name": "BS. Lê Tím", "code": None, "role": "Bác sĩ"},
        {"name": None, "code": "000789/HNO-CCHN", "role": "Thủ trưởng đơn vị"},
    ]
    assert (row.departments, row.total_cost, row.archive_number) == (["K01", "K03"], Decimal(350000), "LT-1")


def test_no_secondary_diagnosis_becomes_the_main_one():
    assert visited(summary=summary(other_icd10=("E11.9",))).diagnoses[0]["rank"] == 2


def test_keeps_the_id_that_the_other_sections_point_to():
    given_visit = visit()
    (row,) = SECTION.from_qd4750(given_visit)
    assert row.id == given_visit.encounter_id


def test_a_visit_with_check_in_only_is_in_progress():
    admitted = check_in(admitted_at="2025-03-14T09:00:00+07:00", care_form="03", admission_reason="Theo dõi")
    rows = [check_in(), admitted, check_in(care_form=None)]
    (row,) = SECTION.from_qd4750(in_progress(check_in=rows))
    assert (row.status, row.occurred, row.ended_at, row.document) == ("in-progress", ARRIVED, None, "XML0")
    assert (row.admitted_at, row.class_code, row.admission_reason) == ("2025-03-14T09:00:00+07:00", "IMP", "Theo dõi")


@pytest.mark.parametrize(
    ("form", "class_"),
    [("02", "AMB"), ("03", "IMP"), ("06", "OBSENC"), ("12", "HH"), ("14", "VR"), ("10", None), (None, None)],
)
def test_form_of_care_as_class(form, class_):
    row = visited(summary=summary(care_form=form))
    assert row.class_code == class_
    assert written(SECTION, row)["class"]["code"] == (class_ or "UNK")


def test_the_same_visit_from_both_formats_is_one_fact():
    sent = {
        "resourceType": "Encounter",
        "id": "e9",
        "status": "finished",
        "class": {"system": ACT, "code": "AMB"},
        "period": {"start": "2025-03-14T07:30:41+07:00", "end": "2025-03-14T10:15:02+07:00"},
        "serviceProvider": {"identifier": {"system": FACILITIES, "value": FACILITY}},
    }
    (one,) = SECTION.from_fhir(resource(sent))
    other = visited()
    assert one.fact() == other.fact()
    assert one.content() == other.content()
    assert visited(facility="99009").fact() != other.fact()


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({"summary": summary(main_icd10="B20.1")}, "HIV"),
        ({"summary": summary(main_icd10="I10", other_icd10=("B24",))}, "HIV"),
        ({"summary": summary(final_diagnosis="Trầm cảm")}, "MENTAL"),
        ({"discharge": discharge(termination_cause="Thai lưu")}, "REPRODUCTIVE"),
        ({"summary": summary(main_icd10="I10")}, ""),
    ],
)
def test_labels_a_visit_by_what_it_tells(fields, label):
    assert visited(**fields).sensitivity == label


def test_labels_a_fhir_visit_by_its_diagnoses_and_by_its_sender():
    hiv = {"resourceType": "Condition", "id": "c1", "code": {"coding": [{"system": ICD10, "code": "B20"}]}}
    (row,) = SECTION.from_fhir(resource(STAY, hiv))
    assert row.sensitivity == "HIV"
    noted = {**hiv, "id": "c9", "encounter": {"reference": "Encounter/e1"}}
    (row,) = SECTION.from_fhir(resource({**STAY, "diagnosis": None}, noted))
    assert row.sensitivity == "HIV"
    assert encounter(meta={"security": [{"code": "PSY"}]}).sensitivity == "MENTAL"


def test_writes_what_it_read():
    row = encounter()
    assert own(again(SECTION, row)) == own(row)


def test_writes_what_only_vietnam_says():
    row = visited(
        summary=summary(
            main_icd10="O80",
            admitted_at="2025-03-14T08:00:00+07:00",
            treatment_days=2,
            newborn_weights_g=("3100", "2950"),
            total_cost=Decimal("1250000.50"),
            paid_by_insurance=Decimal(1000000),
            injury="1",
            referral_number="CT-9",
            preliminary_diagnosis="Chuyển dạ",
        ),
        record_summary=record_summary(course="Đẻ thường"),
    )
    assert own(again(SECTION, row)) == own(row)


def test_writes_diagnoses_as_references_that_lead_somewhere():
    body = written(SECTION, visited(summary=summary(main_icd10="I10")))
    (condition,) = body["contained"]
    assert body["diagnosis"][0]["condition"]["reference"] == f"#{condition['id']}"
    assert condition["subject"] == body["subject"]


@settings(deadline=None)
@given(hostile(STAY))
def test_survives_any_json(body):
    for row in SECTION.from_fhir(resource(body, *OTHERS)):
        json.dumps([row.diagnoses, row.practitioners, row.departments])
        json.dumps(SECTION.to_fhir(stored(row)))
