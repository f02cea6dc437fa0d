"""Several visits in one go (haemodialysis three times a week, the doses of a vaccine): every one of them, or none."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.appointments import places
from domain.appointments.booking import Patient, Wish, placed
from domain.appointments.outcomes import Refused, Story
from domain.appointments.places import Place
from domain.appointments.tables import Booking
from domain.errors import Invalid
from domain.values import new_id

SHORTEST, LONGEST = 2, 60


def book_series(
    db: Session, who: Patient, wanted: Sequence[Place], *, key: bytes | None, now: datetime, story: Story
) -> list[Booking]:
    """A booking in each slot, in their order, under one series id.

    Refused, and nothing booked, where one is not to be had: with the first reason, and all slots that are not.
    """
    if not SHORTEST <= len(wanted) <= LONGEST or len(set(wanted)) < len(wanted):
        raise Invalid("slotIds", f"A series is of {SHORTEST} to {LONGEST} slots, each once.")
    places.begin(db, who.persons, wanted, now, story)
    if known := _asked_before(db, who, wanted, key):
        return known
    made = _all_placed(db, who, wanted, Wish("booked", key, series_id=new_id()), now, story)
    if len({(one.organization_id, one.service_id) for one in made}) > 1:
        raise Invalid("slotIds", "A series is of slots of one service.")
    story.tell("appointment_booked", made[0].id, made[0].patient_id)
    return made


def _all_placed(
    db: Session, who: Patient, wanted: Sequence[Place], wish: Wish, now: datetime, story: Story
) -> list[Booking]:
    made: list[Booking] = []
    why: list[tuple[Place, Refused]] = []
    for number, place in enumerate(wanted, start=1):
        try:
            with db.begin_nested():
                made.append(placed(db, who, place, replace(wish, series_place=number), now, story))
        except Refused as refused:
            why.append((place, refused))
    if why:
        slots = tuple((place.organization_id, place.slot_id) for place, _ in why)
        raise Refused(why[0][1].reason, phone=why[0][1].phone, slots=slots)
    return made


def _asked_before(db: Session, who: Patient, wanted: Sequence[Place], key: bytes | None) -> list[Booking]:
    """What the same request made; Invalid where it asked for another number of visits then."""
    if key is None:
        return []
    query = select(Booking).where(Booking.patient_id.in_(who.persons), Booking.request_key == key)
    known = list(db.scalars(query.order_by(Booking.series_place)))
    if known and len(known) != len(wanted):
        raise Invalid("idempotencyKey", "`idempotencyKey` was used for other slots.")
    return known
