"""A clinic closes a day: everybody of that day is cancelled in one transaction, and offered the nearest place instead.

An alternative is held for the patient for a day. Which slots it may be is chosen first and locked together with those
of the day, in the order of their ids; a place that somebody was quicker to take is simply not offered.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from domain.appointments import clinics, places, rules, schedules, waiting
from domain.appointments.clinic_tables import Policy, Service, Slot
from domain.appointments.outcomes import Refused, Story
from domain.appointments.places import Place
from domain.appointments.tables import Booking
from domain.errors import Invalid
from domain.values import new_id

OFFER = timedelta(hours=24)
_TAKEN_AWAY = ("held", "offered", "booked")


@dataclass(frozen=True, slots=True)
class Closed:
    """`cancelled` appointments, of which `offered` got another place."""

    cancelled: int
    offered: int


def close_day(
    db: Session, organization_id: UUID, day: date, service_id: UUID | None, *, now: datetime, story: Story
) -> Closed:
    """Nobody comes on this day, or to this service. Who is at the clinic already stays. Again changes nothing."""
    policy = clinics.take_turn(db, organization_id)
    if day < clinics.today(policy, now):
        raise Invalid("date", "`date` is over.")
    if service_id is not None:
        clinics.own(db, Service, organization_id, service_id, "serviceId")
    schedules.say(db, organization_id, day, "closed", service_id, now)
    slots = _slots_of(db, policy, day, service_id)
    choices = _alternatives(db, policy, slots, day, now)
    locked = [Place(organization_id, one) for one in [*(slot.id for slot in slots), *(one.id for one in choices)]]
    places.begin(db, (), locked, now, story)
    _close(db, organization_id, slots, now)
    lost = _cancel(db, organization_id, slots, now)
    for slot in slots:
        places.settle(db, Place(organization_id, slot.id), now, story)
    return Closed(len(lost), _offer(db, lost, choices, now, story))


def _slots_of(db: Session, policy: Policy, day: date, service_id: UUID | None) -> Sequence[Slot]:
    first, last = rules.day_bounds(day, clinics.zone_of(policy))
    query = select(Slot).where(
        Slot.organization_id == policy.organization_id, Slot.starts_at >= first, Slot.starts_at < last
    )
    query = query if service_id is None else query.where(Slot.service_id == service_id)
    return db.scalars(query.order_by(Slot.id)).all()


def _alternatives(db: Session, policy: Policy, slots: Sequence[Slot], day: date, now: datetime) -> list[Slot]:
    """Free slots of the services concerned on other days, the nearest to the day first: enough, and some to spare."""
    first, last = rules.day_bounds(day, clinics.zone_of(policy))
    found: list[Slot] = []
    for service_id in {slot.service_id for slot in slots if slot.taken}:
        most = 2 * sum(slot.taken for slot in slots if slot.service_id == service_id) + 10
        free = select(Slot).where(
            Slot.organization_id == policy.organization_id,
            Slot.service_id == service_id,
            Slot.taken < Slot.capacity,
            Slot.closed_at.is_(None),
        )
        soonest = now + timedelta(minutes=policy.lead_minutes)
        before = (
            free.where(Slot.starts_at > soonest, Slot.starts_at < first).order_by(Slot.starts_at.desc()).limit(most)
        )
        after = free.where(Slot.starts_at >= max(last, soonest)).order_by(Slot.starts_at).limit(most)
        both = [*db.scalars(before), *db.scalars(after)]
        found += sorted(both, key=lambda one: (abs(one.starts_at - first), one.id))[:most]
    return found


def _close(db: Session, organization_id: UUID, slots: Sequence[Slot], now: datetime) -> None:
    these = update(Slot).where(Slot.organization_id == organization_id, Slot.id.in_([one.id for one in slots]))
    db.execute(these.values(closed_at=now).execution_options(synchronize_session=False))


def _cancel(db: Session, organization_id: UUID, slots: Sequence[Slot], now: datetime) -> list[Booking]:
    """The appointments of the slots, in the order in which they were made; holds and offers end beside them."""
    of_day = select(Booking).where(
        Booking.organization_id == organization_id,
        Booking.slot_id.in_([one.id for one in slots]),
        Booking.status.in_(_TAKEN_AWAY),
    )
    locked = of_day.order_by(Booking.id).with_for_update().execution_options(populate_existing=True)
    found = db.scalars(locked).all()
    lost = sorted((one for one in found if one.status == "booked"), key=lambda one: (one.created_at, one.id))
    waiting.back_in_line(db, found)
    for one in found:
        one.status, one.changed_at, one.version = "cancelled_by_clinic", now, one.version + 1
    db.flush()
    return lost


def _offer(db: Session, lost: Sequence[Booking], choices: Sequence[Slot], now: datetime, story: Story) -> int:
    """One notice each, whether there is another place or not; it opens the appointment that was cancelled."""
    left = {
        service: deque(one for one in choices if one.service_id == service)
        for service in {c.service_id for c in choices}
    }
    offered = 0
    for booking in lost:
        offered += _offer_one(db, booking, left.get(booking.service_id, deque()), now)
        story.tell("appointment_cancelled", booking.id, booking.patient_id)
    return offered


def _offer_one(db: Session, lost: Booking, choices: deque[Slot], now: datetime) -> bool:
    quiet = Story()
    while choices:
        slot = choices[0]
        try:
            places.take(db, Place(slot.organization_id, slot.id), now, quiet)
        except Refused:
            choices.popleft()
            continue
        db.add(
            Booking(
                patient_id=lost.patient_id, id=new_id(), organization_id=slot.organization_id,
                service_id=slot.service_id, slot_id=slot.id, starts_at=slot.starts_at, ends_at=slot.ends_at,
                status="offered", held_until=min(now + OFFER, slot.starts_at), instead_of=lost.id,
                slip_kind=lost.slip_kind, slip_id=lost.slip_id, contact_name=lost.contact_name,
                contact_phone=lost.contact_phone, booked_by=lost.booked_by, created_at=now, changed_at=now,
            )
        )  # fmt: skip
        db.flush()
        return True
    return False
