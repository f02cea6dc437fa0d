"""Clinicians: citizens with a role at a facility. FHIR R4 PractitionerRole."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from domain.changes_feed import Tells, Told, right_of
from domain.consents.tables import one_of
from domain.database import Base
from domain.values import new_id

ROLES = ("doctor", "nurse", "midwife", "pharmacist", "technician", "clerk")


class PractitionerRole(Tells, Base, kw_only=True):
    """Works at a facility, for as long as the row lives. Signs in as himself, at the facility's own client."""

    __tablename__ = "practitioner_role"
    __table_args__ = (
        one_of("role", ROLES),
        Index(
            "uq_practitioner_role_living",
            "citizen_id",
            "organization_id",
            unique=True,
            postgresql_where="revoked_at is null",
        ),
        {"schema": "access", "info": {"class": "lookup"}},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    citizen_id: Mapped[UUID] = mapped_column(ForeignKey("access.citizen.id"))
    organization_id: Mapped[UUID]
    role: Mapped[str]
    display_name: Mapped[str]
    valid_from: Mapped[datetime] = mapped_column(init=False, server_default=func.now())
    valid_until: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)

    def tells(self) -> Iterable[Told]:
        return right_of("citizens", self.citizen_id)
