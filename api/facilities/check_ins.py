"""What becomes of a check-in, and the opening of a visit, which is the same whichever way somebody came."""

import enum
from uuid import UUID

import strawberry
from sqlalchemy.orm import Session

from api.acting import Actor
from api.appointments.desk_types import ClinicAppointment
from api.facilities.asking import asker, nobody
from api.facilities.types import SentRequest, Visit
from api.representation.notices import tell
from domain.consents import parties, tables, visits
from domain.consents.events import Sign
from domain.consents.visits import Permission
from domain.representation.people import those_who_decide
from domain.values import utc_now


@strawberry.enum(description="What became of a check-in. FHIR: OperationOutcome.issue.code")
class CheckInOutcome(enum.Enum):
    CHECKED_IN = strawberry.enum_value("CHECKED_IN", description="The visit is open.")
    OFFER_ENDED = strawberry.enum_value(
        "OFFER_ENDED", description="The QR is none, was used, or is older than five minutes: ask for a new one."
    )
    NOTHING_CHOSEN = strawberry.enum_value(
        "NOTHING_CHOSEN", description="The card opens nothing; the citizen has been asked in his app instead."
    )
    NOT_FOUND = strawberry.enum_value("NOT_FOUND", description="As `findPatient` says it.")
    TOO_MANY_TRIES = strawberry.enum_value("TOO_MANY_TRIES", description="As `findPatient` says it.")
    PASS_NOT_VALID = strawberry.enum_value(
        "PASS_NOT_VALID",
        description="The pass is none of ours, or who made it may decide for the patient no longer: take the card.",
    )
    PASS_OF_ANOTHER_CLINIC = strawberry.enum_value(
        "PASS_OF_ANOTHER_CLINIC", description="The pass is for an appointment elsewhere."
    )
    PASS_OF_ANOTHER_TIME = strawberry.enum_value(
        "PASS_OF_ANOTHER_TIME", description="The pass was not valid yet when he came, or no longer."
    )
    APPOINTMENT_CHANGED = strawberry.enum_value(
        "APPOINTMENT_CHANGED", description="The appointment was cancelled or moved since, or is over."
    )


@strawberry.type(description="What became of a check-in.")
class CheckInResult:
    outcome: CheckInOutcome = strawberry.field(description="What became of it. FHIR: OperationOutcome.issue.code")
    visit: Visit | None = strawberry.field(default=None, description="What is open; with CHECKED_IN. FHIR: Consent")
    request: SentRequest | None = strawberry.field(
        default=None,
        description="What the citizen was asked, with NOTHING_CHOSEN; null where too many requests wait. FHIR: Task",
    )
    appointment: ClinicAppointment | None = strawberry.field(
        default=None,
        description="His appointment of today, for which he is here from now on, with a number. FHIR: Appointment",
    )


def opened(db: Session, actor: Actor, permission: Permission, sign: Sign) -> tables.Consent:
    """The visit's consent, of which those who decide for the patient are told. NotFound for a suspended facility."""
    now = utc_now()
    reader = parties.facility(db, asker(actor).organization_id, "visit")
    if reader is None:
        raise nobody()
    consent = visits.check_in(db, patient_of(actor), permission, reader=reader, now=now, sign=sign)
    tell_of(db, actor, consent)
    return consent


def patient_of(actor: Actor) -> UUID:
    if actor.patient_id is None:
        raise nobody()
    return actor.patient_id


def tell_of(db: Session, actor: Actor, consent: tables.Consent) -> None:
    now = utc_now()
    concerned = those_who_decide(db, actor.persons, now)
    tell(db, concerned, "visit", patient_id=consent.patient_id, subject_id=consent.id, now=now)
