"""Documents: four FHIR resources in, DocumentReference out, the papers of a visit, the papers that nobody reads."""

import base64
import json

import pytest
from hypothesis import given, settings

from domain.sections.documents import SECTION
from domain.sections.documents.qd4750 import KEPT
from domain.sections.documents.table import EVERY_KIND
from tests.domain.sections.bundles import again, hostile, own, resource, stored, written
from tests.domain.sections.visits import (
    ENDED,
    FACILITY,
    discharge,
    image,
    kept,
    note,
    record_summary,
    result,
    service,
    summary,
    visit,
)

LOINC, LICENCES = "http://loinc.org", "http://healthbook.vn/fhir/sid/practitioner-licence"
XHTML = "http://www.w3.org/1999/xhtml"
LETTER = {
    "resourceType": "DocumentReference",
    "id": "d1",
    "masterIdentifier": {"system": "urn:example", "value": "TH-1"},
    "status": "current",
    "docStatus": "final",
    "type": {"coding": [{"system": LOINC, "code": "18842-5"}], "text": "Tóm tắt ra viện"},
    "subject": {"reference": "Patient/p1"},
    "date": "2025-03-14T05:00:00.123Z",
    "author": [{"identifier": {"system": LICENCES, "value": "000456"}, "display": "BS. Xanh"}, {"display": "BS. Tím"}],
    "custodian": {"reference": "Organization/o1"},
    "description": "Giấy ra viện lần 2",
    "language": "vi",
    "content": [
        {"attachment": {"contentType": "text/plain", "data": base64.b64encode("Ổn định".encode()).decode()}},
        {"attachment": {"contentType": "application/pdf", "url": "https://example.org/1.pdf", "creation": "2025-03"}},
        {"attachment": {"contentType": "image/png", "data": base64.b64encode(b"12345").decode()}},
    ],
    "context": {
        "encounter": [{"reference": "Encounter/e1"}],
        "period": {"start": "2025-03-10", "end": "2025-03-14"},
    },
}
SUMMARY = {
    "resourceType": "Composition",
    "id": "c1",
    "identifier": {"value": "IPS-1"},
    "status": "amended",
    "type": {"coding": [{"system": LOINC, "code": "60591-5"}]},
    "subject": {"reference": "Patient/p1"},
    "encounter": {"reference": "Encounter/e1"},
    "date": "2025-05",
    "author": [{"display": "BS. Xanh"}],
    "title": "Tóm tắt sức khỏe",
    "event": [{"period": {"end": "2025-04-30"}}],
    "section": [
        {
            "title": "Thuốc",
            "code": {"coding": [{"code": "10160-0"}]},
            "text": {"div": f'<div xmlns="{XHTML}"><p>Amlodipin&nbsp;5mg</p><p>1 viên</p></div>'},
            "section": [{"title": "Ghi chú", "text": {"div": "<div>uống <b>sáng</b></div>"}}],
        },
        {"title": "Bệnh", "entry": [{"reference": "Condition/c1"}]},
    ],
}
IMPRESSION = {
    "resourceType": "ClinicalImpression",
    "id": "i1",
    "status": "completed",
    "subject": {"reference": "Patient/p1"},
    "encounter": {"reference": "Encounter/e1"},
    "effectivePeriod": {"start": "2025-03-14T08:00:00+07:00"},
    "assessor": {"display": "BS. Tím"},
    "description": "Khám lại",
    "summary": "Tiến triển tốt",
    "finding": [{"itemCodeableConcept": {"text": "Hết sốt"}}],
    "note": [{"text": "Theo dõi thêm"}],
}
CULTURE = {
    "resourceType": "DiagnosticReport",
    "id": "r1",
    "identifier": [{"value": "XN-5"}],
    "status": "final",
    "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "MB"}]}],
    "code": {"text": "Cấy máu"},
    "subject": {"reference": "Patient/p1"},
    "effectiveDateTime": "2025-03-14T08:20:00+07:00",
    "performer": [{"display": "Khoa Vi sinh"}],
    "conclusion": "Không mọc vi khuẩn",
    "presentedForm": [{"contentType": "application/pdf", "size": 10}],
}
OTHERS = (
    {"resourceType": "Encounter", "id": "e1"},
    {"resourceType": "Organization", "id": "o1", "name": "Bệnh viện Màu Lam"},
)
HIV = {
    "resourceType": "Condition",
    "id": "c7",
    "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "B20"}]},
    "encounter": {"reference": "Encounter/e1"},
}
ALL = [LETTER, SUMMARY, IMPRESSION, CULTURE]


def document(body, **changes):
    (row,) = SECTION.from_fhir(resource({**body, **changes}, *OTHERS))
    return row


def papers(**fields):
    return list(SECTION.from_qd4750(visit(**fields)))


def texts(row):
    return {one["code"]: one["text"] for one in row.sections or []}


def test_reads_a_document_reference():
    target = resource(LETTER, *OTHERS)
    (row,) = SECTION.from_fhir(target)
    assert (row.kind, row.status, row.progress, row.code) == ("discharge-paper", "current", "final", "18842-5")
    assert (row.title, row.number, row.language) == ("Giấy ra viện lần 2", "TH-1", "vi")
    assert (row.author, row.author_code, row.custodian) == ("BS. Xanh, BS. Tím", "000456", "Bệnh viện Màu Lam")
    assert (row.occurred, row.period_start, row.period_end) == ("2025-03-14T12:00:00+07:00", "2025-03-10", "2025-03-14")
    assert row.encounter_id == target.follow("Encounter/e1").row_id


def test_shows_plain_text_and_only_describes_other_files():
    row = document(LETTER)
    assert row.sections == [{"code": None, "title": None, "text": "Ổn định"}]
    assert [(one["content_type"], one["size_bytes"], one["url"]) for one in row.attachments] == [
        ("application/pdf", None, "https://example.org/1.pdf"),
        ("image/png", 5, None),
    ]
    assert "MTIzNDU" not in str(own(row))


def test_a_document_of_which_nothing_is_known_says_so():
    row = document({"resourceType": "DocumentReference", "id": "d2", "status": "current", "content": []})
    assert (row.title, row.kind) == (None, "other")
    assert "data-absent-reason" in str(written(SECTION, row)["content"])
    assert own(again(SECTION, row)) == own(row)


def test_text_that_is_no_text_is_a_file():
    row = document(LETTER, content=[{"attachment": {"contentType": "text/plain", "data": "//79"}}])
    assert (row.sections, row.attachments[0]["size_bytes"]) == (None, 3)


def test_dates_a_document_by_its_file_or_period_if_nothing_else_is_known():
    assert document(LETTER, date=None).occurred == "2025-03"
    assert document(LETTER, date=None, content=[]).occurred == "2025-03-10"


def test_reads_the_sections_of_a_composition_within_each_other():
    row = document(SUMMARY)
    assert (row.kind, row.status, row.progress, row.number) == ("record-summary", "current", "amended", "IPS-1")
    assert row.sections == [
        {"code": "10160-0", "title": "Thuốc", "text": "Amlodipin 5mg\n1 viên"},
        {"code": None, "title": "Ghi chú", "text": "uống sáng"},
    ]


def test_reads_a_clinical_impression():
    row = document(IMPRESSION)
    assert (row.kind, row.author, row.occurred) == ("clinical-note", "BS. Tím", "2025-03-14T08:00:00+07:00")
    assert texts(row) == {
        "description": "Khám lại",
        "summary": "Tiến triển tốt",
        "finding": "Hết sốt",
        "note": "Theo dõi thêm",
    }


def test_an_impression_without_words_is_no_document():
    silent = {"resourceType": "ClinicalImpression", "id": "i1", "status": "completed"}
    assert list(SECTION.from_fhir(resource(silent))) == []


def test_reads_what_a_laboratory_concludes():
    row = document(CULTURE)
    assert (row.kind, row.title, row.number) == ("laboratory-report", "Cấy máu", "XN-5")
    assert texts(row) == {"conclusion": "Không mọc vi khuẩn"}


def test_a_list_of_results_and_an_image_are_no_documents():
    assert not list(SECTION.from_fhir(resource({**CULTURE, "conclusion": None, "presentedForm": None})))
    assert not list(SECTION.from_fhir(resource({**CULTURE, "category": [{"coding": [{"code": "RAD"}]}]})))


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_a_wrong_report_is_shown_as_wrong(status):
    assert document(CULTURE, status=status).status == "entered-in-error"


def test_reads_the_discharge_paper():
    (row,) = papers(
        discharge=discharge(
            diagnosis="Viêm phổi",
            advice="Uống thuốc đều",
            archive_number="LT-1",
            doctor_name="BS. Tím",
            leave_days=5,
            outpatient_from="2025-03-15",
            outpatient_until="2025-03-19",
            issued_on="2025-03-14",
        )
    )
    assert (row.kind, row.title, row.number, row.occurred) == ("discharge-paper", "Giấy ra viện", "LT-1", "2025-03-14")
    assert (row.author, row.custodian_code, row.document) == ("BS. Tím", FACILITY, "XML7")
    assert texts(row) == {
        "diagnosis": "Viêm phổi",
        "advice": "Uống thuốc đều",
        "leave-days": "5",
        "leave": "2025-03-15 – 2025-03-19",
    }


def test_reads_the_summary_of_the_record():
    (row,) = papers(record_summary=record_summary(course="Sốt ba ngày", result="2", children_died=0))
    assert (row.kind, row.occurred) == ("record-summary", ENDED)
    assert texts(row) == {"course": "Sốt ba ngày", "result": "Đỡ", "children-died": "0"}


def test_each_clinical_note_is_a_document_of_its_own():
    rows = papers(notes=[note(consultation="Mời hội chẩn tim mạch"), note(course="Đỡ đau"), note(course=None)])
    assert [texts(row).get("course") for row in rows] == ["Tỉnh, tiếp xúc tốt", "Đỡ đau"]
    assert rows[0].fact() != rows[1].fact()


def test_words_of_a_laboratory_are_documents_and_those_of_an_image_are_not():
    laboratory = service(service_code="23.0075.1494", group="1")
    (row,) = papers(results=[image(analyte_name="Cấy đờm"), result()], services=[laboratory])
    assert (row.kind, row.title, row.author_code) == ("laboratory-report", "Cấy đờm", "000456/HNO-CCHN")
    assert papers(results=[image()]) == []


@pytest.mark.parametrize(
    ("name", "kind", "label"),
    [
        ("XML6", "hiv-care", "HIV"),
        ("XML9", "birth-certificate", "REPRODUCTIVE"),
        ("XML10", "maternity-leave", "REPRODUCTIVE"),
        ("XML11", "sick-leave", ""),
        ("XML12", "assessment", ""),
        ("XML15", "tuberculosis-care", "HIV"),
    ],
)
def test_a_paper_that_nobody_reads_is_named_and_labelled(name, kind, label):
    (row,) = papers(kept=[kept(name)])
    assert (row.kind, row.sensitivity, row.document, row.occurred) == (kind, label, name, ENDED)
    assert (row.sections, row.attachments) == (None, None)


def test_a_table_that_nobody_knows_has_no_entry():
    assert papers(kept=[kept("XML99", "UNKNOWN")]) == []


def test_every_kind_is_known():
    assert {kind for kind, *_ in KEPT.values()} < EVERY_KIND


def test_labels_papers_by_their_words_their_visit_and_what_they_are():
    hiv = summary(main_icd10="B20")
    assert papers(discharge=discharge(), kept=[kept("XML11")], summary=hiv)[0].sensitivity == "HIV"
    assert papers(kept=[kept("XML11")], summary=hiv)[0].sensitivity == "HIV"
    assert papers(notes=[note(course="Bệnh nhân tâm thần phân liệt")])[0].sensitivity == "MENTAL"
    assert papers(discharge=discharge(termination_cause="Thai lưu"))[0].sensitivity == "REPRODUCTIVE"
    assert papers(discharge=discharge())[0].sensitivity == ""


def test_labels_a_document_as_its_sender_does():
    assert document(LETTER, securityLabel=[{"coding": [{"code": "PSY"}]}]).sensitivity == "MENTAL"
    assert document(LETTER, meta={"security": [{"code": "HIV"}]}).sensitivity == "HIV"


@pytest.mark.parametrize("body", [LETTER, SUMMARY, IMPRESSION], ids=lambda body: body["resourceType"])
def test_labels_a_document_by_the_conditions_of_its_visit(body):
    (row,) = SECTION.from_fhir(resource(body, HIV, *OTHERS))
    assert row.sensitivity == "HIV"


def test_a_discharge_paper_from_both_formats_is_one_fact():
    (mine,) = papers(discharge=discharge(archive_number="TH-1", ended_at="2025-03-14T12:00:00+07:00"))
    assert mine.fact() == document(LETTER).fact()
    assert mine.content() == document(LETTER).content()


@pytest.mark.parametrize("body", ALL, ids=lambda body: body["resourceType"])
def test_writes_what_it_read(body):
    row = document(body)
    assert own(again(SECTION, row)) == own(row)


def test_writes_what_the_papers_said():
    rows = papers(
        discharge=discharge(diagnosis="Viêm phổi"), notes=[note()], record_summary=record_summary(), kept=[kept("XML6")]
    )
    for row in rows:
        assert own(again(SECTION, row)) == own(row)
        assert written(SECTION, row)["content"]


@pytest.mark.parametrize("body", ALL, ids=lambda body: body["resourceType"])
def test_survives_any_json(body):
    @settings(deadline=None)
    @given(hostile(body))
    def survives(damaged):
        for row in SECTION.from_fhir(resource(damaged, *OTHERS)):
            json.dumps([row.sections, row.attachments])
            json.dumps(SECTION.to_fhir(stored(row)))

    survives()
