"""A check-in with QR or card is the arrival for today's appointment, the check-out its end (api/facilities/desk.py)."""

from uuid import UUID

from sqlalchemy.orm import Session

from api.acting import Actor
from api.appointments.desk_types import ClinicAppointment
from api.appointments.telling import tell_all
from domain.appointments import day, reading
from domain.appointments.outcomes import Story
from domain.values import utc_now


def arrived(db: Session, actor: Actor, visit_id: UUID | None) -> ClinicAppointment | None:
    """Whose appointment of today at this facility begins now; None where he has none."""
    if actor.organization_id is None:
        return None
    now, story = utc_now(), Story()
    found = day.arrive(db, actor.organization_id, actor.persons, visit_id, now=now, story=story)
    tell_all(db, story.happened, now)
    return None if found is None else ClinicAppointment.of(reading.shown(db, [found])[0])


def left(db: Session, actor: Actor, visit_id: UUID) -> None:
    if actor.organization_id is not None:
        day.leave(db, actor.organization_id, actor.persons, visit_id, now=utc_now())
