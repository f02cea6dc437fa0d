"""Vitals: FHIR Observation in and out, weight and height of XML1, the CSST block of XML5."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings

from domain.sections.vitals import SECTION
from tests.domain.sections.bundles import again, hostile, own, resource, stored, written
from tests.domain.sections.visits import note, summary, visit

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
VISIT = {"resourceType": "Encounter", "id": "e1"}


def figure(code, value, text=None):
    return {
        "code": {"coding": [{"system": LOINC, "code": code}], "text": text},
        "valueQuantity": {"value": value, "unit": "mm[Hg]", "system": UCUM, "code": "mm[Hg]"},
    }


PRESSURE = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "category": [{"coding": [{"code": "vital-signs"}]}],
    "code": {"coding": [{"system": LOINC, "code": "55284-4"}], "text": "Huyết áp"},
    "subject": {"reference": "Patient/p1"},
    "encounter": {"reference": "Encounter/e1"},
    "effectiveDateTime": "2025-03-14T07:45:20+07:00",
    "performer": [{"display": "ĐD. Hồng"}],
    "interpretation": [{"coding": [{"code": "H"}]}],
    "note": [{"text": "Sau nghỉ 5 phút"}],
    "bodySite": {"text": "Tay trái"},
    "method": {"text": "Máy điện tử"},
    "device": {"display": "Máy đo 3"},
    "component": [figure("8462-4", 78.5, "Tâm trương"), figure("8480-6", 125, "Tâm thu")],
}
WEIGHT = {
    **PRESSURE,
    "code": {"coding": [{"system": LOINC, "code": "29463-7"}], "text": "Cân nặng"},
    "valueQuantity": {"value": 52.5, "unit": "kg"},
    "component": None,
}


def vital(body, **changes):
    (row,) = SECTION.from_fhir(resource({**body, **changes}, VISIT))
    return row


def taken(**fields):
    return list(SECTION.from_qd4750(visit(**fields)))


def test_reads_a_blood_pressure_as_one_item():
    row = vital(PRESSURE)
    assert (row.value, row.unit, row.systolic, row.diastolic) == ("125/78.5", "mm[Hg]", Decimal(125), Decimal("78.5"))
    assert [(one["code"], one["value_number"]) for one in row.components] == [("8462-4", 78.5), ("8480-6", 125)]
    assert (row.interpretation, row.body_site, row.method, row.device) == ("H", "Tay trái", "Máy điện tử", "Máy đo 3")
    assert (row.performer, row.note) == ("ĐD. Hồng", "Sau nghỉ 5 phút")


def test_half_a_pressure_has_no_value():
    row = vital(PRESSURE, component=[figure("8480-6", 125)])
    assert (row.value, row.unit, row.systolic, row.diastolic) == (None, None, Decimal(125), None)


def test_reads_a_weight():
    row = vital(WEIGHT)
    assert (row.code, row.value, row.value_number, row.unit) == ("29463-7", "52.5", Decimal("52.5"), "kg")


@pytest.mark.parametrize("category", ["laboratory", "social-history", "survey"])
def test_takes_only_vital_signs(category):
    assert not list(SECTION.from_fhir(resource({**WEIGHT, "category": [{"coding": [{"code": category}]}]})))


@pytest.mark.parametrize("category", [None, [{"coding": [{"code": "exam"}]}]])
def test_knows_a_measure_without_its_category_by_its_code(category):
    assert vital(WEIGHT, category=category).value == "52.5"
    other = {**WEIGHT, "category": category, "code": {"coding": [{"system": LOINC, "code": "2345-7"}]}}
    assert not list(SECTION.from_fhir(resource(other)))


def test_a_panel_that_only_holds_others_together_is_no_measure():
    assert not list(SECTION.from_fhir(resource({**PRESSURE, "component": None})))


def test_reads_weight_and_height_on_the_day_of_arrival():
    rows = taken(summary=summary(weight_kg=Decimal("52.50"), reserve="153"))
    assert [(row.code, row.value, row.unit, row.occurred) for row in rows] == [
        ("29463-7", "52.5", "kg", "2025-03-14"),
        ("8302-2", "153", "cm", "2025-03-14"),
    ]


def test_a_nought_is_no_weight():
    assert taken(summary=summary(weight_kg=Decimal(0))) == []


def test_reads_the_signs_in_a_clinical_note():
    rows = taken(
        notes=[note(course="Tỉnh. CSST<M75_T37,2_HA120/70_NT18_SP98_HL2>", authors=("000321/HNO-CCHN",))],
    )
    assert [(row.code, row.value, row.unit) for row in rows] == [
        ("8867-4", "75", "/min"),
        ("8310-5", "37.2", "Cel"),
        ("9279-1", "18", "/min"),
        ("2708-6", "98", "%"),
        ("85354-9", "120/70", "mm[Hg]"),
    ]
    assert {(row.occurred, row.performer, row.document) for row in rows} == {
        ("2025-03-14T07:45:00+07:00", "000321/HNO-CCHN", "XML5")
    }
    assert (rows[-1].systolic, rows[-1].diastolic) == (Decimal(120), Decimal(70))


def test_a_note_without_signs_and_a_visit_in_progress_have_none():
    assert taken(notes=[note()], summary=None) == []


def test_older_codes_of_the_same_measure_are_the_same_fact():
    (mine,) = taken(notes=[note(course="CSST<HA125/78>")])
    theirs = vital(PRESSURE, component=[figure("8480-6", 125), figure("8462-4", 78)])
    assert mine.fact() == theirs.fact()
    assert mine.content() == theirs.content()
    assert mine.content() != vital(PRESSURE).content()


def test_figures_are_compared_as_numbers():
    (mine,) = taken(summary=summary(weight_kg=Decimal("52.50")))
    assert mine.content() == vital(WEIGHT).content()
    assert mine.content() != vital(WEIGHT, valueQuantity={"value": 55, "unit": "kg"}).content()


@pytest.mark.parametrize("body", [PRESSURE, WEIGHT, {**PRESSURE, "valueString": "cao"}])
def test_writes_what_it_read(body):
    row = vital(body)
    assert own(again(SECTION, row)) == own(row)


def test_writes_a_blood_pressure_as_its_profile_wants():
    body = written(SECTION, vital(PRESSURE))
    assert "valueString" not in body
    assert "valueQuantity" not in body
    assert [one["valueQuantity"] for one in body["component"]] == [
        {"value": 78.5, "unit": "mm[Hg]"},
        {"value": 125, "unit": "mm[Hg]"},
    ]


def test_writes_what_a_visit_said():
    for row in taken(summary=summary(weight_kg=Decimal(52)), notes=[note(course="CSST<M75_HA120/70>")]):
        assert own(again(SECTION, row)) == own(row)


@settings(deadline=None)
@given(hostile(PRESSURE))
def test_survives_any_json(body):
    for row in SECTION.from_fhir(resource(body, VISIT)):
        json.dumps(row.components)
        json.dumps(SECTION.to_fhir(stored(row)))


@settings(deadline=None)
@given(hostile(WEIGHT))
def test_survives_any_json_measure(body):
    for row in SECTION.from_fhir(resource(body, VISIT)):
        json.dumps(SECTION.to_fhir(stored(row)))
