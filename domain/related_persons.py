"""People who act for others: parents, guardians, delegates. FHIR R4 RelatedPerson.

A right is a row, not a shared password: `sub` and `act` of the token and the log name both people. It ends by itself
on `valid_until` (for a parent the child's 18th birthday), and loses the private categories on `private_from`.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from domain.changes_feed import Tells, Told, decided_for
from domain.consents.tables import one_of
from domain.database import Base
from domain.values import new_id

KINDS = ("parent", "guardian", "legal_representative", "delegate")


class RelatedPerson(Tells, Base, kw_only=True):
    """A citizen's right to act for another patient.

    `sections`: null for all. `sensitive`: the categories shown besides what is not sensitive; from `private_from` on
    none of them. `can_manage`: may consent, deny and withdraw in the patient's name; a delegate never may.
    """

    __tablename__ = "related_person"
    __table_args__ = (
        one_of("kind", KINDS),
        CheckConstraint("kind <> 'delegate' or valid_until is not null and not can_manage", name="delegate_is_bounded"),
        CheckConstraint("valid_until is null or valid_until > valid_from", name="period"),
        Index("ix_related_person_citizen_id_patient_id", "citizen_id", "patient_id"),
        Index("ix_related_person_patient_id", "patient_id"),
        {"schema": "access", "info": {"class": "lookup"}},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    citizen_id: Mapped[UUID] = mapped_column(ForeignKey("access.citizen.id"))
    patient_id: Mapped[UUID]
    kind: Mapped[str]
    sections: Mapped[list[str] | None] = mapped_column(ARRAY(Text), default=None)
    sensitive: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list, server_default=text("'{}'"))
    private_from: Mapped[datetime | None] = mapped_column(default=None)
    can_manage: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    evidence: Mapped[str | None] = mapped_column(default=None)
    granted_by: Mapped[UUID | None] = mapped_column(default=None)
    valid_from: Mapped[datetime] = mapped_column(init=False, server_default=func.now())
    valid_until: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_by: Mapped[UUID | None] = mapped_column(default=None)

    def tells(self) -> Iterable[Told]:
        return decided_for(self.patient_id)


class DelegationInvite(Base, kw_only=True):
    """A code that makes whoever enters it in time the delegate: single use, told once, kept as SHA-256."""

    __tablename__ = "delegation_invite"
    __table_args__ = (Index(None, "patient_id"), {"schema": "access", "info": {"class": "lookup"}})

    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID]
    invited_by: Mapped[UUID]
    sections: Mapped[list[str]] = mapped_column(ARRAY(Text))
    sensitive: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list)
    valid_until: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)
