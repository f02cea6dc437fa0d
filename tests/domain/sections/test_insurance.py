"""Insurance: cards of XML1 and XML0 in, FHIR Coverage in and out."""

import pytest
from hypothesis import given

from domain.sections.insurance import SECTION
from tests.domain.sections.bundles import again, hostile, own, resource, stored, written
from tests.domain.sections.visits import check_in, in_progress, summary, visit

BHYT, BHXH = "http://healthbook.vn/fhir/sid/bhyt", "http://healthbook.vn/fhir/sid/bhxh"
COVERAGE = {
    "resourceType": "Coverage",
    "id": "c1",
    "identifier": [{"system": BHYT, "value": "HT2010112345678"}],
    "status": "active",
    "type": {"coding": [{"system": "urn:mine", "code": "bhyt"}], "text": "Bảo hiểm y tế"},
    "subscriber": {"display": "Nguyễn Thị Chàm"},
    "beneficiary": {"reference": "Patient/p1"},
    "relationship": {"coding": [{"code": "self"}]},
    "period": {"start": "2025-01-01", "end": "2025-12-31"},
    "payor": [{"display": "Bảo hiểm xã hội Việt Nam"}],
    "class": [{"type": {"coding": [{"code": "plan"}]}, "value": "A", "name": "Gói A"}],
}
TWO = {
    "card_numbers": ("GD4010112345678", "HT2010112345678"),
    "card_facilities": ("99001", "99002"),
    "card_valid_from": ("2024-01-01", "2025-01-01"),
    "card_valid_until": ("2024-12-31", "2025-12-31"),
}


def coverage(**changes):
    (row,) = SECTION.from_fhir(resource({**COVERAGE, **changes}))
    return row


def cards(**fields):
    return list(SECTION.from_qd4750(visit(summary=summary(**fields))))


def test_reads_every_card_of_a_visit():
    old, new = cards(**TWO)
    assert (old.card_number, old.valid_from, old.valid_until) == ("GD4010112345678", "2024-01-01", "2024-12-31")
    assert (new.card_number, new.registered_facility_code, new.occurred) == ("HT2010112345678", "99002", "2025-01-01")
    assert (new.object_group, new.benefit_level, new.province_code) == ("HT", "2", "01")
    assert new.social_insurance_number == "0112345678"
    assert new.document == "XML1"


def test_what_the_visit_says_of_the_person_stands_with_the_card_valid_then():
    old, new = cards(**TWO, five_years_on="2020-01-01", copayment_exempt_from="2025-02-01", area="K1")
    assert (old.five_years_on, old.copayment_exempt_from, old.area) == (None, None, None)
    assert (new.five_years_on, new.copayment_exempt_from, new.area) == ("2020-01-01", "2025-02-01", "K1")


def test_reads_the_card_of_a_visit_in_progress():
    row = check_in(card_numbers=("HT2010112345678",), card_valid_from=("2025-01-01",))
    (card,) = SECTION.from_qd4750(in_progress(check_in=[row]))
    assert (card.document, card.card_number, card.valid_until) == ("XML0", "HT2010112345678", None)


def test_a_visit_without_a_card_has_none():
    assert cards() == []


@pytest.mark.parametrize("number", ["0112345678", "HT 2 01 0112345678", "ht2010112345678"])
def test_the_printed_and_the_long_number_are_one_card(number):
    (_, sent) = cards(**TWO)
    said = coverage(identifier=[{"system": BHYT, "value": number}])
    assert said.card_number == number
    assert said.fact() == sent.fact()
    assert said.content() == sent.content()


def test_a_renewed_card_is_another_fact_and_another_end_contradicts():
    assert coverage(period={"start": "2026-01-01"}).fact() != coverage().fact()
    changed = coverage(period={"start": "2025-01-01", "end": "2025-06-30"})
    assert changed.fact() == coverage().fact()
    assert changed.content() != coverage().content()


def test_reads_the_card_of_another_insurer_as_it_is():
    row = coverage(identifier=[{"system": "urn:other", "value": "POL-77"}], payor=[{"display": "Bảo hiểm Mẫu"}])
    assert (row.card_number, row.object_group, row.social_insurance_number) == ("POL-77", None, None)
    assert row.payer == "Bảo hiểm Mẫu"
    assert "identifier" not in written(SECTION, row)


def test_the_social_insurance_number_is_no_card():
    row = coverage(identifier=[{"system": BHXH, "value": "0112345678"}])
    assert (row.card_number, row.social_insurance_number) == (None, "0112345678")


def test_leaves_out_a_policy_of_nothing_and_says_so():
    target = resource({**COVERAGE, "identifier": None, "type": None, "payor": None})
    assert list(SECTION.from_fhir(target)) == []
    assert [issue.code for issue in target.issues] == ["required"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"identifier": [{"system": "urn:other", "value": "POL-77"}], "class": None},
        {"identifier": [{"system": BHXH, "value": "0112345678"}], "payor": None, "relationship": None},
        {"period": {"end": "2025"}, "subscriberId": "0112345678", "identifier": None},
        {"class": [{"name": "Gói B"}], "dependent": "02", "policyHolder": {"display": "Công ty Mẫu"}},
    ],
)
def test_comes_back_as_it_was_written(changes):
    row = coverage(**changes)
    assert own(again(SECTION, row)) == own(row)


def test_a_card_of_a_hospital_file_survives_fhir_whole():
    (_, row) = cards(**TWO, five_years_on="2020-01-01", area="K1")
    body = written(SECTION, row)
    assert body["resourceType"] == SECTION.holds[0]
    assert [identifier["system"] for identifier in body["identifier"]] == [BHYT, BHXH]
    assert own(again(SECTION, row)) == own(row)


@given(hostile(COVERAGE))
def test_never_fails_on_hostile_input(body):
    for row in SECTION.from_fhir(resource(body)):
        assert SECTION.to_fhir(stored(row))["payor"]
        assert row.fact()
