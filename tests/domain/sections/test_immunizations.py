"""Immunizations: FHIR Immunization in and out; QĐ 4750 has none."""

from decimal import Decimal

import pytest
from hypothesis import given

from domain.exchange.fhir_systems import VACCINATION_PROGRAMME
from domain.reference import vaccines
from domain.sections.immunizations import SECTION
from tests.domain.sections.bundles import again, hostile, own, resource, stored, written
from tests.domain.sections.visits import drug, visit

CVX, ATC = "http://hl7.org/fhir/sid/cvx", "http://www.whocc.no/atc"
FACILITY = "http://healthbook.vn/fhir/sid/ma-cskcb"
LICENCE = "http://healthbook.vn/fhir/sid/practitioner-licence"
DOSE = {
    "resourceType": "Immunization",
    "id": "i1",
    "status": "completed",
    "vaccineCode": {"coding": [{"system": CVX, "code": "102"}], "text": "ComBE Five"},
    "patient": {"reference": "Patient/p1"},
    "encounter": {"reference": "Encounter/e1"},
    "occurrenceDateTime": "2025-03-14T09:00:00+07:00",
    "recorded": "2025-03-15",
    "primarySource": True,
    "location": {"identifier": {"system": FACILITY, "value": "99001"}, "display": "Trạm y tế xã Mẫu"},
    "manufacturer": {"display": "Nhà máy Mẫu"},
    "lotNumber": "LO-0001",
    "expirationDate": "2026-01-31",
    "site": {"coding": [{"code": "LT"}], "text": "đùi trái"},
    "route": {"text": "tiêm bắp"},
    "doseQuantity": {"value": 0.5, "unit": "ml"},
    "performer": [{"actor": {"identifier": {"system": LICENCE, "value": "000123"}, "display": "ĐD. Trần Thị Mẫu"}}],
    "note": [{"text": "Trẻ khỏe"}],
    "isSubpotent": False,
    "programEligibility": [{"coding": [{"system": VACCINATION_PROGRAMME, "code": "expanded"}], "text": "TCMR"}],
    "reaction": [{"date": "2025-03-15", "detail": {"display": "sốt nhẹ"}, "reported": True}],
    "protocolApplied": [
        {
            "series": "Tiêm chủng mở rộng",
            "targetDisease": [{"text": "Bạch hầu"}, {"text": "Uốn ván"}],
            "doseNumberPositiveInt": 2,
            "seriesDosesPositiveInt": 3,
        }
    ],
}
VISIT = {"resourceType": "Encounter", "id": "e1"}


def dose(**changes):
    (row,) = SECTION.from_fhir(resource({**DOSE, **changes}, VISIT))
    return row


def test_reads_a_dose():
    row = dose()
    assert (row.occurred, row.status, row.vaccine) == ("2025-03-14T09:00:00+07:00", "completed", "ComBE Five")
    assert (row.vaccine_system, row.vaccine_code) == (CVX, "102")
    assert (row.dose_number, row.series_doses, row.target_diseases) == (2, 3, ["Bạch hầu", "Uốn ván"])
    assert (row.lot_number, row.expires_on, row.manufacturer) == ("LO-0001", "2026-01-31", "Nhà máy Mẫu")
    assert (row.dose_quantity, row.dose_unit, row.site) == (Decimal("0.5"), "ml", "đùi trái")
    assert (row.facility_code, row.facility) == ("99001", "Trạm y tế xã Mẫu")
    assert (row.performer_code, row.performer) == ("000123", "ĐD. Trần Thị Mẫu")
    assert (row.programme_code, row.programme) == ("expanded", "TCMR")
    assert row.reactions == [{"occurred": "2025-03-15", "description": "sốt nhẹ", "is_self_reported": True}]
    assert row.encounter_id is not None


@pytest.mark.parametrize(
    ("vaccine", "meant"),
    [
        ({"coding": [{"system": CVX, "code": "102"}]}, "DTWP-HEPB-HIB"),
        ({"coding": [{"system": "urn:mine", "code": "x"}, {"system": CVX, "code": "8"}]}, "HEPB-PED"),
        ({"coding": [{"system": ATC, "code": "J07AN01"}]}, "BCG"),
        ({"text": "Vắc xin sởi - rubella (MR)"}, "MR"),
    ],
)
def test_knows_what_a_vaccine_protects_from(vaccine, meant):
    (known,) = vaccines.by_code("own", meant)
    assert dose(vaccineCode=vaccine).antigens == sorted(known.antigens)


def test_makes_no_guess_of_what_it_does_not_know():
    assert dose(vaccineCode={"text": "Không ai biết"}).antigens is None


def test_the_same_dose_from_two_places_is_one_fact():
    other = dose(vaccineCode={"text": "DPT-VGB-Hib"}, occurrenceDateTime="2025-03-14", lotNumber=None, note=None)
    assert other.fact() == dose().fact()
    assert other.content() == dose().content()


def test_another_day_is_another_dose():
    assert dose(occurrenceDateTime="2025-04-14").fact() != dose().fact()


def test_doses_without_a_day_are_told_apart_by_their_number():
    first, second = ({**DOSE["protocolApplied"][0], "doseNumberPositiveInt": number} for number in (1, 2))
    vague = {"occurrenceDateTime": "1990"}
    assert dose(**vague, protocolApplied=[first]).fact() != dose(**vague, protocolApplied=[second]).fact()
    assert dose(**vague, protocolApplied=[first]).fact() == dose(**vague, protocolApplied=[first]).fact()


def test_a_dose_that_was_not_given_contradicts():
    assert dose(status="not-done").content() != dose().content()


def test_reads_a_dose_in_words():
    row = dose(protocolApplied=[{"doseNumberString": "Nhắc lại"}])
    assert (row.dose_number, row.dose_label) == (None, "Nhắc lại")
    assert dose(protocolApplied=[{"doseNumberString": "3"}]).dose_number == 3


def test_finds_the_place_among_the_performers():
    clinic = {"resourceType": "Organization", "id": "o1", "name": "Phòng tiêm Mẫu"}
    body = {**DOSE, "location": None, "performer": [{"actor": {"reference": "Organization/o1"}}]}
    (row,) = SECTION.from_fhir(resource(body, clinic))
    assert (row.facility, row.performer) == ("Phòng tiêm Mẫu", None)


def test_leaves_out_a_dose_of_no_vaccine_and_says_so():
    target = resource({**DOSE, "vaccineCode": {}})
    assert list(SECTION.from_fhir(target)) == []
    assert [issue.code for issue in target.issues] == ["required"]


def test_takes_the_senders_label():
    meta = {"security": [{"code": "HIV"}]}
    assert dose(meta=meta).sensitivity == "HIV"
    assert dose().sensitivity == ""


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"status": "not-done", "statusReason": {"text": "trẻ sốt"}, "protocolApplied": None, "reaction": None},
        {"occurrenceDateTime": None, "occurrenceString": "lúc còn nhỏ", "encounter": None},
        {"occurrenceDateTime": None, "protocolApplied": [{"doseNumberString": "Nhắc lại"}]},
        {"occurrenceDateTime": "1990-05", "vaccineCode": {"text": "Không ai biết"}, "location": None},
        {"vaccineCode": {"coding": [{"system": "urn:mine", "code": "x"}, {"system": CVX, "code": "08"}]}},
        {"protocolApplied": [{"series": "TCMR"}], "fundingSource": {"text": "dự án"}, "programEligibility": None},
    ],
)
def test_comes_back_as_it_was_written(changes):
    row = dose(**changes)
    assert own(again(SECTION, row)) == own(row)


def test_writes_what_fhir_requires_even_if_nobody_said_it():
    body = written(SECTION, dose(occurrenceDateTime=None))
    assert body["resourceType"] == SECTION.holds[0]
    assert body["_occurrenceString"]["extension"]
    assert body["patient"]["reference"].startswith("Patient/")


def test_a_hospital_file_holds_no_vaccination():
    assert list(SECTION.from_qd4750(visit(drugs=[drug()]))) == []


@given(hostile(DOSE))
def test_never_fails_on_hostile_input(body):
    for row in SECTION.from_fhir(resource(body, VISIT)):
        assert SECTION.to_fhir(stored(row))["resourceType"] == "Immunization"
        assert row.fact()
