"""The kind of a request, and the diagnoses that it gives as its reasons."""

import pytest

from domain.exchange import requests
from domain.exchange.fhir_systems import ICD10, REQUEST_CATEGORY
from tests.domain.sections.bundles import resource

SNOMED = "http://snomed.info/sct"


def kind(**fields):
    return requests.kind_of(resource({"resourceType": "ServiceRequest", "id": "s1", **fields}))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"category": [{"coding": [{"system": REQUEST_CATEGORY, "code": "referral"}]}]}, "referral"),
        ({"category": [{"coding": [{"system": SNOMED, "code": "3457005"}]}]}, "referral"),
        ({"category": [{"text": "Referral"}]}, "referral"),
        ({"category": [{"coding": [{"code": "x"}]}, {"coding": [{"code": "follow-up"}]}]}, "follow-up"),
        ({"code": {"coding": [{"system": SNOMED, "code": "390906007"}]}}, "follow-up"),
        (
            {"category": [{"coding": [{"code": "referral"}]}], "code": {"coding": [{"code": "390906007"}]}},
            "referral",
        ),
        ({"category": [{"coding": [{"system": SNOMED, "code": "108252007"}]}]}, None),
        ({}, None),
        ({"category": "referral", "code": 3}, None),
        ({"resourceType": "Task", "category": [{"coding": [{"code": "referral"}]}]}, None),
    ],
)
def test_tells_referrals_from_follow_ups_from_the_rest(fields, expected):
    assert kind(**fields) == expected


def test_names_each_diagnosis_once_the_main_one_first():
    assert requests.diagnoses_in("I10", ("E11.9", "I10"), ("U57.121", "U57.121")) == [
        {"system": ICD10, "code": "I10"},
        {"system": ICD10, "code": "E11.9"},
        {"system": requests.TRADITIONAL, "code": "U57.121"},
    ]
    assert requests.diagnoses_in(None, (), ()) is None


def test_reads_reasons_given_and_pointed_to():
    condition = {"resourceType": "Condition", "id": "c1", "code": {"text": "Đái tháo đường"}}
    body = {
        "resourceType": "ServiceRequest",
        "id": "s1",
        "reasonCode": [{"text": "Tăng huyết áp"}, {}],
        "reasonReference": [
            {"reference": "Condition/c1"},
            {"reference": "Condition/none"},
            {"reference": "Patient/c2"},
        ],
    }
    patient = {"resourceType": "Patient", "id": "c2"}
    diagnoses = requests.diagnoses_of(requests.reasons_of(resource(body, condition, patient)))
    assert diagnoses == [{"display": "Tăng huyết áp"}, {"display": "Đái tháo đường"}]


def test_takes_no_diagnosis_of_another_person():
    condition = {"resourceType": "Condition", "id": "c1", "code": {"text": "Đái tháo đường"}}
    body = {"resourceType": "ServiceRequest", "id": "s1", "reasonReference": [{"reference": "Condition/c1"}]}
    mine, theirs = ({"subject": {"reference": f"Patient/{id_}"}} for id_ in ("p1", "p2"))
    assert requests.reasons_of(resource({**body, **mine}, {**condition, **theirs})) == []
    assert len(requests.reasons_of(resource({**body, **mine}, {**condition, **mine}))) == 1


def test_labels_by_a_condition_pointed_to():
    condition = {"resourceType": "Condition", "id": "c1", "code": {"coding": [{"system": ICD10, "code": "B24"}]}}
    body = {"resourceType": "ServiceRequest", "id": "s1", "reasonReference": [{"reference": "Condition/c1"}]}
    assert requests.label_of(resource(body, condition), []) == "HIV"
    assert requests.label_of(resource(body), []) == ""
