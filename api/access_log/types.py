"""How a phone sees the log."""

import enum
from typing import Annotated
from uuid import UUID

import strawberry

from api.access_log.places import place_text
from api.consents.inputs import language_of
from api.consents.types import CONSENT, TextLanguage
from api.emergencies.types import KIND as EMERGENCY
from api.representation.reading import own_id, told, told_or_none
from api.representation.types import KIND as REPRESENTATION
from api.scalars import Instant
from domain.audit import words
from domain.audit.reading import Entry
from domain.consents.tables import Dispute


@strawberry.enum(description="Who asked. FHIR: AuditEvent.agent.type")
class AccessReader(enum.Enum):
    YOU = strawberry.enum_value("YOU", description="The one who looks at the log now.")
    PERSON = strawberry.enum_value("PERSON", description="The person whose book it is.")
    REPRESENTATIVE = strawberry.enum_value("REPRESENTATIVE", description="Somebody else who acts for the person.")
    PRACTITIONER = strawberry.enum_value("PRACTITIONER", description="A clinician of the facility named.")
    ORGANIZATION = strawberry.enum_value("ORGANIZATION", description="A facility's system.")
    APP = strawberry.enum_value("APP", description="An app, or somebody with it who had no right.")
    NOBODY_KNOWN = strawberry.enum_value("NOBODY_KNOWN", description="An app whose sign-in had ended.")


@strawberry.enum(description="The right behind a request. FHIR: AuditEvent.agent.policy")
class AccessBasis(enum.Enum):
    SELF = strawberry.enum_value("self", description="The person's own book.")
    PARENT = strawberry.enum_value("parent", description="Parent of the child.")
    GUARDIAN = strawberry.enum_value("guardian", description="Guardian.")
    LEGAL_REPRESENTATIVE = strawberry.enum_value("legal_representative", description="Legal representative.")
    DELEGATE = strawberry.enum_value("delegate", description="Chosen by the person to look after the book.")
    CONSENT = strawberry.enum_value("consent", description="A consent; see `consentIds`.")
    EMERGENCY = strawberry.enum_value("emergency", description="An emergency access; see `emergencyId`.")
    ORGANIZATION = strawberry.enum_value("organization", description="A facility's own task, which opens no section.")
    NONE = strawberry.enum_value("none", description="None.")


@strawberry.enum(description="What came of a request. FHIR: AuditEvent.outcome")
class AccessOutcome(enum.Enum):
    ALLOWED = strawberry.enum_value("ALLOWED", description="Let in; `sectionsOpened` says to what.")
    REFUSED = strawberry.enum_value("REFUSED", description="No right: nothing was shown.")
    SCOPE = strawberry.enum_value("SCOPE", description="The app may not ask for this: nothing was shown.")
    DEAD = strawberry.enum_value("DEAD", description="The sign-in had ended: nothing was shown.")


@strawberry.enum(description="How far a dispute is.")
class DisputeStatus(enum.Enum):
    OPEN = strawberry.enum_value("open", description="Nobody answered yet.")
    EXPLAINED = strawberry.enum_value("explained", description="Looked into: the access was right.")
    UPHELD = strawberry.enum_value("upheld", description="Looked into: the access was wrong.")


@strawberry.type(description="The citizen says of an entry of the log that it was not right.")
class AccessDispute:
    id: strawberry.ID = strawberry.field(description="Its id.")
    status: DisputeStatus = strawberry.field(description="How far it is.")
    raised_at: Instant = strawberry.field(description="When the citizen said so.")
    answered_at: Instant | None = strawberry.field(description="When an operator answered; null while it is open.")

    @classmethod
    def of(cls, row: Dispute) -> "AccessDispute":
        return cls(
            id=strawberry.ID(str(row.id)),
            status=DisputeStatus(row.status),
            raised_at=told(row.raised_at),
            answered_at=None,
        )


def _summary(
    root: "AccessLogEntry",
    language: Annotated[TextLanguage, strawberry.argument(description="Vietnamese unless told.")] = TextLanguage.VI,
) -> str:
    return words.summary(root.entry, language_of(language))


@strawberry.type(
    description="One request about this book: who, what, why, by which right, and what came of it. FHIR: AuditEvent"
)
class AccessLogEntry:
    id: strawberry.ID = strawberry.field(description="For `disputeAccess`, and as a cursor. FHIR: AuditEvent.id")
    at: Instant = strawberry.field(description="When. FHIR: AuditEvent.recorded")
    reader: AccessReader = strawberry.field(description="Who asked. FHIR: AuditEvent.agent.type")
    organization_name: str | None = strawberry.field(description="The facility's name. FHIR: AuditEvent.agent.name")
    practitioner_name: str | None = strawberry.field(
        description="The clinician's name as the facility registered it; null where there was no right."
    )
    app_name: str | None = strawberry.field(description="The app or system that asked. FHIR: AuditEvent.agent.name")
    is_reading: bool = strawberry.field(description="Whether sections were asked for; else something was done.")
    sections_asked: list[str] = strawberry.field(description="Sections asked for. FHIR: AuditEvent.entity")
    sections_opened: list[str] = strawberry.field(description="Those of them that were shown.")
    purpose: str = strawberry.field(
        description="PurposeOfUse of a reading; else the name of what was done. FHIR: AuditEvent.purposeOfEvent"
    )
    basis: AccessBasis = strawberry.field(description="By which right. FHIR: AuditEvent.agent.policy")
    consent_ids: list[strawberry.ID] = strawberry.field(
        description="The consents that opened it, as `consents` names them. FHIR: Consent"
    )
    emergency_id: strawberry.ID | None = strawberry.field(
        description="The emergency access, as `emergencies` names it."
    )
    representation_id: strawberry.ID | None = strawberry.field(
        description="The representation it rests on, as `representations` names it. FHIR: RelatedPerson"
    )
    outcome: AccessOutcome = strawberry.field(description="What came of it. FHIR: AuditEvent.outcome")
    dispute: AccessDispute | None = strawberry.field(description="What the citizen said of it, if anything.")
    entry: strawberry.Private[Entry]

    summary: str = strawberry.field(
        resolver=_summary, description="The entry in plain words, for showing as it is. FHIR: AuditEvent.outcomeDesc"
    )

    @classmethod
    def of(cls, entry: Entry, patient_id: UUID) -> "AccessLogEntry":
        return cls(
            id=strawberry.ID(place_text(entry.at, entry.id)),
            at=told(entry.at),
            reader=AccessReader[entry.reader],
            organization_name=entry.organization_name,
            practitioner_name=entry.practitioner_name,
            app_name=entry.client_name,
            is_reading=entry.is_reading,
            sections_asked=entry.sections,
            sections_opened=entry.opened,
            purpose=entry.purpose,
            basis=AccessBasis(entry.basis),
            consent_ids=[own_id(CONSENT, patient_id, one) for one in entry.consent_ids or ()],
            emergency_id=own_id(EMERGENCY, patient_id, entry.emergency_id) if entry.emergency_id else None,
            representation_id=(
                own_id(REPRESENTATION, patient_id, entry.related_person_id) if entry.related_person_id else None
            ),
            outcome=AccessOutcome(entry.outcome),
            dispute=_dispute(entry),
            entry=entry,
        )


def _dispute(entry: Entry) -> AccessDispute | None:
    if entry.dispute_id is None or entry.disputed_at is None:
        return None
    return AccessDispute(
        id=strawberry.ID(str(entry.dispute_id)),
        status=DisputeStatus(entry.dispute_status),
        raised_at=told(entry.disputed_at),
        answered_at=told_or_none(entry.answered_at),
    )


@strawberry.type(description="A page of the log, newest first. FHIR: Bundle")
class AccessLogPage:
    nodes: list[AccessLogEntry] = strawberry.field(description="The entries.")
    end_cursor: str | None = strawberry.field(description="For `after`, to get the next page.")
    has_next_page: bool = strawberry.field(description="Whether older ones follow.")
