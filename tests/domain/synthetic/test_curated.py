import json
from collections import Counter

import pytest

from domain.exchange import fhir_systems as systems


@pytest.fixture(scope="module")
def citizens(population):
    return json.loads((population.out / "citizens.json").read_text("utf-8"))


def _visits(population, citizen):
    key = ("SO_CCCD", citizen["cccd"]) if citizen["cccd"] else ("MA_THE_BHYT", citizen["bhxh"])
    return [
        record for record in population.records if "XML1" in record.tables and record.summary[key[0]].endswith(key[1])
    ]


def _about(population, citizen):
    number = citizen["cccd"] or citizen["bhxh"]
    return [bundle for bundle in population.bundles if number in _numbers(bundle)]


def _numbers(bundle):
    patient = next(entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "Patient")
    return {identifier["value"] for identifier in patient["identifier"]}


def _of(bundles, kind):
    return [
        entry["resource"]
        for bundle in bundles
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == kind
    ]


def test_the_elder_has_a_long_record_from_two_hospitals(population, citizens):
    elder, visits = citizens[0], _visits(population, citizens[0])
    assert elder["birth_date"] == "1955"
    assert len(visits) == 22
    hospitals = {record.facility for record in visits if record.facility[2:] in ("900", "901")}
    assert len(hospitals) == 2
    assert {"E11.9", "I10"} <= {record.summary["MA_BENH_CHINH"] for record in visits}
    assert 100 <= sum(len(record.tables.get("XML4", ())) for record in visits) <= 130
    assert 35 <= sum(len(record.tables.get("XML2", ())) for record in visits) <= 50


def test_one_visit_of_the_elder_comes_in_two_formats(population, citizens):
    encounters = _of(_about(population, citizens[0]), "Encounter")
    episodes = {record.summary["MA_LK"] for record in _visits(population, citizens[0])}
    assert [encounter["identifier"][0]["value"] in episodes for encounter in encounters] == [True]


def test_one_dose_of_the_elder_is_reported_twice(population, citizens):
    given = _of(_about(population, citizens[0]), "Immunization")
    doses = Counter((dose["occurrenceDateTime"], dose["lotNumber"]) for dose in given)
    assert 2 in doses.values()


def test_the_elders_senders_contradict_each_other(population, citizens):
    allergies = _of(_about(population, citizens[0]), "AllergyIntolerance")
    assert {one["verificationStatus"]["coding"][0]["code"] for one in allergies} == {"confirmed", "refuted"}
    blood = {record.summary.get("NHOM_MAU") for record in _visits(population, citizens[0])} - {"", None}
    assert blood == {"O+", "A+"}


def test_the_mother_acts_for_three_children_one_of_them_newborn(population, citizens):
    mother = citizens[1]
    assert len(mother["children"]) == 3
    baby = mother["children"][2]
    assert baby["cccd"] is None
    at_birth = [
        record.summary
        for record in population.records
        if "XML1" in record.tables and record.summary["MA_BN"] == baby["facility_patient"]["number"]
    ]
    assert at_birth[0]["HO_TEN"].casefold() == mother["label"].casefold()
    assert at_birth[0]["SO_CCCD"] == ""
    assert all(child["cccd"] for child in mother["children"][:2])


def test_the_restricted_record_has_hiv_data(population, citizens):
    visits = _visits(population, citizens[3])
    assert visits
    assert all("XML6" in record.tables for record in visits)
    assert {record.summary["MA_BENH_CHINH"] for record in visits} == {"B20"}
    icd = {
        coding["code"]
        for one in _of(_about(population, citizens[3]), "Condition")
        for coding in one["code"]["coding"]
        if coding["system"] == systems.ICD10
    }
    assert "B20" in icd


def test_the_last_elder_is_known_by_the_insurance_number_only(population, citizens):
    elder = citizens[4]
    assert elder["cccd"] is None
    visits = _visits(population, elder)
    assert visits
    assert {record.summary["SO_CCCD"] for record in visits} == {""}
