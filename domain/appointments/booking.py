"""Holding, booking, moving and cancelling for a patient. One transaction each; the database decides every race.

The order is the same everywhere: slots (by id), the patient's calendar, bookings. A place is taken before the booking
is written, and both or neither are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.appointments import clinics, places, slips
from domain.appointments.clinic_tables import Policy, Slot
from domain.appointments.outcomes import Refused, Story
from domain.appointments.places import Place
from domain.appointments.slips import Slip
from domain.appointments.tables import OVER, PLANNED, Booking, Calendar
from domain.errors import Invalid, NotFound

HOLD = timedelta(minutes=5)
MOST_HOLDS_AN_HOUR = 30
MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Patient:
    """Whom it is for: the id in use, and every id he has or had; who taps, and what the desk may call him by."""

    id: UUID
    persons: tuple[UUID, ...]
    booked_by: UUID | None
    name: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be written beside the place. `key`: the hash of the request's idempotency key."""

    status: str
    key: bytes | None = None
    slip: Slip | None = None
    series_id: UUID | None = None
    series_place: int = 0


def hold(db: Session, who: Patient, place: Place, *, key: bytes | None, now: datetime, story: Story) -> Booking:
    """A place for five minutes. Refused, NotFound; the same request again gives the same booking."""
    made, _ = _one(db, who, place, Wish("held", key), now, story)
    return made


def book(
    db: Session,
    who: Patient,
    place: Place,
    *,
    key: bytes | None,
    slip: Slip | None,
    now: datetime,
    story: Story,
) -> Booking:
    """A place at once. Refused, NotFound; the same request again gives the same booking."""
    made, is_new = _one(db, who, place, Wish("booked", key, slip), now, story)
    if is_new:
        story.tell("appointment_booked", made.id, made.patient_id)
    return made


def _one(db: Session, who: Patient, place: Place, wish: Wish, now: datetime, story: Story) -> tuple[Booking, bool]:
    """The booking, and whether it is new."""
    places.begin(db, who.persons, [place], now, story)
    if (known := _asked_before(db, who, place, wish)) is not None:
        return known, False
    return placed(db, who, place, wish, now, story), True


def placed(db: Session, who: Patient, place: Place, wish: Wish, now: datetime, story: Story) -> Booking:
    """Takes the place and writes the booking; the slots are locked already."""
    places.take(db, place, now, story)
    slot, service, policy = clinics.slot_with_rules(db, place)
    check_may_book(db, who, policy, now)
    own_time(db, who.id)
    check_free(db, who, slot, wish.series_place)
    if wish.status == "booked":
        slips.check(db, who.id, who.persons, service, wish.slip, slot.starts_at)
    return write(db, who, slot, wish, now)


def write(db: Session, who: Patient, slot: Slot, wish: Wish, now: datetime, **more: Any) -> Booking:
    made = Booking(
        patient_id=who.id,
        organization_id=slot.organization_id,
        service_id=slot.service_id,
        slot_id=slot.id,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        status=wish.status,
        held_until=now + HOLD if wish.status == "held" else None,
        series_id=wish.series_id,
        series_place=wish.series_place,
        slip_kind=wish.slip.kind if wish.slip else None,
        slip_id=wish.slip.id if wish.slip else None,
        request_key=wish.key,
        contact_name=who.name,
        contact_phone=who.phone,
        booked_by=who.booked_by,
        created_at=now,
        changed_at=now,
        **more,
    )
    db.add(made)
    db.flush()
    return made


def confirm(db: Session, who: Patient, booking_id: UUID, *, slip: Slip | None, now: datetime, story: Story) -> Booking:
    """A hold becomes an appointment, if it still holds at this moment. One that is booked already stays as it is."""
    held = of_patient(db, who.persons, booking_id)
    if held.status == "booked":
        return held
    _, service, _ = clinics.slot_with_rules(db, Place(held.organization_id, held.slot_id))
    slips.check(db, held.patient_id, who.persons, service, slip, held.starts_at, besides=held.id)
    values: dict[str, Any] = {
        "status": "booked",
        "held_until": None,
        "contact_name": who.name,
        "contact_phone": who.phone,
    }
    if slip is not None:
        values |= {"slip_kind": slip.kind, "slip_id": slip.id}
    living = (Booking.status == "held", Booking.held_until > now)
    if not changed(db, held, values, now, *living):
        raise Refused("HOLD_EXPIRED")
    story.tell("appointment_booked", held.id, held.patient_id)
    return held


def cancel(db: Session, who: Patient, booking_id: UUID, *, now: datetime, story: Story) -> Booking:
    """The patient takes it back; what is over already stays as it is. Refused (TOO_LATE) after the clinic's cut-off."""
    found = of_patient(db, who.persons, booking_id)
    place = Place(found.organization_id, found.slot_id)
    places.begin(db, who.persons, [place], now, story)
    db.refresh(found)
    if found.status not in ("held", "booked"):
        return _ended(found)
    if found.status == "booked":
        check_in_time(db, found, now)
    was_booked = found.status == "booked"
    if not changed(db, found, {"status": "cancelled"}, now, Booking.status == found.status):
        raise Refused("NOT_POSSIBLE_NOW")
    if was_booked:
        story.tell("appointment_cancelled", found.id, found.patient_id)
    places.settle(db, place, now, story)
    return found


def _ended(found: Booking) -> Booking:
    if found.status in OVER:
        return found
    raise Refused("NOT_POSSIBLE_NOW")


def reschedule(db: Session, who: Patient, booking_id: UUID, slot_id: UUID, *, now: datetime, story: Story) -> Booking:
    """To another slot of the same service: the new place taken and the old one given back, or nothing."""
    found = of_patient(db, who.persons, booking_id)
    old, new = Place(found.organization_id, found.slot_id), Place(found.organization_id, slot_id)
    places.begin(db, who.persons, [old, new], now, story)
    db.refresh(found)
    if found.slot_id == slot_id and found.status == "booked":
        return found
    if found.status != "booked" or found.slot_id != old.slot_id:
        raise Refused("NOT_POSSIBLE_NOW")
    check_in_time(db, found, now)
    places.take(db, new, now, story)
    slot, service, _ = clinics.slot_with_rules(db, new)
    if slot.service_id != found.service_id:
        raise Invalid("slotId", "An appointment moves to a slot of the same service.")
    own_time(db, who.id)
    check_free(db, who, slot, found.series_place, besides=(found.id,))
    if found.slip_id is not None:
        slips.check(db, found.patient_id, who.persons, service, Slip.of(found), slot.starts_at, besides=found.id)
    moved = {"slot_id": slot.id, "starts_at": slot.starts_at, "ends_at": slot.ends_at}
    if not changed(db, found, moved, now, Booking.status == "booked"):
        raise Refused("NOT_POSSIBLE_NOW")
    story.tell("appointment_moved", found.id, found.patient_id)
    places.settle(db, old, now, story)
    return found


def of_patient(db: Session, persons: Sequence[UUID], booking_id: UUID) -> Booking:
    """NotFound where there is none of his."""
    found = db.scalar(select(Booking).where(Booking.patient_id.in_(persons), Booking.id == booking_id))
    if found is None:
        raise NotFound("There is no such appointment.")
    return found


def changed(db: Session, found: Booking, values: dict[str, Any], now: datetime, *while_: Any) -> bool:
    """One statement that changes the booking if it still is as it must be; the row in hand follows."""
    statement = (
        update(Booking)
        .where(Booking.patient_id == found.patient_id, Booking.id == found.id, *while_)
        .values(**values, changed_at=now, version=Booking.version + 1)
        .returning(Booking.id)
        .execution_options(synchronize_session=False)
    )
    done = db.scalar(statement) is not None
    db.refresh(found)
    return done


def own_time(db: Session, patient_id: UUID) -> None:
    """From here to the end of the transaction nobody else adds to this patient's calendar."""
    mine = insert(Calendar).values(patient_id=patient_id, version=1)
    raised = {"version": Calendar.version + 1}
    db.execute(mine.on_conflict_do_update(index_elements=["patient_id"], set_=raised))


def check_free(db: Session, who: Patient, slot: Slot, series_place: int, besides: Sequence[UUID] = ()) -> None:
    """Refused for a second place in the same service, or one at the same time as another. After `own_time`."""
    others = select(Booking).where(
        Booking.patient_id.in_(who.persons), Booking.status.in_(PLANNED), Booking.id.not_in(besides)
    )
    same = (Booking.organization_id == slot.organization_id, Booking.service_id == slot.service_id)
    second = others.where(*same, Booking.series_place == series_place).exists()
    meanwhile = others.where(Booking.starts_at < slot.ends_at, Booking.ends_at > slot.starts_at).exists()
    has_one, is_busy = db.execute(select(second, meanwhile)).one()
    if has_one:
        raise Refused("ALREADY_BOOKED")
    if is_busy:
        raise Refused("OVERLAPS")


def check_may_book(db: Session, who: Patient, policy: Policy, now: datetime) -> None:
    """Refused where the clinic's rule for those who did not come asks him to call, or where he holds without end."""
    since = now - policy.no_show_months * MONTH
    passed = (Booking.status.in_(("held", "expired")), Booking.created_at > now - timedelta(hours=1))
    counts = select(
        func.count().filter(Booking.status == "no_show", Booking.starts_at > since),
        func.count().filter(*passed),
    ).where(Booking.patient_id.in_(who.persons), Booking.organization_id == policy.organization_id)
    missed, holds = db.execute(counts).one()
    if policy.no_shows and missed >= policy.no_shows:
        raise Refused("CALL_NEEDED", phone=policy.phone)
    if holds >= MOST_HOLDS_AN_HOUR:
        raise Refused("TOO_MANY_HOLDS")


def check_in_time(db: Session, found: Booking, now: datetime) -> None:
    policy = clinics.policy(db, found.organization_id)
    if now > found.starts_at - timedelta(minutes=policy.cancel_minutes):
        raise Refused("TOO_LATE", phone=policy.phone)


def _asked_before(db: Session, who: Patient, place: Place, wish: Wish) -> Booking | None:
    """What the same request made; Invalid where it asked for something else then."""
    if wish.key is None:
        return None
    known = db.scalar(
        select(Booking).where(
            Booking.patient_id.in_(who.persons), Booking.request_key == wish.key, Booking.series_place == 0
        )
    )
    if known is not None and known.version == 1 and known.slot_id != place.slot_id:
        raise Invalid("idempotencyKey", "`idempotencyKey` was used for another slot.")
    return known
