"""What a phone sees of who can see what, and of the history of a consent."""

import enum
from uuid import UUID

import strawberry

from api.consents.types import CONSENT, Consent, ConsentEventKind, Denial, TextLanguage
from api.purposes import PurposeOfUse
from api.representation.reading import own_id, told, told_or_none
from api.scalars import Instant
from domain.consents import readers, tables
from domain.consents.texts import Text, base64url


@strawberry.type(description="A page of consents, newest first. FHIR: Bundle")
class ConsentPage:
    nodes: list[Consent] = strawberry.field(description="The consents.")
    end_cursor: str | None = strawberry.field(description="For `after`, to get the next page.")
    has_next_page: bool = strawberry.field(description="Whether older ones follow.")


@strawberry.type(description="A page of denials, newest first. FHIR: Bundle")
class DenialPage:
    nodes: list[Denial] = strawberry.field(description="The denials.")
    end_cursor: str | None = strawberry.field(description="For `after`, to get the next page.")
    has_next_page: bool = strawberry.field(description="Whether older ones follow.")


@strawberry.type(
    description="What must be shown before a consent is given (Luật 91/2025/QH15 Đ9). FHIR: Consent.sourceAttachment"
)
class ConsentText:
    body: str = strawberry.field(description="The text, to be shown whole. FHIR: Consent.sourceAttachment.data")
    hash: str = strawberry.field(
        description="For `grantConsent(textHash:)`: SHA-256, base64url. FHIR: Consent.sourceAttachment.hash"
    )
    language: TextLanguage = strawberry.field(description="Its language. FHIR: Consent.sourceAttachment.language")
    version: int = strawberry.field(description="Version of its wording. FHIR: Consent.policy")

    @classmethod
    def of(cls, text: Text) -> "ConsentText":
        return cls(
            body=text.body, hash=base64url(text.hash), language=TextLanguage(text.language), version=text.version
        )


@strawberry.type(description="What to show, and what a yes needs besides.")
class ConsentTextToShow(ConsentText):
    child_must_agree: bool = strawberry.field(
        description="Whether the child has to be asked too, and `childAgrees` said (Luật 91/2025/QH15)."
    )
    latest_end: Instant | None = strawberry.field(
        description="`validUntil` cannot be later than this; null where only five years are the limit."
    )


@strawberry.type(description="One event of a consent's history. FHIR: Provenance")
class ConsentEvent:
    place: int = strawberry.field(description="Its place in the chain of all events of this person, from 1.")
    kind: ConsentEventKind = strawberry.field(description="What happened. FHIR: Provenance.activity")
    at: Instant = strawberry.field(description="When. FHIR: Provenance.recorded")
    version: int = strawberry.field(description="Of the consent, after it. FHIR: Consent.meta.versionId")
    receipt: str = strawberry.field(
        description=(
            "The signed receipt: a JWS (ES256, typ consent-receipt+jwt) that anybody verifies with the keys of "
            "/oauth/receipt-jwks. FHIR: Provenance.signature"
        )
    )

    @classmethod
    def of(cls, row: tables.ConsentEvent) -> "ConsentEvent":
        return cls(
            place=row.place, kind=ConsentEventKind(row.kind), at=told(row.at), version=row.version, receipt=row.receipt
        )


@strawberry.type(description="The proof of a consent: every event with its receipt, and the text shown last.")
class ConsentReceipt:
    consent: Consent = strawberry.field(description="The consent as it stands. FHIR: Consent")
    events: list[ConsentEvent] = strawberry.field(description="Its history, oldest first. FHIR: Provenance")
    text: ConsentText | None = strawberry.field(
        description="The text that was shown last. FHIR: Consent.sourceAttachment"
    )


@strawberry.enum(description="By which right somebody reads. FHIR: AuditEvent.agent.type")
class ReaderKind(enum.Enum):
    FACILITY = strawberry.enum_value("facility", description="A facility, by a consent or while an emergency is open.")
    APP = strawberry.enum_value("app", description="An app, by a consent.")
    RELATED_PERSON = strawberry.enum_value(
        "related_person", description="Parent, guardian, legal representative or delegate."
    )
    EMERGENCY = strawberry.enum_value(
        "emergency", description="Any clinician with a reason, for an hour; the person is told at once."
    )
    SENDER = strawberry.enum_value(
        "sender", description="Each facility keeps and sees what it recorded itself, in its own systems."
    )


@strawberry.type(description="Somebody who can see this section, and why. FHIR: Consent.provision.actor")
class SectionReader:
    kind: ReaderKind = strawberry.field(description="By which right.")
    name: str | None = strawberry.field(description="Name of the facility or app. FHIR: Organization.name")
    relation: str | None = strawberry.field(
        description="parent, guardian, legal_representative or delegate. FHIR: RelatedPerson.relationship"
    )
    purposes: list[PurposeOfUse] = strawberry.field(description="What for. FHIR: Consent.provision.purpose")
    consent_id: strawberry.ID | None = strawberry.field(
        description="The consent it rests on, where it is one. FHIR: Consent.id"
    )
    sensitive: list[str] = strawberry.field(
        description="Categories of especially private data that are shown too. FHIR: Consent.provision.securityLabel"
    )
    data_from: str | None = strawberry.field(
        description="First day of the data, null for all earlier ones. FHIR: Consent.provision.dataPeriod.start"
    )
    data_to: str | None = strawberry.field(
        description="Last day of the data, null for all later ones. FHIR: Consent.provision.dataPeriod.end"
    )
    until: Instant | None = strawberry.field(
        description="When it ends by itself; null where it does not. FHIR: Consent.provision.period.end"
    )
    is_at_once: bool = strawberry.field(
        description="False where it needs a second reason first (other sections in an emergency)."
    )

    @classmethod
    def of(cls, sight: readers.Sight, section: str, patient_of: dict[UUID, UUID]) -> "SectionReader":
        """`patient_of` tells under which id of the patient a consent stands."""
        who, view = sight.who, sight.view
        consent_id, right_id = None, view.right_id
        if right_id is not None and right_id in patient_of:
            consent_id = own_id(CONSENT, patient_of[right_id], right_id)
        return cls(
            kind=ReaderKind(who.kind),
            name=who.name or None,
            relation=who.relation or None,
            purposes=[PurposeOfUse(one) for one in sight.purposes],
            consent_id=consent_id,
            sensitive=[label for label in tables.CATEGORIES if label in view.labels],
            data_from=view.data_from,
            data_to=view.data_to,
            until=told_or_none(view.until),
            is_at_once=who.kind != "emergency" or readers.is_opened_first(section),
        )

    @classmethod
    def senders(cls) -> "SectionReader":
        return cls(
            kind=ReaderKind.SENDER,
            name=None,
            relation=None,
            purposes=[PurposeOfUse.TREAT],
            consent_id=None,
            sensitive=list(tables.CATEGORIES),
            data_from=None,
            data_to=None,
            until=None,
            is_at_once=True,
        )


@strawberry.type(description="What a change would mean to one reader.")
class ReaderChange:
    kind: ReaderKind = strawberry.field(description="Who it is.")
    name: str | None = strawberry.field(description="Name of the facility or app. FHIR: Organization.name")
    relation: str | None = strawberry.field(
        description="parent, guardian, legal_representative or delegate. FHIR: RelatedPerson.relationship"
    )
    loses: list[str] = strawberry.field(description="Sections he would no longer see.")
    sees_less: list[str] = strawberry.field(
        description="Sections of which he would see less: fewer days or categories, for fewer purposes."
    )
    gains: list[str] = strawberry.field(description="Sections of which he would see more than now.")

    @classmethod
    def of(cls, difference: readers.Difference) -> "ReaderChange":
        who = difference.who
        return cls(
            kind=ReaderKind(who.kind),
            name=who.name or None,
            relation=who.relation or None,
            loses=list(difference.loses),
            sees_less=list(difference.sees_less),
            gains=list(difference.gains),
        )
