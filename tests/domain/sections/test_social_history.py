"""Habits and circumstances: FHIR Observation of category social-history in and out."""

from decimal import Decimal

import pytest
from hypothesis import given, settings

from domain.sections.social_history import SECTION
from tests.domain.sections.bundles import again, hostile, own, resource, written
from tests.domain.sections.visits import visit

LOINC = "http://loinc.org"
SMOKING = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "category": [{"coding": [{"code": "social-history"}]}],
    "code": {"coding": [{"system": LOINC, "code": "72166-2"}], "text": "Tình trạng hút thuốc"},
    "subject": {"reference": "Patient/p1"},
    "encounter": {"reference": "Encounter/e1"},
    "effectiveDateTime": "2025-03-14T08:00:00+07:00",
    "performer": [{"display": "ĐD. Vũ Thị Hồng"}],
    "valueCodeableConcept": {"coding": [{"system": LOINC, "code": "LA18978-9"}], "text": "Chưa bao giờ hút"},
    "note": [{"text": "tự khai"}],
    "component": [{"code": {"text": "Số điếu mỗi ngày"}, "valueQuantity": {"value": 0, "unit": "điếu"}}],
}
VISIT = {"resourceType": "Encounter", "id": "e1"}
AMOUNT = {"valueCodeableConcept": None, "valueQuantity": {"value": 1.5, "unit": "bao/ngày"}}


def answers(**changes):
    return list(SECTION.from_fhir(resource({**SMOKING, **changes}, VISIT)))


def answer(**changes):
    (row,) = answers(**changes)
    return row


def test_reads_a_coded_answer():
    row = answer()
    assert (row.kind, row.code, row.display) == ("tobacco", "72166-2", "Tình trạng hút thuốc")
    assert (row.value, row.value_code, row.value_system) == ("Chưa bao giờ hút", "LA18978-9", LOINC)
    assert (row.occurred, row.performer, row.note) == ("2025-03-14T08:00:00+07:00", "ĐD. Vũ Thị Hồng", "tự khai")
    assert row.answers == [{"question": "Số điếu mỗi ngày", "value": "0", "unit": "điếu"}]


def test_reads_an_amount():
    row = answer(**AMOUNT)
    assert (row.value, row.value_number, row.unit, row.value_code) == ("1.5", Decimal("1.5"), "bao/ngày", None)


def test_reads_since_when_and_until_when():
    row = answer(effectiveDateTime=None, effectivePeriod={"start": "2001", "end": "2010-06"})
    assert (row.occurred, row.ended) == ("2001", "2010-06")


@pytest.mark.parametrize(
    ("words", "kind"),
    [("Uống rượu", "alcohol"), ("Nghề nghiệp", "occupation"), ("Đang mang thai?", "pregnancy"), ("Nhà vệ sinh", None)],
)
def test_tells_the_kind_by_words_where_there_is_no_code(words, kind):
    assert answer(code={"text": words}).kind == kind


def test_takes_a_well_known_question_under_another_category():
    survey = [{"coding": [{"code": "survey"}]}]
    assert answer(category=survey).kind == "tobacco"
    assert answer(category=None).kind == "tobacco"
    assert answers(category=survey, code={"text": "Hút thuốc lá"}) == []


@pytest.mark.parametrize("category", ["laboratory", "vital-signs", "imaging"])
def test_leaves_other_sections_their_own(category):
    assert answers(category=[{"coding": [{"code": category}]}]) == []


def test_asked_again_is_a_new_fact_and_another_answer_a_contradiction():
    assert answer().fact() == answer(performer=None).fact() != answer(effectiveDateTime="2024").fact()
    assert answer().content() == answer(performer=None, note=None).content()
    assert answer().content() != answer(valueCodeableConcept=None, valueString="Đang hút").content()


def test_label_by_the_question_by_the_answer_or_by_a_part():
    assert answer().sensitivity == ""
    assert answer(code={"text": "Sử dụng ma túy"}).sensitivity == "SUBSTANCE"
    assert answer(valueCodeableConcept={"text": "Nghiện ma túy"}).sensitivity == "SUBSTANCE"
    assert answer(component=[{"code": {"text": "Sử dụng ma túy"}}]).sensitivity == "SUBSTANCE"


def test_the_visit_table_has_no_social_history():
    assert list(SECTION.from_qd4750(visit())) == []


def test_comes_back_as_it_was_written():
    for changes in (
        {},
        AMOUNT,
        {"valueCodeableConcept": None, "valueString": "5,0"},
        {"valueCodeableConcept": None, "valueBoolean": True},
        {"effectiveDateTime": None, "effectivePeriod": {"start": "2001", "end": "2010-06"}},
        {"effectiveDateTime": None, "effectivePeriod": {"end": "2010-06"}},
    ):
        row = answer(**changes)
        assert own(again(SECTION, row)) == own(row)


def test_writes_a_category_that_its_scope_names():
    body = written(SECTION, answer())
    coding = body["category"][0]["coding"][0]
    assert SECTION.smart == (f"patient/Observation.rs?category={coding['system']}|{coding['code']}",)
    assert body["resourceType"] == SECTION.holds[0]


@settings(deadline=None)  # two shared cores
@given(body=hostile(SMOKING))
def test_never_raises(body):
    for row in SECTION.from_fhir(resource(body, VISIT)):
        assert own(again(SECTION, row)) == own(row)
