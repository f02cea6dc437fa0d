"""Procedures: FHIR Procedure in and out, the rows of XML3 that are procedures, and the codes of XML1."""

import json

import pytest
from hypothesis import given, settings

from domain.sections.procedures import SECTION
from tests.domain.sections.bundles import again, hostile, own, resource, stored, written
from tests.domain.sections.visits import service, summary, visit

ICD9, SERVICES = "http://hl7.org/fhir/sid/icd-9-cm", "http://healthbook.vn/fhir/sid/technical-service"
APPENDECTOMY = {
    "resourceType": "Procedure",
    "id": "p1",
    "status": "completed",
    "category": {"text": "Phẫu thuật"},
    "code": {
        "coding": [{"system": SERVICES, "code": "10.0506"}, {"system": ICD9, "code": "47.01"}],
        "text": "Cắt ruột thừa nội soi",
    },
    "subject": {"reference": "Patient/x"},
    "encounter": {"reference": "Encounter/e1"},
    "performedPeriod": {"start": "2025-03-14T09:00:00+07:00", "end": "2025-03-14T10:05:00+07:00"},
    "performer": [{"actor": {"reference": "Practitioner/d1"}}, {"actor": {"display": "BS. Lê Tím"}}],
    "location": {"display": "Phòng mổ 2"},
    "reasonReference": [{"reference": "Condition/c1"}],
    "bodySite": [{"text": "Hố chậu phải"}],
    "outcome": {"text": "Tốt"},
    "report": [{"reference": "DiagnosticReport/r1"}],
    "complication": [{"text": "Nhiễm trùng vết mổ"}],
    "followUp": [{"text": "Cắt chỉ sau 7 ngày"}],
    "note": [{"text": "Ca mổ thuận lợi"}],
    "focalDevice": [{"manipulated": {"display": "Clip Hem-o-lok"}}],
}
OTHERS = (
    {"resourceType": "Encounter", "id": "e1"},
    {"resourceType": "Practitioner", "id": "d1", "name": [{"family": "Trần", "given": ["Xanh"]}]},
    {
        "resourceType": "Condition",
        "id": "c1",
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "K35.8"}], "text": "Viêm ruột thừa"},
    },
    {"resourceType": "DiagnosticReport", "id": "r1", "conclusion": "Ruột thừa viêm mủ"},
)


def procedure(**changes):
    (row,) = SECTION.from_fhir(resource({**APPENDECTOMY, **changes}, *OTHERS))
    return row


def done(*services, **fields):
    return list(SECTION.from_qd4750(visit(services=list(services), summary=summary(**fields))))


def test_reads_what_was_done_when_and_by_whom():
    row = procedure()
    assert (row.code_system, row.code, row.service_code, row.display) == (
        ICD9,
        "47.01",
        "10.0506",
        "Cắt ruột thừa nội soi",
    )
    assert (row.occurred, row.ended_at) == ("2025-03-14T09:00:00+07:00", "2025-03-14T10:05:00+07:00")
    assert (row.performers, row.location) == (["Xanh Trần", "BS. Lê Tím"], "Phòng mổ 2")
    assert (row.reason_code, row.reason, row.report) == ("K35.8", "Viêm ruột thừa", "Ruột thừa viêm mủ")
    assert (row.complications, row.devices, row.follow_up, row.outcome) == (
        ["Nhiễm trùng vết mổ"],
        ["Clip Hem-o-lok"],
        "Cắt chỉ sau 7 ngày",
        "Tốt",
    )


def test_points_to_its_visit():
    target = resource(APPENDECTOMY, *OTHERS)
    (row,) = SECTION.from_fhir(target)
    assert row.encounter_id == target.linked("encounter", "Encounter").row_id


def test_takes_no_other_resource():
    assert list(SECTION.from_fhir(resource({"resourceType": "Observation", "id": "o1"}))) == []


@pytest.mark.parametrize(
    ("fields", "is_procedure"),
    [
        ({"group": "8"}, True),
        ({"group": "08"}, True),
        ({"group": "18"}, True),
        ({"group": "13"}, False),
        ({"group": "15"}, False),
        ({"group": "1"}, False),
        ({"group": None}, False),
        ({"group": "2", "procedures_icd9": ("87.44",)}, True),
        ({"group": "8", "service_code": None, "name": None, "supply_code": "N01.02", "supply_name": "Chỉ"}, False),
    ],
)
def test_tells_procedures_from_all_else_that_is_paid_for(fields, is_procedure):
    assert bool(done(service(**fields))) is is_procedure


def test_reads_a_procedure_of_xml3():
    (row,) = done(
        service(
            group="8",
            name="Cắt ruột thừa",
            procedures_icd9=("47.01", "54.21"),
            icd10=("K35.8",),
            anaesthesia="1",
            performers=("000123/HNO-CCHN", "000124/HNO-CCHN"),
            result_at="2025-03-14T09:10:00+07:00",
        )
    )
    assert (row.code, row.service_code, row.display, row.category) == (
        "47.01",
        "02.1896",
        "Cắt ruột thừa",
        "Phẫu thuật",
    )
    assert (row.occurred, row.ended_at) == ("2025-03-14T07:40:00+07:00", "2025-03-14T09:10:00+07:00")
    assert (row.anaesthesia_code, row.anaesthesia) == ("1", "Gây mê")
    assert (row.performers, row.reason_code) == (["000123/HNO-CCHN", "000124/HNO-CCHN"], "K35.8")
    assert (row.status, row.note) == ("completed", "ICD-9-CM: 54.21")


def test_invents_no_time_from_an_order():
    (row,) = done(service(group="8", performed_at=None, result_at="2025-03-16T08:00:00+07:00"))
    assert row.occurred == "2025-03"


def test_knows_of_a_code_of_xml1_only_that_it_lies_within_the_visit():
    (row,) = done(procedures_icd9=("47.01",), ended_at="2025-03-20T08:00:00+07:00")
    assert (row.code, row.occurred, row.document) == ("47.01", "2025-03", "XML1")


def test_a_code_of_xml1_that_xml3_bears_is_one_procedure():
    rows = done(service(group="8", procedures_icd9=("47.01",)), procedures_icd9=("47.01", "54.21"))
    assert [(row.document, row.code) for row in rows] == [("XML3", "47.01"), ("XML1", "54.21")]


def test_the_same_procedure_from_both_formats_is_one_fact_without_contradiction():
    (one,) = done(
        service(group="8", procedures_icd9=("47.01",), performed_at="2025-03-14T09:00:00+07:00", name="Mổ ruột thừa")
    )
    other = procedure(performedPeriod={"start": "2025-03-14T09:00:30+07:00"})
    assert one.fact() == other.fact()
    assert one.content() == other.content()
    assert procedure(status="not-done").content() != other.content()


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({"name": "Hút thai", "group": "18", "icd10": ("O04.9",)}, "REPRODUCTIVE"),
        ({"name": "Khâu vết thương", "group": "18"}, ""),
    ],
)
def test_labels_a_procedure(fields, label):
    assert done(service(**fields))[0].sensitivity == label


def test_a_procedure_of_a_visit_bears_the_label_of_its_main_diagnosis():
    assert [row.sensitivity for row in done(service(group="18"), main_icd10="B20", procedures_icd9=("1.1",))] == [
        "HIV",
        "HIV",
    ]


@pytest.mark.parametrize("when", [{"performedDateTime": "2019-05"}, {"performedPeriod": {"end": "2019"}}, {}])
def test_writes_what_it_read(when):
    row = procedure(**({"performedPeriod": None} | when if when else {}))
    assert own(again(SECTION, row)) == own(row)


def test_writes_what_xml3_said():
    (row,) = done(service(group="18", procedures_icd9=("47.01",), anaesthesia="2"))
    assert own(again(SECTION, row)) == own(row)
    assert written(SECTION, row)["code"]["coding"][1] == {"system": SERVICES, "code": "02.1896"}


@settings(deadline=None)
@given(hostile(APPENDECTOMY))
def test_survives_any_json(body):
    for row in SECTION.from_fhir(resource(body, *OTHERS)):
        json.dumps([row.performers, row.complications, row.devices])
        json.dumps(SECTION.to_fhir(stored(row)))
