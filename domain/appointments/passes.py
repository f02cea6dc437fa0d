"""Check-in passes: the patient's phone shows one, a clinic without a connection believes it, and hands it in later.

The pass is a signed statement that names nobody: which clinic, which appointment, from when until when. What it opens
was agreed to when it was made, as with the QR of a visit (domain/consents/visits.py), and is kept here; the clinic
learns of it when it hands the pass in. RFC 7519 for the claims, RFC 8725 3.11 for telling them from other tokens.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.appointments import booking, clinics, day, rules
from domain.appointments.outcomes import Refused
from domain.appointments.tables import UNSETTLED, Booking, CheckInPass
from domain.consents import parties, texts, visits
from domain.consents.terms import Decider
from domain.consents.texts import Text
from domain.consents.visits import Permission, Said
from domain.errors import Invalid
from domain.representation.people import Persons

EARLIEST = timedelta(hours=22)
"""How long before its appointment a pass is made."""
LATE = timedelta(hours=2)
"""How long after the start of its appointment it is still good; longer where the appointment lasts longer."""
LONGEST = timedelta(hours=24)
OLDEST = timedelta(hours=24)
"""How long after the arrival a clinic may hand the pass in."""
LEEWAY = timedelta(minutes=2)
"""By how much the clock of a clinic may be wrong."""


@dataclass(frozen=True, slots=True)
class Window:
    """When the patient may come with it: from `begins`, before `ends`."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Made:
    """A pass, and what its claims say beside: the clinic's code and clock, and the end of the appointment."""

    row: CheckInPass
    organization_code: str
    zone: ZoneInfo
    ends_at: datetime

    def claims(self, secret: str) -> dict[str, Any]:
        """RFC 7519 4.1; `start` on the clinic's own clock and `minutes`, to queue by. No person, no health word."""
        row = self.row
        return {
            "aud": self.organization_code,
            "jti": secret,
            "iat": int(row.made_at.timestamp()),
            "nbf": int(row.valid_from.timestamp()),
            "exp": int(row.expires_at.timestamp()),
            "appointment": str(row.booking_id),
            "start": row.starts_at.astimezone(self.zone).isoformat(timespec="minutes"),
            "minutes": int((self.ends_at - row.starts_at).total_seconds()) // 60,
        }


def window(starts_at: datetime, ends_at: datetime, zone: ZoneInfo, now: datetime) -> Window | None:
    """On the day of the appointment, until LATE after its start or until its end; None outside of making times."""
    midnight, next_midnight = rules.day_bounds(starts_at.astimezone(zone).date(), zone)
    ends = min(max(starts_at + LATE, ends_at), next_midnight, now + LONGEST)
    return Window(max(now, midnight), ends) if starts_at - EARLIEST <= now < ends else None


def noted(told: datetime | None, made_at: datetime, now: datetime) -> datetime:
    """When he came, as the clinic noted it; now where it says nothing. Never before `made_at` nor after `now`.

    Invalid where it is further off than a clock may be wrong, or so old that what it opens would have ended.
    """
    at = now if told is None else told
    if not (made_at - LEEWAY <= at <= now + LEEWAY and now - at <= OLDEST - LEEWAY):
        raise Invalid("arrivedAt", "`arrivedAt` lies between the making of the pass and now, and is under a day old.")
    return min(max(at, made_at), now)


def make(
    db: Session,
    persons: Persons,
    booking_id: UUID,
    sections: tuple[str, ...],
    *,
    secret_hash: bytes,
    by: Decider,
    text: Text,
    now: datetime,
) -> Made:
    """A pass for a booked appointment. Refused (NO_PASS_YET, NOT_POSSIBLE_NOW), NotFound, Invalid without a section."""
    if not sections:
        raise Invalid("sections", "A pass opens at least one section.")
    now = now.replace(microsecond=0)
    found = booking.of_patient(db, persons, booking_id)
    clinic = parties.facility(db, found.organization_id)
    zone = clinics.zone_of(clinics.policy(db, found.organization_id))
    valid = window(found.starts_at, found.ends_at, zone, now)
    if valid is None and now < found.starts_at:
        raise Refused("NO_PASS_YET")
    if valid is None or clinic is None or found.status != "booked":
        raise Refused("NOT_POSSIBLE_NOW")
    texts.kept(db, text)
    row = CheckInPass(
        secret_hash=secret_hash,
        patient_id=found.patient_id,
        booking_id=found.id,
        organization_id=found.organization_id,
        starts_at=found.starts_at,
        citizen_id=by.citizen_id,
        actor_role=by.actor_role,
        acr=by.acr,
        auth_time=by.auth_time,
        sections=list(sections),
        text_hash=text.hash,
        made_at=now,
        valid_from=valid.begins,
        expires_at=valid.ends,
    )
    db.add(row)
    db.flush()
    return Made(row, clinic.code, zone, found.ends_at)


def of_clinic(db: Session, organization_id: UUID, secret_hash: bytes) -> CheckInPass | None:
    """A pass for an appointment at this clinic, used or not."""
    mine = (CheckInPass.secret_hash == secret_hash, CheckInPass.organization_id == organization_id)
    return db.scalar(select(CheckInPass).where(*mine))


def appointment(db: Session, persons: Persons, one: CheckInPass) -> Booking | None:
    """The appointment that it is for, as it stands now."""
    query = select(Booking).where(Booking.patient_id.in_(persons), Booking.id == one.booking_id)
    return db.scalar(query.execution_options(populate_existing=True))


def permission(
    db: Session, patient_id: UUID, persons: Persons, one: CheckInPass, *, arrived_at: datetime, now: datetime
) -> Permission | None:
    """What it opens, for a day from the arrival on; None where its maker may decide no longer."""
    by = Decider(one.citizen_id, one.actor_role, "qr", one.acr, one.auth_time)
    said = Said(tuple(one.sections), by, one.text_hash, one.made_at)
    found = visits.permitted(db, patient_id, persons, said, now)
    if found is None:
        return None
    over = arrived_at + visits.LONGEST
    return replace(found, until=over if found.until is None else min(over, found.until))


def was_used(found: Booking) -> bool:
    """One appointment opens one visit, by whichever pass or way."""
    return found.visit_id is not None or found.pass_hash is not None


def use(db: Session, found: Booking, one: CheckInPass, *, arrived_at: datetime, now: datetime) -> bool:
    """The appointment is this pass's, and he is here: of all who hand one in at once, one gets True.

    False also where it was moved, cancelled or is over. The row follows.
    """
    still = (
        Booking.status.in_(UNSETTLED),
        Booking.starts_at == one.starts_at,
        Booking.pass_hash.is_(None),
        Booking.visit_id.is_(None),
    )
    if not booking.changed(db, found, {"pass_hash": one.secret_hash}, now, *still):
        return False
    if found.status == "booked":
        here = {"status": "checked_in", **day.in_line(db, found, arrived_at)}
        booking.changed(db, found, here, now, Booking.status == "booked")
    return True


def opened(db: Session, found: Booking, visit_id: UUID, now: datetime) -> None:
    """Notes the visit that the pass opened, which the check-out ends with the appointment."""
    booking.changed(db, found, {"visit_id": visit_id}, now)
