"""Who a reference means: in words, by number, as a resource of the bundle."""

import pytest

from domain.exchange.actors import NOBODY, actor, actors, facility, practitioner
from tests.domain.sections.bundles import resource

FACILITY = "http://healthbook.vn/fhir/sid/ma-cskcb"
LICENCE = "http://healthbook.vn/fhir/sid/practitioner-licence"
HOSPITAL = {
    "resourceType": "Organization",
    "id": "o1",
    "name": "Bệnh viện Mẫu",
    "identifier": [{"system": "urn:other", "value": "x"}, {"system": FACILITY, "value": "99001"}],
}
DOCTOR = {
    "resourceType": "Practitioner",
    "id": "d1",
    "name": [{"text": "BS. Lê Văn Lam"}],
    "identifier": [{"system": LICENCE, "value": "000123"}],
}
ROLE = {"resourceType": "PractitionerRole", "id": "r1", "practitioner": {"reference": "Practitioner/d1"}}


def meant(reference):
    return actor(resource({"resourceType": "Task", "id": "t", "owner": reference}, HOSPITAL, DOCTOR, ROLE), "owner")


@pytest.mark.parametrize(
    ("reference", "name", "code", "is_place"),
    [
        ({"reference": "Organization/o1"}, "Bệnh viện Mẫu", "99001", True),
        ({"reference": "Practitioner/d1"}, "BS. Lê Văn Lam", "000123", False),
        ({"reference": "PractitionerRole/r1"}, "BS. Lê Văn Lam", "000123", False),
        ({"reference": "https://host/fhir/Location/unknown", "display": "Khoa Nội"}, "Khoa Nội", None, True),
        (facility("Trạm Mẫu", "99002"), "Trạm Mẫu", "99002", True),
        (practitioner(None, "000123"), None, "000123", False),
        ({"display": "Ai đó"}, "Ai đó", None, False),
        ({"identifier": {"system": "urn:other", "value": "x"}, "display": "Ai đó"}, "Ai đó", None, False),
    ],
)
def test_knows_who_is_meant(reference, name, code, is_place):
    found = meant(reference)
    assert (found.name, found.code, found.is_place) == (name, code, is_place)


@pytest.mark.parametrize(
    "reference", [None, {}, "Organization/o1", {"reference": "Organization/nobody"}, {"reference": 3}]
)
def test_means_nobody_where_nothing_is_said(reference):
    assert not meant(reference)
    assert not NOBODY


def test_passes_over_those_that_mean_nobody():
    body = {"resourceType": "Task", "id": "t", "others": [{}, {"display": "A"}, 3, {"reference": "Organization/o1"}]}
    assert [one.name for one in actors(resource(body, HOSPITAL), "others")] == ["A", "Bệnh viện Mẫu"]


def test_writes_nothing_of_nobody():
    assert facility(None, None) is None
    assert practitioner("", None) is None
