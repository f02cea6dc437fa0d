"""The clinic's day: who comes, who is here, whose turn it is. Each step is one statement that holds only if it fits.

FHIR R4 Appointment.status, Encounter.status. Names and numbers are those that were told at booking, and nothing of
the book.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from domain.appointments import booking, clinics, places, rules, waiting
from domain.appointments.booking import Patient, Wish, changed, check_free, own_time
from domain.appointments.clinic_tables import QueueCounter, Slot
from domain.appointments.outcomes import Refused, Story
from domain.appointments.places import Place
from domain.appointments.tables import AT_THE_CLINIC, UNSETTLED, Booking
from domain.errors import Invalid, NotFound

STEPS: Mapping[str, tuple[str, ...]] = {
    "checked_in": ("booked", "called"),
    "called": ("checked_in", "called"),
    "in_progress": ("checked_in", "called"),
    "done": ("checked_in", "called", "in_progress", "lapsed"),
    "no_show": ("booked", "called", "lapsed"),
}
"""From which states each may be reached."""
LONGEST_DAY, LONGEST_REASON = 2000, 200
SHOWN = ("booked", *AT_THE_CLINIC, "done", "no_show", "lapsed", "cancelled", "cancelled_by_clinic")


def of_day(
    db: Session,
    organization_id: UUID,
    day: date,
    *,
    service_id: UUID | None = None,
    practitioner_id: UUID | None = None,
) -> list[Booking]:
    """The appointments of one day of the clinic's calendar, by time, then queue number; at most LONGEST_DAY."""
    first, last = rules.day_bounds(day, clinics.zone_of(clinics.policy(db, organization_id)))
    query = select(Booking).where(
        Booking.organization_id == organization_id,
        Booking.starts_at >= first,
        Booking.starts_at < last,
        Booking.status.in_(SHOWN),
    )
    if service_id is not None:
        query = query.where(Booking.service_id == service_id)
    if practitioner_id is not None:
        his = select(Slot.id).where(
            Slot.organization_id == organization_id,
            Slot.practitioner_id == practitioner_id,
            Slot.starts_at >= first,
            Slot.starts_at < last,
        )
        query = query.where(Booking.slot_id.in_(his))
    order = (Booking.starts_at, Booking.queue_number.nulls_last(), Booking.id)
    return list(db.scalars(query.order_by(*order).limit(LONGEST_DAY)))


def step(
    db: Session, organization_id: UUID, patient_id: UUID, booking_id: UUID, to: str, *, now: datetime, story: Story
) -> Booking:
    """On to the next state; one that is there already stays. Refused where the present one does not lead there."""
    found = of_clinic(db, organization_id, patient_id, booking_id)
    if to == "checked_in":
        db.refresh(found, with_for_update=True)  # the appointment before the counter, as in passes.py: no deadlock
    if found.status == to and to != "called":
        return found
    _check_time(db, found, to, now)
    values: dict[str, object] = {"status": to}
    if to == "checked_in" and found.queue_number is None:
        values |= in_line(db, found, now)
    if found.status == "lapsed" and found.status in STEPS[to]:
        return _settled_late(db, found, values, now)
    if not changed(db, found, values, now, Booking.status.in_(STEPS[to])):
        if found.status == to:
            return found
        raise Refused("NOT_POSSIBLE_NOW")
    if to == "called":
        story.tell("queue_call", found.id, found.patient_id)
    return found


def _settled_late(db: Session, found: Booking, values: dict[str, object], now: datetime) -> Booking:
    """What became of an appointment that lapsed. Refused where its slip serves another one by now."""
    try:
        with db.begin_nested():
            is_done = changed(db, found, values, now, Booking.status == "lapsed")
    except IntegrityError:
        is_done = False
    if not is_done:
        raise Refused("NOT_POSSIBLE_NOW")
    return found


def _check_time(db: Session, found: Booking, to: str, now: datetime) -> None:
    zone = clinics.zone_of(clinics.policy(db, found.organization_id))
    if not is_time_for(to, found.starts_at, now, zone):
        raise Refused("NOT_POSSIBLE_NOW")


def is_time_for(to: str, starts_at: datetime, now: datetime, zone: ZoneInfo) -> bool:
    """Nobody is missed before his time, and nobody arrives on another day of the clinic's calendar."""
    if to == "no_show":
        return now >= starts_at
    return to != "checked_in" or starts_at.astimezone(zone).date() == now.astimezone(zone).date()


def in_line(db: Session, found: Booking, arrived_at: datetime) -> dict[str, object]:
    """What an appointment gets on arrival: the moment, and a number of that day. The caller holds its row."""
    day = clinics.today(clinics.policy(db, found.organization_id), arrived_at)
    number = next_number(db, found.organization_id, found.service_id, day)
    return {"queue_day": day, "queue_number": number, "arrived_at": arrived_at}


def next_number(db: Session, organization_id: UUID, service_id: UUID, day: date) -> int:
    """The next queue number of the service on that day: one statement, so two desks never give the same."""
    fresh = insert(QueueCounter).values(organization_id=organization_id, service_id=service_id, day=day, last=1)
    counted = fresh.on_conflict_do_update(
        index_elements=["organization_id", "service_id", "day"], set_={"last": QueueCounter.last + 1}
    )
    return db.execute(counted.returning(QueueCounter.last)).scalar_one()


def arrive(
    db: Session, organization_id: UUID, persons: Sequence[UUID], visit_id: UUID | None, *, now: datetime, story: Story
) -> Booking | None:
    """Who checked in with a QR or card is here for his next appointment of today; None where he has none."""
    policy = clinics.policy(db, organization_id)
    first, last = rules.day_bounds(clinics.today(policy, now), clinics.zone_of(policy))
    query = select(Booking).where(
        Booking.patient_id.in_(persons),
        Booking.organization_id == organization_id,
        Booking.starts_at >= first,
        Booking.starts_at < last,
        Booking.status.in_(UNSETTLED),
    )
    found = db.scalars(query.order_by(Booking.starts_at, Booking.id).limit(1)).first()
    if found is None:
        return None
    if found.status == "booked":
        found = step(db, organization_id, found.patient_id, found.id, "checked_in", now=now, story=story)
    if visit_id is not None:
        changed(db, found, {"visit_id": visit_id}, now)
    return found


def leave(db: Session, organization_id: UUID, persons: Sequence[UUID], visit_id: UUID, *, now: datetime) -> None:
    """The check-out of a visit ends its appointment too."""
    query = select(Booking).where(
        Booking.patient_id.in_(persons), Booking.organization_id == organization_id, Booking.visit_id == visit_id
    )
    for found in db.scalars(query):
        changed(db, found, {"status": "done"}, now, Booking.status.in_(AT_THE_CLINIC))


def add(
    db: Session,
    organization_id: UUID,
    slot_id: UUID,
    who: Patient,
    *,
    is_walk_in: bool,
    overbook_reason: str | None,
    now: datetime,
    story: Story,
) -> Booking:
    """A place given by staff: to a walk-in, who is here, or to somebody on the phone; beyond the capacity for a reason.

    The rules for patients (lead, horizon, no-shows, slips) do not bind the clinic itself. Refused, NotFound, Invalid.
    """
    if overbook_reason is not None and not _is_reason(overbook_reason):
        raise Invalid("overbookReason", f"`overbookReason` is a text of at most {LONGEST_REASON} characters.")
    place = Place(organization_id, slot_id)
    places.begin(db, who.persons, [place], now, story)
    places.take(db, place, now, story, by_staff=True, overbook=overbook_reason is not None)
    slot, _, _ = clinics.slot_with_rules(db, place)
    if who.persons:  # somebody the book does not know has no other appointments
        own_time(db, who.id)
        check_free(db, who, slot, 0)
    is_over = overbook_reason is not None and slot.taken > slot.capacity
    made = booking.write(
        db, who, slot, Wish("booked"), now,
        is_walk_in=is_walk_in, is_overbooked=is_over, overbook_reason=overbook_reason if is_over else None,
    )  # fmt: skip
    if is_walk_in:
        return step(db, organization_id, who.id, made.id, "checked_in", now=now, story=story)
    story.tell("appointment_booked", made.id, made.patient_id)
    return made


def _is_reason(text: str) -> bool:
    return len(text.strip()) > 0 and len(text) <= LONGEST_REASON and text.isprintable()


def cancel(
    db: Session, organization_id: UUID, patient_id: UUID, booking_id: UUID, *, now: datetime, story: Story
) -> Booking:
    """The clinic takes one appointment back; the cut-off does not bind it."""
    found = of_clinic(db, organization_id, patient_id, booking_id)
    place = Place(organization_id, found.slot_id)
    places.begin(db, (), [place], now, story)
    waiting.back_in_line(db, [found])
    if changed(db, found, {"status": "cancelled_by_clinic"}, now, Booking.status.in_(("held", "offered", "booked"))):
        story.tell("appointment_cancelled", found.id, found.patient_id)
        places.settle(db, place, now, story)
    elif found.status != "cancelled_by_clinic":
        raise Refused("NOT_POSSIBLE_NOW")
    return found


def of_clinic(db: Session, organization_id: UUID, patient_id: UUID, booking_id: UUID) -> Booking:
    found = db.scalar(
        select(Booking).where(
            Booking.patient_id == patient_id, Booking.id == booking_id, Booking.organization_id == organization_id
        )
    )
    if found is None:
        raise NotFound("There is no such appointment.")
    return found
