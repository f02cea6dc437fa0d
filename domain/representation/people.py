"""Who is concerned by a patient's book: his ids, his own citizens, those who manage it, and what each may give away."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from domain.consents.tables import CATEGORIES
from domain.patients import Citizen, PatientRedirect
from domain.related_persons import RelatedPerson

Persons = Sequence[UUID]
"""Every id that one patient has or had."""


@dataclass(frozen=True, slots=True)
class Power:
    """What somebody who decides for a patient may share of the book. `sections`: None for all; `until`: None for ever.

    `sensitive` are shown until `private_from`, where there is one.
    """

    sections: frozenset[str] | None
    sensitive: frozenset[str]
    private_from: datetime | None
    until: datetime | None

    def shown(self, now: datetime) -> frozenset[str]:
        """The categories he sees himself now."""
        return frozenset() if self.private_from is not None and self.private_from <= now else self.sensitive


OWN = Power(None, frozenset(CATEGORIES), None, None)


def persons_of(db: Session, patient_id: UUID) -> list[UUID]:
    """All ids of a patient, the kept one first."""
    kept = db.scalar(select(PatientRedirect.patient_id).where(PatientRedirect.old_id == patient_id)) or patient_id
    return [kept, *db.scalars(select(PatientRedirect.old_id).where(PatientRedirect.patient_id == kept))]


def is_himself(db: Session, citizen_id: UUID, persons: Persons) -> bool:
    return db.scalar(select(Citizen.patient_id).where(Citizen.id == citizen_id)) in persons


def living(now: datetime) -> ColumnElement[bool]:
    """Rights that hold at the moment, as `access.begin` sees them."""
    return and_(
        RelatedPerson.revoked_at.is_(None),
        RelatedPerson.valid_from <= now,
        or_(RelatedPerson.valid_until.is_(None), RelatedPerson.valid_until > now),
    )


def rights_of(db: Session, citizen_id: UUID, persons: Persons, now: datetime) -> list[RelatedPerson]:
    """The living rights of one citizen to one patient, the strongest first."""
    return _rights(db, persons, now, RelatedPerson.citizen_id == citizen_id)


def is_young(db: Session, persons: Persons, now: datetime) -> bool:
    """Somebody represents the patient by law and still sees what later will be private: he decides nothing alone."""
    return bool(_rights(db, persons, now, RelatedPerson.private_from > now, RelatedPerson.kind != "delegate"))


def own_citizens(db: Session, persons: Persons) -> set[UUID]:
    """The patient's own accounts."""
    return set(db.scalars(select(Citizen.id).where(Citizen.patient_id.in_(persons))))


def those_who_decide(db: Session, persons: Persons, now: datetime, section: str | None = None) -> set[UUID]:
    """The citizens to tell of whatever concerns the book, or a section: the patient, and who manages and sees it."""
    rights = _rights(db, persons, now, RelatedPerson.can_manage)
    seeing = (one for one in rights if section is None or one.sections is None or section in one.sections)
    return own_citizens(db, persons) | {one.citizen_id for one in seeing}


def power_of(db: Session, citizen_id: UUID, persons: Persons, now: datetime) -> Power | None:
    """What the citizen may share of the book; None for whoever does not decide, as a delegate and a young child."""
    if is_himself(db, citizen_id, persons):
        return None if is_young(db, persons, now) else OWN
    for right in rights_of(db, citizen_id, persons, now):
        if right.can_manage:
            sections = None if right.sections is None else frozenset(right.sections)
            own = (
                frozenset(right.sensitive) if right.granted_by is None else frozenset()
            )  # what a child shared stays here
            return Power(sections, own, right.private_from, right.valid_until)
    return None


def _rights(db: Session, persons: Collection[UUID], now: datetime, *which: Any) -> list[RelatedPerson]:
    query = select(RelatedPerson).where(RelatedPerson.patient_id.in_(persons), living(now), *which)
    order = (RelatedPerson.can_manage.desc(), RelatedPerson.valid_from, RelatedPerson.id)
    return list(db.scalars(query.order_by(*order)))
