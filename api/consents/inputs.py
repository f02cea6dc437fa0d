"""What a phone says of consents and denials, as values of the domain. What is malformed is Invalid, never a fault."""

from datetime import datetime
from uuid import UUID

import strawberry
from sqlalchemy.orm import Session

from api.consents.types import DenialScope, TextLanguage
from api.purposes import PurposeOfUse
from api.representation.reading import moment
from api.scalars import Instant
from domain.consents import parties
from domain.consents.denials import Denied
from domain.consents.terms import Reader, Terms
from domain.consents.texts import Language
from domain.errors import Invalid

LONGEST_WORD = 200
MOST_WORDS = 50


@strawberry.input(one_of=True, description="The facility or the app that is to read. FHIR: Consent.provision.actor")
class ConsentReaderInput:
    organization_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="A facility, as `organizations` names it. FHIR: Organization.id"
    )
    client_id: str | None = strawberry.field(default=strawberry.UNSET, description="An app. RFC 6749 2.2")


@strawberry.input(description="What is opened, for what, and how long. FHIR: Consent.provision")
class ConsentTermsInput:
    purposes: list[PurposeOfUse] = strawberry.field(
        description="What for. Payment, public health and research each need a consent of their own (NĐ 356/2025 Đ6)."
    )
    sections: list[str] = strawberry.field(description="Names of the sections, such as `labs`; one at least.")
    valid_until: Instant = strawberry.field(description="When it ends by itself: within five years, to the second.")
    sensitive: list[str] = strawberry.field(
        default_factory=list, description="Categories of especially private data that it opens too: none unless named."
    )
    data_from: str | None = strawberry.field(default=None, description="First day of the data, such as 2025-01-31.")
    data_to: str | None = strawberry.field(default=None, description="Last day of the data.")
    erase_by: Instant | None = strawberry.field(
        default=None, description="When copies must be deleted; not before `validUntil`."
    )

    def terms(self) -> Terms:
        """Not yet checked."""
        return Terms(
            purposes=tuple(str(one.value) for one in self.purposes[:MOST_WORDS]),
            sections=words("sections", self.sections),
            sensitive=words("sensitive", self.sensitive),
            data_from=self.data_from,
            data_to=self.data_to,
            valid_until=instant("validUntil", self.valid_until),
            erase_by=instant("eraseBy", self.erase_by) if self.erase_by is not None else None,
        )


@strawberry.input(description="What is closed to whom. FHIR: Consent.provision")
class DenialInput:
    scope: DenialScope = strawberry.field(description="What it is aimed at; name that, and nothing else.")
    organization_id: strawberry.ID | None = strawberry.field(default=None, description="With the scope ORGANIZATION.")
    section: str | None = strawberry.field(default=None, description="With the scope SECTION.")
    category: str | None = strawberry.field(default=None, description="With the scope CATEGORY.")
    in_emergency: bool = strawberry.field(
        default=False, description="Whether it is to hold also where a clinician opens the book to save a life."
    )

    def denied(self) -> Denied:
        organization_id = None if self.organization_id is None else uuid("organizationId", self.organization_id)
        return Denied(str(self.scope.value), organization_id, self.section, self.category, self.in_emergency).checked()


@strawberry.input(description="A consent with less in it.")
class NarrowedConsentInput:
    id: strawberry.ID = strawberry.field(description="The consent, as `consents` names it.")
    terms: ConsentTermsInput = strawberry.field(description="All of its terms as they are to be.")


@strawberry.input(description="A new consent.")
class NewConsentInput:
    reader: ConsentReaderInput = strawberry.field(description="Who is to read.")
    terms: ConsentTermsInput = strawberry.field(description="What is opened.")


@strawberry.input(one_of=True, description="One change that is thought of.")
class ConsentChangeInput:
    grant: NewConsentInput | None = strawberry.field(default=strawberry.UNSET, description="Give this consent.")
    narrow: NarrowedConsentInput | None = strawberry.field(default=strawberry.UNSET, description="Make it narrower.")
    withdraw: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Withdraw this consent.")
    deny: DenialInput | None = strawberry.field(default=strawberry.UNSET, description="Place this denial.")
    lift: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Lift this denial.")


def reader_of(db: Session, told: ConsentReaderInput) -> Reader:
    """Invalid where there is no such active facility or app."""
    if told.organization_id:
        found = parties.facility(db, uuid("organizationId", told.organization_id))
    else:
        client_id = told.client_id or ""
        found = parties.app(db, client_id) if is_plain(client_id) else None
    if found is None:
        raise Invalid("reader", "There is no such facility or app.")
    return found


def language_of(told: TextLanguage) -> Language:
    return "vi" if told is TextLanguage.VI else "en"


def words(field: str, given: list[str]) -> tuple[str, ...]:
    """A short list of words; whether they are known is asked later."""
    if len(given) > MOST_WORDS:
        raise Invalid(field, f"`{field}` holds more than {MOST_WORDS} words.")
    return tuple(given)


def instant(field: str, text: str) -> datetime:
    try:
        return moment(text, field)
    except OverflowError:
        raise Invalid(field, f"`{field}` is outside the calendar.") from None


def is_plain(text: str) -> bool:
    return len(text) <= LONGEST_WORD and text.isascii() and text.isprintable()


def uuid(field: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(field, f"`{field}` is not an id of this API.") from None
