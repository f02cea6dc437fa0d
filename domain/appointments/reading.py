"""Bookings with what a phone or a desk shows beside them: the service, where, with whom, what is offered instead."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select, tuple_
from sqlalchemy.orm import Session

from domain.appointments import clinics
from domain.appointments.booking import of_patient
from domain.appointments.clinic_tables import Policy, Practitioner, Room, Service, Slot
from domain.appointments.tables import Booking
from domain.organizations import Organization


@dataclass(frozen=True, slots=True)
class Shown:
    """`offered`: the living offer that a clinic made for a booking it cancelled."""

    booking: Booking
    service: Service
    organization: Organization
    practitioner: Practitioner | None
    room: Room | None
    policy: Policy
    offered: Booking | None


def page_of(
    db: Session,
    persons: Sequence[UUID],
    *,
    statuses: Sequence[str] | None,
    first: int,
    after: tuple[datetime, UUID] | None,
) -> list[Shown]:
    """A patient's bookings, the latest to come first; at most `first` before the place `after`."""
    query = select(Booking).where(Booking.patient_id.in_(persons))
    if statuses is not None:
        query = query.where(Booking.status.in_(statuses))
    if after is not None:
        query = query.where(tuple_(Booking.starts_at, Booking.id) < after)
    rows = db.scalars(query.order_by(Booking.starts_at.desc(), Booking.id.desc()).limit(first)).all()
    return shown(db, rows)


def one_of(db: Session, persons: Sequence[UUID], booking_id: UUID) -> Shown:
    """NotFound where there is none of his."""
    return shown(db, [of_patient(db, persons, booking_id)])[0]


def shown(db: Session, bookings: Sequence[Booking]) -> list[Shown]:
    """In the same order; by as many statements, however many there are."""
    db.flush()
    found = {row.id: row for row in db.execute(_details([one.id for one in bookings]))}
    offers = _offers(db, [one.id for one in bookings if one.status == "cancelled_by_clinic"])
    policies = {id_: clinics.policy(db, id_) for id_ in {one.organization_id for one in bookings}}
    return [
        Shown(
            one,
            (row := found[one.id]).Service,
            row.Organization,
            row.Practitioner,
            row.Room,
            policies[one.organization_id],
            offers.get(one.id),
        )
        for one in bookings
    ]


def _details(ids: Sequence[UUID]) -> Any:
    """A slot that is no more leaves its bookings without a practitioner and a room."""
    return (
        select(Booking.id, Service, Organization, Practitioner, Room)
        .join(Service, _in_clinic(Service, Booking.service_id, Booking))
        .join(Organization, Organization.id == Booking.organization_id)
        .outerjoin(Slot, _in_clinic(Slot, Booking.slot_id, Booking))
        .outerjoin(Practitioner, _in_clinic(Practitioner, Slot.practitioner_id, Slot))
        .outerjoin(Room, _in_clinic(Room, Slot.room_id, Slot))
        .where(Booking.id.in_(ids))
    )


def _in_clinic(kind: Any, id_: Any, of: Any) -> Any:
    return and_(kind.organization_id == of.organization_id, kind.id == id_)


def _offers(db: Session, ids: Sequence[UUID]) -> dict[UUID, Booking]:
    query = select(Booking).where(Booking.instead_of.in_(ids), Booking.status == "offered")
    return {one.instead_of: one for one in db.scalars(query) if one.instead_of is not None} if ids else {}
