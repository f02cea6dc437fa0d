"""The access log: one row a request, written in the transaction that reads. No log, no data.

FHIR AuditEvent, IHE BALP "Patient Read". Rows are only inserted; runtime roles can do nothing else with them.
The table is partitioned by month; `access.begin` writes it (migrations/versions/*_access.py).
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Uuid, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from domain.database import Base
from domain.values import new_id


class AccessLog(Base, kw_only=True):
    """Who asked for which sections of whose book, on whose behalf and why, and which of them were opened."""

    __tablename__ = "access_log"
    __table_args__ = (
        Index("ix_access_log_grant_id", "grant_id", "at"),
        {
            "schema": "access",
            "info": {"class": "local"},
            "postgresql_partition_by": "range (at)",
        },
    )

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True, server_default=func.clock_timestamp())
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id, server_default=text("uuidv7()"))
    grant_id: Mapped[UUID]
    client_id: Mapped[str]
    citizen_id: Mapped[UUID | None] = mapped_column(default=None)
    organization_id: Mapped[UUID | None] = mapped_column(default=None)
    basis: Mapped[str]
    purpose: Mapped[str]
    sections: Mapped[list[str]] = mapped_column(ARRAY(Text))
    opened: Mapped[list[str]] = mapped_column(ARRAY(Text))
    outcome: Mapped[str]
    consent_ids: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid), default=None)
    related_person_id: Mapped[UUID | None] = mapped_column(default=None)
    emergency_id: Mapped[UUID | None] = mapped_column(default=None)
    request_id: Mapped[UUID | None] = mapped_column(default=None)


class LogSeal(Base, kw_only=True):
    """A batch of log entries that can no longer change unseen: all of `after` < at <= `until`, in order (at, id).

    `root` is the SHA-256 of the entries' hashes one after the other; `hash` that of `previous_hash` and this seal. The
    seals of a day end in a signed root (`day_root`), which is published.
    """

    __tablename__ = "log_seal"
    __table_args__ = ({"schema": "access", "info": {"class": "local"}},)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    after: Mapped[datetime]
    until: Mapped[datetime]
    entries: Mapped[int]
    root: Mapped[bytes]
    previous_hash: Mapped[bytes]
    hash: Mapped[bytes]
    sealed_at: Mapped[datetime]


class DayRoot(Base, kw_only=True):
    """The last seal of a day in Vietnam, signed (JWS) and published, so that a lost day can be proved."""

    __tablename__ = "day_root"
    __table_args__ = ({"schema": "access", "info": {"class": "local"}},)

    day: Mapped[str] = mapped_column(primary_key=True)
    seal_number: Mapped[int]
    hash: Mapped[bytes]
    signed: Mapped[str]
    signed_at: Mapped[datetime]
