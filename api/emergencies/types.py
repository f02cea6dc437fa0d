"""An emergency as the API shows it, to the clinician and to the citizen alike."""

import enum
from typing import Annotated

import strawberry

from api.organizations import Organization
from api.representation.reading import own_id, told, told_or_none
from api.scalars import Instant
from domain.emergency_reviews import Told
from domain.organizations import Organization as Facility

KIND = "emergency"


@strawberry.enum(description="Why a book is opened without consent.")
class EmergencyReason(enum.Enum):
    UNCONSCIOUS = strawberry.enum_value("unconscious", description="The patient is unconscious.")
    LIFE_THREATENING = strawberry.enum_value("life_threatening", description="His life or health is in danger now.")
    CANNOT_ANSWER = strawberry.enum_value("cannot_answer", description="He cannot be asked: a child alone, confusion.")
    MASS_CASUALTY = strawberry.enum_value("mass_casualty", description="Many injured at once.")


@strawberry.enum(description="What the reviewer said of an emergency.")
class EmergencyReview(enum.Enum):
    WAITING = strawberry.enum_value("waiting", description="Nobody has looked at it yet.")
    JUSTIFIED = strawberry.enum_value("justified", description="It was one.")
    UNJUSTIFIED = strawberry.enum_value("unjustified", description="It was none; the facility is asked to answer.")


@strawberry.type(description="An hour in which a clinician read without consent. FHIR: AuditEvent, purposeOfEvent BTG")
class Emergency:
    id: strawberry.ID = strawberry.field(description="For `widenEmergency` and `closeEmergency`.")
    patient_id: strawberry.ID = strawberry.field(description="Whose book. FHIR: AuditEvent.entity.what")
    practitioner_name: str | None = strawberry.field(description="Who opened it. FHIR: AuditEvent.agent.name")
    practitioner_role: str | None = strawberry.field(description="doctor, nurse ... FHIR: PractitionerRole.code")
    organization: Organization | None = strawberry.field(description="Where he works. FHIR: AuditEvent.agent.who")
    reason_code: EmergencyReason = strawberry.field(description="Why. FHIR: AuditEvent.purposeOfEvent")
    reason: str = strawberry.field(description="Why, in his words. FHIR: AuditEvent.outcomeDesc")
    sections: list[str] = strawberry.field(description="What was opened, by the names of the sections.")
    is_sensitive_open: bool = strawberry.field(description="Whether sensitive items of them were opened too.")
    opened_at: Instant = strawberry.field(description="Since when. FHIR: AuditEvent.period.start")
    expires_at: Instant = strawberry.field(description="When it ends by itself, an hour later at most.")
    closed_at: Instant | None = strawberry.field(description="When it was closed. FHIR: AuditEvent.period.end")
    widened_at: Instant | None = strawberry.field(description="When more was opened last.")
    widened_reasons: list[str] = strawberry.field(description="Why more was opened, each time.")
    review: EmergencyReview = strawberry.field(description="What the reviewer said.")
    reviewed_at: Instant | None = strawberry.field(description="When he said it.")


@strawberry.type(description="Emergencies, newest first.")
class EmergencyPage:
    items: list[Emergency] = strawberry.field(description="The emergencies of the page.")
    next: strawberry.ID | None = strawberry.field(description="Give it as `after` for older ones; null at the end.")


@strawberry.enum(description="Why no emergency was opened.")
class EmergencyRefusal(enum.Enum):
    OPTED_OUT = strawberry.enum_value("OPTED_OUT", description="The citizen denied it for emergencies too.")
    NEW_REASON_NEEDED = strawberry.enum_value(
        "NEW_REASON_NEEDED", description="The hour for this reason is over; another hour needs another reason."
    )


@strawberry.type(description="The book stays closed.")
class EmergencyRefused:
    code: EmergencyRefusal = strawberry.field(description="Why.")


OpenEmergencyResult = Annotated[
    Emergency | EmergencyRefused,
    strawberry.union("OpenEmergencyResult", description="The emergency that holds now, or why there is none."),
]


def shown(told_of: Told) -> Emergency:
    one, role = told_of.emergency, told_of.practitioner
    return Emergency(
        id=own_id(KIND, one.patient_id, one.id),
        patient_id=strawberry.ID(str(one.patient_id)),
        practitioner_name=role.display_name if role else None,
        practitioner_role=role.role if role else None,
        organization=_facility(told_of.organization),
        reason_code=EmergencyReason(one.reason_code),
        reason=one.reason,
        sections=one.sections,
        is_sensitive_open=one.sensitive,
        opened_at=told(one.opened_at),
        expires_at=told(one.expires_at),
        closed_at=told_or_none(one.closed_at),
        widened_at=told_or_none(one.widened_at),
        widened_reasons=(one.widened_reason or "").splitlines(),
        review=EmergencyReview(one.review),
        reviewed_at=told_or_none(one.reviewed_at),
    )


def _facility(one: Facility | None) -> Organization | None:
    if one is None:
        return None
    return Organization(
        id=strawberry.ID(str(one.id)),
        code=one.code,
        name=one.name,
        name_en=one.name_en,
        kind=one.kind,
        province=one.province,
        address=one.address,
    )
