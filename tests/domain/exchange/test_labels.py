"""Which sensitivity label a received item bears."""

import pytest

from domain.exchange.labels import of_resource, of_visit, strictest
from tests.domain.sections.bundles import resource
from tests.domain.sections.visits import in_progress, summary, visit

ICD10 = "http://hl7.org/fhir/sid/icd-10"


def label(**body):
    return of_resource(resource({"resourceType": "Condition", **body}))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ({"coding": [{"system": ICD10, "code": "B20"}]}, "HIV"),
        ({"coding": [{"system": f"{ICD10}-cm", "code": "F32.1"}]}, "MENTAL"),
        ({"coding": [{"system": "http://www.whocc.no/atc", "code": "J05AR10"}]}, "HIV"),
        ({"coding": [{"code": "x", "display": "HIV disease"}], "text": "Bệnh mạn tính"}, "HIV"),
        ({"coding": [{"system": "urn:other", "code": "B20"}]}, ""),
        ({"text": "Cảm cúm"}, ""),
        ("B20", ""),
        ({"coding": "B20"}, ""),
    ],
)
def test_by_every_code_and_every_word(code, expected):
    assert label(code=code) == expected


def test_by_what_the_sender_said():
    assert label(meta={"security": [{"code": "R"}, {"code": "PSY"}]}) == "MENTAL"
    assert label(meta={"security": [{"code": "PSY"}]}, code={"text": "Nhiễm HIV"}) == "HIV"
    assert label(meta="PSY") == ""


def test_by_the_main_diagnosis_of_the_visit():
    assert of_visit(visit(summary=summary(main_icd10="B20"))) == "HIV"
    assert of_visit(visit()) == of_visit(in_progress()) == ""


def test_the_strictest_wins():
    assert strictest("VIOLENCE", "", "HIV", "MENTAL") == "HIV"
    assert strictest() == strictest("", "unheard of") == ""
