"""What the worker asks and tidies, over all patients: ids and times only, by functions of the database.

Reminders are derived from the bookings as they are at that moment, never copied: what was moved or cancelled is not
among them. Called by the login `healthbook_consent`, without a person.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from domain.appointments import places
from domain.appointments.outcomes import Happened, Story
from domain.appointments.places import Place

PAGE = 1000
CONTACTS_KEPT = timedelta(days=90)
_DUE = text("select patient_id, id, starts_at from booking.due(:first, :last, :after, :most)")
_OVERDUE = text("select organization_id, slot_id from booking.overdue(:now, :most)")
_ERASE = text("select booking.erase_contacts(:before, :most)")


class Due(NamedTuple):
    """An appointment that begins soon."""

    booking_id: UUID
    starts_at: datetime
    patient_id: UUID


def due_reminders(session: Session, offset: timedelta, now: datetime) -> Iterator[Due]:
    """Appointments that begin within the offset from now, in order of time; read a page at a time."""
    first, after = now, UUID(int=0)
    while True:
        told = {"first": first, "last": now + offset, "after": after, "most": PAGE}
        rows = session.execute(_DUE, told).all()
        yield from (Due(row.id, row.starts_at, row.patient_id) for row in rows)
        if len(rows) < PAGE:
            return
        first, after = rows[-1].starts_at, rows[-1].id


def settle_overdue(session: Session, now: datetime) -> list[Happened] | None:
    """End holds and offers whose time is over, and pass their places on: what to tell, or None where there was none.

    One page; to be committed before the next. Nothing depends on it: takers do the same for themselves.
    """
    rows = session.execute(_OVERDUE, {"now": now, "most": PAGE}).all()
    story = Story()
    found = sorted((Place(row.organization_id, row.slot_id) for row in rows), key=lambda one: one.slot_id)
    places.begin(session, (), found, now, story)
    for place in found:
        places.settle(session, place, now, story)
    return story.happened if rows else None


def erase_contacts(session: Session, now: datetime) -> int:
    """Names and numbers of appointments that ended 90 days ago: how many were erased. One page."""
    done: int = session.execute(_ERASE, {"before": now - CONTACTS_KEPT, "most": PAGE}).scalar_one()
    return done
