"""FHIR R4 resources of one person, as plain dictionaries with only the elements that have a value.

Times carry Vietnam's offset; birth dates are as partial as they are known. Identifier and code systems come from
`domain.exchange.fhir_systems`.
"""

from base64 import b64encode
from datetime import date, datetime
from typing import Any

from domain.exchange import fhir_systems as systems
from domain.synthetic.catalogue import Allergen, Disease, Drug, Panel, RelativeIllness
from domain.synthetic.facilities import Facility
from domain.synthetic.people import ADULT, Person
from domain.synthetic.vaccination import Dose
from domain.synthetic.visits import Doctor, Ordered, Result, patient_number

Resource = dict[str, Any]


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M}:00+07:00"


def birth_date(person: Person) -> str:
    return f"{person.born:%Y-%m-%d}" if person.knows_day else str(person.born.year)


def coding(system: str, code: str, display: str = "") -> dict[str, str]:
    return {"system": system, "code": code} | ({"display": display} if display else {})


def concept(text: str, *codings: dict[str, str]) -> Resource:
    known = [one for one in codings if one["code"]]
    return ({"coding": known} if known else {}) | {"text": text}


def coded(system: str, code: str) -> Resource:
    return {"coding": [coding(system, code)]}


def diagnosis_code(disease: Disease) -> Resource:
    icd = coding(systems.ICD10, disease.icd, disease.name)
    return concept(disease.name, icd, coding(systems.SNOMED, disease.snomed, disease.display))


def patient(person: Person, facility: Facility, on: date) -> Resource:
    """Patient as a facility knows it, with its own number beside the national ones."""
    family, _, given = person.name.partition(" ")
    name = {"use": "official", "text": person.name} | ({"family": family, "given": given.split()} if given else {})
    minor = person.age(on) < ADULT
    made: Resource = {
        "resourceType": "Patient",
        "identifier": _identifiers(person, facility),
        "name": [name],
        "gender": person.sex,
        "birthDate": birth_date(person),
        "telecom": [{"system": "phone", "value": _international(person.phone), "use": "mobile"}],
        "address": [_address(person, on)],
    }
    if minor and person.guardian is not None:
        made["contact"] = [_guardian(person.guardian)]
    return made


def _international(number: str) -> str:
    return "+84" + number[1:]


def _identifiers(person: Person, facility: Facility) -> list[dict[str, str]]:
    known = {
        systems.CCCD: person.cccd,
        systems.CMND: person.cmnd,
        systems.BHXH: person.bhxh if person.card else "",
        systems.BHYT: person.card,
        systems.FACILITY_PATIENT + facility.code: patient_number(person, facility),
    }
    return [{"system": system, "value": value} for system, value in known.items() if value]


def _address(person: Person, on: date) -> Resource:
    province, _, commune = person.home.codes(on)
    extensions = [
        {"url": systems.EXTENSION_PROVINCE, "valueCode": province},
        {"url": systems.EXTENSION_COMMUNE, "valueCode": commune},
    ]
    return {
        "extension": extensions,
        "use": "home",
        "text": person.home.address(on),
        "line": [person.home.line],
        "country": "VN",
    }


def _guardian(guardian: Person) -> Resource:
    role = "MTH" if guardian.sex == "female" else "FTH"
    return {
        "relationship": [concept("Mẹ" if role == "MTH" else "Bố", coding(systems.ROLE_CODE, role))],
        "name": {"text": guardian.name},
        "telecom": [{"system": "phone", "value": _international(guardian.phone)}],
    }


def organization(facility: Facility) -> Resource:
    identifier = [{"system": systems.FACILITY, "value": facility.code}]
    return {"resourceType": "Organization", "identifier": identifier, "active": True, "name": facility.name}


def practitioner(doctor: Doctor) -> Resource:
    identifier = [{"system": systems.PRACTITIONER, "value": doctor.licence}]
    return {"resourceType": "Practitioner", "identifier": identifier, "name": [{"text": doctor.name}]}


def allergy(allergen: Allergen, on: date, *, refuted: bool = False) -> Resource:
    status = "inactive" if refuted else "active"
    code = concept(allergen.name, coding(systems.SNOMED, allergen.snomed, allergen.display))
    return {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": coded(systems.ALLERGY_CLINICAL, status),
        "verificationStatus": coded(systems.ALLERGY_VERIFICATION, "refuted" if refuted else "confirmed"),
        "type": "allergy",
        "category": [allergen.category],
        "criticality": allergen.criticality,
        "code": code,
        "recordedDate": on.isoformat(),
        "reaction": [{"manifestation": [{"text": allergen.reaction}], "severity": allergen.severity}],
    }


def family_history(relative: RelativeIllness, disease: Disease, on: date) -> Resource:
    return {
        "resourceType": "FamilyMemberHistory",
        "status": "completed",
        "date": on.isoformat(),
        "relationship": concept(relative.label, coding(systems.ROLE_CODE, relative.relation)),
        "condition": [{"code": diagnosis_code(disease)}],
    }


def habit(loinc: str, title: str, snomed: str, answer: str, on: date) -> Resource:
    """A social-history observation: tobacco (72166-2), alcohol (11331-6)."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [coded(systems.OBSERVATION_CATEGORY, "social-history")],
        "code": concept(title, coding(systems.LOINC, loinc)),
        "effectiveDateTime": on.isoformat(),
        "valueCodeableConcept": concept(answer, coding(systems.SNOMED, snomed)),
    }


def condition(disease: Disease, category: str, since: str, *, active: bool) -> Resource:
    """`category` is problem-list-item or encounter-diagnosis; `since` a partial date."""
    return {
        "resourceType": "Condition",
        "clinicalStatus": coded(systems.CONDITION_CLINICAL, "active" if active else "resolved"),
        "verificationStatus": coded(systems.CONDITION_VERIFICATION, "confirmed"),
        "category": [coded(systems.CONDITION_CATEGORY, category)],
        "code": diagnosis_code(disease),
        "onsetDateTime": since,
    }


def coverage(person: Person, year: int) -> Resource:
    return {
        "resourceType": "Coverage",
        "status": "active",
        "identifier": [{"system": systems.BHYT, "value": person.card}],
        "type": concept("Bảo hiểm y tế", coding(systems.ACT_CODE, "PUBLICPOL")),
        "subscriberId": person.bhxh,
        "period": {"start": f"{year}-01-01", "end": f"{year}-12-31"},
        "payor": [{"display": "Bảo hiểm xã hội Việt Nam"}],
        "class": [{"type": coded(systems.COVERAGE_CLASS, "group"), "value": person.card[:3]}],
    }


def document(title: str, text: str, at: datetime, loinc: str) -> Resource:
    data = b64encode(text.encode()).decode()
    attachment = {"contentType": "text/plain; charset=utf-8", "language": "vi", "data": data, "title": title}
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": concept(title, coding(systems.LOINC, loinc)),
        "date": moment(at),
        "content": [{"attachment": attachment}],
    }


def immunization(dose: Dose, *, primary: bool) -> Resource:
    vaccine = dose.vaccine
    number = {"doseNumberPositiveInt": dose.number} if dose.number else {"doseNumberString": "0"}
    code = concept(
        f"{vaccine.name} ({dose.product})", coding(systems.CVX, vaccine.cvx), coding(systems.ATC, vaccine.atc)
    )
    return {
        "resourceType": "Immunization",
        "status": "completed",
        "vaccineCode": code,
        "occurrenceDateTime": dose.given_on.isoformat(),
        "primarySource": primary,
        "lotNumber": dose.lot,
        "expirationDate": dose.expires_on.isoformat(),
        "doseQuantity": {"value": 0.5, "unit": "ml", "system": systems.UCUM, "code": "mL"},
        "programEligibility": [
            concept(vaccine.program, coding(systems.VACCINATION_PROGRAMME, _PROGRAMMES[vaccine.program]))
        ],
        "protocolApplied": [{"targetDisease": [{"text": disease} for disease in vaccine.diseases], **number}],
    }


_PROGRAMMES = {"TCMR": "expanded", "chống dịch": "campaign", "dịch vụ": "fee-paying"}


def medication(drug: Drug) -> Resource:
    text = f"{drug.name} ({drug.ingredient} {drug.strength})"
    return concept(text, coding(systems.ATC, drug.atc), coding(systems.DRUG, drug.code, drug.ingredient))


def medication_request(ordered: Ordered, prescription: str, reason: Disease) -> Resource:
    """One item of a prescription; all its items share `groupIdentifier`, the national prescription code."""
    made: Resource = {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": medication(ordered.drug),
        "authoredOn": moment(ordered.ordered_at),
        "reasonCode": [diagnosis_code(reason)],
        "dosageInstruction": [_dosage(ordered)],
        "dispenseRequest": {
            "quantity": {"value": ordered.quantity, "unit": ordered.drug.unit},
            "expectedSupplyDuration": {"value": ordered.days, "unit": "ngày", "system": systems.UCUM, "code": "d"},
        },
    }
    if prescription:
        made["groupIdentifier"] = {"system": systems.PRESCRIPTION, "value": prescription}
    return made


def _dosage(ordered: Ordered) -> Resource:
    days = {"value": ordered.days, "unit": "ngày", "system": systems.UCUM, "code": "d"}
    return {
        "text": f"{ordered.dose}. {ordered.instruction}",
        "timing": {"repeat": {"boundsDuration": days, "frequency": ordered.times, "period": 1, "periodUnit": "d"}},
        "doseAndRate": [{"doseQuantity": {"value": ordered.units, "unit": ordered.drug.unit}}],
    }


def medication_dispense(ordered: Ordered, at: datetime, quantity: int) -> Resource:
    return {
        "resourceType": "MedicationDispense",
        "status": "completed",
        "medicationCodeableConcept": medication(ordered.drug),
        "quantity": {"value": quantity, "unit": ordered.drug.unit},
        "daysSupply": {"value": ordered.days, "unit": "ngày", "system": systems.UCUM, "code": "d"},
        "whenHandedOver": moment(at),
        "dosageInstruction": [{"text": ordered.dose}],
    }


def laboratory(result: Result, at: datetime) -> Resource:
    """A laboratory observation with range and interpretation, which QĐ 4750 cannot carry."""
    analyte = result.analyte
    made: Resource = {
        "resourceType": "Observation",
        "status": "final",
        "category": [coded(systems.OBSERVATION_CATEGORY, "laboratory")],
        "code": concept(
            analyte.name, coding(systems.LOINC, analyte.loinc, analyte.display), coding(systems.ANALYTE, analyte.code)
        ),
        "effectiveDateTime": moment(at),
        "interpretation": [coded(systems.INTERPRETATION, result.high_or_low)],
    }
    if isinstance(analyte.mean, str):
        return made | {"valueString": result.value}
    made["valueQuantity"] = quantity(float(result.value), analyte.unit, analyte.ucum)
    limits = {
        side: quantity(limit, analyte.unit, analyte.ucum)
        for side, limit in (("low", analyte.low), ("high", analyte.high))
        if limit is not None
    }
    return made | {"referenceRange": [limits]} if limits else made


def quantity(value: float, unit: str, ucum: str) -> Resource:
    return {"value": value, "unit": unit or ucum, "system": systems.UCUM, "code": ucum}


def vital_sign(
    loinc: str, title: str, at: datetime, value: Resource | None, components: list[Resource] | None = None
) -> Resource:
    made: Resource = {
        "resourceType": "Observation",
        "status": "final",
        "category": [coded(systems.OBSERVATION_CATEGORY, "vital-signs")],
        "code": concept(title, coding(systems.LOINC, loinc)),
        "effectiveDateTime": moment(at),
    }
    return made | ({"valueQuantity": value} if value else {}) | ({"component": components} if components else {})


def report(panel: Panel, at: datetime, results: list[Resource], text: str = "", conclusion: str = "") -> Resource:
    """A DiagnosticReport: a laboratory panel with references to its observations, or imaging with its words."""
    section = {"lab": "LAB", "imaging": "RAD"}.get(panel.kind, "OTH")
    code = concept(panel.name, coding(systems.LOINC, panel.loinc, panel.display), coding(systems.SERVICE, panel.code))
    made: Resource = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "category": [coded(systems.DIAGNOSTIC_SECTION, section)],
        "code": code,
        "effectiveDateTime": moment(at),
    }
    if text:
        data = b64encode(text.encode()).decode()
        made["presentedForm"] = [
            {"contentType": "text/plain; charset=utf-8", "language": "vi", "data": data, "title": "Mô tả"}
        ]
    return made | ({"result": results} if results else {}) | ({"conclusion": conclusion} if conclusion else {})


def procedure(panel: Panel, at: datetime) -> Resource:
    code = concept(panel.name, coding(systems.ICD9CM, panel.icd9, panel.display), coding(systems.SERVICE, panel.code))
    return {"resourceType": "Procedure", "status": "completed", "code": code, "performedDateTime": moment(at)}


def service_request(category: str, text: str, at: datetime, due: date | None, reason: Disease) -> Resource:
    """A referral or a re-examination, told apart by `category`."""
    made: Resource = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "category": [coded(systems.REQUEST_CATEGORY, category)],
        "code": {"text": text},
        "authoredOn": moment(at),
        "reasonCode": [diagnosis_code(reason)],
    }
    return made | ({"occurrenceDateTime": due.isoformat()} if due else {})
