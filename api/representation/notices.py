"""Telling people that somebody may act for them, no longer may, or opened a book: a line in the inbox, no words."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from domain.related_persons import RelatedPerson
from domain.representation.people import persons_of, those_who_decide
from domain.representation.rights import end_overdue
from notifications import notices


def tell(
    db: Session, citizens: Iterable[UUID], kind: str, *, patient_id: UUID, subject_id: UUID, now: datetime
) -> None:
    """One notice to each, in the transaction of what it is about."""
    notices.post(db, kind=kind, citizen_ids=list(citizens), patient_id=patient_id, subject_id=subject_id, now=now)


def tell_both_sides(db: Session, rights: Sequence[RelatedPerson], now: datetime) -> None:
    """Who had the right, and those who decide for the patient."""
    for right in rights:
        concerned = {right.citizen_id, *those_who_decide(db, persons_of(db, right.patient_id), now)}
        tell(db, concerned, "delegation", patient_id=right.patient_id, subject_id=right.id, now=now)


def came_of_age(db: Session, now: datetime) -> int:
    """Tell both sides of rights whose time is over (a child's 18th birthday, a delegation's last day); how many.

    Reading ended by itself at that moment. Each is told once. To be called as the owner.
    """
    over = end_overdue(db, now)
    tell_both_sides(db, over, now)
    db.flush()
    return len(over)
