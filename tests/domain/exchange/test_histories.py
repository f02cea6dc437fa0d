"""What the sections of a person's history share: since when, nothing known, ICD-10."""

import pytest

from domain.exchange.fhir import Concept, Node
from domain.exchange.fhir_systems import ICD10, SNOMED
from domain.exchange.histories import ABSENT_OR_UNKNOWN, When, diagnosis_key, icd10_of, says_nothing_known, when


def onset(**body):
    return when(Node(body, "Condition", 1, []), "onset")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"onsetDateTime": "2015-03"}, When("2015-03")),
        ({"onsetPeriod": {"start": "2015", "end": "2016"}}, When("2015")),
        ({"onsetAge": {"value": 40.0, "unit": "tuổi"}}, When(None, "40 tuổi")),
        ({"onsetRange": {"low": {"value": 30, "unit": "a"}, "high": {"value": 35}}}, When(None, "30-35 a")),
        ({"onsetRange": {"high": {"value": 35}}}, When(None, "35")),
        ({"onsetString": "từ bé"}, When(None, "từ bé")),
        ({"onsetDateTime": "không rõ", "onsetString": "từ bé"}, When(None, "từ bé")),
        ({}, When()),
    ],
)
def test_reads_every_way_to_say_since_when(body, expected):
    assert onset(**body) == expected


@pytest.mark.parametrize(
    ("system", "code", "nothing"),
    [
        (ABSENT_OR_UNKNOWN, "no-known-allergies", True),
        (ABSENT_OR_UNKNOWN, "no-allergy-info", False),
        (SNOMED, "160245001", True),
        ("urn:other", "160245001", False),
        (SNOMED, None, False),
    ],
)
def test_tells_nothing_known_from_nobody_asked(system, code, nothing):
    assert says_nothing_known(Concept(system, code, None, ((system, code),))) is nothing


@pytest.mark.parametrize(
    ("codings", "code"),
    [
        (((SNOMED, "44054006"), (ICD10, "E11.9")), "E11.9"),
        (((f"{ICD10}-cm", "E11.65"),), "E11.65"),
        ((("urn:oid:2.16.840.1.113883.6.3", "I10"),), "I10"),
        (((ICD10, None), (None, "I10"), (f"{ICD10}x", "I10")), None),
    ],
)
def test_finds_icd10_in_any_edition(codings, code):
    assert icd10_of(Concept(codings=codings)) == code


def test_one_key_for_one_diagnosis():
    assert diagnosis_key("e11.3†", None) == diagnosis_key(" E11.3* ", "Bệnh võng mạc") == "E11.3"
    assert diagnosis_key(None, "Viêm  họng") == diagnosis_key(None, "viêm họng")
    assert diagnosis_key(None, None) is None
