"""Prescriptions: XML2 in; FHIR MedicationRequest, MedicationStatement and MedicationDispense in and out."""

import copy
from decimal import Decimal

import pytest
from hypothesis import given

from domain.exchange.fhir_systems import DRUG, PRESCRIPTION
from domain.sections.prescriptions import SECTION, Dispense, Prescription, PrescriptionItem, resources
from tests.domain.sections import bundles
from tests.domain.sections.bundles import again, hostile, own, resource, stored, written
from tests.domain.sections.visits import FACILITY, drug, summary, visit

ATC, ICD10 = "http://www.whocc.no/atc", "http://hl7.org/fhir/sid/icd-10"
CODE = "99001A1B2C3D-c"
REQUEST = {
    "resourceType": "MedicationRequest",
    "id": "m1",
    "status": "active",
    "intent": "order",
    "category": [{"coding": [{"code": "outpatient"}]}],
    "medicationCodeableConcept": {
        "coding": [{"system": DRUG, "code": "40.30"}, {"system": ATC, "code": "N02BE01"}],
        "text": "Paracetamol 500mg",
    },
    "subject": {"reference": "Patient/p1"},
    "encounter": {"reference": "Encounter/e1"},
    "authoredOn": "2025-03-14T09:00:25+07:00",
    "requester": {"reference": "Practitioner/d1"},
    "reasonCode": [{"coding": [{"system": ICD10, "code": "R50.9"}], "text": "Sốt"}],
    "groupIdentifier": {"system": PRESCRIPTION, "value": CODE},
    "priorPrescription": {"identifier": {"system": PRESCRIPTION, "value": "99001A1B2C3C-c"}},
    "note": [{"text": "Uống sau ăn"}],
    "dosageInstruction": [
        {
            "text": "2 viên/lần, ngày 2 lần",
            "patientInstruction": "Không quá 4 viên một ngày",
            "asNeededCodeableConcept": {"text": "khi sốt trên 38,5 độ"},
            "route": {"coding": [{"system": "urn:mine", "code": "1.01"}], "text": "uống"},
            "timing": {
                "repeat": {
                    "frequency": 2,
                    "period": 1,
                    "periodUnit": "d",
                    "boundsDuration": {"value": 5, "unit": "d", "code": "d"},
                }
            },
            "doseAndRate": [{"doseQuantity": {"value": 2, "unit": "viên"}}],
        }
    ],
    "dispenseRequest": {
        "validityPeriod": {"start": "2025-03-14", "end": "2025-03-19"},
        "numberOfRepeatsAllowed": 1,
        "quantity": {"value": 20, "unit": "viên"},
        "expectedSupplyDuration": {"value": 5, "unit": "d"},
    },
    "substitution": {"allowedBoolean": False},
}
SECOND = {**REQUEST, "id": "m2", "medicationCodeableConcept": {"text": "Vitamin C 500mg"}, "dispenseRequest": None}
OTHER = {**REQUEST, "id": "m3", "groupIdentifier": {"system": PRESCRIPTION, "value": "99001ZZZZZZZ-n"}}
VISIT = {"resourceType": "Encounter", "id": "e1"}
DOCTOR = {
    "resourceType": "Practitioner",
    "id": "d1",
    "identifier": [{"system": "http://healthbook.vn/fhir/sid/practitioner-licence", "value": "000123/HNO-CCHN"}],
    "name": [{"text": "BS. Lê Văn Lam"}],
}
STATEMENT = {
    "resourceType": "MedicationStatement",
    "id": "t1",
    "status": "active",
    "contained": [
        {
            "resourceType": "Medication",
            "id": "drug",
            "code": {"text": "Metformin"},
            "form": {"text": "viên nén"},
            "ingredient": [
                {"strength": {"numerator": {"value": 850, "unit": "mg"}, "denominator": {"value": 1, "unit": "viên"}}}
            ],
        }
    ],
    "medicationReference": {"reference": "#drug"},
    "subject": {"reference": "Patient/p1"},
    "effectivePeriod": {"start": "2020-05"},
    "informationSource": {"display": "Con gái"},
    "dosage": [{"text": "1 viên/lần * 2 lần/ngày * 30 ngày [2 viên/ngày]"}],
}
DISPENSE = {
    "resourceType": "MedicationDispense",
    "id": "x1",
    "status": "completed",
    "contained": [
        {
            "resourceType": "Medication",
            "id": "drug",
            "code": {"coding": [{"system": ATC, "code": "N02BE01"}], "text": "Paracetamol STADA"},
            "batch": {"lotNumber": "LO-9", "expirationDate": "2027-01"},
        }
    ],
    "medicationReference": {"reference": "#drug"},
    "subject": {"reference": "Patient/p1"},
    "context": {"reference": "Encounter/e1"},
    "performer": [
        {"actor": {"display": "DS. Phạm Thị Mẫu"}},
        {"actor": {"type": "Organization", "display": "Nhà thuốc Mẫu"}},
    ],
    "authorizingPrescription": [{"reference": "MedicationRequest/m2"}],
    "type": {"coding": [{"code": "PF"}]},
    "quantity": {"value": 10, "unit": "viên"},
    "daysSupply": {"value": 5, "unit": "d"},
    "whenPrepared": "2025-03-14T10:00:00+07:00",
    "whenHandedOver": "2025-03-14T10:10:00+07:00",
    "receiver": [{"display": "Nguyễn Thị Chàm"}],
    "note": [{"text": "Phát một nửa"}],
    "dosageInstruction": [{"text": "2 viên/lần", "patientInstruction": "sau ăn"}],
    "substitution": {"wasSubstituted": True, "reason": [{"text": "hết hàng"}]},
}


def rows_of(*bodies):
    """All rows of all resources of a bundle."""
    found = bundles.resources(*bodies, VISIT, DOCTOR)
    return [row for target in found for row in SECTION.from_fhir(target)]


def only(kind, rows):
    return [row for row in rows if isinstance(row, kind)]


def requested(**changes):
    prescription, item = rows_of({**REQUEST, **changes})
    return prescription, item


def ordered(*drugs, **fields):
    return list(SECTION.from_qd4750(visit(drugs=list(drugs), summary=summary(**fields))))


def test_reads_what_one_doctor_ordered_at_one_minute_as_one():
    first, second = drug(), drug(name="Vitamin C", given_at="2025-03-14T09:30:00+07:00")
    later = drug(ordered_at="2025-03-14T09:01:00+07:00")
    colleague = drug(prescriber="000999/HNO-CCHN")
    rows = ordered(first, later, second, colleague, main_icd10="R50.9", final_diagnosis="Sốt")
    prescriptions, items = only(Prescription, rows), only(PrescriptionItem, rows)
    assert [row.drugs for row in prescriptions] == [
        ["Paracetamol 500mg", "Vitamin C 500mg"],
        ["Paracetamol 500mg"],
        ["Paracetamol 500mg"],
    ]
    whole = prescriptions[0]
    mine = [item for item in items if item.prescription_id == whole.id]
    assert [(item.position, item.status) for item in mine] == [(1, "unknown"), (2, "completed")]
    assert (whole.status, whole.category, whole.facility_code) == ("unknown", "outpatient", FACILITY)
    assert whole.diagnoses == [{"system": ICD10, "code": "R50.9"}]
    assert len({row.encounter_id for row in prescriptions}) == 1
    assert rows.index(whole) < rows.index(mine[0])


def test_reads_the_dose_and_keeps_it_as_written():
    (_, item) = ordered(drug(route="1.01", registration="VD-1-2"))
    assert item.dose_text == "2 viên/lần * 2 lần/ngày * 5 ngày [4 viên/ngày]"
    assert (item.dose_kind, item.dose_per_time, item.dose_unit) == ("regular", 2, "viên")
    assert (item.times_per_day, item.dose_days, item.per_day) == (2, 5, 4)
    assert (item.drug_system, item.drug_code, item.registration) == (DRUG, "40.30", "VD-1-2")


def test_reads_an_uneven_dose_and_gives_up_on_others():
    (_, item) = ordered(drug(dose_text="Sáng: 3 viên, Tối: 1 viên [4 viên/ngày]"))
    assert (item.dose_kind, item.morning, item.noon, item.evening, item.per_day) == ("uneven", 3, None, 1, 4)
    (_, item) = ordered(drug(dose_text="theo hướng dẫn"))
    assert (item.dose_text, item.dose_kind, item.per_day) == ("theo hướng dẫn", None, None)


@pytest.mark.parametrize(
    ("fields", "name", "prescription", "items"),
    [
        ({}, "Paracetamol", "", ["", ""]),
        ({"main_icd10": "B20"}, "Paracetamol", "HIV", ["HIV", "HIV"]),
        ({"other_icd10": ("F32.1",)}, "Paracetamol", "MENTAL", ["", ""]),
        ({}, "Efavirenz", "HIV", ["HIV", ""]),
        ({"main_icd10": "B18.1"}, "Tenofovir", "", ["", ""]),
    ],
)
def test_labels_drugs_by_themselves_and_by_the_visit(fields, name, prescription, items):
    rows = ordered(drug(name=name), drug(), **fields)
    assert rows[0].sensitivity == prescription
    assert [item.sensitivity for item in rows[1:]] == items


def test_a_visit_without_drugs_has_no_prescription():
    assert ordered() == []


def test_requests_of_one_group_are_one_prescription():
    rows = rows_of(SECOND, OTHER, REQUEST)
    first, other = only(Prescription, rows)
    items = only(PrescriptionItem, rows)
    assert (first.code, first.drugs) == (CODE, ["Vitamin C 500mg", "Paracetamol 500mg"])
    assert [item.position for item in items if item.prescription_id == first.id] == [1, 2]
    assert (other.code, other.form) == ("99001ZZZZZZZ-n", "narcotic")
    assert len(items) == 3


def test_the_code_of_a_group_is_compared_without_case():
    shouted = {**SECOND, "groupIdentifier": {"system": PRESCRIPTION, "value": CODE.upper()}}
    (row,) = only(Prescription, rows_of(REQUEST, shouted))
    assert row.code == CODE


def test_without_a_group_what_was_written_together_is_one():
    one, two = ({**body, "groupIdentifier": None} for body in (REQUEST, SECOND))
    assert len(only(Prescription, rows_of(one, two))) == 1
    assert len(only(Prescription, rows_of(one, {**two, "authoredOn": "2025-03-14T09:05:00+07:00"}))) == 2
    assert len(only(Prescription, rows_of(*({**body, "encounter": None} for body in (one, two))))) == 2


@pytest.mark.parametrize("group", [REQUEST["groupIdentifier"], None])
def test_a_group_is_of_one_person(group):
    """Two persons of one bundle with one number: nobody reads the other's drugs."""
    mine, theirs = ({**body, "groupIdentifier": group} for body in (REQUEST, SECOND))
    persons = [{"resourceType": "Patient", "id": id_} for id_ in ("p1", "p2")]
    rows = rows_of(mine, {**theirs, "subject": {"reference": "Patient/p2"}}, *persons)
    assert [row.drugs for row in only(Prescription, rows)] == [["Paracetamol 500mg"], ["Vitamin C 500mg"]]
    again_mine = rows_of(mine, {**theirs, "subject": {"reference": "urn:uuid:p1"}}, *persons)
    assert len(only(Prescription, again_mine)) == 1


def test_a_dispense_of_another_person_is_not_linked():
    persons = [{"resourceType": "Patient", "id": id_} for id_ in ("p1", "p2")]
    (dispense,) = only(Dispense, rows_of(SECOND, {**DISPENSE, "subject": {"reference": "Patient/p2"}}, *persons))
    assert (dispense.prescription_id, dispense.prescription_code) == (None, None)


def test_a_group_is_active_as_long_as_one_drug_is():
    (row,) = only(Prescription, rows_of({**SECOND, "status": "stopped"}, REQUEST))
    assert row.status == "active"


def test_reads_a_request():
    prescription, item = requested()
    assert (prescription.code, prescription.form, prescription.replaces_code) == (CODE, "common", "99001A1B2C3C-c")
    assert (prescription.prescriber_code, prescription.prescriber) == ("000123/HNO-CCHN", "BS. Lê Văn Lam")
    assert (prescription.valid_from, prescription.valid_until) == ("2025-03-14", "2025-03-19")
    assert (item.drug_code, item.atc_code, item.drug) == ("40.30", "N02BE01", "Paracetamol 500mg")
    assert (item.quantity, item.unit, item.refills, item.supply_days) == (20, "viên", 1, 5)
    assert (item.dose_per_time, item.times_per_day, item.per_day, item.dose_days) == (2, 2, 4, 5)
    assert (item.is_as_needed, item.as_needed_for) == (True, "khi sốt trên 38,5 độ")
    assert item.is_substitution_allowed is False


def test_a_drug_that_must_not_be_taken_is_not_among_the_drugs():
    prescription, item = requested(doNotPerform=True)
    assert item.is_prohibited is True
    assert prescription.drugs is None


def dosage(*steps):
    return requested(dosageInstruction=list(steps))[1]


def step(amount, **repeat):
    return {"timing": {"repeat": repeat}, "doseAndRate": [{"doseQuantity": {"value": amount, "unit": "viên"}}]}


@pytest.mark.parametrize(
    ("repeat", "times"),
    [
        ({"frequency": 3, "period": 1, "periodUnit": "d"}, "3"),
        ({"period": 8, "periodUnit": "h"}, "3"),
        ({"frequency": 7, "period": 1, "periodUnit": "wk"}, "1"),
        ({"frequency": 1, "period": 2, "periodUnit": "d"}, "0.5"),
        ({"frequency": 1, "period": 0, "periodUnit": "d"}, None),
        ({"frequency": 1, "periodUnit": "mo"}, None),
        ({}, None),
    ],
)
def test_understands_how_often(repeat, times):
    assert dosage(step(1, **repeat)).times_per_day == (Decimal(times) if times else None)


def test_understands_steps_of_a_day():
    item = dosage(step(2, when=["MORN"]), step(1, when=["EVE"]))
    assert (item.dose_kind, item.morning, item.evening, item.per_day) == ("uneven", 2, 1, 3)


@pytest.mark.parametrize("steps", [(step(2, when=["MORN"]), step(1)), (step(2, when=["MORN"]), step(1, when=["MORN"]))])
def test_gives_no_figures_of_steps_it_does_not_understand_whole(steps):
    item = dosage(*steps)
    assert (item.dose_kind, item.dose_per_time, item.per_day) == (None, None, None)


def test_reads_what_a_person_says_to_take():
    prescription, item = rows_of(STATEMENT)
    assert (prescription.kind, prescription.occurred, prescription.prescriber) == ("statement", "2020-05", "Con gái")
    assert (item.drug, item.strength, item.form) == ("Metformin", "850 mg / 1 viên", "viên nén")
    assert (item.starts, item.per_day, item.dose_days) == ("2020-05", 2, 30)


def test_reads_what_a_pharmacy_gave_out_of_which_prescription():
    rows = rows_of(REQUEST, SECOND, DISPENSE)
    (dispense,), (prescription,) = only(Dispense, rows), only(Prescription, rows)
    items = {item.drug: item.id for item in only(PrescriptionItem, rows)}
    assert dispense.prescription_id == prescription.id
    assert dispense.prescription_item_id == items["Vitamin C 500mg"]
    assert (dispense.prescription_code, dispense.kind) == (CODE, "PF")
    assert (dispense.drug, dispense.lot_number, dispense.expires_on) == ("Paracetamol STADA", "LO-9", "2027-01")
    assert (dispense.dispenser, dispense.pharmacy) == ("DS. Phạm Thị Mẫu", "Nhà thuốc Mẫu")
    assert (dispense.quantity, dispense.supply_days, dispense.is_substituted) == (10, 5, True)


def test_a_dispense_names_its_prescription_by_code_alone():
    elsewhere = [{"identifier": {"system": PRESCRIPTION, "value": CODE}}]
    (dispense,) = rows_of({**DISPENSE, "authorizingPrescription": elsewhere})
    assert (dispense.prescription_code, dispense.prescription_id) == (CODE, None)


def test_the_same_prescription_as_hospital_file_and_as_fhir_is_one_fact():
    sent, _ = ordered(drug())
    said, _ = requested()
    assert sent.fact() == said.fact()
    assert sent.content() == said.content()


def test_two_prescriptions_of_one_minute_do_not_hide_each_other():
    one, two = (ordered(drug(name=name))[0] for name in ("Paracetamol", "Morphin"))
    assert one.fact() != two.fact()


def test_without_a_time_the_code_tells_prescriptions_apart():
    one, _ = requested(authoredOn="2025-03-14")
    two, _ = requested(authoredOn="2025-03-14", groupIdentifier={"value": "99001A1B2C3E-c"})
    assert one.fact() != two.fact()


def test_another_strength_or_taking_back_contradicts():
    (sent, _), (other, _) = ordered(drug()), ordered(drug(strength="650mg"))
    assert sent.fact() == other.fact()
    assert sent.content() != other.content()
    assert requested(status="cancelled")[0].content() != requested()[0].content()


def test_the_same_dispense_from_hospital_and_pharmacy_is_one_fact():
    (one,) = only(Dispense, rows_of(REQUEST, SECOND, DISPENSE))
    named = [{"identifier": {"system": PRESCRIPTION, "value": CODE.upper()}}]
    (two,) = rows_of({**DISPENSE, "authorizingPrescription": named, "quantity": {"value": 10.0}, "note": None})
    assert one.fact() == two.fact()
    (part,) = rows_of({**DISPENSE, "authorizingPrescription": named, "quantity": {"value": 5}})
    assert part.fact() != two.fact()


def written_back(rows):
    """All resources that a prescription and its items are written as, read again."""
    (prescription,) = only(Prescription, rows)
    stored(prescription)
    bodies = copy.deepcopy(resources(prescription, only(PrescriptionItem, rows)))
    visits = [{"resourceType": "Encounter", "id": str(prescription.encounter_id)}]
    found = bundles.resources(*bodies, *visits)
    found[-1].row_id = prescription.encounter_id or found[-1].row_id
    return [row for target in found for row in SECTION.from_fhir(target)]


def comparable(rows):
    return [{name: value for name, value in own(row).items() if name != "prescription_id"} for row in rows]


@pytest.mark.parametrize(
    "bodies",
    [
        (REQUEST,),
        (REQUEST, SECOND),
        ({**REQUEST, "groupIdentifier": None}, {**SECOND, "groupIdentifier": None}),
        ({**REQUEST, "doNotPerform": True, "dosageInstruction": None, "reasonCode": None, "encounter": None},),
        ({**REQUEST, "dosageInstruction": [step(2, when=["MORN"]), step(1, when=["EVE"])]},),
        ({**REQUEST, "dosageInstruction": [step(1, frequency=1, period=3, periodUnit="d")], "substitution": None},),
        (STATEMENT,),
        ({**STATEMENT, "statusReason": [{"text": "buồn nôn"}], "category": {"coding": [{"code": "community"}]}},),
    ],
)
def test_comes_back_as_it_was_written(bodies):
    rows = rows_of(*bodies)
    assert comparable(written_back(rows)) == comparable(rows)


def test_a_hospital_file_survives_fhir():
    uneven = "Sáng: 1 viên, Tối: 2 viên [3 viên/ngày]"
    amount = Decimal("20.5")
    rows = ordered(drug(quantity=amount), drug(name="Vitamin C", quantity=amount, dose_text=uneven, payer="1"))
    assert comparable(written_back(rows)) == comparable(rows)


def test_in_words_a_prescription_is_one_request_of_all_its_drugs():
    prescription = rows_of(REQUEST, SECOND)[0]
    body = written(SECTION, prescription)
    assert body["resourceType"] == SECTION.holds[0]
    assert body["medicationCodeableConcept"] == {"text": "Paracetamol 500mg; Vitamin C 500mg"}
    one = rows_of(REQUEST)[0]
    assert own(again(SECTION, one)) == own(one)


@pytest.mark.parametrize("changes", [{}, {"substitution": None, "receiver": None, "context": None, "performer": None}])
def test_a_dispense_comes_back_as_it_was_written(changes):
    (row,) = rows_of({**DISPENSE, "authorizingPrescription": None, **changes})
    row.prescription_code = CODE
    assert own(again(SECTION, row)) == own(row)


@pytest.mark.parametrize("valid", [REQUEST, STATEMENT, DISPENSE])
def test_never_fails_on_hostile_input(valid):
    @given(hostile(valid))
    def check(body):
        target = resource(body, SECOND, VISIT, DOCTOR)
        rows = list(SECTION.from_fhir(target))
        for row in only((Prescription, Dispense), rows):
            assert SECTION.to_fhir(stored(row))["resourceType"] in SECTION.holds
            assert row.fact()
        for prescription in only(Prescription, rows):
            assert resources(prescription, only(PrescriptionItem, rows))

    check()
