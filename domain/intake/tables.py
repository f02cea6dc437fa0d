"""Sources as received and their links to patients. Append-only, but for the marks that end a row."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text, Uuid

from domain.database import Base
from domain.values import new_id

_INTAKE = {"schema": "intake", "info": {"class": "intake"}}


class SourceRecord(Base, kw_only=True):
    """What one sender sent about one person, byte for byte: a HOSO, or a patient's part of a FHIR bundle.

    `key` is the sender's own name of it (MA_LK, Bundle.identifier); a re-send under the same key is the next `version`.
    """

    __tablename__ = "source_record"
    __table_args__ = (
        UniqueConstraint("organization_id", "format", "key", "version"),
        Index(
            "ix_source_record_current",
            "organization_id",
            "format",
            "key",
            unique=True,
            postgresql_where=text("superseded_at is null"),
        ),
        CheckConstraint("format in ('qd4750', 'fhir')", name="format"),
        _INTAKE,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("registry.organization.id"))
    format: Mapped[str]
    key: Mapped[str]
    version: Mapped[int]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    restriction: Mapped[str] = mapped_column(default="")
    warnings: Mapped[list[dict[str, Any]] | None] = mapped_column(default=None)
    client_id: Mapped[str | None] = mapped_column(default=None)
    received_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None] = mapped_column(default=None)


class Link(Base, kw_only=True):
    """Who a source belongs to: by which rule, for which reasons, and when that was undone."""

    __tablename__ = "link"
    __table_args__ = (
        Index("ix_link_source_id_active", "source_id", unique=True, postgresql_where=text("undone_at is null")),
        Index("ix_link_patient_id", "patient_id"),
        Index("ix_link_source_id", "source_id"),
        _INTAKE,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    source_id: Mapped[UUID] = mapped_column(ForeignKey("intake.source_record.id"))
    patient_id: Mapped[UUID]
    rule: Mapped[str]
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    decided_by: Mapped[str] = mapped_column(default="rule")
    decided_at: Mapped[datetime]
    undone_at: Mapped[datetime | None] = mapped_column(default=None)
    undone_by: Mapped[str | None] = mapped_column(default=None)


class NeverLink(Base, kw_only=True):
    """Two patients that somebody found to be two people: no rule joins them again."""

    __tablename__ = "never_link"
    __table_args__ = (CheckConstraint("patient_id < other_id", name="ordered"), _INTAKE)

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    other_id: Mapped[UUID] = mapped_column(primary_key=True)
    decided_by: Mapped[str]
    reason: Mapped[str]
    decided_at: Mapped[datetime] = mapped_column(init=False, server_default=func.now())


class Review(Base, kw_only=True):
    """A link a person must look at: why no strict rule held, and who else it might be."""

    __tablename__ = "review"
    __table_args__ = (
        Index("ix_review_open", "asked_at", postgresql_where=text("resolved_at is null")),
        Index("ix_review_source_id", "source_id"),
        _INTAKE,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    source_id: Mapped[UUID] = mapped_column(ForeignKey("intake.source_record.id"))
    patient_id: Mapped[UUID]
    candidates: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    rule: Mapped[str]
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    asked_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None] = mapped_column(default=None)
    resolution: Mapped[str | None] = mapped_column(default=None)


class PatientKey(Base, kw_only=True):
    """Finds the patients a keyed hash was seen with: identifiers; name with birthday and phone."""

    __tablename__ = "patient_key"
    __table_args__ = (
        Index("ix_patient_key_source_id", "source_id"),
        Index("ix_patient_key_patient_id", "patient_id"),
        {"schema": "intake", "info": {"class": "lookup"}},
    )

    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    source_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]


class Refusal(Base, kw_only=True):
    """What could not be taken, kept whole with the reasons, until it is replayed."""

    __tablename__ = "refusal"
    __table_args__ = (
        Index("ix_refusal_open", "received_at", postgresql_where=text("replayed_at is null")),
        UniqueConstraint("sha256", "format"),
        _INTAKE,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    organization_code: Mapped[str | None] = mapped_column(default=None)
    format: Mapped[str]
    key: Mapped[str | None] = mapped_column(default=None)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    issues: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    client_id: Mapped[str | None] = mapped_column(default=None)
    received_at: Mapped[datetime]
    replayed_at: Mapped[datetime | None] = mapped_column(default=None)
