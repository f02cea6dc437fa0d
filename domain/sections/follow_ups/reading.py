"""Follow-ups out of FHIR: ServiceRequest, CarePlan, Appointment."""

from collections.abc import Iterable
from typing import Any

from domain.exchange import fhir_out as out
from domain.exchange import requests
from domain.exchange.actors import Actor, actor_of, actors, is_of_one
from domain.exchange.fhir import Node, Resource
from domain.sections.follow_ups.table import EXTENSIONS, NUMBER, FollowUp

_SHOWN = ("proposed", "pending", "booked", "waitlist", "cancelled")  # FHIR R4 AppointmentStatus: the others are past


def from_fhir(resource: Resource) -> Iterable[FollowUp]:
    if requests.kind_of(resource) == "follow-up":
        yield _slip(resource)
    elif resource.type == "CarePlan":
        yield _plan(resource)
    elif resource.type == "Appointment" and resource.string("status") in _SHOWN:
        yield _appointment(resource)


def _slip(resource: Resource) -> FollowUp:
    start, end = resource.period("occurrencePeriod")
    code = resource.concept("code")
    place, person = _place_and_person([*actors(resource, "performer"), *_single(resource, "requester")])
    said = EXTENSIONS.read(resource)
    return FollowUp(
        **_common(resource, "slip", [code.display, said.get("diagnosis")]),
        occurred=resource.date("occurrenceDateTime") or start,
        until=end,
        issued_on=resource.date("authoredOn"),
        number=_number(resource),
        code_system=code.system,
        code=code.code,
        title=code.display,
        diagnoses=requests.diagnoses_of(requests.reasons_of(resource)),
        **{
            **_people(place, person),
            "specialty": resource.concept("performerType").display,
            "instruction": resource.string("patientInstruction"),
            **said,
        },
    )


def _plan(resource: Resource) -> FollowUp:
    start, end = resource.period("period")
    category = resource.concept("category")
    title = resource.string("title") or category.display
    place, person = _place_and_person([*_single(resource, "author"), *actors(resource, "contributor")])
    activities = [row for node in resource.children("activity") if (row := _activity(resource, node))]
    description = resource.string("description")
    words = [title, description, *(row.get("display") for row in activities)]
    addressed = [resource.follow(node.string("reference")) for node in resource.children("addresses")]
    known = [target for target in addressed if target is not None and target.type == "Condition"]
    conditions = [target for target in known if is_of_one(resource, target)]
    codes = [code for condition in conditions if (code := condition.child("code"))]
    return FollowUp(
        **_common(resource, "plan", words, *resource.children("category"), *codes),
        occurred=start or resource.date("created"),
        until=end,
        issued_on=resource.date("created"),
        number=_number(resource),
        code_system=category.system,
        code=category.code,
        title=title,
        diagnoses=requests.diagnoses_of(condition.concept("code") for condition in conditions),
        activities=activities or None,
        **{**_people(place, person), "description": description, **EXTENSIONS.read(resource)},
    )


def _appointment(resource: Resource) -> FollowUp:
    service = resource.concept("serviceType") or resource.concept("appointmentType")
    people = [actor_of(resource, node.child("actor")) for node in resource.children("participant")]
    place, person = _place_and_person(people)
    description = resource.string("description")
    return FollowUp(
        **_common(resource, "appointment", [description], *resource.children("serviceType")),
        occurred=resource.date("start") or next(resource.children("requestedPeriod"), resource).date("start"),
        until=resource.date("end"),
        issued_on=resource.date("created"),
        number=_number(resource),
        code_system=service.system,
        code=service.code,
        title=service.display,
        diagnoses=requests.diagnoses_of(requests.reasons_of(resource)),
        **{
            **_people(place, person),
            "specialty": resource.concept("specialty").display,
            "description": description,
            "instruction": resource.string("patientInstruction"),
            **EXTENSIONS.read(resource),
        },
    )


def _common(resource: Resource, kind: str, words: Iterable[str | None], *concepts: Node) -> dict[str, Any]:
    return {
        "id": resource.row_id,
        "document": resource.type,
        "sensitivity": requests.label_of(resource, words, concepts),
        "encounter_id": resource.encounter_id(),
        "kind": kind,
        "status": resource.string("status") or "unknown",
        "note": resource.notes() or resource.string("comment"),
    }


def _single(resource: Resource, name: str) -> list[Actor]:
    return [actor_of(resource, resource.child(name))]


def _place_and_person(found: Iterable[Actor]) -> tuple[Actor, Actor]:
    """The first place and the first doctor of those named; others (the patient) are passed over."""
    known = [one for one in found if one]
    place = next((one for one in known if one.is_place), Actor())
    return place, next((one for one in known if one.is_person), Actor())


def _people(place: Actor, person: Actor) -> dict[str, str | None]:
    return {
        "facility_code": place.code,
        "facility": place.name,
        "doctor_code": person.code,
        "doctor": person.name,
    }


def _number(resource: Resource) -> str | None:
    identifiers = resource.identifiers()
    ours = (value for system, value in identifiers if system == NUMBER)
    return next(ours, None) or next((value for _, value in identifiers), None)


def _activity(resource: Resource, node: Node) -> dict[str, Any]:
    detail = node.child("detail")
    if detail is None:
        reference = node.child("reference")
        return out.filled({"display": resource.name_behind(reference) if reference else None})
    code = detail.concept("code")
    start = detail.period("scheduledPeriod")[0]
    return out.filled(
        {
            "display": code.display or code.code or detail.string("description"),
            "status": detail.string("status"),
            "scheduled": start or detail.string("scheduledString"),
        }
    )
