"""Conditions: FHIR Condition in and out, XML1's diagnoses in."""

from hypothesis import given, settings

from domain.sections.conditions import SECTION
from tests.domain.sections.bundles import again, hostile, own, resource, written
from tests.domain.sections.visits import ARRIVED, ENDED, in_progress, summary, visit

SNOMED, ICD10 = "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10"
DIABETES = {
    "resourceType": "Condition",
    "id": "c1",
    "clinicalStatus": {"coding": [{"code": "active"}]},
    "verificationStatus": {"coding": [{"code": "confirmed"}]},
    "category": [{"coding": [{"code": "problem-list-item"}]}],
    "severity": {"text": "vừa"},
    "code": {
        "coding": [{"system": SNOMED, "code": "44054006"}, {"system": ICD10, "code": "E11.9"}],
        "text": "Đái tháo đường típ 2",
    },
    "bodySite": [{"text": "tụy"}],
    "subject": {"reference": "Patient/p1"},
    "encounter": {"reference": "Encounter/e1"},
    "onsetDateTime": "2015",
    "recordedDate": "2016-10",
    "asserter": {"display": "BS. Lê Văn Lam"},
    "stage": [{"summary": {"text": "giai đoạn 1"}}],
    "note": [{"text": "Theo dõi"}, {"text": "mỗi ba tháng"}],
}
VISIT = {"resourceType": "Encounter", "id": "e1", "period": {"start": "2016-10-02"}}


def conditions(body, *others):
    return list(SECTION.from_fhir(resource(body, *others)))


def condition(**changes):
    (row,) = conditions({**DIABETES, **changes}, VISIT)
    return row


def diagnosed(**fields):
    return list(SECTION.from_qd4750(visit(summary=summary(**fields))))


def test_reads_the_problem_list():
    row = condition()
    assert (row.code_system, row.code, row.icd10) == (SNOMED, "44054006", "E11.9")
    assert (row.display, row.severity, row.body_site, row.stage) == (
        "Đái tháo đường típ 2",
        "vừa",
        "tụy",
        "giai đoạn 1",
    )
    assert (row.category, row.clinical_status, row.verification_status) == ("problem-list-item", "active", "confirmed")
    assert (row.occurred, row.recorded_on, row.asserter) == ("2015", "2016-10", "BS. Lê Văn Lam")
    assert row.note == "Theo dõi\nmỗi ba tháng"


def test_happened_in_its_visit_if_nothing_else_is_known():
    assert condition(onsetDateTime=None, recordedDate=None).occurred == "2016-10-02"


def test_reads_main_secondary_and_traditional_diagnoses_of_a_visit():
    rows = diagnosed(
        main_icd10="I10",
        other_icd10=("E11.9", "I10", "E78.5"),
        traditional_codes=("U57.121",),
        final_diagnosis="Tăng huyết áp; Đái tháo đường típ 2; Rối loạn lipid máu",
    )
    assert [(row.rank, row.code, row.display) for row in rows] == [
        ("main", "I10", "Tăng huyết áp"),
        ("secondary", "E11.9", "Đái tháo đường típ 2"),
        ("secondary", "E78.5", "Rối loạn lipid máu"),
        ("traditional", "U57.121", None),
    ]
    assert {(row.occurred, row.recorded_on) for row in rows} == {(ARRIVED, ENDED)}
    assert rows[-1].icd10 is None
    assert len({row.encounter_id for row in rows}) == 1


def test_words_that_cannot_be_divided_stand_with_no_code():
    rows = diagnosed(main_icd10="I10", other_icd10=("B20",), final_diagnosis="Tăng huyết áp và bệnh khác")
    assert [row.display for row in rows] == [None, None]
    (alone,) = diagnosed(main_icd10="I10", final_diagnosis="Tăng huyết áp; độ 2")
    assert alone.display == "Tăng huyết áp; độ 2"


def test_a_diagnosis_without_a_code_is_kept_in_words():
    (row,) = diagnosed(final_diagnosis="Viêm họng")
    assert (row.rank, row.code, row.code_system, row.display) == ("main", None, None, "Viêm họng")


def test_a_visit_in_progress_has_no_diagnosis():
    assert list(SECTION.from_qd4750(in_progress())) == []
    assert diagnosed() == []


def test_the_same_illness_from_a_hospital_file_and_from_fhir_is_one_fact():
    (sent,) = diagnosed(main_icd10="E11.9")
    national = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "e11.9"}]}
    assert sent.fact() == condition().fact() == condition(code=national).fact()
    assert sent.content() == condition().content() == condition(clinicalStatus=None, recordedDate="2020").content()


def test_dagger_and_asterisk_are_no_other_illness():
    (plain,), (dagger,) = diagnosed(main_icd10="E11.3"), diagnosed(main_icd10="E11.3†")
    assert plain.fact() == dagger.fact()


def test_a_refuted_diagnosis_contradicts():
    assert condition().content() != condition(verificationStatus={"coding": [{"code": "refuted"}]}).content()


def test_labels_each_diagnosis_by_itself():
    rows = diagnosed(main_icd10="B20", other_icd10=("K52.9", "F32"))
    assert [row.sensitivity for row in rows] == ["HIV", "", "MENTAL"]
    icd = {"coding": [{"system": ICD10, "code": "Z21"}], "text": "Bệnh mạn tính"}
    assert condition(code=icd).sensitivity == "HIV"
    assert condition().sensitivity == ""


def test_says_that_nothing_is_known():
    none = {"coding": [{"system": SNOMED, "code": "160245001", "display": "No current problems or disability"}]}
    assert condition(code=none).is_absence is True
    assert condition().is_absence is False


def test_leaves_out_a_condition_without_a_name_and_says_so():
    target = resource({**DIABETES, "code": {"coding": [{"system": SNOMED}]}})
    assert list(SECTION.from_fhir(target)) == []
    assert [issue.code for issue in target.issues] == ["required"]


def test_comes_back_as_it_was_written():
    for changes in (
        {},
        {"onsetDateTime": None, "onsetString": "nhiều năm nay", "abatementDateTime": "2020-01"},
        {"onsetDateTime": None, "onsetRange": {"low": {"value": 30, "unit": "a"}, "high": {"value": 35}}},
        {"code": {"text": "Đau lưng"}, "clinicalStatus": None, "encounter": None},
    ):
        row = condition(**changes)
        assert own(again(SECTION, row)) == own(row)


def test_a_visit_diagnosis_keeps_its_rank_through_fhir():
    (row,) = diagnosed(main_icd10="I10")
    body = written(SECTION, row)
    assert body["resourceType"] == SECTION.holds[0]
    assert body["code"]["coding"] == [{"system": ICD10, "code": "I10"}]
    assert again(SECTION, row).rank == "main"


@settings(deadline=None)  # two shared cores
@given(body=hostile(DIABETES))
def test_never_raises(body):
    for row in conditions(body, VISIT):
        assert own(again(SECTION, row)) == own(row)
