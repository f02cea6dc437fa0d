"""The table of follow-ups, and the columns that travel as FHIR extensions."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, Item
from domain.exchange.extensions import Extensions
from domain.values import PartialDate, day_of

NUMBER = "urn:qd4750:SO_GIAYHEN_KL"
TAKEN_BACK = ("revoked", "cancelled", "noshow", "entered-in-error")
EXTENSIONS = Extensions(
    "follow-up",
    {
        "description": "valueString",
        "diagnosis": "valueString",
        "eligibility": "valueCode",
        "specialty": "valueString",
        "facility_code": "valueString",
        "facility": "valueString",
        "doctor_code": "valueString",
        "doctor": "valueString",
        "head_code": "valueString",
        "instruction": "valueString",
        "arrived_at": "valueDateTime",
        "admitted_at": "valueDateTime",
        "ended_at": "valueDateTime",
    },
)


class FollowUp(Item, Base):
    __tablename__ = "follow_ups"

    encounter_id: Mapped[UUID | None] = mapped_column(default=None)
    kind: Mapped[str] = mapped_column(default="slip")
    status: Mapped[str] = mapped_column(default="active")
    number: Mapped[str | None] = mapped_column(default=None)
    until: Mapped[PartialDate | None] = mapped_column(default=None)
    issued_on: Mapped[PartialDate | None] = mapped_column(default=None)
    code_system: Mapped[str | None] = mapped_column(default=None)
    code: Mapped[str | None] = mapped_column(default=None)
    title: Mapped[str | None] = mapped_column(default=None)
    description: Mapped[str | None] = mapped_column(default=None)
    specialty: Mapped[str | None] = mapped_column(default=None)
    facility_code: Mapped[str | None] = mapped_column(default=None)
    facility: Mapped[str | None] = mapped_column(default=None)
    doctor_code: Mapped[str | None] = mapped_column(default=None)
    doctor: Mapped[str | None] = mapped_column(default=None)
    head_code: Mapped[str | None] = mapped_column(default=None)
    diagnosis: Mapped[str | None] = mapped_column(default=None)
    diagnoses: Mapped[list[dict[str, Any]] | None] = mapped_column(default=None)
    eligibility: Mapped[str | None] = mapped_column(default=None)
    activities: Mapped[list[dict[str, Any]] | None] = mapped_column(default=None)
    instruction: Mapped[str | None] = mapped_column(default=None)
    arrived_at: Mapped[PartialDate | None] = mapped_column(default=None)
    admitted_at: Mapped[PartialDate | None] = mapped_column(default=None)
    ended_at: Mapped[PartialDate | None] = mapped_column(default=None)
    note: Mapped[str | None] = mapped_column(default=None)

    def fact(self) -> tuple[str | None, ...]:
        """Where and on which day; of a plan what it is, of an appointment also the hour: there may be two a day."""
        where = self.facility_code or (self.facility or "").casefold()
        if self.kind == "plan":
            return ("plan", self.code or (self.title or "").casefold(), day_of(self.occurred) or self.occurred)
        if self.kind == "appointment":
            return ("appointment", where, self.occurred, (self.title or "").casefold())
        return ("return", where, day_of(self.occurred) or self.occurred)

    def content(self) -> tuple[object, ...]:
        """Whether it was called off: what one sender says beyond that is no dispute."""
        return (self.status in TAKEN_BACK,)
