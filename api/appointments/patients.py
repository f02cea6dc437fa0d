"""Whoever acts for a patient about his appointments, and what is told of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from strawberry import Info

from api.acting import Actor
from api.appointments.inputs import ContactInput
from api.appointments.telling import tell_all
from api.appointments.types import Appointment, AppointmentRefused
from api.representation.acted import acted
from domain.appointments import reading
from domain.appointments.booking import Patient
from domain.appointments.outcomes import Refused, Story
from domain.appointments.slips import SECTION_OF, Slip
from domain.appointments.tables import Booking
from domain.errors import Forbidden, NotFound
from domain.values import utc_now

READ, WRITE = "appointment:read", "appointment:write"
"""Scopes."""
DELEGATES_SECTION = "follow_ups"
"""A delegate books who was given to see what is to come; whoever decides for the patient books in any case."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Turn:
    """One change: the session, for whom, when, and what it does."""

    db: Session
    who: Patient
    actor: Actor
    now: datetime
    story: Story


def patient_of(actor: Actor, contact: ContactInput | None = None) -> Patient:
    """NotFound for facilities and for a citizen without a book, Forbidden for a delegate who may not book."""
    if actor.patient_id is None or actor.client_kind != "first_party":
        raise NotFound("There is no such record, or it is not open to this reader.")
    if not (actor.can_manage or actor.sections is None or DELEGATES_SECTION in actor.sections):
        raise Forbidden("A delegate needs the section follow_ups to see and make appointments.")
    name, phone = (contact.name, contact.phone) if contact else (None, None)
    return Patient(actor.patient_id, actor.persons, actor.citizen_id, name, phone)


def check_sees(actor: Actor, slip: Slip | None) -> None:
    """A delegate uses no paper that he may not read."""
    if slip is not None and actor.sections is not None and SECTION_OF[slip.kind] not in actor.sections:
        raise Forbidden("The section of this slip is not open to the delegate.")


async def changed(
    info: Info,
    patient_id: UUID | None,
    action: str,
    work: Callable[[Turn], Booking],
    contact: ContactInput | None = None,
) -> Appointment | AppointmentRefused:
    """One appointment made or changed, and told; or why not."""

    def one(turn: Turn) -> Appointment:
        shown = reading.shown(turn.db, [work(turn)])[0]
        return Appointment.of(shown, turn.now)

    return await done(info, patient_id, action, one, contact)


async def done(
    info: Info,
    patient_id: UUID | None,
    action: str,
    work: Callable[[Turn], T],
    contact: ContactInput | None = None,
    *,
    scope: str = WRITE,
) -> T | AppointmentRefused:
    checked = contact.checked() if contact is not None else None

    def run(db: Session, actor: Actor) -> T:
        turn = Turn(db, patient_of(actor, checked), actor, utc_now(), Story())
        made = work(turn)
        tell_all(db, turn.story.happened, turn.now)
        return made

    async def in_session(session: AsyncSession, actor: Actor) -> T:
        return await session.run_sync(run, actor)

    asked: dict[str, Any] = {"scope": scope}
    try:
        return await acted(info, patient_id, action, in_session, **asked)
    except Refused as why:
        return AppointmentRefused.of(why)
