"""Breaking the glass: a clinician reads without consent to protect a life (Luật 91/2025/QH15 Đ19 k1 a).

At most an hour, the emergency set first, more only with a second reason (domain/emergency_rules.py); the citizen is
told at once, and a reviewer looks at every one of them (domain/emergency_reviews.py). FHIR AuditEvent, purpose BTG.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.changes_feed import Tells, Told, decided_for
from domain.consents.tables import OPTIONS, one_of, texts
from domain.database import Base
from domain.values import new_id

LONGEST = timedelta(minutes=60)
FIRST_SECTIONS = ("demographics", "allergies", "conditions", "prescriptions", "immunizations")
"""The emergency set: who he is (blood group with it), what harms him, what he has, takes and was given."""
REASONS = ("unconscious", "life_threatening", "cannot_answer", "mass_casualty")


class EmergencyAccess(Tells, Base, kw_only=True):
    """One hour of one clinician at one patient's book. `widened_reason`: a line for each time more was opened.

    `sensitive` opens all categories of the sections, by a second tick. A row that nobody closed ends at `expires_at`.
    """

    __tablename__ = "emergency_access"
    __table_args__ = (
        one_of("reason_code", REASONS),
        one_of("review", ("waiting", "justified", "unjustified")),
        CheckConstraint("expires_at > opened_at and expires_at <= opened_at + interval '60 minutes'", name="an_hour"),
        CheckConstraint("not sensitive or widened_at is not null", name="sensitive_needs_second_reason"),
        CheckConstraint("(widened_at is null) = (widened_reason is null)", name="widened_for_a_reason"),
        Index("ix_emergency_access_practitioner_id", "practitioner_id", "opened_at"),
        Index("ix_emergency_access_organization_id", "organization_id", "opened_at"),
        Index(
            "uq_emergency_access_open",
            "patient_id",
            "practitioner_id",
            "organization_id",
            unique=True,
            postgresql_where=text("closed_at is null"),
        ),
        OPTIONS,
    )

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    practitioner_id: Mapped[UUID]
    organization_id: Mapped[UUID]
    grant_id: Mapped[UUID]
    reason_code: Mapped[str]
    reason: Mapped[str]
    sections: Mapped[list[str]] = texts()
    sensitive: Mapped[bool] = mapped_column(default=False)
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    widened_at: Mapped[datetime | None] = mapped_column(default=None)
    widened_reason: Mapped[str | None] = mapped_column(default=None)
    review: Mapped[str] = mapped_column(default="waiting")
    reviewed_at: Mapped[datetime | None] = mapped_column(default=None)
    reviewed_by: Mapped[str | None] = mapped_column(default=None)

    def tells(self) -> Iterable[Told]:
        return decided_for(self.patient_id)
