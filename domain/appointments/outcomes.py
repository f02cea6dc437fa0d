"""What comes of a change: what happened, to be told; or why it did not, which a good user meets on a normal day."""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from domain.errors import Conflict

Kind = Literal[
    "appointment_booked", "appointment_moved", "appointment_cancelled", "waiting_list_offer", "queue_call"
]  # fmt: skip
Reason = Literal[
    "SLOT_TAKEN", "SLOT_CLOSED", "TOO_SOON", "TOO_FAR", "ALREADY_BOOKED", "OVERLAPS", "HOLD_EXPIRED", "TOO_LATE",
    "CALL_NEEDED", "SLIP_NEEDED", "SLIP_NOT_VALID", "SLIP_USED", "TOO_MANY_HOLDS", "NOT_POSSIBLE_NOW",
    "NO_PASS_YET",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Happened:
    """Something to tell those who decide for the patient. `booking_id` is what a notice opens."""

    kind: Kind
    booking_id: UUID
    patient_id: UUID


@dataclass(slots=True)
class Story:
    """What one change did, in order; each thing once."""

    happened: list[Happened] = field(default_factory=list)

    def tell(self, kind: Kind, booking_id: UUID, patient_id: UUID) -> None:
        one = Happened(kind, booking_id, patient_id)
        if one not in self.happened:
            self.happened.append(one)


class Refused(Conflict):
    """`phone`: the clinic's, where calling helps. `slots`: of a series, facility and slot of what is not to be had."""

    def __init__(self, reason: Reason, *, phone: str | None = None, slots: tuple[tuple[UUID, UUID], ...] = ()) -> None:
        super().__init__("The appointment cannot be made or changed like this.")
        self.reason: Reason = reason
        self.phone = phone
        self.slots = slots
