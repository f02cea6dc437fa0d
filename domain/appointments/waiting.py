"""The line for a place: joining, leaving, and answering an offer.

The database offers a freed or new place to the next in line for half an hour (booking.settle, booking.offer); an
answer or the end of that time passes it on. Taking an offer gives up the appointment that the patient had in the same
service.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.appointments import clinics, places, slips
from domain.appointments.booking import Patient, changed, check_free, check_in_time, of_patient, own_time
from domain.appointments.clinic_tables import Service
from domain.appointments.outcomes import Refused, Story
from domain.appointments.places import Place
from domain.appointments.slips import Slip
from domain.appointments.tables import Booking, Waiting, status_in
from domain.errors import Invalid, NotFound
from domain.values import new_id

MOST_LINES = 20
LONGEST_WAIT = timedelta(days=366)
_IN_LINE = ("waiting", "offered")


def join(
    db: Session,
    who: Patient,
    organization_id: UUID,
    service_id: UUID,
    *,
    earliest: datetime,
    latest: datetime,
    now: datetime,
) -> Waiting:
    """A place in the line; who stands in it already keeps his, with the new wish. NotFound, Invalid."""
    if not (latest > max(earliest, now) and latest - now <= LONGEST_WAIT):
        raise Invalid("latest", "`latest` is after `earliest` and now, within a year.")
    service = db.get(Service, (organization_id, service_id))
    if service is None or not service.is_active:
        raise NotFound("There is no such service.")
    _check_lines(db, who)
    values: dict[str, Any] = {"earliest": earliest, "latest": latest}
    told = values | {"contact_name": who.name, "contact_phone": who.phone, "joined_by": who.booked_by}
    fresh = insert(Waiting).values(
        patient_id=who.id, id=new_id(), organization_id=organization_id, service_id=service_id, status="waiting",
        in_line_since=now, created_at=now, **told,
    )  # fmt: skip
    joined = fresh.on_conflict_do_update(
        index_elements=["patient_id", "organization_id", "service_id"],
        index_where=status_in(_IN_LINE),  # literals: a plan for any value would not fit the partial index
        set_=values,
    )
    return db.scalars(joined.returning(Waiting), execution_options={"populate_existing": True}).one()


def _check_lines(db: Session, who: Patient) -> None:
    mine = select(Waiting.id).where(Waiting.patient_id.in_(who.persons), Waiting.status.in_(_IN_LINE))
    if len(db.scalars(mine.limit(MOST_LINES)).all()) >= MOST_LINES:
        raise Invalid("serviceId", f"A patient waits in at most {MOST_LINES} lines.")


def of_patient_in_line(db: Session, persons: Sequence[UUID]) -> list[Waiting]:
    """Where he waits, or has an offer; oldest first."""
    query = select(Waiting).where(Waiting.patient_id.in_(persons), Waiting.status.in_(_IN_LINE))
    return list(db.scalars(query.order_by(Waiting.created_at, Waiting.id).limit(MOST_LINES)))


def leave(db: Session, who: Patient, waiting_id: UUID, *, now: datetime, story: Story) -> Waiting:
    """Out of the line; an offer that he has goes to the next. Who has left already stays so. NotFound."""
    found = _entry(db, who, waiting_id)
    offer = _offer_of(db, found)
    places.begin(db, who.persons, [_place(offer)] if offer else [], now, story)
    gone = update(Waiting).where(
        Waiting.patient_id == found.patient_id, Waiting.id == found.id, Waiting.status.in_(_IN_LINE)
    )
    db.execute(gone.values(status="left").execution_options(synchronize_session=False))
    db.refresh(found)
    offer = _offer_of(db, found)
    if offer is not None and changed(db, offer, {"status": "cancelled"}, now, Booking.status == "offered"):
        places.settle(db, _place(offer), now, story)
    return found


def accept(db: Session, who: Patient, booking_id: UUID, *, slip: Slip | None, now: datetime, story: Story) -> Booking:
    """An offer becomes an appointment, in the place of one in the same service. Refused: over, or at a bad time."""
    offer = of_patient(db, who.persons, booking_id)
    if offer.status == "booked":
        return offer
    given_up = _same_service(db, who, offer)
    touched = [_place(one) for one in (offer, given_up) if one is not None]
    places.begin(db, who.persons, touched, now, story)
    db.refresh(offer)
    if offer.status != "offered":
        raise Refused("HOLD_EXPIRED")
    slot, service, _ = clinics.slot_with_rules(db, _place(offer))
    own_time(db, who.id)
    _give_up(db, given_up, now, story)
    check_free(db, who, slot, 0)
    slip = slip or Slip.of(offer) or Slip.of(given_up)
    slips.check(db, offer.patient_id, who.persons, service, slip, slot.starts_at)
    values: dict[str, Any] = {"status": "booked", "held_until": None}
    values |= {"slip_kind": slip.kind, "slip_id": slip.id} if slip else {}
    living = (Booking.status == "offered", Booking.held_until > now)
    if not changed(db, offer, values, now, *living):
        raise Refused("HOLD_EXPIRED")
    _move_entry(db, offer, "placed", now)
    story.tell("appointment_moved" if given_up else "appointment_booked", offer.id, offer.patient_id)
    return offer


def decline(db: Session, who: Patient, booking_id: UUID, *, now: datetime, story: Story) -> Booking:
    """The place goes to the next; he himself waits on, at the end of the line. Again changes nothing."""
    offer = of_patient(db, who.persons, booking_id)
    places.begin(db, who.persons, [_place(offer)], now, story)
    if changed(db, offer, {"status": "cancelled"}, now, Booking.status == "offered"):
        _move_entry(db, offer, "waiting", now)
        places.settle(db, _place(offer), now, story)
    return offer


def _same_service(db: Session, who: Patient, offer: Booking) -> Booking | None:
    """The appointment that the offer is better than."""
    return db.scalar(
        select(Booking).where(
            Booking.patient_id.in_(who.persons),
            Booking.organization_id == offer.organization_id,
            Booking.service_id == offer.service_id,
            Booking.series_place == 0,
            Booking.status == "booked",
        )
    )


def _give_up(db: Session, given_up: Booking | None, now: datetime, story: Story) -> None:
    if given_up is None:
        return
    place = _place(given_up)
    check_in_time(db, given_up, now)
    if not changed(
        db, given_up, {"status": "cancelled"}, now, Booking.status == "booked", Booking.slot_id == place.slot_id
    ):
        raise Refused("NOT_POSSIBLE_NOW")
    places.settle(db, place, now, story)


def _move_entry(db: Session, offer: Booking, status: str, now: datetime) -> None:
    if offer.waiting_id is not None:
        entry = update(Waiting).where(
            Waiting.patient_id == offer.patient_id, Waiting.id == offer.waiting_id, Waiting.status == "offered"
        )
        values = {"status": status, "in_line_since": now}
        db.execute(entry.values(**values).execution_options(synchronize_session=False))


def back_in_line(db: Session, offers: Sequence[Booking]) -> None:
    """Those whose offers the clinic took back wait on where they stood."""
    entries = [one.waiting_id for one in offers if one.status == "offered" and one.waiting_id is not None]
    again = update(Waiting).where(Waiting.id.in_(entries), Waiting.status == "offered")
    db.execute(again.values(status="waiting").execution_options(synchronize_session=False))


def _entry(db: Session, who: Patient, waiting_id: UUID) -> Waiting:
    found = db.scalar(select(Waiting).where(Waiting.patient_id.in_(who.persons), Waiting.id == waiting_id))
    if found is None:
        raise NotFound("There is no such place in a line.")
    return found


def _offer_of(db: Session, entry: Waiting) -> Booking | None:
    return db.scalar(
        select(Booking).where(
            Booking.patient_id == entry.patient_id, Booking.waiting_id == entry.id, Booking.status == "offered"
        )
    )


def _place(one: Booking) -> Place:
    return Place(one.organization_id, one.slot_id)
