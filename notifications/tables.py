"""The citizen's inbox: the truth that a push only hints at. No health word, no name; a kind and an opaque link."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from domain.changes_feed import INBOX, Tells, Told
from domain.consents.tables import one_of
from domain.database import Base
from domain.values import new_id

KINDS = (
    "consent_request", "consent_changed", "emergency_access", "record_read", "delegation", "security", "visit",
    "appointment_booked", "appointment_moved", "appointment_cancelled", "waiting_list_offer", "queue_call",
)  # fmt: skip


class InboxItem(Tells, Base, kw_only=True):
    """One notice to one citizen. `patient_id` says whose book it is about, `subject_id` what to open."""

    __tablename__ = "inbox_item"
    __table_args__ = (
        one_of("kind", KINDS),
        Index("ix_inbox_item_unread", "citizen_id", "created_at", postgresql_where="read_at is null"),
        {"schema": "notify", "info": {"class": "local"}},
    )

    citizen_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    kind: Mapped[str]
    patient_id: Mapped[UUID | None] = mapped_column(default=None)
    subject_id: Mapped[UUID | None] = mapped_column(default=None)
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None] = mapped_column(default=None)
    archived_at: Mapped[datetime | None] = mapped_column(default=None)

    def tells(self) -> Iterable[Told]:
        return (Told(INBOX, "citizens", str(self.citizen_id)),)
