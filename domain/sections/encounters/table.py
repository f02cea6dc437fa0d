"""The table of visits, what makes two reports one visit, and what makes a visit sensitive."""

from decimal import Decimal
from typing import Any

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, Item
from domain.exchange.codings import label_of
from domain.exchange.moments import minute_of
from domain.values import PartialDate


class Encounter(Item, Base):
    __tablename__ = "encounters"

    status: Mapped[str] = mapped_column(default="unknown")
    episode: Mapped[str | None] = mapped_column(default=None)
    record_number: Mapped[str | None] = mapped_column(default=None)
    archive_number: Mapped[str | None] = mapped_column(default=None)
    class_system: Mapped[str | None] = mapped_column(default=None)
    class_code: Mapped[str | None] = mapped_column(default=None)
    class_display: Mapped[str | None] = mapped_column(default=None)
    type_system: Mapped[str | None] = mapped_column(default=None)
    type_code: Mapped[str | None] = mapped_column(default=None)
    type_display: Mapped[str | None] = mapped_column(default=None)
    service: Mapped[str | None] = mapped_column(default=None)
    admitted_at: Mapped[PartialDate | None] = mapped_column(Text(collation="C"), default=None)
    ended_at: Mapped[PartialDate | None] = mapped_column(Text(collation="C"), default=None)
    treatment_days: Mapped[int | None] = mapped_column(default=None)
    facility_code: Mapped[str | None] = mapped_column(default=None)
    facility_name: Mapped[str | None] = mapped_column(default=None)
    departments: Mapped[list[str] | None] = mapped_column(default=None)
    practitioners: Mapped[list[dict[str, Any]] | None] = mapped_column(default=None)
    reason_system: Mapped[str | None] = mapped_column(default=None)
    reason_code: Mapped[str | None] = mapped_column(default=None)
    reason: Mapped[str | None] = mapped_column(default=None)
    admission_reason_code: Mapped[str | None] = mapped_column(default=None)
    admission_reason: Mapped[str | None] = mapped_column(default=None)
    eligibility_code: Mapped[str | None] = mapped_column(default=None)
    eligibility: Mapped[str | None] = mapped_column(default=None)
    injury_code: Mapped[str | None] = mapped_column(default=None)
    referral_number: Mapped[str | None] = mapped_column(default=None)
    referred_from_code: Mapped[str | None] = mapped_column(default=None)
    referred_from: Mapped[str | None] = mapped_column(default=None)
    referred_to_code: Mapped[str | None] = mapped_column(default=None)
    referred_to: Mapped[str | None] = mapped_column(default=None)
    diagnoses: Mapped[list[dict[str, Any]] | None] = mapped_column(default=None)
    preliminary_diagnosis: Mapped[str | None] = mapped_column(default=None)
    final_diagnosis: Mapped[str | None] = mapped_column(default=None)
    course: Mapped[str | None] = mapped_column(default=None)
    findings: Mapped[str | None] = mapped_column(default=None)
    treatment: Mapped[str | None] = mapped_column(default=None)
    advice: Mapped[str | None] = mapped_column(default=None)
    result_code: Mapped[str | None] = mapped_column(default=None)
    result: Mapped[str | None] = mapped_column(default=None)
    discharge_system: Mapped[str | None] = mapped_column(default=None)
    discharge_code: Mapped[str | None] = mapped_column(default=None)
    discharge: Mapped[str | None] = mapped_column(default=None)
    newborn_weights_g: Mapped[list[str] | None] = mapped_column(default=None)
    total_cost: Mapped[Decimal | None] = mapped_column(default=None)
    paid_by_insurance: Mapped[Decimal | None] = mapped_column(default=None)
    copayment: Mapped[Decimal | None] = mapped_column(default=None)
    paid_by_patient: Mapped[Decimal | None] = mapped_column(default=None)

    def fact(self) -> tuple[str | None, ...]:
        """Nobody arrives twice at one place in one minute."""
        return (self.facility_code or self.facility_name, minute_of(self.occurred))

    def content(self) -> tuple[object, ...]:
        """How care was given and when it ended, which every report says; of the rest one only says more."""
        return (self.class_code, minute_of(self.ended_at))


def label_by_words(row: Encounter) -> str:
    """By everything the row says of why somebody came and what was found."""
    diagnoses = row.diagnoses or []
    codings = [(one["code_system"], one["code"]) for one in diagnoses]
    return label_of(
        [*codings, (row.type_system, row.type_code), (row.reason_system, row.reason_code)],
        *(one["display"] for one in diagnoses),
        *(row.type_display, row.service, row.reason, row.admission_reason),
        *(row.preliminary_diagnosis, row.final_diagnosis, row.course, row.findings, row.treatment, row.advice),
    )
