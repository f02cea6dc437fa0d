"""Follow-ups as FHIR: a ServiceRequest for a slip, a CarePlan for a plan, an Appointment for an appointment."""

from typing import Any

from domain.exchange import fhir_out as out
from domain.exchange import requests
from domain.exchange.actors import facility, practitioner
from domain.exchange.fhir_systems import FOLLOW_UP, REQUEST_CATEGORY
from domain.sections.follow_ups.table import EXTENSIONS, NUMBER, FollowUp


def to_fhir(row: FollowUp) -> dict[str, Any]:
    return {"plan": _plan_out, "appointment": _appointment_out}.get(row.kind, _slip_out)(row)


def _identifier(row: FollowUp) -> list[dict[str, Any]] | None:
    return [{"system": NUMBER, "value": row.number}] if row.number else None


def _slip_out(row: FollowUp) -> dict[str, Any]:
    period = {"occurrencePeriod": out.period(row.occurred, row.until)}
    when = period if row.until else {"occurrenceDateTime": row.occurred}
    return out.resource(
        "ServiceRequest",
        row,
        extension=EXTENSIONS.write(row),
        identifier=_identifier(row),
        status=row.status,
        intent="order",
        category=out.category(REQUEST_CATEGORY, FOLLOW_UP),
        code=out.concept(row.code_system, row.code, row.title),
        subject=out.subject(row),
        encounter=out.reference("Encounter", row.encounter_id),
        **when,
        authoredOn=row.issued_on,
        requester=practitioner(row.doctor, row.doctor_code),
        performerType=out.concept(None, None, row.specialty),
        performer=out.listed([facility(row.facility, row.facility_code)]),
        reasonCode=out.listed(requests.reason_codes(row.diagnoses)),
        note=out.annotations(row.note),
        patientInstruction=row.instruction,
    )


def _plan_out(row: FollowUp) -> dict[str, Any]:
    """CarePlan.addresses takes references only: the diagnoses stand in `contained`."""
    conditions = _contained(row)
    return out.resource(
        "CarePlan",
        row,
        contained=conditions,
        extension=EXTENSIONS.write(row),
        identifier=_identifier(row),
        status=row.status,
        intent="plan",
        category=out.listed([out.concept(row.code_system, row.code, row.title)]),
        title=row.title,
        description=row.description,
        subject=out.subject(row),
        encounter=out.reference("Encounter", row.encounter_id),
        period=out.period(row.occurred, row.until),
        created=row.issued_on,
        author=practitioner(row.doctor, row.doctor_code) or facility(row.facility, row.facility_code),
        addresses=[{"reference": f"#{condition['id']}"} for condition in conditions],
        activity=out.listed(_activity_out(activity) for activity in row.activities or ()),
        note=out.annotations(row.note),
    )


def _contained(row: FollowUp) -> list[dict[str, Any]]:
    concepts = [concept for concept in requests.reason_codes(row.diagnoses) if concept]
    return [
        {"resourceType": "Condition", "id": f"diagnosis-{index}", "code": concept, "subject": out.subject(row)}
        for index, concept in enumerate(concepts, 1)
    ]


def _activity_out(activity: dict[str, Any]) -> dict[str, Any]:
    """FHIR R4 cpl-3: a detail, whose status is required, or a reference; what has words only is the latter."""
    if not (activity.get("status") or activity.get("scheduled")):
        return {"reference": out.named(activity.get("display"))}
    detail = {
        "code": out.concept(None, None, activity.get("display")),
        "status": activity.get("status") or "unknown",
        "scheduledString": activity.get("scheduled"),
    }
    return {"detail": out.filled(detail)}


def _appointment_out(row: FollowUp) -> dict[str, Any]:
    """FHIR R4 app-3: only a proposed or cancelled appointment, or one on the waiting list, may lack its times."""
    with_ = [out.subject(row), practitioner(row.doctor, row.doctor_code), facility(row.facility, row.facility_code)]
    return out.resource(
        "Appointment",
        row,
        extension=EXTENSIONS.write(row),
        identifier=_identifier(row),
        status=row.status,
        serviceType=out.listed([out.concept(row.code_system, row.code, row.title)]),
        specialty=out.listed([out.concept(None, None, row.specialty)]),
        reasonCode=out.listed(requests.reason_codes(row.diagnoses)),
        description=row.description,
        start=row.occurred,
        end=row.until,
        created=row.issued_on,
        comment=row.note,
        patientInstruction=row.instruction,
        participant=[{"actor": actor, "status": "tentative"} for actor in with_ if actor],
    )
