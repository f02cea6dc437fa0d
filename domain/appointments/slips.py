"""The paper that a visit needs: a referral or a re-examination slip of the patient's own book, by its node id.

One slip, one live appointment (a unique index). How long a paper is valid is data of its sender and never computed
here (TT 01/2025/TT-BYT Đ10): without a last day none is assumed. Nothing clinical is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from domain.appointments.clinic_tables import Service
from domain.appointments.outcomes import Refused
from domain.appointments.tables import USES_A_SLIP, Booking
from domain.organizations import Organization
from domain.values import VIETNAM

_SLIP = text("select status, valid_from, valid_until, facility_code from access.slip(:patient, :kind, :id)")
_TAKEN_BACK = frozenset({"revoked", "cancelled", "noshow", "entered-in-error", "completed"})
SECTION_OF = {"referral": "referrals", "follow_up": "follow_ups"}


@dataclass(frozen=True, slots=True)
class Slip:
    """`kind`: referral or follow_up."""

    kind: str
    id: UUID

    @classmethod
    def of(cls, booking: Booking | None) -> "Slip | None":
        """The one that a booking uses."""
        if booking is None or booking.slip_id is None or booking.slip_kind is None:
            return None
        return cls(booking.slip_kind, booking.slip_id)


def check(
    db: Session,
    patient_id: UUID,
    persons: Sequence[UUID],
    service: Service,
    slip: Slip | None,
    starts_at: datetime,
    besides: UUID | None = None,
) -> None:
    """Refused: the service needs another or any slip, this one does not hold on the day, or it is used already."""
    if slip is None:
        if service.slip != "none":
            raise Refused("SLIP_NEEDED")
        return
    if slip.kind != service.slip:
        raise Refused("SLIP_NEEDED" if service.slip != "none" else "SLIP_NOT_VALID")
    row = db.execute(_SLIP, {"patient": patient_id, "kind": slip.kind, "id": slip.id}).one_or_none()
    if row is None or not _holds(row, starts_at, _code(db, service)):
        raise Refused("SLIP_NOT_VALID")
    used = select(Booking.id).where(
        Booking.patient_id.in_(persons), Booking.slip_id == slip.id, Booking.status.in_(USES_A_SLIP)
    )
    if besides is not None:
        used = used.where(Booking.id != besides)
    if db.scalar(used.limit(1)) is not None:
        raise Refused("SLIP_USED")


def _holds(row: Row[Any], starts_at: datetime, code: str | None) -> bool:
    """Days compare as text; a month or year alone holds to its end."""
    day = starts_at.astimezone(VIETNAM).date().isoformat()
    status, first, last, facility = row.status, row.valid_from, row.valid_until, row.facility_code
    is_for_here = facility is None or facility == code
    begun = first is None or first[:10] <= day
    return status not in _TAKEN_BACK and is_for_here and begun and (last is None or day[: len(last[:10])] <= last[:10])


def _code(db: Session, service: Service) -> str | None:
    return db.scalar(select(Organization.code).where(Organization.id == service.organization_id))
