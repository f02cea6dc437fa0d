"""Names of who a reference means, and the coding that a concept goes by."""

from tests.domain.sections.bundles import resource

ORGANIZATION = {"resourceType": "Organization", "id": "h1", "name": "Trạm y tế Hoa Sen"}
DOCTOR = {"resourceType": "Practitioner", "id": "d1", "name": [{"prefix": ["BS."], "given": ["Lam"], "family": "Lê"}]}


def performer(*others):
    return resource({"resourceType": "Procedure", "performer": {"reference": "PractitionerRole/r1"}}, *others)


def role(**body):
    return {"resourceType": "PractitionerRole", "id": "r1", **body}


def test_a_role_has_the_name_of_who_holds_it():
    assert performer(role(practitioner={"reference": "Practitioner/d1"}), DOCTOR).name_of("performer") == "BS. Lam Lê"
    assert performer(role(practitioner={"display": "BS. Lam"})).name_of("performer") == "BS. Lam"
    by_place = role(practitioner={"reference": "#x"}, organization={"reference": "Organization/h1"})
    assert performer(by_place, ORGANIZATION).name_of("performer") == "Trạm y tế Hoa Sen"


def test_references_in_a_circle_end():
    assert performer(role(practitioner={"reference": "PractitionerRole/r1"})).name_of("performer") is None
    other = {"resourceType": "PractitionerRole", "id": "r2", "organization": {"reference": "PractitionerRole/r1"}}
    assert performer(role(practitioner={"reference": "PractitionerRole/r2"}), other).name_of("performer") is None


def test_a_concept_goes_by_its_first_coding_with_a_code():
    codings = [{"system": "urn:empty", "display": "Trống"}, {"system": "urn:full", "code": "1"}]
    concept = resource({"resourceType": "Condition", "code": {"coding": codings}}).concept("code")
    assert (concept.system, concept.code, concept.display) == ("urn:full", "1", "Trống")
    only_words = resource({"resourceType": "Condition", "code": {"coding": codings[:1]}}).concept("code")
    assert (only_words.system, only_words.code, only_words.display) == (None, None, "Trống")
