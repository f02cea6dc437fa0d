"""What a phone sees of consents and denials."""

import enum
from datetime import datetime
from typing import Annotated, Union
from uuid import UUID

import strawberry

from api.purposes import PurposeOfUse
from api.representation.reading import own_id, told, told_or_none
from api.scalars import Instant
from domain.consents import tables
from domain.consents.terms import Reader
from domain.consents.texts import base64url

CONSENT, DENIAL = "consent", "denial"
"""Kinds of opaque ids."""


@strawberry.enum(description="To whom a consent was given, and on what ground. FHIR: Consent.category")
class ConsentKind(enum.Enum):
    APP = strawberry.enum_value("app", description="An app of the person's own choice.")
    WRITTEN_REQUEST = strawberry.enum_value(
        "written_request", description="A facility, by the written request that Luật 91/2025/QH15 Đ26 k2 asks for."
    )
    VISIT = strawberry.enum_value("visit", description="The facility of a visit, for a day at most.")


@strawberry.enum(description="Whether it opens anything now. FHIR: Consent.status")
class ConsentStatus(enum.Enum):
    ACTIVE = strawberry.enum_value("active", description="It opens what it says.")
    WITHDRAWN = strawberry.enum_value("withdrawn", description="Taken back before its end.")
    EXPIRED = strawberry.enum_value("expired", description="Over by its own terms.")


@strawberry.enum(description="Who said yes. FHIR: Consent.performer")
class ConsentActorRole(enum.Enum):
    SELF = strawberry.enum_value("self", description="The person himself.")
    REPRESENTATIVE = strawberry.enum_value("representative", description="Parent, guardian or legal representative.")
    CHILD_AND_REPRESENTATIVE = strawberry.enum_value(
        "child_and_representative", description="The child and who represents him, together (from seven years on)."
    )


@strawberry.enum(description="The language of a text. BCP 47")
class TextLanguage(enum.Enum):
    VI = strawberry.enum_value("vi", description="Vietnamese.")
    EN = strawberry.enum_value("en", description="English.")


@strawberry.enum(description="What happened to a consent. FHIR: Provenance.activity")
class ConsentEventKind(enum.Enum):
    GRANTED = strawberry.enum_value("granted", description="It was given.")
    NARROWED = strawberry.enum_value("narrowed", description="It opens less than before.")
    WITHDRAWN = strawberry.enum_value("withdrawn", description="It was taken back.")
    EXPIRED = strawberry.enum_value("expired", description="Its time was over.")


@strawberry.enum(description="What a denial is aimed at. FHIR: Consent.provision")
class DenialScope(enum.Enum):
    ALL = strawberry.enum_value("all", description="Everybody but those who decide for the person.")
    ORGANIZATION = strawberry.enum_value("organization", description="One facility.")
    SECTION = strawberry.enum_value("section", description="One section of the book.")
    CATEGORY = strawberry.enum_value("category", description="One category of especially private data.")


@strawberry.enum(description="Why a change was not made, where a good user may meet it.")
class ConsentRefusal(enum.Enum):
    CHILD_MUST_AGREE = strawberry.enum_value(
        "child", description="From seven years on the child must agree too: ask him, then say `childAgrees`."
    )
    REPRESENTATIVE_MUST_AGREE = strawberry.enum_value(
        "representative", description="Below sixteen somebody who represents the child must decide with him."
    )
    TEXT_CHANGED = strawberry.enum_value(
        "text", description="`textHash` is not of the text for these terms: show `consentText` again."
    )
    CONSENT_ENDED = strawberry.enum_value("ended", description="The consent was withdrawn or ran out meanwhile.")


@strawberry.type(description="A change that was not made, and why.")
class ConsentRefused:
    code: ConsentRefusal = strawberry.field(description="Why.")


@strawberry.type(description="The facility or app that a consent names. FHIR: Consent.provision.actor")
class ConsentReader:
    organization_id: strawberry.ID | None = strawberry.field(
        description="The facility's id; null for an app. FHIR: Organization.id"
    )
    client_id: str | None = strawberry.field(description="The app's id; null for a facility. RFC 6749 2.2")
    name: str = strawberry.field(description="Its name today. FHIR: Organization.name")
    code: str | None = strawberry.field(description="MA_CSKCB of a facility. FHIR: Organization.identifier")

    @classmethod
    def of(cls, reader: Reader) -> "ConsentReader":
        organization = strawberry.ID(str(reader.organization_id)) if reader.organization_id else None
        return cls(organization_id=organization, client_id=reader.client_id, name=reader.name, code=reader.code or None)


@strawberry.type(description="A right to read some sections, for some purposes, for a time. FHIR: Consent")
class Consent:
    id: strawberry.ID = strawberry.field(description="Its id. FHIR: Consent.id")
    patient_id: strawberry.ID = strawberry.field(description="Whose book it opens. FHIR: Consent.patient")
    kind: ConsentKind = strawberry.field(description="To whom it was given, and on what ground. FHIR: Consent.category")
    status: ConsentStatus = strawberry.field(description="Whether it opens anything now. FHIR: Consent.status")
    reader: ConsentReader = strawberry.field(description="Who may read. FHIR: Consent.provision.actor")
    purposes: list[PurposeOfUse] = strawberry.field(description="What for. FHIR: Consent.provision.purpose")
    sections: list[str] = strawberry.field(
        description="Names of the sections it opens, such as `labs`. FHIR: Consent.provision.class"
    )
    sensitive: list[str] = strawberry.field(
        description="Categories of especially private data that it opens too. FHIR: Consent.provision.securityLabel"
    )
    data_from: str | None = strawberry.field(
        description="First day of the data, null for all earlier ones. FHIR: Consent.provision.dataPeriod.start"
    )
    data_to: str | None = strawberry.field(
        description="Last day of the data, null for all later ones. FHIR: Consent.provision.dataPeriod.end"
    )
    valid_from: Instant = strawberry.field(description="When it began. FHIR: Consent.provision.period.start")
    valid_until: Instant = strawberry.field(description="When it ends by itself. FHIR: Consent.provision.period.end")
    erase_by: Instant | None = strawberry.field(
        description="When the reader must have deleted his copies. FHIR: Consent.policyRule"
    )
    version: int = strawberry.field(description="How often it changed, from 1. FHIR: Consent.meta.versionId")
    actor_role: ConsentActorRole = strawberry.field(description="Who said yes. FHIR: Consent.performer")
    granted_at: Instant = strawberry.field(description="When it was given. FHIR: Consent.dateTime")
    withdrawn_at: Instant | None = strawberry.field(
        description="When it was taken back; null where it was not. FHIR: Consent.meta.lastUpdated"
    )
    text_hash: str = strawberry.field(
        description="SHA-256 of the text that was shown last, base64url. FHIR: Consent.sourceAttachment.hash"
    )

    @classmethod
    def of(cls, row: tables.Consent, reader: Reader, now: datetime) -> "Consent":
        return cls(
            id=own_id(CONSENT, row.patient_id, row.id),
            patient_id=strawberry.ID(str(row.patient_id)),
            kind=ConsentKind(row.kind),
            status=_status(row, now),
            reader=ConsentReader.of(reader),
            purposes=[PurposeOfUse(one) for one in row.purposes],
            sections=row.sections,
            sensitive=row.sensitive,
            data_from=row.data_from,
            data_to=row.data_to,
            valid_from=told(row.valid_from),
            valid_until=told(row.valid_until),
            erase_by=told_or_none(row.erase_by),
            version=row.version,
            actor_role=ConsentActorRole(row.actor_role),
            granted_at=told(row.created_at),
            withdrawn_at=told_or_none(row.withdrawn_at),
            text_hash=base64url(row.text_hash),
        )


def _status(row: tables.Consent, now: datetime) -> ConsentStatus:
    if row.withdrawn_at is not None:
        return ConsentStatus.WITHDRAWN
    return ConsentStatus.ACTIVE if now < row.valid_until else ConsentStatus.EXPIRED


@strawberry.type(description="The person's no, stronger than every consent. FHIR: Consent")
class Denial:
    id: strawberry.ID = strawberry.field(description="Its id. FHIR: Consent.id")
    patient_id: strawberry.ID = strawberry.field(description="Whose book it closes. FHIR: Consent.patient")
    scope: DenialScope = strawberry.field(description="What it is aimed at. FHIR: Consent.provision")
    organization: ConsentReader | None = strawberry.field(
        description="The facility, where it is aimed at one. FHIR: Consent.provision.actor"
    )
    section: str | None = strawberry.field(
        description="The section, where it is aimed at one. FHIR: Consent.provision.class"
    )
    category: str | None = strawberry.field(
        description="The category, where it is aimed at one. FHIR: Consent.provision.securityLabel"
    )
    in_emergency: bool = strawberry.field(
        description="Whether it holds in an emergency too (purpose BTG). FHIR: Consent.provision.purpose"
    )
    placed_at: Instant = strawberry.field(description="Since when it holds. FHIR: Consent.dateTime")
    is_mine: bool = strawberry.field(
        description="Whether the caller placed it, and so may lift it. FHIR: Consent.performer"
    )
    lifted_at: Instant | None = strawberry.field(
        description="Since when it holds no more. FHIR: Consent.provision.period.end"
    )

    @classmethod
    def of(cls, row: tables.Denial, organization: Reader | None, citizen_id: UUID) -> "Denial":
        return cls(
            id=own_id(DENIAL, row.patient_id, row.id),
            patient_id=strawberry.ID(str(row.patient_id)),
            scope=DenialScope(row.scope),
            organization=ConsentReader.of(organization) if organization else None,
            section=row.section,
            category=row.category,
            in_emergency=row.in_emergency,
            placed_at=told(row.placed_at),
            is_mine=row.placed_by == citizen_id,
            lifted_at=told_or_none(row.lifted_at),
        )


ConsentResult = Annotated[
    Union[Consent, ConsentRefused],  # noqa: UP007 -- strawberry names a union by its annotation
    strawberry.union("ConsentResult", description="The consent as it stands now, or why nothing was changed."),
]
