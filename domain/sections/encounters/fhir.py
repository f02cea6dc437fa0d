"""Visits from and to FHIR R4 Encounter. What FHIR has no element for travels in extensions, so an export keeps it."""

from collections.abc import Iterable, Iterator
from typing import Any

from domain.exchange import fhir_out as out
from domain.exchange import labels
from domain.exchange.actors import actor, actor_of, facility, practitioner
from domain.exchange.diagnoses import concept_behind, diagnoses_of, label_of_visit
from domain.exchange.extensions import Extensions
from domain.exchange.fhir import NOTHING, Resource
from domain.exchange.fhir_systems import DIAGNOSIS_ROLE, EPISODE
from domain.sections.encounters.table import Encounter, label_by_words

RECORD_NUMBER = "urn:qd4750:MA_HSBA"
UNKNOWN_CLASS = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
EXTENSIONS = Extensions(
    "encounter",
    {
        "archive_number": "valueString",
        "admitted_at": "valueDateTime",
        "treatment_days": "valueInteger",
        "admission_reason_code": "valueCode",
        "admission_reason": "valueString",
        "eligibility_code": "valueCode",
        "eligibility": "valueString",
        "injury_code": "valueCode",
        "referral_number": "valueString",
        "preliminary_diagnosis": "valueString",
        "final_diagnosis": "valueString",
        "course": "valueString",
        "findings": "valueString",
        "treatment": "valueString",
        "advice": "valueString",
        "result_code": "valueCode",
        "result": "valueString",
        "newborn_weights_g": "valueString",
        "total_cost": "valueDecimal",
        "paid_by_insurance": "valueDecimal",
        "copayment": "valueDecimal",
        "paid_by_patient": "valueDecimal",
    },
    lists=frozenset({"newborn_weights_g"}),
)


def from_fhir(resource: Resource) -> Iterable[Encounter]:
    if resource.type != "Encounter":
        return
    row = Encounter(
        id=resource.row_id,
        document="Encounter",
        status=resource.string("status") or "unknown",
        practitioners=list(_practitioners(resource)) or None,
        departments=_locations(resource),
        diagnoses=diagnoses_of(resource) or None,
        **_times(resource),
        **_numbers(resource),
        **_kinds(resource),
        **_reason(resource),
        **_hospitalization(resource),
        **EXTENSIONS.read(resource),
    )
    row.sensitivity = labels.strictest(label_of_visit(resource), label_by_words(row))
    yield row


def _times(resource: Resource) -> dict[str, Any]:
    start, end = resource.period("period")
    return {"occurred": start, "ended_at": end}


def _numbers(resource: Resource) -> dict[str, Any]:
    """MA_LK and the facility it is unique in, the number of the medical record, and who provides the service."""
    found: dict[str, Any] = {}
    for system, value in resource.identifiers():
        if system is not None and system.startswith(EPISODE):
            found.setdefault("episode", value)
            found.setdefault("facility_code", system.removeprefix(EPISODE) or None)
        else:
            found.setdefault("record_number", value)
    provider = actor(resource, "serviceProvider")
    return found | {"facility_code": provider.code or found.get("facility_code"), "facility_name": provider.name}


def _kinds(resource: Resource) -> dict[str, Any]:
    type_, class_ = resource.concept("type"), resource.child("class")
    if class_ is not None and class_.string("system") == UNKNOWN_CLASS:
        class_ = None
    service = resource.concept("serviceType")
    return {
        "class_system": class_.string("system") if class_ else None,
        "class_code": class_.string("code") if class_ else None,
        "class_display": class_.string("display") if class_ else None,
        "service": service.display or service.code,
        "type_system": type_.system,
        "type_code": type_.code,
        "type_display": type_.display,
    }


def _reason(resource: Resource) -> dict[str, Any]:
    """All reasons in words, with the code of the first."""
    referenced = (concept_behind(resource, node) for node in resource.children("reasonReference"))
    concepts = [*resource.concepts("reasonCode"), *(concept for concept in referenced if concept)]
    words = [words for concept in concepts if (words := concept.display or concept.code)]
    first = concepts[0] if concepts else NOTHING
    return {
        "reason_system": first.system,
        "reason_code": first.code,
        "reason": "; ".join(dict.fromkeys(words)) or None,
    }


def _practitioners(resource: Resource) -> Iterator[dict[str, Any]]:
    for node in resource.children("participant"):
        who, role = actor_of(resource, node.child("individual")), node.concept("type")
        if who:
            yield {"name": who.name, "code": who.code, "role": role.display or role.code}


def _locations(resource: Resource) -> list[str] | None:
    nodes = [location for node in resource.children("location") if (location := node.child("location"))]
    return [name for node in nodes if (name := resource.name_behind(node))] or None


def _hospitalization(resource: Resource) -> dict[str, Any]:
    node = resource.child("hospitalization")
    if node is None:
        return {}
    origin, destination = actor_of(resource, node.child("origin")), actor_of(resource, node.child("destination"))
    discharge = node.concept("dischargeDisposition")
    return {
        "referred_from_code": origin.code,
        "referred_from": origin.name,
        "referred_to_code": destination.code,
        "referred_to": destination.name,
        "discharge_system": discharge.system,
        "discharge_code": discharge.code,
        "discharge": discharge.display,
    }


def to_fhir(row: Encounter) -> dict[str, Any]:
    return out.resource(
        "Encounter",
        row,
        contained=_contained(row),
        extension=EXTENSIONS.write(row),
        identifier=_identifiers(row),
        status=row.status,
        **{"class": _class(row)},
        type=out.listed([out.concept(row.type_system, row.type_code, row.type_display)]),
        serviceType=out.concept(None, None, row.service),
        subject=out.subject(row),
        participant=out.listed(_participant(one) for one in row.practitioners or []),
        period=out.period(row.occurred, row.ended_at),
        reasonCode=out.listed([out.concept(row.reason_system, row.reason_code, row.reason)]),
        diagnosis=out.listed(_diagnosis(one, index) for index, one in enumerate(row.diagnoses or [], 1)),
        hospitalization=out.filled(
            {
                "origin": facility(row.referred_from, row.referred_from_code),
                "destination": facility(row.referred_to, row.referred_to_code),
                "dischargeDisposition": out.concept(row.discharge_system, row.discharge_code, row.discharge),
            }
        ),
        location=out.listed({"location": {"display": name}} for name in row.departments or []),
        serviceProvider=facility(row.facility_name, row.facility_code),
    )


def _class(row: Encounter) -> dict[str, Any]:
    """Encounter.class is required: what is not known is said to be unknown."""
    coding = out.coding(row.class_system, row.class_code, row.class_display)
    return coding or out.coding(UNKNOWN_CLASS, "UNK", None)


def _identifiers(row: Encounter) -> list[dict[str, Any]] | None:
    episode = {"system": f"{EPISODE}{row.facility_code or ''}", "value": row.episode} if row.episode else None
    record = {"system": RECORD_NUMBER, "value": row.record_number} if row.record_number else None
    return out.listed([episode, record])


def _contained(row: Encounter) -> list[dict[str, Any]] | None:
    """A diagnosis must be a reference to a Condition: the ones of a visit travel inside it."""
    return [
        {
            "resourceType": "Condition",
            "id": f"diagnosis-{index}",
            "code": out.concept(one["code_system"], one["code"], one["display"]),
            "subject": out.subject(row),
        }
        for index, one in enumerate(row.diagnoses or [], 1)
    ] or None


def _diagnosis(one: dict[str, Any], index: int) -> dict[str, Any]:
    return out.filled(
        {
            "condition": {"reference": f"#diagnosis-{index}"},
            "use": out.concept(DIAGNOSIS_ROLE, one["role"], None),
            "rank": one["rank"],
        }
    )


def _participant(one: dict[str, Any]) -> dict[str, Any]:
    role = out.concept(None, None, one["role"])
    return out.filled({"type": out.listed([role]), "individual": practitioner(one["name"], one["code"])})
