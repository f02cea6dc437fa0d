"""Laboratory results: FHIR Observation in and out, XML4 in."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.sections.labs import SECTION
from tests.domain.sections.bundles import again, hostile, own, resource, written
from tests.domain.sections.visits import image, result, summary, visit

ANALYTE = "http://healthbook.vn/fhir/sid/analyte"
GLUCOSE = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "category": [{"coding": [{"code": "laboratory"}]}],
    "code": {"coding": [{"system": ANALYTE, "code": "GLU"}], "text": "Glucose"},
    "basedOn": [{"identifier": {"system": "http://healthbook.vn/fhir/sid/technical-service", "value": "23.0075.1494"}}],
    "subject": {"reference": "Patient/p1"},
    "encounter": {"reference": "Encounter/e1"},
    "effectiveDateTime": "2025-03-14T08:20:31+07:00",
    "issued": "2025-03-14T09:00:00+07:00",
    "performer": [{"reference": "PractitionerRole/r1"}, {"display": "Khoa Sinh hóa"}],
    "valueQuantity": {"value": 5.4, "unit": "mmol/L"},
    "interpretation": [{"coding": [{"code": "N"}]}],
    "note": [{"text": "lấy máu lúc đói"}],
    "referenceRange": [{"low": {"value": 3.9}, "high": {"value": 6.4}, "text": "3,9-6,4"}],
}
VISIT = {"resourceType": "Encounter", "id": "e1"}
ROLE = {"resourceType": "PractitionerRole", "id": "r1", "practitioner": {"display": "BS. Lê Văn Lam"}}


def labs(**changes):
    return list(SECTION.from_fhir(resource({**GLUCOSE, **changes}, VISIT, ROLE)))


def lab(**changes):
    (row,) = labs(**changes)
    return row


def valued(**value):
    return lab(valueQuantity=None, **value)


def sent(*results, **fields):
    return list(SECTION.from_qd4750(visit(results=list(results), summary=summary(**fields))))


def test_reads_a_result_with_what_the_laboratory_said_of_it():
    row = lab()
    assert (row.code_system, row.code, row.display) == (ANALYTE, "GLU", "Glucose")
    assert (row.value, row.value_number, row.unit) == ("5.4", Decimal("5.4"), "mmol/L")
    assert (row.reference_low, row.reference_high, row.reference_text) == (Decimal("3.9"), Decimal("6.4"), "3,9-6,4")
    assert (row.interpretation, row.service_code, row.note) == ("N", "23.0075.1494", "lấy máu lúc đói")
    assert row.occurred == "2025-03-14T08:20:31+07:00"
    assert row.performer == "BS. Lê Văn Lam, Khoa Sinh hóa"
    assert row.encounter_id is not None


def test_happened_when_the_sample_was_taken_else_when_the_result_came():
    assert lab(effectiveDateTime=None).occurred == "2025-03-14T09:00:00+07:00"
    assert lab(effectiveDateTime=None, effectivePeriod={"start": "2025-03-13"}).occurred == "2025-03-13"


@pytest.mark.parametrize("category", ["vital-signs", "social-history", "imaging", None])
def test_takes_no_other_observation(category):
    assert labs(category=[{"coding": [{"code": category}]}]) == []


def test_below_the_limit_of_detection_is_no_number():
    row = lab(valueQuantity={"value": 0.5, "comparator": "<", "unit": "IU/mL"})
    assert (row.value, row.value_number, row.unit) == ("<0.5", None, "IU/mL")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"valueString": "Âm tính"}, "Âm tính"),
        ({"valueCodeableConcept": {"coding": [{"code": "260385009", "display": "Negative"}]}}, "Negative"),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}}, "1:128"),
        ({"valueRange": {"low": {"value": 5}, "high": {"value": 10, "unit": "/HPF"}}}, "5-10 /HPF"),
        ({"valueInteger": 12}, "12"),
        ({"valueBoolean": False}, "false"),
        ({"valueDateTime": "2025"}, "2025"),
    ],
)
def test_reads_every_kind_of_value(value, text):
    row = valued(**value)
    assert row.value == text
    assert own(again(SECTION, row)) == own(row)


def test_reads_results_of_a_visit_and_leaves_images_to_their_section():
    (row,) = sent(result(conclusion="Bình thường"), image())
    assert (row.code_system, row.code, row.display) == (ANALYTE, "GLU", "Glucose")
    assert (row.value, row.value_number, row.unit) == ("5.4", Decimal("5.4"), "mmol/L")
    assert (row.service_code, row.performer, row.note) == ("23.0075.1494", "000456/HNO-CCHN", "Bình thường")
    assert (row.reference_low, row.reference_high, row.interpretation) == (None, None, None)
    assert row.occurred == "2025-03-14T08:20:00+07:00"


def test_belongs_to_the_row_of_its_visit():
    one = visit(results=[result(), result(analyte_code="CRE")])
    assert {row.encounter_id for row in SECTION.from_qd4750(one)} == {one.encounter_id}


@pytest.mark.parametrize(
    ("text", "number"),
    [("5,4", "5.4"), ("-0.5", "-0.5"), ("<0.5", None), ("âm tính", None), ("1e999999", None), ("1_000", None)],
)
def test_reads_numbers_as_laboratories_write_them(text, number):
    (row,) = sent(result(value=text))
    assert row.value == text
    assert row.value_number == (Decimal(number) if number else None)


def test_the_same_result_from_a_hospital_file_and_from_fhir_is_one_fact():
    (from_file,) = sent(result())
    loinc = {"coding": [{"system": "http://loinc.org", "code": "15074-8"}, {"system": ANALYTE, "code": "GLU"}]}
    assert from_file.fact() == lab().fact() == lab(code=loinc).fact()
    assert from_file.fact() != lab(effectiveDateTime="2025-03-14T08:21:00+07:00").fact()


def test_a_range_or_a_flag_of_one_sender_contradicts_nothing_but_another_value_does():
    (from_file,) = sent(result(value="5,40"))
    assert from_file.content() == lab().content() == lab(interpretation=None, referenceRange=None).content()
    assert from_file.content() != lab(valueQuantity={"value": 5.5, "unit": "mmol/L"}).content()
    assert valued(valueString="Âm tính").content() == valued(valueString="âm tính").content()


def test_label_by_the_analyte_by_the_conclusion_and_by_the_visit():
    assert [row.sensitivity for row in sent(result(), result(analyte_name="HIV Ab"))] == ["", "HIV"]
    assert sent(result(conclusion="Nhiễm HIV"))[0].sensitivity == "HIV"
    assert sent(result(), main_icd10="B20")[0].sensitivity == "HIV"
    assert sent(result(analyte_name="HIV Ab"), main_icd10="F32.1")[0].sensitivity == "HIV"
    loinc = {"coding": [{"system": "http://loinc.org", "code": "25836-8"}], "text": "Xét nghiệm"}
    assert lab(code=loinc).sensitivity == "HIV"


def test_comes_back_as_it_was_written():
    for changes in (
        {},
        {"valueQuantity": {"value": 0.5, "comparator": "<", "unit": "IU/mL"}},
        {"code": {"coding": [{"system": "http://loinc.org", "code": "1"}, {"system": ANALYTE, "code": "GLU"}]}},
        {"valueQuantity": None, "valueString": "5,40"},
        {"valueQuantity": None, "valueString": "<0.50"},
        {"valueQuantity": None},
        {"interpretation": [{"text": "cao hơn bình thường"}]},
        {"encounter": None, "performer": None, "referenceRange": None},
    ):
        row = lab(**changes)
        assert own(again(SECTION, row)) == own(row)


def test_writes_a_comparator_back_with_its_unit():
    row = lab(valueQuantity={"value": 0.5, "comparator": "<", "unit": "IU/mL"})
    assert written(SECTION, row)["valueQuantity"] == {"comparator": "<", "value": 0.5, "unit": "IU/mL"}


def test_writes_a_category_that_its_scope_names():
    body = written(SECTION, lab())
    coding = body["category"][0]["coding"][0]
    assert SECTION.smart == (f"patient/Observation.rs?category={coding['system']}|{coding['code']}",)


@settings(deadline=None)  # two shared cores
@given(body=hostile(GLUCOSE))
def test_never_raises(body):
    for row in SECTION.from_fhir(resource(body, VISIT, ROLE)):
        assert own(again(SECTION, row)) == own(row)


@settings(deadline=None)  # two shared cores
@given(text=st.text(min_size=1, max_size=40))
def test_any_text_may_stand_for_a_value(text):
    (row,) = sent(result(value=text))
    assert row.value == text
    assert row.value_number is None or row.value_number.is_finite()
