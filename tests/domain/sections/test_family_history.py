"""Illnesses of relatives: FHIR FamilyMemberHistory in and out."""

from decimal import Decimal

from hypothesis import given, settings

from domain.sections.family_history import SECTION
from tests.domain.sections.bundles import again, hostile, own, resource, written
from tests.domain.sections.visits import visit

MOTHER = {
    "resourceType": "FamilyMemberHistory",
    "id": "f1",
    "status": "completed",
    "patient": {"reference": "Patient/p1"},
    "date": "2025-03-14",
    "name": "Trần Thị Nâu",
    "relationship": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "MTH"}]},
    "sex": {"coding": [{"code": "female"}]},
    "bornDate": "1950",
    "deceasedAge": {"value": 70, "unit": "tuổi"},
    "note": [{"text": "Bệnh nhân kể"}],
    "condition": [
        {
            "code": {
                "coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "E11.9"}],
                "text": "Đái tháo đường típ 2",
            },
            "outcome": {"text": "biến chứng thận"},
            "contributedToDeath": True,
            "onsetAge": {"value": 45, "unit": "a", "code": "a"},
        },
        {"code": {"text": "Tăng huyết áp"}, "onsetString": "khi lớn tuổi", "note": [{"text": "điều trị đều"}]},
    ],
}


def histories(**changes):
    return list(SECTION.from_fhir(resource({**MOTHER, **changes})))


def test_each_illness_of_a_relative_is_an_item():
    diabetes, pressure = histories()
    assert (diabetes.relation_code, diabetes.relative_name, diabetes.relative_sex) == ("MTH", "Trần Thị Nâu", "female")
    assert (diabetes.code, diabetes.icd10, diabetes.onset_age_years) == ("E11.9", "E11.9", Decimal(45))
    assert diabetes.onset_text is None
    assert (diabetes.outcome, diabetes.contributed_to_death) == ("biến chứng thận", True)
    assert (diabetes.is_deceased, diabetes.deceased_text, diabetes.born) == (True, "70 tuổi", "1950")
    assert (pressure.display, pressure.onset_text, pressure.note) == ("Tăng huyết áp", "khi lớn tuổi", "điều trị đều")
    assert (diabetes.occurred, diabetes.note) == ("2025-03-14", "Bệnh nhân kể")


def test_items_of_one_resource_have_ids_of_their_own():
    target = resource(MOTHER)
    rows = list(SECTION.from_fhir(target))
    assert rows[0].id == target.row_id
    assert len({row.id for row in rows}) == 2


def test_a_relative_without_an_illness_is_kept():
    (row,) = histories(condition=None, deceasedAge=None, deceasedBoolean=False)
    assert (row.relation_code, row.display, row.is_deceased) == ("MTH", None, False)


def test_an_age_in_other_units_stays_words():
    (row,) = histories(condition=[{"code": {"text": "Hen"}, "onsetAge": {"value": 6, "unit": "tháng"}}])
    assert (row.onset_age_years, row.onset_text) == (None, "6 tháng")


def test_leaves_out_what_names_nobody_and_nothing():
    target = resource({"resourceType": "FamilyMemberHistory"})
    assert list(SECTION.from_fhir(target)) == []
    assert [issue.code for issue in target.issues] == ["required"]


def test_one_illness_of_one_relative_is_one_fact():
    one, other = histories()[0], histories(date="2010", note=None)[0]
    assert (one.fact(), one.content()) == (other.fact(), other.content())
    assert one.fact() != histories(name="Trần Thị Tím")[0].fact()
    assert one.fact() != histories()[1].fact()


def test_each_illness_has_its_own_label():
    rows = histories(condition=[{"code": {"text": "Nhiễm HIV"}}, {"code": {"text": "Tăng huyết áp"}}])
    assert [row.sensitivity for row in rows] == ["HIV", ""]


def test_the_visit_table_has_no_family_history():
    assert list(SECTION.from_qd4750(visit())) == []


def test_comes_back_as_it_was_written():
    for changes in (
        {},
        {"condition": None},
        {"relationship": None, "status": None},
        {"bornDate": None, "bornString": "trước 1950", "deceasedAge": None, "deceasedDate": "2020-05"},
    ):
        for row in histories(**changes):
            assert own(again(SECTION, row)) == own(row)


def test_writes_what_fhir_requires():
    body = written(SECTION, histories(relationship=None, status=None)[0])
    assert body["resourceType"] == SECTION.holds[0]
    assert body["status"] == "partial"
    assert body["relationship"]["extension"][0]["valueCode"] == "unknown"
    assert body["patient"]["reference"].startswith("Patient/")


@settings(deadline=None)  # two shared cores
@given(body=hostile(MOTHER))
def test_never_raises(body):
    for row in SECTION.from_fhir(resource(body)):
        assert own(again(SECTION, row)) == own(row)
