"""Writing FHIR R4 JSON: the few shapes that every section's `to_fhir` is made of. Absent values leave no key."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from domain.database import Item

SECURITY_LABELS = {
    "HIV": "HIV",
    "MENTAL": "PSY",
    "REPRODUCTIVE": "SEX",
    "SUBSTANCE": "ETH",
    "GENETIC": "GDIS",
    "VIOLENCE": "SDV",
}
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:[.,][0-9]{1,50})?")
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def resource(type_: str, row: Item, **fields: Any) -> dict[str, Any]:
    """A resource of a patient: its id, labels and subject, then the fields that hold something."""
    security = (
        [coding(ACT_CODE, SECURITY_LABELS[row.sensitivity], None)] if row.sensitivity in SECURITY_LABELS else None
    )
    body = {
        "resourceType": type_,
        "id": str(row.id),
        "meta": filled({"lastUpdated": row.received_at.isoformat(), "security": security}),
        **fields,
    }
    return filled(body)


def filled(body: dict[str, Any]) -> dict[str, Any]:
    """Without the keys that hold nothing (None, "", [] or {}; 0 and False are something)."""
    return {key: value for key, value in body.items() if value is not None and value not in ("", [], {})}


def subject(row: Item) -> dict[str, Any]:
    return {"reference": f"Patient/{row.patient_id}"}


def reference(type_: str, id_: object | None) -> dict[str, Any] | None:
    return {"reference": f"{type_}/{id_}"} if id_ is not None else None


def named(display: str | None) -> dict[str, Any] | None:
    return {"display": display} if display else None


def coding(system: str | None, code: str | None, display: str | None) -> dict[str, Any]:
    return filled({"system": system, "code": code, "display": display})


def concept(system: str | None, code: str | None, display: str | None) -> dict[str, Any] | None:
    """A CodeableConcept of one coding and its words; None where neither is known."""
    codings = [coding(system, code, display)] if code else None
    return filled({"coding": codings, "text": display}) or None


def category(system: str, code: str) -> list[dict[str, Any]]:
    return [{"coding": [{"system": system, "code": code}]}]


def quantity(value: Decimal | None, unit: str | None) -> dict[str, Any] | None:
    return filled({"value": number(value), "unit": unit}) if value is not None else None


def number(value: Decimal | None) -> int | float | None:
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def period(start: str | None, end: str | None) -> dict[str, Any] | None:
    return filled({"start": start, "end": end}) or None


def annotations(text: str | None) -> list[dict[str, Any]] | None:
    return [{"text": text}] if text else None


def listed(values: Iterable[dict[str, Any] | None]) -> list[dict[str, Any]] | None:
    return [value for value in values if value] or None


def decimal(text: str | None) -> Decimal | None:
    """The number a text is, with a decimal point or Vietnam's decimal comma; None when it is more than a number."""
    match = _NUMBER.fullmatch(text.strip()) if text else None
    return Decimal(match.group().replace(",", ".")) if match else None
