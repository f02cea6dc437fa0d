"""The citizen's own book, as far as a consent needs to know it: under which ids, and whether he may open it alone."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from auth.provider import Citizens
from domain.consents import deciders
from domain.consents.deciders import SELF, RepresentativeMustAgree
from domain.patients import PatientRedirect

_PERSONS = sql("select set_config('app.persons', :persons, true)")


class Turn(Protocol):
    """One transaction and the moment it is for, such as the authorization server's `Server` has them."""

    @property
    def db(self) -> Session: ...

    @property
    def citizens(self) -> Citizens: ...

    @property
    def now(self) -> datetime: ...


def opened(turn: Turn, citizen_id: UUID) -> list[UUID]:
    """Every id a merge gave this person, the kept one first; empty if he has no book.

    For the rest of the transaction row-level security lets his consents through, and nobody else's.
    """
    patient_id = turn.citizens.patient_of(turn.db, citizen_id)
    if patient_id is None:
        return []
    former = select(PatientRedirect.old_id).where(PatientRedirect.patient_id == patient_id)
    persons = [patient_id, *turn.db.scalars(former.order_by(PatientRedirect.old_id))]
    turn.db.execute(_PERSONS, {"persons": ",".join(map(str, persons))})
    return persons


def role(db: Session, patient_id: UUID, now: datetime) -> str:
    """As whom he says yes. RepresentativeMustAgree for a child; the book must be `opened`."""
    return deciders.role_to_grant(SELF, deciders.birth_date(db, patient_id), now, child_agrees=True)


def obstacle(turn: Turn, citizen_id: UUID) -> str | None:
    """The word for why he cannot open his book to others: he has none, or is too young to do it alone."""
    persons = opened(turn, citizen_id)
    if not persons:
        return "no_book"
    try:
        role(turn.db, persons[0], turn.now)
    except RepresentativeMustAgree:
        return "too_young"
    return None
