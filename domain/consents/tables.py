"""What citizens decided, and what facilities ask of them. FHIR R4 Consent, Task (a request), Luật 91/2025/QH15.

Rows belong to the patient whose book they open. `access.begin` reads them at every request, so a change works on the
next one. The present state stands in `consent`; how it came to be, in `consent_event`, which is only added to.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from domain.changes_feed import Tells, Told, decided_for
from domain.database import Base
from domain.values import new_id

OPTIONS = {"schema": "access", "info": {"class": "consent"}}
PURPOSES = ("TREAT", "CAREMGT", "PATRQT", "HPAYMT", "PUBHLTH", "HRESCH")
"""HL7 v3 PurposeOfUse. The seventh, BTG (break the glass), is no purpose to consent to: an emergency opens it."""
CATEGORIES = ("HIV", "MENTAL", "REPRODUCTIVE", "SUBSTANCE", "GENETIC", "VIOLENCE", "UNKNOWN")
"""Labels of sensitive rows, by name. UNKNOWN: data of a kind nobody classified."""


def one_of(column: str, values: tuple[str, ...], name: str = "") -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} in ({listed})", name=name or column)


def texts(**options: Any) -> Any:
    return mapped_column(ARRAY(Text), **options)


class Consent(Tells, Base, kw_only=True):
    """A right of one facility or one app to read some sections, for some purposes, for a time.

    `app`: the citizen's own tool (`client_id`). `written_request` and `visit`: another facility (`organization_id`),
    which Luật 91 Đ26 k2 allows only on a written request: hence the text that was shown (its hash), who signed, how
    strongly (`acr`) and when. `data_from` and `data_to` are days (`2025-01-01`), inclusive, null where open.
    """

    __tablename__ = "consent"
    __table_args__ = (
        one_of("kind", ("app", "written_request", "visit")),
        one_of("actor_role", ("self", "representative", "child_and_representative")),
        one_of("channel", ("app", "page", "qr", "desk")),
        CheckConstraint("(kind = 'app') = (client_id is not null)", name="app_has_client"),
        CheckConstraint("(kind <> 'app') = (organization_id is not null)", name="facility_has_organization"),
        CheckConstraint("valid_until > valid_from", name="period"),
        CheckConstraint("cardinality(sections) > 0 and cardinality(purposes) > 0", name="opens_something"),
        CheckConstraint("(withdrawn_at is null) = (withdrawn_by is null)", name="withdrawn_by_somebody"),
        Index("ix_consent_ends", "valid_until", postgresql_where="withdrawn_at is null"),
        OPTIONS,
    )

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    kind: Mapped[str]
    organization_id: Mapped[UUID | None] = mapped_column(default=None)
    client_id: Mapped[str | None] = mapped_column(default=None)
    purposes: Mapped[list[str]] = texts()
    sections: Mapped[list[str]] = texts()
    sensitive: Mapped[list[str]] = texts(default_factory=list)
    data_from: Mapped[str | None] = mapped_column(Text(collation="C"), default=None)
    data_to: Mapped[str | None] = mapped_column(Text(collation="C"), default=None)
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime]
    erase_by: Mapped[datetime | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column(default=1)
    granted_by: Mapped[UUID]
    actor_role: Mapped[str]
    channel: Mapped[str]
    acr: Mapped[str]
    auth_time: Mapped[datetime]
    text_hash: Mapped[bytes]
    request_id: Mapped[UUID | None] = mapped_column(default=None)
    created_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None] = mapped_column(default=None)
    withdrawn_by: Mapped[UUID | None] = mapped_column(default=None)

    def tells(self) -> Iterable[Told]:
        return decided_for(self.patient_id)


class ConsentEvent(Base, kw_only=True):
    """What happened to a consent: never changed, chained by hash a patient at a time, with its signed receipt.

    `hash` is the SHA-256 of `previous_hash` and the canonical JSON of the event; `receipt` a JWS of the same.
    """

    __tablename__ = "consent_event"
    __table_args__ = (
        one_of("kind", ("granted", "narrowed", "withdrawn", "expired")),
        ForeignKeyConstraint(["patient_id", "consent_id"], ["access.consent.patient_id", "access.consent.id"]),
        Index("ix_consent_event_consent_id", "patient_id", "consent_id"),
        Index("uq_consent_event_place", "patient_id", "place", unique=True),
        OPTIONS,
    )

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    consent_id: Mapped[UUID]
    place: Mapped[int]
    version: Mapped[int]
    kind: Mapped[str]
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None] = mapped_column(default=None)
    snapshot: Mapped[dict[str, Any]]
    previous_hash: Mapped[bytes]
    hash: Mapped[bytes]
    receipt: Mapped[str]


class ConsentText(Base, kw_only=True):
    """A text that citizens were shown, by the SHA-256 of its UTF-8. It must say that the data are sensitive."""

    __tablename__ = "consent_text"
    __table_args__ = (
        CheckConstraint("marks_sensitive", name="marks_sensitive"),
        {"schema": "access", "info": {"class": "reference"}},
    )

    text_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    template: Mapped[str]
    version: Mapped[int]
    language: Mapped[str]
    marks_sensitive: Mapped[bool]
    body: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(init=False, server_default=func.now())


class Denial(Tells, Base, kw_only=True):
    """The citizen's no, stronger than every consent: to everybody, to one facility, to a section or a category.

    In an emergency it holds only where `in_emergency` says so. The one who placed it lifts it.
    """

    __tablename__ = "denial"
    __table_args__ = (
        one_of("scope", ("all", "organization", "section", "category")),
        CheckConstraint("(scope = 'organization') = (organization_id is not null)", name="organization"),
        CheckConstraint("(scope = 'section') = (section is not null)", name="section"),
        CheckConstraint("(scope = 'category') = (category is not null)", name="category"),
        OPTIONS,
    )

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    scope: Mapped[str]
    organization_id: Mapped[UUID | None] = mapped_column(default=None)
    section: Mapped[str | None] = mapped_column(default=None)
    category: Mapped[str | None] = mapped_column(default=None)
    in_emergency: Mapped[bool] = mapped_column(default=False)
    placed_by: Mapped[UUID]
    placed_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None] = mapped_column(default=None)
    lifted_by: Mapped[UUID | None] = mapped_column(default=None)

    def tells(self) -> Iterable[Told]:
        return decided_for(self.patient_id)


class ConsentRequest(Base, kw_only=True):
    """A facility asks; the citizen grants what he likes of it, or declines. The facility sees only the outcome."""

    __tablename__ = "consent_request"
    __table_args__ = (
        one_of("status", ("asked", "granted", "declined", "cancelled")),
        CheckConstraint("expires_at > created_at", name="period"),
        Index("ix_consent_request_organization_id", "organization_id", "created_at"),
        OPTIONS,
    )

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    organization_id: Mapped[UUID]
    client_id: Mapped[str]
    practitioner_id: Mapped[UUID | None] = mapped_column(default=None)
    purposes: Mapped[list[str]] = texts()
    sections: Mapped[list[str]] = texts()
    sensitive: Mapped[list[str]] = texts(default_factory=list)
    data_from: Mapped[str | None] = mapped_column(Text(collation="C"), default=None)
    data_to: Mapped[str | None] = mapped_column(Text(collation="C"), default=None)
    valid_until: Mapped[datetime]
    status: Mapped[str] = mapped_column(default="asked")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    answered_at: Mapped[datetime | None] = mapped_column(default=None)
    consent_id: Mapped[UUID | None] = mapped_column(default=None)


class VisitOffer(Base, kw_only=True):
    """A QR the citizen shows at the desk: whoever redeems it first within minutes gets the visit's consent."""

    __tablename__ = "visit_offer"
    __table_args__ = (Index(None, "expires_at"), {"schema": "access", "info": {"class": "lookup"}})

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID]
    citizen_id: Mapped[UUID]
    actor_role: Mapped[str]
    acr: Mapped[str]
    auth_time: Mapped[datetime]
    sections: Mapped[list[str]] = texts()
    text_hash: Mapped[bytes]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)


class VisitChoice(Base, kw_only=True):
    """What a check-in with the citizen card alone opens: chosen beforehand by the citizen, nothing without a choice."""

    __tablename__ = "visit_choice"
    __table_args__ = (OPTIONS,)

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    sections: Mapped[list[str]] = texts()
    chosen_by: Mapped[UUID]
    actor_role: Mapped[str]
    acr: Mapped[str]
    auth_time: Mapped[datetime]
    text_hash: Mapped[bytes]
    chosen_at: Mapped[datetime]


class Dispute(Base, kw_only=True):
    """A citizen says of an entry of his access log that it was not right."""

    __tablename__ = "dispute"
    __table_args__ = (
        one_of("status", ("open", "explained", "upheld")),
        Index("uq_dispute_entry", "patient_id", "entry_id", unique=True),
        OPTIONS,
    )

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    entry_id: Mapped[UUID]
    entry_at: Mapped[datetime]
    reason: Mapped[str]
    raised_by: Mapped[UUID]
    raised_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(default="open", server_default=text("'open'"))
    answered_at: Mapped[datetime | None] = mapped_column(default=None)
