"""What the worker tidies, over all patients: ids and times only, by functions of the database.

Called by the login `healthbook_consent`, without a person.
"""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from domain.appointments import places
from domain.appointments.outcomes import Happened, Story
from domain.appointments.places import Place

PAGE = 1000
CONTACTS_KEPT = timedelta(days=90)
_OVERDUE = text("select organization_id, slot_id from booking.overdue(:now, :most)")
LAPSES_AFTER = timedelta(hours=24)
_LAPSE = text("select booking.lapse(:before, :now, :most)")
_ERASE = text("select booking.erase_contacts(:before, :most)")


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


def let_lapse(session: Session, now: datetime) -> int:
    """Appointments that ended a day ago, and nobody said how: how many. One page. Their patients may book again."""
    done: int = session.execute(_LAPSE, {"before": now - LAPSES_AFTER, "now": now, "most": PAGE}).scalar_one()
    return done


def erase_contacts(session: Session, now: datetime) -> int:
    """Names and numbers of appointments that ended 90 days ago: how many were erased. One page."""
    done: int = session.execute(_ERASE, {"before": now - CONTACTS_KEPT, "most": PAGE}).scalar_one()
    return done
