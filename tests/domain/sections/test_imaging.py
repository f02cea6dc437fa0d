"""Imaging: DiagnosticReport and ImagingStudy in, DiagnosticReport out, XML4 rows in words."""

import base64
import json

import pytest
from hypothesis import given, settings

from domain.sections.imaging import SECTION
from tests.domain.sections.bundles import again, hostile, own, resource, resources, stored, written
from tests.domain.sections.visits import image, result, service, summary, visit

LOINC, SECTIONS = "http://loinc.org", "http://terminology.hl7.org/CodeSystem/v2-0074"
FINDINGS = base64.b64encode("Hai phế trường sáng".encode()).decode()
CHEST = {
    "resourceType": "DiagnosticReport",
    "id": "r1",
    "identifier": [
        {"system": "urn:example:other", "value": "1"},
        {"type": {"coding": [{"code": "ACSN"}]}, "value": "A7"},
    ],
    "status": "final",
    "category": [{"coding": [{"system": SECTIONS, "code": "RAD"}]}],
    "code": {"coding": [{"system": LOINC, "code": "36643-5"}], "text": "X-quang ngực thẳng"},
    "subject": {"reference": "Patient/p1"},
    "encounter": {"reference": "Encounter/e1"},
    "effectiveDateTime": "2025-03-14T08:20:00+07:00",
    "issued": "2025-03-14T08:40:00+07:00",
    "resultsInterpreter": [{"reference": "Practitioner/d1"}],
    "imagingStudy": [{"reference": "ImagingStudy/s1"}],
    "result": [{"reference": "Observation/o1"}],
    "conclusion": "Chưa thấy bất thường",
    "conclusionCode": [{"coding": [{"system": "http://snomed.info/sct", "code": "17621005"}], "text": "Bình thường"}],
    "presentedForm": [
        {"contentType": "text/plain", "data": FINDINGS},
        {"contentType": "application/pdf", "title": "Phiếu kết quả", "size": 12345},
    ],
}
STUDY = {
    "resourceType": "ImagingStudy",
    "id": "s1",
    "identifier": [
        {"system": "urn:dicom:uid", "value": "urn:oid:1.2.3.4"},
        {"type": {"coding": [{"code": "ACSN"}]}, "value": "A7"},
    ],
    "status": "available",
    "modality": [{"code": "DX"}],
    "subject": {"reference": "Patient/p1"},
    "started": "2025-03-14T08:20:00+07:00",
    "interpreter": [{"display": "BS. Lê Tím"}],
    "numberOfSeries": 1,
    "numberOfInstances": 2,
    "reasonCode": [{"text": "Ho kéo dài"}],
    "description": "Ngực thẳng",
    "series": [{"uid": "1.2.3.4.1", "modality": {"code": "DX"}, "bodySite": {"code": "51185008", "display": "Ngực"}}],
}
OTHERS = (
    {"resourceType": "Encounter", "id": "e1"},
    {
        "resourceType": "Practitioner",
        "id": "d1",
        "identifier": [{"system": "http://healthbook.vn/fhir/sid/practitioner-licence", "value": "000456/HNO-CCHN"}],
        "name": [{"text": "BS. Trần Xanh"}],
    },
    {"resourceType": "Observation", "id": "o1", "valueString": "Bóng tim không to"},
)


def report(**changes):
    (row,) = SECTION.from_fhir(resource({**CHEST, **changes}, STUDY, *OTHERS))
    return row


def seen(*results, **fields):
    return list(SECTION.from_qd4750(visit(results=list(results), **fields)))


def test_reads_a_report_with_what_its_images_know():
    row = report()
    assert (row.code, row.display, row.category, row.status) == ("36643-5", "X-quang ngực thẳng", "RAD", "final")
    assert (row.occurred, row.issued_at) == ("2025-03-14T08:20:00+07:00", "2025-03-14T08:40:00+07:00")
    assert (row.conclusion, row.description) == ("Chưa thấy bất thường", "Hai phế trường sáng\nBóng tim không to")
    assert (row.performer, row.performer_code) == ("BS. Trần Xanh", "000456/HNO-CCHN")
    assert (row.modalities, row.body_site, row.reason, row.instance_count) == (["DX"], "Ngực", "Ho kéo dài", 2)
    assert (row.accession_number, row.study_uid) == ("A7", "1.2.3.4")
    assert row.conclusion_codes[0]["code"] == "17621005"


def test_shows_attachments_without_their_bytes():
    assert report().attachments == [
        {
            "content_type": "application/pdf",
            "title": "Phiếu kết quả",
            "url": None,
            "size_bytes": 12345,
            "created": None,
        }
    ]


def test_a_study_with_a_report_is_shown_once():
    bodies = resources(CHEST, STUDY, *OTHERS)
    assert [row.document for one in bodies for row in SECTION.from_fhir(one)] == ["DiagnosticReport"]


def test_a_study_alone_is_shown():
    (row,) = SECTION.from_fhir(resource(STUDY))
    assert (row.display, row.category, row.status, row.series_count) == ("Ngực thẳng", "imaging", "final", 1)
    assert (row.occurred, row.performer, row.modalities) == ("2025-03-14T08:20:00+07:00", "BS. Lê Tím", ["DX"])


@pytest.mark.parametrize(
    "category",
    [
        [{"coding": [{"system": SECTIONS, "code": "LAB"}]}],
        [{"coding": [{"system": SECTIONS, "code": "MB"}]}],
        [{"coding": [{"system": LOINC, "code": "LP29693-6"}]}],
        [{"text": "Laboratory"}],
        None,
    ],
)
def test_a_laboratory_report_is_not_ours(category):
    glucose = {"resourceType": "Observation", "id": "o1", "category": [{"coding": [{"code": "laboratory"}]}]}
    assert list(SECTION.from_fhir(resource({**CHEST, "category": category}, glucose))) == []


def test_a_code_of_another_system_is_not_a_laboratory():
    assert report(category=[{"coding": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "SR"}]}])


def test_a_report_without_category_is_described():
    assert report(category=None).category is None


def test_reads_the_words_of_xml4():
    (row,) = seen(image(analyte_name=None), services=[service(service_code="23.0075.1494", name="X-quang", group="2")])
    assert (row.display, row.category, row.service_code) == ("X-quang", "imaging", "23.0075.1494")
    assert (row.description, row.conclusion) == ("Hai phổi sáng", "Chưa thấy bất thường")
    assert (row.occurred, row.performer_code) == ("2025-03-14T08:20:00+07:00", "000456/HNO-CCHN")


def test_takes_no_values_no_silence_and_no_laboratory_words():
    assert seen(result(), image(description=None, conclusion=None)) == []
    assert seen(image(), services=[service(service_code="23.0075.1494", group="1")]) == []


def test_labels_images_by_their_words_and_their_visit():
    assert seen(image(analyte_name="Siêu âm thai"))[0].sensitivity == "REPRODUCTIVE"
    assert seen(image(), summary=summary(main_icd10="B20"))[0].sensitivity == "HIV"
    assert seen(image())[0].sensitivity == ""


def test_labels_a_report_by_the_conditions_of_its_visit():
    hiv = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "B20"}]}
    condition = {"resourceType": "Condition", "id": "c7", "code": hiv, "encounter": {"reference": "Encounter/e1"}}
    (row,) = SECTION.from_fhir(resource(CHEST, STUDY, condition, *OTHERS))
    assert row.sensitivity == "HIV"


def test_one_examination_from_two_senders_is_one_fact_and_may_be_contradicted():
    (one,) = seen(image(analyte_code="36643-5"))
    other = report(presentedForm=None, result=None)
    assert one.fact() == other.fact()
    assert one.content() != other.content()


def test_writes_what_it_read():
    row = report()
    assert own(again(SECTION, row)) == own(row)


def test_writes_a_study_as_a_report():
    (row,) = SECTION.from_fhir(resource(STUDY))
    assert own(again(SECTION, row)) == own(row)


def test_writes_what_xml4_said():
    (row,) = seen(image())
    assert own(again(SECTION, row)) == own(row)
    assert written(SECTION, row)["code"] == {"text": "X-quang ngực"}


@settings(deadline=None)
@given(hostile(CHEST))
def test_survives_any_json_report(body):
    for row in SECTION.from_fhir(resource(body, STUDY, *OTHERS)):
        json.dumps(SECTION.to_fhir(stored(row)))


@settings(deadline=None)
@given(hostile(STUDY))
def test_survives_any_json_study(body):
    for one in resources(CHEST, body, *OTHERS):
        for row in SECTION.from_fhir(one):
            json.dumps(SECTION.to_fhir(stored(row)))
