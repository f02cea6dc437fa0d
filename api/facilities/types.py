"""Requests and visits as phones and facilities see them."""

import enum
from datetime import datetime
from typing import Annotated, Any

import strawberry

from api.consents.inputs import language_of
from api.consents.types import CONSENT, ConsentReader, TextLanguage
from api.consents.views import ConsentText
from api.purposes import PurposeOfUse
from api.representation.reading import own_id, told, told_or_none
from api.scalars import Instant
from domain.consents import requests, tables, texts
from domain.consents.requests import Sent, status_of
from domain.consents.terms import Reader, Terms

REQUEST = "request"
"""Kind of opaque ids. A visit has the id of its consent."""


@strawberry.enum(description="What became of a request. FHIR: Task.status")
class ConsentRequestStatus(enum.Enum):
    ASKED = strawberry.enum_value("asked", description="It waits for an answer.")
    GRANTED = strawberry.enum_value("granted", description="It was granted, whole or in part.")
    DECLINED = strawberry.enum_value("declined", description="It was declined.")
    CANCELLED = strawberry.enum_value("cancelled", description="The facility took it back.")
    EXPIRED = strawberry.enum_value("expired", description="Nobody answered in time.")


def _text(
    root: Any,
    language: Annotated[TextLanguage, strawberry.argument(description="The language to show it in.")] = TextLanguage.VI,
) -> ConsentText:
    return ConsentText.of(texts.document(root.reader, root.terms, language_of(language)))


@strawberry.type(description="What a facility asks to read, as those who decide see it. FHIR: Task")
class ConsentRequest:
    id: strawberry.ID = strawberry.field(description="For `answerConsentRequest`. FHIR: Task.id")
    patient_id: strawberry.ID = strawberry.field(description="Whose book it is about. FHIR: Task.for")
    facility: ConsentReader = strawberry.field(description="Who asks. FHIR: Task.requester")
    practitioner_name: str | None = strawberry.field(
        description="The clinician who asks, as he is called there; null where the facility's system does. "
        "FHIR: PractitionerRole.practitioner"
    )
    status: ConsentRequestStatus = strawberry.field(description="What became of it. FHIR: Task.status")
    purposes: list[PurposeOfUse] = strawberry.field(description="What for. FHIR: Consent.provision.purpose")
    sections: list[str] = strawberry.field(
        description="Names of the sections it asks for. FHIR: Consent.provision.class"
    )
    sensitive: list[str] = strawberry.field(
        description="Categories of especially private data it asks for too. FHIR: Consent.provision.securityLabel"
    )
    data_from: str | None = strawberry.field(
        description="First day of the data, null for all earlier ones. FHIR: Consent.provision.dataPeriod.start"
    )
    data_to: str | None = strawberry.field(
        description="Last day of the data, null for all later ones. FHIR: Consent.provision.dataPeriod.end"
    )
    valid_until: Instant = strawberry.field(
        description="Until when it would like to read. FHIR: Consent.provision.period.end"
    )
    asked_at: Instant = strawberry.field(description="When it was asked. FHIR: Task.authoredOn")
    expires_at: Instant = strawberry.field(description="Until when it waits. FHIR: Task.restriction.period.end")
    answered_at: Instant | None = strawberry.field(description="When it ended. FHIR: Task.lastModified")
    consent_id: strawberry.ID | None = strawberry.field(
        description="The consent it led to. FHIR: Task.output.valueReference"
    )
    reader: strawberry.Private[Reader]
    terms: strawberry.Private[Terms]

    text: ConsentText = strawberry.field(
        resolver=_text,
        description=(
            "The whole text for granting all that is asked; for less see `consentText`. FHIR: Consent.sourceAttachment"
        ),
    )

    @classmethod
    def of(cls, row: tables.ConsentRequest, reader: Reader, name: str | None, now: datetime) -> "ConsentRequest":
        consent = None if row.consent_id is None else own_id(CONSENT, row.patient_id, row.consent_id)
        return cls(
            id=own_id(REQUEST, row.patient_id, row.id),
            patient_id=strawberry.ID(str(row.patient_id)),
            facility=ConsentReader.of(reader),
            practitioner_name=name,
            status=ConsentRequestStatus(status_of(row, now)),
            purposes=[PurposeOfUse(one) for one in row.purposes],
            sections=row.sections,
            sensitive=row.sensitive,
            data_from=row.data_from,
            data_to=row.data_to,
            valid_until=told(row.valid_until),
            asked_at=told(row.created_at),
            expires_at=told(row.expires_at),
            answered_at=told_or_none(row.answered_at),
            consent_id=consent,
            reader=reader,
            terms=requests.terms_of(row),
        )


@strawberry.type(description="A page of requests, newest first. FHIR: Bundle")
class ConsentRequestPage:
    nodes: list[ConsentRequest] = strawberry.field(description="The requests. FHIR: Bundle.entry")
    end_cursor: str | None = strawberry.field(description="For `after`, to get the next page. FHIR: Bundle.link")
    has_next_page: bool = strawberry.field(description="Whether older ones follow. FHIR: Bundle.link")


@strawberry.type(description="A request as the facility that sent it sees it: the outcome, nothing else. FHIR: Task")
class SentRequest:
    id: strawberry.ID = strawberry.field(description="For `cancelConsentRequest`. FHIR: Task.id")
    patient_id: strawberry.ID = strawberry.field(description="About whom. FHIR: Task.for")
    status: ConsentRequestStatus = strawberry.field(description="What became of it. FHIR: Task.status")
    open_sections: list[str] = strawberry.field(
        description=(
            "Sections that its answer opens at this moment; none once the consent has ended. "
            "FHIR: Consent.provision.class"
        )
    )
    asked_at: Instant = strawberry.field(description="When it was asked. FHIR: Task.authoredOn")
    expires_at: Instant = strawberry.field(description="Until when it waits. FHIR: Task.restriction.period.end")
    answered_at: Instant | None = strawberry.field(description="When it ended. FHIR: Task.lastModified")

    @classmethod
    def of(cls, one: Sent) -> "SentRequest":
        row = one.request
        return cls(
            id=own_id(REQUEST, row.patient_id, row.id),
            patient_id=strawberry.ID(str(row.patient_id)),
            status=ConsentRequestStatus(one.status),
            open_sections=list(one.open_sections),
            asked_at=told(row.created_at),
            expires_at=told(row.expires_at),
            answered_at=told_or_none(row.answered_at),
        )


@strawberry.type(description="A page of requests that were sent, newest first. FHIR: Bundle")
class SentRequestPage:
    nodes: list[SentRequest] = strawberry.field(description="The requests. FHIR: Bundle.entry")
    end_cursor: str | None = strawberry.field(description="For `after`, to get the next page. FHIR: Bundle.link")
    has_next_page: bool = strawberry.field(description="Whether older ones follow. FHIR: Bundle.link")


@strawberry.type(description="What a check-in opened, until the check-out or for a day. FHIR: Consent")
class Visit:
    id: strawberry.ID = strawberry.field(description="For `checkOut`; the id of its consent. FHIR: Consent.id")
    patient_id: strawberry.ID = strawberry.field(description="Whose book it opens. FHIR: Consent.patient")
    sections: list[str] = strawberry.field(description="Names of the open sections. FHIR: Consent.provision.class")
    valid_until: Instant = strawberry.field(description="When it ends by itself. FHIR: Consent.provision.period.end")
    ended_at: Instant | None = strawberry.field(description="When it was ended. FHIR: Consent.meta.lastUpdated")

    @classmethod
    def of(cls, row: tables.Consent) -> "Visit":
        return cls(
            id=own_id(CONSENT, row.patient_id, row.id),
            patient_id=strawberry.ID(str(row.patient_id)),
            sections=row.sections,
            valid_until=told(row.valid_until),
            ended_at=told_or_none(row.withdrawn_at),
        )
