"""Rights to act for others as they stand: who has one, how it ends, what a child from 15 on shares with his parents."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from domain.consents.tables import CATEGORIES
from domain.errors import Forbidden, Invalid, NotFound
from domain.patients import PatientRedirect
from domain.related_persons import DelegationInvite, RelatedPerson
from domain.representation.people import Persons, living, rights_of

BY_LAW = ("parent", "guardian", "legal_representative")
"""Kinds that a court or a birth gave: no other person ends them, neither the other parent nor the patient alone."""
MOST = 200


@dataclass(frozen=True, slots=True)
class Ender:
    """Who wants to end a right: himself of the patient (`is_patient`), one who decides for him, or anybody else."""

    citizen_id: UUID
    is_patient: bool
    can_manage: bool


@dataclass(frozen=True, slots=True)
class Acting:
    """A right, and whose book it opens by the id in use today."""

    right: RelatedPerson
    patient_id: UUID


def for_patient(db: Session, persons: Persons, now: datetime, *, ended: bool) -> list[RelatedPerson]:
    """Who may act for the patient, oldest right first, 200 at most; with `ended` also who once could."""
    query = select(RelatedPerson).where(RelatedPerson.patient_id.in_(persons))
    return list(db.scalars((query if ended else query.where(living(now))).order_by(*_ORDER).limit(MOST)))


def of_citizen(db: Session, citizen_id: UUID, now: datetime, *, ended: bool) -> list[Acting]:
    """For whom the citizen may act, oldest right first, 200 at most; with `ended` also for whom he once could."""
    kept = func.coalesce(PatientRedirect.patient_id, RelatedPerson.patient_id)
    query = select(RelatedPerson, kept).outerjoin(PatientRedirect, PatientRedirect.old_id == RelatedPerson.patient_id)
    query = query.where(RelatedPerson.citizen_id == citizen_id)
    rows = db.execute((query if ended else query.where(living(now))).order_by(*_ORDER).limit(MOST))
    return [Acting(right, patient_id) for right, patient_id in rows]


_ORDER = (RelatedPerson.valid_from, RelatedPerson.id)


def end(
    db: Session, *, right_id: UUID, persons: Persons, by: Ender, now: datetime
) -> tuple[RelatedPerson, list[RelatedPerson]]:
    """End a right and the delegations its holder made; returns it, and all that ended now ([] if it had before).

    A delegate's is ended by the patient, by who decides for him and by the delegate; one that the law gave by its
    holder alone. NotFound where there is none that the caller may know of, Forbidden where he may not end it.
    """
    query = select(RelatedPerson).where(RelatedPerson.id == right_id, RelatedPerson.patient_id.in_(persons))
    right = db.scalar(query.with_for_update())
    if right is None or not (by.is_patient or by.can_manage or right.citizen_id == by.citizen_id):
        raise NotFound("There is no such right.")
    if right.citizen_id != by.citizen_id and right.kind in BY_LAW:
        raise Forbidden("A right that the law gave is ended by its holder or by an operator with evidence.")
    return right, withdraw(db, right, persons=persons, by=by.citizen_id, now=now)


def withdraw(
    db: Session, right: RelatedPerson, *, persons: Persons, by: UUID | None, now: datetime
) -> list[RelatedPerson]:
    """End a right whose row is locked; what its holder gave to delegates ends with it, unless he still decides."""
    if right.revoked_at is not None:
        return []
    right.revoked_at, right.revoked_by = now, by
    db.flush()
    if not right.can_manage or any(other.can_manage for other in rights_of(db, right.citizen_id, persons, now)):
        return [right]
    given = select(RelatedPerson).where(
        RelatedPerson.patient_id.in_(persons), RelatedPerson.granted_by == right.citizen_id, living(now)
    )
    delegations = list(db.scalars(given.where(RelatedPerson.kind == "delegate").with_for_update()))
    for delegation in delegations:
        delegation.revoked_at, delegation.revoked_by = now, by
    return [right, *delegations]


def share(
    db: Session, *, right_id: UUID, persons: Persons, by: UUID, sensitive: Collection[str], now: datetime
) -> RelatedPerson:
    """What the patient himself lets a parent or guardian see of his private data; the new right in place of the old.

    Only once they are private (Forbidden before). Sharing nothing closes them again. NotFound where the right ended.
    """
    if not set(sensitive) <= set(CATEGORIES):
        raise Invalid("sensitive", f"`sensitive` holds some of {', '.join(CATEGORIES)}.")
    query = select(RelatedPerson).where(
        RelatedPerson.id == right_id, RelatedPerson.patient_id.in_(persons), living(now)
    )
    right = db.scalar(query.with_for_update())
    if right is None or right.kind not in BY_LAW:
        raise NotFound("There is no such right.")
    if right.granted_by != by and (right.private_from is None or right.private_from > now):
        raise Forbidden("These data are not the patient's alone to share.")
    right.revoked_at, right.revoked_by = now, by
    shared = RelatedPerson(
        citizen_id=right.citizen_id,
        patient_id=right.patient_id,
        kind=right.kind,
        sections=right.sections,
        sensitive=[label for label in CATEGORIES if label in sensitive],
        private_from=None,
        can_manage=right.can_manage,
        evidence=right.evidence,
        granted_by=by,
        valid_until=right.valid_until,
    )
    db.add(shared)
    db.flush()
    return shared


def end_overdue(db: Session, now: datetime) -> Sequence[RelatedPerson]:
    """Mark the rights whose time is over, each once, whoever asks. They opened nothing since `valid_until`."""
    db.execute(delete(DelegationInvite).where(DelegationInvite.expires_at <= now))
    over = update(RelatedPerson).where(RelatedPerson.revoked_at.is_(None), RelatedPerson.valid_until <= now)
    return db.scalars(over.values(revoked_at=RelatedPerson.valid_until).returning(RelatedPerson)).all()
