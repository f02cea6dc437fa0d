"""The tables of prescriptions: what was prescribed, drug by drug, and what pharmacies gave out."""

from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, Item, Part
from domain.exchange.extensions import Extensions
from domain.exchange.moments import minute_of
from domain.identity.names import ascii_key
from domain.values import PartialDate, day_of

TAKEN_BACK = ("cancelled", "entered-in-error", "not-taken")
EXTENSIONS = Extensions(
    "prescription",
    {"facility_code": "valueString", "facility": "valueString", "diagnosis": "valueString"},
)
ITEM_EXTENSIONS = Extensions(
    "prescription-item",
    {
        "strength": "valueString",
        "form": "valueString",
        "registration": "valueString",
        "preparation_code": "valueString",
        "department": "valueString",
        "payer": "valueCode",
        "scope": "valueCode",
        "given_at": "valueDateTime",
        "dose_kind": "valueCode",
        "dose_per_time": "valueDecimal",
        "dose_unit": "valueString",
        "times_per_day": "valueDecimal",
        "per_day": "valueDecimal",
        "morning": "valueDecimal",
        "noon": "valueDecimal",
        "afternoon": "valueDecimal",
        "evening": "valueDecimal",
        "dose_days": "valueInteger",
    },
)
DISPENSE_EXTENSIONS = Extensions(
    "dispense",
    {
        "strength": "valueString",
        "form": "valueString",
        "registration": "valueString",
        "lot_number": "valueString",
        "expires_on": "valueDateTime",
        "invoice_number": "valueString",
    },
)


class Prescription(Item, Base):
    __tablename__ = "prescriptions"

    encounter_id: Mapped[UUID | None] = mapped_column(default=None)
    kind: Mapped[str] = mapped_column(default="prescription")
    status: Mapped[str] = mapped_column(default="unknown")
    status_reason: Mapped[str | None] = mapped_column(default=None)
    intent: Mapped[str | None] = mapped_column(default=None)
    category: Mapped[str | None] = mapped_column(default=None)
    priority: Mapped[str | None] = mapped_column(default=None)
    code_system: Mapped[str | None] = mapped_column(default=None)
    code: Mapped[str | None] = mapped_column(default=None)
    form: Mapped[str | None] = mapped_column(default=None)
    replaces_code: Mapped[str | None] = mapped_column(default=None)
    prescriber_code: Mapped[str | None] = mapped_column(default=None)
    prescriber: Mapped[str | None] = mapped_column(default=None)
    facility_code: Mapped[str | None] = mapped_column(default=None)
    facility: Mapped[str | None] = mapped_column(default=None)
    diagnosis: Mapped[str | None] = mapped_column(default=None)
    diagnoses: Mapped[list[dict[str, Any]] | None] = mapped_column(default=None)
    drugs: Mapped[list[str] | None] = mapped_column(default=None)
    valid_from: Mapped[PartialDate | None] = mapped_column(default=None)
    valid_until: Mapped[PartialDate | None] = mapped_column(default=None)

    def fact(self) -> tuple[str | None, ...]:
        """The minute and the drugs, each by the first word of its name.

        Not the national code, which QĐ 4750 does not carry; not the minute alone, for a doctor may write one
        prescription of narcotics and one of other drugs at once, and neither may hide the other.
        """
        drugs = "+".join(sorted({first_word(drug) for drug in self.drugs or ()}))
        if self.kind == "statement":
            return ("statement", drugs, day_of(self.occurred) or self.occurred)
        minute = minute_of(self.occurred)
        exact = minute is not None and "T" in minute
        return ("prescription", drugs, minute, None if exact else (self.code or "").casefold())

    def content(self) -> tuple[object, ...]:
        """Which drugs, and whether they were taken back: other words of other senders are no dispute."""
        return (self.status in TAKEN_BACK, *sorted(ascii_key(drug).replace(" ", "") for drug in self.drugs or ()))


class PrescriptionItem(Part, Base):
    __tablename__ = "prescription_items"
    ITEM: ClassVar[str] = "prescriptions"
    ITEM_ID: ClassVar[str] = "prescription_id"

    prescription_id: Mapped[UUID] = mapped_column()
    position: Mapped[int] = mapped_column(default=1)
    status: Mapped[str | None] = mapped_column(default=None)
    is_prohibited: Mapped[bool] = mapped_column(default=False)
    drug_system: Mapped[str | None] = mapped_column(default=None)
    drug_code: Mapped[str | None] = mapped_column(default=None)
    drug: Mapped[str | None] = mapped_column(default=None)
    atc_code: Mapped[str | None] = mapped_column(default=None)
    registration: Mapped[str | None] = mapped_column(default=None)
    preparation_code: Mapped[str | None] = mapped_column(default=None)
    strength: Mapped[str | None] = mapped_column(default=None)
    form: Mapped[str | None] = mapped_column(default=None)
    route_system: Mapped[str | None] = mapped_column(default=None)
    route_code: Mapped[str | None] = mapped_column(default=None)
    route: Mapped[str | None] = mapped_column(default=None)
    quantity: Mapped[Decimal | None] = mapped_column(default=None)
    unit: Mapped[str | None] = mapped_column(default=None)
    dose_text: Mapped[str | None] = mapped_column(default=None)
    instructions: Mapped[str | None] = mapped_column(default=None)
    dose_kind: Mapped[str | None] = mapped_column(default=None)
    dose_per_time: Mapped[Decimal | None] = mapped_column(default=None)
    dose_unit: Mapped[str | None] = mapped_column(default=None)
    times_per_day: Mapped[Decimal | None] = mapped_column(default=None)
    per_day: Mapped[Decimal | None] = mapped_column(default=None)
    morning: Mapped[Decimal | None] = mapped_column(default=None)
    noon: Mapped[Decimal | None] = mapped_column(default=None)
    afternoon: Mapped[Decimal | None] = mapped_column(default=None)
    evening: Mapped[Decimal | None] = mapped_column(default=None)
    dose_days: Mapped[int | None] = mapped_column(default=None)
    is_as_needed: Mapped[bool | None] = mapped_column(default=None)
    as_needed_for: Mapped[str | None] = mapped_column(default=None)
    starts: Mapped[PartialDate | None] = mapped_column(default=None)
    ends: Mapped[PartialDate | None] = mapped_column(default=None)
    given_at: Mapped[PartialDate | None] = mapped_column(default=None)
    refills: Mapped[int | None] = mapped_column(default=None)
    supply_days: Mapped[int | None] = mapped_column(default=None)
    is_substitution_allowed: Mapped[bool | None] = mapped_column(default=None)
    department: Mapped[str | None] = mapped_column(default=None)
    payer: Mapped[str | None] = mapped_column(default=None)
    scope: Mapped[str | None] = mapped_column(default=None)
    note: Mapped[str | None] = mapped_column(default=None)


GIVEN_OUT = "({r}.prescription_id = {t}.id or lower({r}.prescription_code) = lower({t}.code))"
"""A dispense `{r}` was given out of the prescription `{t}`."""


class Dispense(Item, Base):
    """What one pharmacy gave out of a prescription at one time: one drug. Several may share a prescription."""

    __tablename__ = "dispenses"

    encounter_id: Mapped[UUID | None] = mapped_column(default=None)
    prescription_id: Mapped[UUID | None] = mapped_column(default=None)
    prescription_item_id: Mapped[UUID | None] = mapped_column(default=None)
    prescription_code: Mapped[str | None] = mapped_column(default=None)
    status: Mapped[str] = mapped_column(default="completed")
    status_reason: Mapped[str | None] = mapped_column(default=None)
    kind: Mapped[str | None] = mapped_column(default=None)
    drug_system: Mapped[str | None] = mapped_column(default=None)
    drug_code: Mapped[str | None] = mapped_column(default=None)
    drug: Mapped[str | None] = mapped_column(default=None)
    atc_code: Mapped[str | None] = mapped_column(default=None)
    registration: Mapped[str | None] = mapped_column(default=None)
    strength: Mapped[str | None] = mapped_column(default=None)
    form: Mapped[str | None] = mapped_column(default=None)
    lot_number: Mapped[str | None] = mapped_column(default=None)
    expires_on: Mapped[PartialDate | None] = mapped_column(default=None)
    quantity: Mapped[Decimal | None] = mapped_column(default=None)
    unit: Mapped[str | None] = mapped_column(default=None)
    supply_days: Mapped[int | None] = mapped_column(default=None)
    prepared_at: Mapped[PartialDate | None] = mapped_column(default=None)
    dose_text: Mapped[str | None] = mapped_column(default=None)
    instructions: Mapped[str | None] = mapped_column(default=None)
    dispenser_code: Mapped[str | None] = mapped_column(default=None)
    dispenser: Mapped[str | None] = mapped_column(default=None)
    pharmacy_code: Mapped[str | None] = mapped_column(default=None)
    pharmacy: Mapped[str | None] = mapped_column(default=None)
    receiver: Mapped[str | None] = mapped_column(default=None)
    is_substituted: Mapped[bool | None] = mapped_column(default=None)
    substitution_reason: Mapped[str | None] = mapped_column(default=None)
    invoice_number: Mapped[str | None] = mapped_column(default=None)
    note: Mapped[str | None] = mapped_column(default=None)

    def fact(self) -> tuple[str | None, ...]:
        """The drug, the minute and the prescription; the amount too, for one drug may be given from two packs."""
        amount = format(self.quantity.normalize(), "f") if self.quantity is not None else None
        code = (self.prescription_code or "").casefold()
        return ("dispense", first_word(self.drug or self.drug_code or ""), minute_of(self.occurred), code, amount)

    def content(self) -> tuple[object, ...]:
        """Whether it was taken back: the pharmacy alone knows the rest."""
        return (self.status in TAKEN_BACK,)


def first_word(drug: str) -> str:
    """`Paracetamol` of `Paracetamol 500mg` and of `PARACETAMOL STADA`; a name without letters stays whole."""
    words = ascii_key(drug).split()
    return next((word for word in words if word.isalpha()), " ".join(words))
