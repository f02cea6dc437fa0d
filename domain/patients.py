"""Patients, who own records, and citizens, who sign in. A mother (Citizen) reads her child's (Patient) book.

FHIR R4 Patient, Person and RelatedPerson. What is known of a patient (name, birth date, identifiers) stands in the
demographics section, report by report; here are only ids and the rights that hang on them.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.changes_feed import Tells, Told, right_of
from domain.database import Base
from domain.values import new_id


class Patient(Base, kw_only=True):
    """Whose record it is. Made when a source is linked to nobody known. `revision` counts what was changed in it."""

    __tablename__ = "patient"
    __table_args__ = ({"schema": "book", "info": {"class": "patient"}},)

    patient_id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    created_at: Mapped[datetime] = mapped_column(init=False, server_default=func.now())
    revision: Mapped[int] = mapped_column(BigInteger, init=False, server_default=text("1"))


class PatientRedirect(Base, kw_only=True):
    """The lesser id of a merge leads to the kept one for ever; an unmerge ends it."""

    __tablename__ = "patient_redirect"
    __table_args__ = (Index(None, "patient_id"), {"schema": "access", "info": {"class": "lookup"}})

    old_id: Mapped[UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(init=False, server_default=func.now())


class Citizen(Tells, Base, kw_only=True):
    """Who signs in: the OAuth resource owner (`sub`), and the patient he is himself, once known."""

    __tablename__ = "citizen"
    __table_args__ = (
        UniqueConstraint("patient_id"),
        {"schema": "access", "info": {"class": "lookup"}},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    patient_id: Mapped[UUID | None] = mapped_column(default=None)
    demo_label: Mapped[str | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, server_default=func.clock_timestamp())

    def tells(self) -> Iterable[Told]:
        return right_of("citizens", self.id)
