"""What pharmacies gave out: FHIR R4 MedicationDispense in and out. QĐ 4750 knows what was ordered, not who got it."""

from collections.abc import Iterator
from typing import Any

from domain.exchange import fhir_out as out
from domain.exchange import labels
from domain.exchange.actors import Actor, actor_of, facility, is_of_one, practitioner
from domain.exchange.fhir import Resource
from domain.exchange.fhir_systems import PRESCRIPTION
from domain.sections.prescriptions.groups import code_of, leader_of
from domain.sections.prescriptions.medications import dosage_of, medication_of
from domain.sections.prescriptions.shapes import medication
from domain.sections.prescriptions.table import DISPENSE_EXTENSIONS, Dispense


def from_dispense(resource: Resource) -> Iterator[Dispense]:
    drug = medication_of(resource)
    quantity, days = resource.quantity("quantity"), resource.quantity("daysSupply")
    dosage = dosage_of(resource, "dosageInstruction")
    place, person = _performers(resource)
    columns: dict[str, Any] = {
        **drug.columns,
        "strength": drug.strength,
        "form": drug.form,
        "lot_number": drug.lot_number,
        "expires_on": drug.expires_on,
        **DISPENSE_EXTENSIONS.read(resource),
        **_prescription(resource),
        **_substitution(resource),
    }
    yield Dispense(
        id=resource.row_id,
        document="MedicationDispense",
        sensitivity=labels.strictest(drug.sensitivity, labels.of_resource(resource)),
        occurred=resource.date("whenHandedOver", "whenPrepared"),
        encounter_id=resource.encounter_id(),
        status=resource.string("status") or "unknown",
        status_reason=_words(resource, "statusReasonCodeableConcept"),
        kind=resource.concept("type").code or resource.concept("type").display,
        quantity=quantity.value if quantity else None,
        unit=quantity.unit if quantity else None,
        supply_days=int(days.value) if days and 0 <= days.value < 10**5 else None,
        prepared_at=resource.date("whenPrepared"),
        dose_text=dosage["dose_text"],
        instructions=dosage["instructions"],
        dispenser_code=person.code,
        dispenser=person.name,
        pharmacy_code=place.code,
        pharmacy=place.name,
        receiver=next((words for node in resource.children("receiver") if (words := resource.name_behind(node))), None),
        note=resource.notes(),
        **columns,
    )


def _prescription(resource: Resource) -> dict[str, Any]:
    """The prescription by its code, and by its rows where it stands in the same bundle."""
    node = next(resource.children("authorizingPrescription"), None)
    if node is None:
        return {}
    identifier, target = node.child("identifier"), resource.follow(node.string("reference"))
    said = identifier.string("value") if identifier else None
    if target is None or target.type != "MedicationRequest" or not is_of_one(resource, target):
        return {"prescription_code": said}
    return {
        "prescription_code": said or code_of(target)[1],
        "prescription_id": leader_of(target).row_id,
        "prescription_item_id": target.row_id,
    }


def _performers(resource: Resource) -> tuple[Actor, Actor]:
    """Which pharmacy (a performer that is a place, else the location) and who in it."""
    found = [actor_of(resource, node.child("actor")) for node in resource.children("performer")]
    location = actor_of(resource, resource.child("location"))
    place = next((one for one in found if one.is_place), location)
    return place, next((one for one in found if one and not one.is_place), Actor())


def _substitution(resource: Resource) -> dict[str, Any]:
    node = resource.child("substitution")
    reason = node.concept("reason") if node else None
    return {
        "is_substituted": node.boolean("wasSubstituted") if node else None,
        "substitution_reason": (reason.display or reason.code) if reason else None,
    }


def _words(resource: Resource, name: str) -> str | None:
    concept = resource.concept(name)
    return concept.display or concept.code


def dispense_to_fhir(row: Dispense) -> dict[str, Any]:
    by = [practitioner(row.dispenser, row.dispenser_code), facility(row.pharmacy, row.pharmacy_code)]
    return out.resource(
        "MedicationDispense",
        row,
        extension=DISPENSE_EXTENSIONS.write(row),
        status=row.status,
        statusReasonCodeableConcept=out.concept(None, None, row.status_reason),
        medicationCodeableConcept=medication(row),
        subject=out.subject(row),
        context=out.reference("Encounter", row.encounter_id),
        performer=[{"actor": actor} for actor in by if actor],
        authorizingPrescription=out.listed([_authority(row)]),
        type=out.concept("http://terminology.hl7.org/CodeSystem/v3-ActCode", row.kind, None),
        quantity=out.quantity(row.quantity, row.unit),
        daysSupply={"value": row.supply_days, "unit": "d"} if row.supply_days is not None else None,
        whenPrepared=row.prepared_at,
        whenHandedOver=row.occurred,
        receiver=out.listed([out.named(row.receiver)]),
        note=out.annotations(row.note),
        dosageInstruction=out.listed([out.filled({"text": row.dose_text, "patientInstruction": row.instructions})]),
        substitution=_substitution_out(row),
    )


def _authority(row: Dispense) -> dict[str, Any]:
    code = row.prescription_code
    reference = out.reference("MedicationRequest", row.prescription_item_id) or {}
    identifier = {"system": PRESCRIPTION, "value": code} if code else None
    return out.filled({**reference, "identifier": identifier})


def _substitution_out(row: Dispense) -> dict[str, Any] | None:
    """`wasSubstituted` is required where anything is said."""
    if row.is_substituted is None and row.substitution_reason is None:
        return None
    reason = out.listed([out.concept(None, None, row.substitution_reason)])
    return out.filled({"wasSubstituted": bool(row.is_substituted), "reason": reason})
