"""Allergies: FHIR AllergyIntolerance in and out."""

from hypothesis import given, settings

from domain.sections.allergies import SECTION
from tests.domain.sections.bundles import again, hostile, own, resource, written
from tests.domain.sections.visits import visit

PENICILLIN = {
    "resourceType": "AllergyIntolerance",
    "id": "a1",
    "clinicalStatus": {"coding": [{"code": "active"}]},
    "verificationStatus": {"coding": [{"code": "confirmed"}]},
    "type": "allergy",
    "category": ["medication"],
    "criticality": "high",
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "91936005"}], "text": "Dị ứng penicillin"},
    "patient": {"reference": "Patient/p1"},
    "encounter": {"reference": "Encounter/e1"},
    "onsetDateTime": "2010",
    "recordedDate": "2025-03-14",
    "recorder": {"reference": "Practitioner/d1"},
    "lastOccurrence": "2012-05",
    "note": [{"text": "Mẹ kể lại"}],
    "reaction": [
        {
            "substance": {"text": "Amoxicillin"},
            "manifestation": [{"text": "Mề đay"}, {"coding": [{"code": "271807003"}]}],
            "severity": "severe",
            "onset": "2012-05",
            "exposureRoute": {"text": "uống"},
        }
    ],
}
VISIT = {"resourceType": "Encounter", "id": "e1"}
DOCTOR = {"resourceType": "Practitioner", "id": "d1", "name": [{"text": "BS. Lê Văn Lam"}]}


def allergies(body, *others):
    return list(SECTION.from_fhir(resource(body, *others)))


def allergy(**changes):
    (row,) = allergies({**PENICILLIN, **changes}, VISIT, DOCTOR)
    return row


def test_reads_what_a_doctor_must_know():
    row = allergy()
    assert (row.code, row.display, row.criticality) == ("91936005", "Dị ứng penicillin", "high")
    assert (row.clinical_status, row.verification_status) == ("active", "confirmed")
    assert (row.kind, row.categories) == ("allergy", ["medication"])
    assert (row.occurred, row.onset, row.last_occurrence) == ("2010", "2010", "2012-05")
    assert row.recorder == "BS. Lê Văn Lam"
    assert row.encounter_id is not None
    assert row.is_absence is False


def test_keeps_each_reaction_with_its_signs():
    assert allergy().reactions == [
        {
            "substance": "Amoxicillin",
            "manifestations": ["Mề đay", "271807003"],
            "severity": "severe",
            "onset": "2012-05",
            "exposure_route": "uống",
        }
    ]


def test_happened_when_it_was_noted_if_nobody_knows_since_when():
    assert allergy(onsetDateTime=None).occurred == "2025-03-14"
    assert allergy(onsetDateTime=None, recordedDate=None).occurred == "2012-05"


def test_keeps_an_age_as_words():
    row = allergy(onsetDateTime=None, onsetAge={"value": 5, "unit": "tuổi"})
    assert (row.onset, row.onset_text) == (None, "5 tuổi")


def test_takes_the_substance_of_the_reaction_where_the_code_is_missing():
    assert allergy(code=None).display == "Amoxicillin"


def test_says_that_there_is_none():
    none = {"coding": [{"system": "http://snomed.info/sct", "code": "716186003", "display": "No known allergy"}]}
    unasked = {
        "coding": [{"system": "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips", "code": "no-allergy-info"}]
    }
    assert allergy(code=none).is_absence is True
    assert allergy(code=unasked).is_absence is False


def test_leaves_out_an_allergy_to_nothing_and_says_so():
    target = resource({"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/p1"}})
    assert list(SECTION.from_fhir(target)) == []
    assert [(issue.field, issue.code) for issue in target.issues] == [("code", "required")]


def test_takes_no_other_resource():
    assert allergies({**PENICILLIN, "resourceType": "Condition"}) == []


def test_one_substance_is_one_fact_however_each_sender_describes_it():
    assert allergy().fact() == allergy(criticality="low", recordedDate="2020", note=None).fact()
    assert allergy().content() == allergy(criticality="low", reaction=None, verificationStatus=None).content()
    words = {"text": "Hải  sản"}
    assert allergy(code=words).fact() == allergy(code={"text": "hải sản"}).fact() != allergy().fact()


def test_a_refuted_allergy_contradicts():
    assert allergy().content() != allergy(verificationStatus={"coding": [{"code": "refuted"}]}).content()


def test_label_of_the_sender_is_kept():
    assert allergy().sensitivity == ""
    labelled = allergy(meta={"security": [{"code": "HIV"}]})
    assert labelled.sensitivity == "HIV"
    assert written(SECTION, labelled)["meta"]["security"][0]["code"] == "HIV"


def test_label_by_the_words_of_any_coding():
    codings = [{"system": "http://snomed.info/sct", "code": "1", "display": "Allergy to efavirenz"}]
    assert allergy(code={"text": "Dị ứng thuốc", "coding": codings}).sensitivity == "HIV"


def test_the_visit_table_has_no_allergies():
    assert list(SECTION.from_qd4750(visit())) == []


def test_comes_back_as_it_was_written():
    for changes in ({}, {"onsetDateTime": None, "onsetString": "từ bé"}, {"clinicalStatus": None}, {"code": None}):
        row = allergy(**changes)
        assert own(again(SECTION, row)) == own(row)


def test_writes_what_fhir_requires():
    row = allergy(clinicalStatus=None, reaction=[{"description": "Khó thở"}])
    body = written(SECTION, row)
    assert body["resourceType"] == SECTION.holds[0]
    assert body["clinicalStatus"]["extension"][0]["valueCode"] == "unknown"  # ait-1
    assert body["reaction"][0]["manifestation"]
    wrong = allergy(clinicalStatus=None, verificationStatus={"coding": [{"code": "entered-in-error"}]})
    assert "clinicalStatus" not in written(SECTION, wrong)  # ait-2


@settings(deadline=None)  # two shared cores
@given(body=hostile(PENICILLIN))
def test_never_raises(body):
    for row in allergies(body, VISIT, DOCTOR):
        assert own(again(SECTION, row)) == own(row)
