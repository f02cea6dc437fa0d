import json
import re
from base64 import b64decode
from collections import Counter

from domain.exchange import fhir_systems as systems

NEEDED = {
    "AllergyIntolerance", "FamilyMemberHistory", "Immunization", "Coverage", "Condition", "DocumentReference",
    "ServiceRequest", "MedicationRequest", "MedicationDispense", "DiagnosticReport", "Procedure", "Encounter",
    "Observation",
}  # fmt: skip


def _resources(bundles, kind):
    return [
        entry["resource"]
        for bundle in bundles
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == kind
    ]


def _references(node):
    if isinstance(node, dict):
        if "reference" in node:
            yield node["reference"]
        for child in node.values():
            yield from _references(child)
    elif isinstance(node, list):
        for child in node:
            yield from _references(child)


def test_references_stay_inside_their_bundle(population):
    for bundle in population.bundles:
        urls = [entry["fullUrl"] for entry in bundle["entry"]]
        assert len(set(urls)) == len(urls)
        assert set(_references(bundle["entry"])) <= set(urls)


def test_each_bundle_is_about_one_patient(population):
    for bundle in population.bundles:
        kinds = Counter(entry["resource"]["resourceType"] for entry in bundle["entry"])
        assert kinds["Patient"] == 1


def test_three_kinds_of_bundle(population):
    assert {bundle["type"] for bundle in population.bundles} == {"transaction", "collection", "document"}
    for bundle in population.bundles:
        if bundle["type"] == "transaction":
            assert all(entry["request"]["method"] == "POST" for entry in bundle["entry"])
        if bundle["type"] == "document":
            assert bundle["entry"][0]["resource"]["resourceType"] == "Composition"
            assert bundle["identifier"]["value"]


def test_bundles_carry_what_qd4750_cannot(population):
    found = {entry["resource"]["resourceType"] for bundle in population.bundles for entry in bundle["entry"]}
    assert found >= NEEDED
    categories = {
        code["code"]
        for one in _resources(population.bundles, "Observation")
        for category in one["category"]
        for code in category["coding"]
    }
    assert categories == {"laboratory", "vital-signs", "social-history"}
    wanted = {
        code["code"]
        for one in _resources(population.bundles, "ServiceRequest")
        for category in one["category"]
        for code in category["coding"]
    }
    assert wanted == {systems.REFERRAL, systems.FOLLOW_UP}


def test_encounters_are_visits_sent_as_qd4750_too(population):
    sent = {
        (record.facility, record.summary["MA_LK"]): record.summary
        for record in population.records
        if "XML1" in record.tables
    }
    encounters = _resources(population.bundles, "Encounter")
    assert encounters
    for encounter in encounters:
        identifier = encounter["identifier"][0]
        assert identifier["system"].startswith(systems.EPISODE)
        visit = sent[identifier["system"].removeprefix(systems.EPISODE), identifier["value"]]
        assert re.sub(r"\D", "", encounter["period"]["start"])[:12] == visit["NGAY_VAO"]


def test_dispenses_never_exceed_what_was_prescribed(population):
    for bundle in population.bundles:
        requests = {
            e["fullUrl"]: e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "MedicationRequest"
        }
        for given in _resources([bundle], "MedicationDispense"):
            request = requests[given["authorizingPrescription"][0]["reference"]]
            assert 0 < given["quantity"]["value"] <= request["dispenseRequest"]["quantity"]["value"]


def test_items_of_a_prescription_share_the_national_code(population):
    for bundle in population.bundles:
        codes = {request["groupIdentifier"]["value"] for request in _resources([bundle], "MedicationRequest")}
        assert len(codes) <= 1
        assert all(re.fullmatch(r"[0-9a-z]{12}-c", code) for code in codes)


def test_results_have_ranges_and_a_matching_interpretation(population):
    lab = [one for one in _resources(population.bundles, "Observation") if "interpretation" in one]
    numbers = [one for one in lab if "valueQuantity" in one]
    assert len(numbers) > 0.8 * len(lab) > 0
    for one in numbers:
        limits, value = one["referenceRange"][0], one["valueQuantity"]["value"]
        flag = one["interpretation"][0]["coding"][0]["code"]
        expected = "H" if value > limits["high"]["value"] else "L" if value < limits["low"]["value"] else "N"
        assert flag == expected


def test_partial_birth_dates_stay_partial(population):
    dates = {patient["birthDate"] for patient in _resources(population.bundles, "Patient")}
    assert "1955" in dates
    assert all(re.fullmatch(r"\d{4}(-\d{2}-\d{2})?", on) for on in dates)


def test_attachments_are_readable_text(population):
    for document in _resources(population.bundles, "DocumentReference"):
        attachment = document["content"][0]["attachment"]
        assert b64decode(attachment["data"], validate=True).decode()


def test_a_bundle_is_one_line(population):
    for path in (population.out / "fhir").iterdir():
        assert path.read_bytes().count(b"\n") == 1
        assert json.loads(path.read_bytes())["resourceType"] == "Bundle"
