"""Who the book is about: FHIR Patient and RelatedPerson in and out, XML1, XML0, XML7 and XML8 in."""

import pytest
from hypothesis import given, settings

from domain.sections.demographics import SECTION
from tests.domain.sections.bundles import PATIENT, again, hostile, own, resource, written
from tests.domain.sections.visits import ARRIVED, check_in, discharge, in_progress, record_summary, summary, visit

SID = "http://healthbook.vn/fhir/sid/"
EXTENSION = "http://healthbook.vn/fhir/StructureDefinition/"
WOMAN = {
    "resourceType": "Patient",
    "id": "p1",
    "meta": {"lastUpdated": "2025-03-14T03:00:00Z"},
    "extension": [
        {"url": f"{EXTENSION}patient-blood-group", "valueString": "O+"},
        {"url": f"{EXTENSION}patient-ethnicity-code", "valueCode": "01"},
    ],
    "identifier": [
        {"system": f"{SID}cccd", "value": "001155000123"},
        {"system": f"{SID}facility-patient/99001", "value": "BN0001"},
        {"type": {"coding": [{"code": "PPN"}]}, "system": "urn:x", "value": "C1234567", "assigner": {"display": "Cục"}},
        {"system": "urn:y", "value": "77"},
    ],
    "name": [
        {"use": "maiden", "text": "Nguyễn Thị Lam"},
        {"use": "official", "family": "Nguyễn", "given": ["Thị", "Chàm"]},
    ],
    "telecom": [
        {"system": "phone", "value": "0912345678", "use": "old"},
        {"system": "phone", "value": "0987654321"},
        {"system": "phone", "value": "0987654321"},
        {"system": "email", "value": "cham@example.com"},
    ],
    "gender": "female",
    "birthDate": "1955",
    "deceasedBoolean": False,
    "address": [
        {"use": "old", "text": "Nhà cũ"},
        {
            "use": "home",
            "line": ["Số 1 ngõ 2"],
            "city": "Hà Nội",
            "extension": [
                {"url": f"{EXTENSION}province-code", "valueCode": "01"},
                {"url": f"{EXTENSION}commune-code", "valueCoding": {"code": "00070"}},
            ],
        },
    ],
    "maritalStatus": {"text": "Đã kết hôn"},
    "contact": [
        {
            "relationship": [{"coding": [{"code": "C"}, {"code": "MTH"}]}],
            "name": {"text": "Trần Thị Nâu"},
            "telecom": [{"system": "phone", "value": "0900000001"}],
        }
    ],
    "communication": [{"language": {"coding": [{"code": "vi"}]}}],
}
SON = {
    "resourceType": "RelatedPerson",
    "id": "r1",
    "patient": {"reference": "urn:uuid:p1"},
    "relationship": [{"text": "con trai"}],
    "name": [{"text": "Lê Văn Xám"}],
}
STRANGER = {**SON, "id": "r2", "patient": {"reference": "Patient/p2"}, "name": [{"text": "Người khác"}]}


def person(*others, **changes):
    (row,) = SECTION.from_fhir(resource({**WOMAN, **changes}, *others))
    return row


def sent(**fields):
    (row,) = SECTION.from_qd4750(visit(summary=summary(**fields)))
    return row


def numbers(row):
    return [(one["kind"], one["value"], one.get("issuer")) for one in row.identifiers or []]


def said(row):
    """All but when it was said: FHIR keeps that as the time of the export."""
    return {name: value for name, value in own(row).items() if name != "occurred"}


def test_reads_a_patient():
    row = person()
    assert (row.name, row.is_temporary_name, row.birth_date, row.sex) == (
        "Nguyễn Thị Chàm",
        False,
        "1955",
        "female",
    )
    assert (row.blood_group, row.ethnicity_code, row.marital_status, row.languages) == (
        "O+",
        "01",
        "Đã kết hôn",
        ["vi"],
    )
    assert (row.phones, row.emails) == (["0987654321"], ["cham@example.com"])
    assert (row.address, row.province_code, row.commune_code) == ("Số 1 ngõ 2, Hà Nội", "01", "00070")
    assert (row.is_deceased, row.death_date) == (False, None)
    assert row.occurred == "2025-03-14T10:00:00+07:00"


def test_reads_the_numbers_and_who_gave_them():
    assert numbers(person()) == [
        ("cccd", "001155000123", None),
        ("facility_patient_id", "BN0001", "99001"),
        ("passport", "C1234567", "Cục"),
        ("other", "77", None),
    ]


def test_reads_contacts_of_this_patient_only():
    row = person(SON, STRANGER, {**WOMAN, "id": "p2"})
    assert row.contacts == [
        {"name": "Trần Thị Nâu", "relation": "mother", "phone": "0900000001"},
        {"name": "Lê Văn Xám", "relation": "con trai"},
    ]
    assert list(SECTION.from_fhir(resource(SON, WOMAN))) == []


def test_reads_the_time_of_birth_where_it_is_given():
    time = {"url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime", "valueDateTime": "2025-03-14T01:02:00Z"}
    row = person(birthDate="2025-03-14", _birthDate={"extension": [time]})
    assert row.birth_date == "2025-03-14T08:02:00+07:00"
    assert said(again(SECTION, row)) == said(row)


def test_a_known_death_date_means_dead():
    row = person(deceasedBoolean=None, deceasedDateTime="2025-01")
    assert (row.is_deceased, row.death_date) == (True, "2025-01")


def test_an_unknown_gender_is_absent_and_noted():
    target = resource({**WOMAN, "gender": "nữ"})
    (row,) = SECTION.from_fhir(target)
    assert row.sex is None
    assert [(issue.field, issue.code) for issue in target.issues] == [("gender", "code-invalid")]


def test_reads_a_visit():
    row = sent(
        blood_group="O+",
        ethnicity="01",
        nationality="000",
        occupation="00",
        address="Số 1, Hà Nội",
        province="01",
        commune="00070",
        phone="0987654321",
    )
    assert (row.name, row.birth_date, row.sex) == ("NGUYỄN THỊ CHÀM", "1955", "female")
    assert (row.blood_group, row.ethnicity_code, row.ethnicity) == ("O+", "01", "Kinh")
    assert (row.nationality_code, row.occupation_code, row.phones) == ("000", "00", ["0987654321"])
    assert (row.address, row.province_code, row.commune_code) == ("Số 1, Hà Nội", "01", "00070")
    assert numbers(row) == [("cccd", "001155000123", None), ("facility_patient_id", "BN0001", "99001")]
    assert (row.occurred, row.document, row.is_deceased) == (ARRIVED, "XML1", None)


def test_reads_a_visit_in_progress():
    (row,) = SECTION.from_qd4750(in_progress(check_in=[check_in(card_numbers=("HT2010112345678",))]))
    assert (row.document, row.name, row.address) == ("XML0", "NGUYỄN THỊ CHÀM", None)
    assert ("bhyt", "HT2010112345678", None) in numbers(row)
    assert ("bhxh", "0112345678", None) in numbers(row)


@pytest.mark.parametrize(
    ("fields", "system"),
    [
        ({"province": "01", "commune": "00070"}, "63-provinces"),
        ({"province": "01", "commune": "00070", "arrived_at": "2025-07-01T00:00:00+07:00"}, "34-provinces"),
        ({"province": "01", "district": "001", "arrived_at": "2026-01-01T00:00:00+07:00"}, "63-provinces"),
        ({}, None),
    ],
)
def test_says_which_list_the_codes_of_a_place_are_of(fields, system):
    assert sent(**fields).address_system == system


@pytest.mark.parametrize(("result", "died"), [("5", True), ("8", True), ("6", None)])
def test_knows_of_a_death_but_not_its_day(result, died):
    row = sent(result=result)
    assert (row.is_deceased, row.death_date) == (died, None)


def test_a_birth_certificate_number_is_kept_as_sent():
    assert ("other", "12/2025", None) in numbers(sent(personal_number="12/2025"))


def test_a_newborn_bears_a_temporary_name_and_no_number_of_the_mother():
    row = sent(personal_number="001190000123", birth_raw="202503100815", sex="1")
    assert row.is_temporary_name is True
    assert numbers(row) == [("facility_patient_id", "BN0001", "99001")]
    assert sent().is_temporary_name is False


def test_parents_and_guardian_are_contacts_once():
    (row,) = SECTION.from_qd4750(
        visit(
            discharge=discharge(father_name="Lê Văn Xám", mother_name="NGUYỄN THỊ HOÀ"),
            record_summary=record_summary(mother_name="Nguyễn Thị Hòa", guardian_name="Lê Văn Nâu"),
        )
    )
    assert [(one["relation"], one["name"]) for one in row.contacts] == [
        ("father", "Lê Văn Xám"),
        ("mother", "Nguyễn Thị Hòa"),
        ("guardian", "Lê Văn Nâu"),
    ]


def test_there_is_one_fact_and_details_do_not_contradict():
    assert person().fact() == sent().fact()
    assert person(bloodGroup=None).content()[:4] == sent().content()[:4]
    assert sent().content() == sent(phone="0900000009", address="Nơi mới").content()
    newborn = {"personal_number": None, "birth_raw": "202503100000"}
    assert sent(**newborn).content() == sent(name="CON BÀ TRẦN THỊ NÂU", **newborn).content()


def test_another_name_sex_or_year_of_birth_contradicts():
    for changes in ({"name": "LÊ VĂN XÁM"}, {"sex": "1"}, {"birth_raw": "196600000000"}):
        assert sent(**changes).content() != sent().content()


def test_comes_back_as_it_was_written():
    for row in (person(SON), person(telecom=None, address=None, contact=None), sent(province="01", phone="0987654321")):
        assert said(again(SECTION, row)) == said(row)


def test_the_resource_has_the_id_that_all_others_point_to():
    body = written(SECTION, person())
    assert (body["resourceType"], body["id"]) == (SECTION.holds[0], str(PATIENT))


@settings(deadline=None)  # two shared cores
@given(body=hostile(WOMAN), other=hostile(SON))
def test_never_raises(body, other):
    for row in SECTION.from_fhir(resource(body, other)):
        assert said(again(SECTION, row)) == said(row)
