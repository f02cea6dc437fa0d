"""Prescriptions as FHIR: one MedicationRequest a drug, held together by groupIdentifier; statements as they came."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from domain.exchange import fhir_out as out
from domain.exchange import requests
from domain.exchange.actors import facility, practitioner
from domain.exchange.fhir_systems import PRESCRIPTION
from domain.exchange.histories import unknown
from domain.sections.prescriptions.dispensing import dispense_to_fhir
from domain.sections.prescriptions.groups import URI
from domain.sections.prescriptions.shapes import medication
from domain.sections.prescriptions.table import (
    EXTENSIONS,
    ITEM_EXTENSIONS,
    Dispense,
    Prescription,
    PrescriptionItem,
)

_CATEGORY = "http://terminology.hl7.org/CodeSystem/medicationrequest-category"
_STATEMENT_CATEGORY = "http://terminology.hl7.org/CodeSystem/medication-statement-category"


def to_fhir(row: Prescription | Dispense) -> dict[str, Any]:
    """One resource for the row alone: of a prescription, all its drugs in words. `resources` gives them one by one."""
    if isinstance(row, Dispense):
        return dispense_to_fhir(row)
    words = {"text": "; ".join(row.drugs)} if row.drugs else unknown()
    return _resource(row, medicationCodeableConcept=words, status=row.status)


def resources(row: Prescription, items: Iterable[PrescriptionItem]) -> list[dict[str, Any]]:
    """A prescription with its items: one resource each, in their order, which `from_fhir` reads back as they are."""
    ordered = sorted(items, key=lambda item: item.position)
    return [_with_item(row, item) for item in ordered] or [to_fhir(row)]


def _with_item(row: Prescription, item: PrescriptionItem) -> dict[str, Any]:
    dosages = out.listed([_dosage(item)])
    extension = [*(EXTENSIONS.write(row) or ()), *(ITEM_EXTENSIONS.write(item) or ())]  # type: ignore[arg-type]  # a part has columns too
    common: dict[str, Any] = {
        "extension": extension,
        "status": item.status or row.status,
        "medicationCodeableConcept": medication(item),
        "note": out.annotations(item.note),
    }
    if row.kind == "statement":
        return {**_resource(row, **common, dosage=dosages), "id": str(item.id)}
    body = _resource(
        row,
        **common,
        doNotPerform=item.is_prohibited or None,
        groupIdentifier=_group(row),
        dosageInstruction=dosages,
        dispenseRequest=_supply(row, item),
        substitution=_substitution(item),
    )
    return {**body, "id": str(item.id)}


def _resource(row: Prescription, **fields: Any) -> dict[str, Any]:
    common = {
        "extension": EXTENSIONS.write(row),
        "subject": out.subject(row),
        "reasonCode": out.listed(requests.reason_codes(row.diagnoses)),
    }
    if row.kind == "statement":
        return out.resource("MedicationStatement", row, **{**common, **_statement(row), **fields})
    return out.resource("MedicationRequest", row, **{**common, **_request(row), **fields})


def _request(row: Prescription) -> dict[str, Any]:
    prior = {"identifier": {"system": PRESCRIPTION, "value": row.replaces_code}}
    return {
        "statusReason": out.concept(None, None, row.status_reason),
        "intent": row.intent or "order",
        "category": out.category(_CATEGORY, row.category) if row.category else None,
        "priority": row.priority,
        "encounter": out.reference("Encounter", row.encounter_id),
        "authoredOn": row.occurred,
        "requester": practitioner(row.prescriber, row.prescriber_code) or facility(row.facility, row.facility_code),
        "groupIdentifier": _group(row) if row.code else None,
        "dispenseRequest": out.filled({"validityPeriod": out.period(row.valid_from, row.valid_until)}),
        "priorPrescription": prior if row.replaces_code else None,
    }


def _statement(row: Prescription) -> dict[str, Any]:
    category = out.category(_STATEMENT_CATEGORY, row.category)[0] if row.category else None
    return {
        "statusReason": out.listed([out.concept(None, None, row.status_reason)]),
        "category": category,
        "context": out.reference("Encounter", row.encounter_id),
        "effectiveDateTime": row.occurred,
        "informationSource": practitioner(row.prescriber, row.prescriber_code),
    }


def _group(row: Prescription) -> dict[str, Any]:
    """Without a code of its own, the row's id holds the requests of a prescription together."""
    if row.code:
        return out.filled({"system": row.code_system, "value": row.code})
    return {"system": URI, "value": f"urn:uuid:{row.id}"}


def _dosage(item: PrescriptionItem) -> dict[str, Any]:
    reason = out.concept(None, None, item.as_needed_for)
    return out.filled(
        {
            "text": item.dose_text,
            "patientInstruction": item.instructions,
            "timing": _timing(item),
            "asNeededBoolean": None if reason else item.is_as_needed,
            "asNeededCodeableConcept": reason,
            "route": out.concept(item.route_system, item.route_code, item.route),
            "doseAndRate": out.listed([_rate(item)]),
        }
    )


def _rate(item: PrescriptionItem) -> dict[str, Any]:
    return out.filled({"doseQuantity": out.quantity(item.dose_per_time, item.dose_unit)})


def _timing(item: PrescriptionItem) -> dict[str, Any] | None:
    """Bounds are either days of the calendar or a number of days; rarer than daily is in the text and extensions."""
    bounds = out.period(item.starts, item.ends)
    days = {"value": item.dose_days, "unit": "d", "system": "http://unitsofmeasure.org", "code": "d"}
    repeat = out.filled(
        {
            "boundsPeriod": bounds,
            "boundsDuration": days if item.dose_days is not None and not bounds else None,
            **_frequency(item.times_per_day),
        }
    )
    return {"repeat": repeat} if repeat else None


def _frequency(times: Decimal | None) -> dict[str, Any]:
    whole = times is not None and times > 0 and times == times.to_integral_value()
    return {"frequency": int(times), "period": 1, "periodUnit": "d"} if times is not None and whole else {}


def _supply(row: Prescription, item: PrescriptionItem) -> dict[str, Any]:
    days = {"value": item.supply_days, "unit": "d", "system": "http://unitsofmeasure.org", "code": "d"}
    return out.filled(
        {
            "validityPeriod": out.period(row.valid_from, row.valid_until),
            "numberOfRepeatsAllowed": item.refills,
            "quantity": out.quantity(item.quantity, item.unit),
            "expectedSupplyDuration": days if item.supply_days is not None else None,
        }
    )


def _substitution(item: PrescriptionItem) -> dict[str, Any] | None:
    allowed = item.is_substitution_allowed
    return {"allowedBoolean": allowed} if allowed is not None else None
