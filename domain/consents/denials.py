"""The citizen's no: placed and lifted. It is stronger than every consent, whoever gave it (`access.begin` reads both).

A denial is lifted by the one who placed it, or by the patient himself once he is an adult: so of two guardians who
disagree the one who says no is followed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.consents import events, parties
from domain.consents.tables import CATEGORIES, Denial
from domain.consents.terms import SECTION_NAMES
from domain.errors import Forbidden, Invalid, NotFound

SCOPES = ("all", "organization", "section", "category")
MOST = 500
"""Living denials of one patient; more would only slow every reading down."""


@dataclass(frozen=True, slots=True)
class Denied:
    """To whom, or of what: of `organization_id`, `section` and `category` the one that `scope` names, else none."""

    scope: str
    organization_id: UUID | None = None
    section: str | None = None
    category: str | None = None
    in_emergency: bool = False

    def checked(self) -> "Denied":
        """Invalid names the field that does not fit."""
        given = {"organization": self.organization_id, "section": self.section, "category": self.category}
        if self.scope not in SCOPES:
            raise Invalid("scope", f"`scope` is one of {', '.join(SCOPES)}.")
        for name, value in given.items():
            if (value is not None) != (name == self.scope):
                raise Invalid(name, f"`{name}` goes with the scope {name}, and with no other.")
        if self.section is not None and self.section not in SECTION_NAMES:
            raise Invalid("section", "There is no such section.")
        if self.category is not None and self.category not in CATEGORIES:
            raise Invalid("category", "There is no such category.")
        return self


def place(
    db: Session, *, patient_id: UUID, persons: Sequence[UUID], denied: Denied, placed_by: UUID, now: datetime
) -> Denial:
    """A denial from now on; where the same person has placed the same already, that one. Invalid, see `Denied`."""
    wish = denied.checked()
    if wish.organization_id is not None and parties.facility_named(db, wish.organization_id) is None:
        raise Invalid("organization", "There is no such facility.")
    events.lock(db, patient_id)
    standing = living(db, persons)
    same = next((one for one in standing if one.placed_by == placed_by and wish_of(one) == wish), None)
    if same is not None:
        return same
    if len(standing) >= MOST:
        raise Invalid("scope", f"There are {MOST} denials already.")
    denial = Denial(
        patient_id=patient_id,
        scope=wish.scope,
        organization_id=wish.organization_id,
        section=wish.section,
        category=wish.category,
        in_emergency=wish.in_emergency,
        placed_by=placed_by,
        placed_at=now,
    )
    db.add(denial)
    db.flush()
    return denial


def lift(
    db: Session, persons: Sequence[UUID], denial_id: UUID, *, by: UUID, is_adult_himself: bool, now: datetime
) -> Denial:
    """One that was lifted already stays so. NotFound where there is none, Forbidden where it is somebody else's."""
    query = select(Denial).where(Denial.patient_id.in_(persons), Denial.id == denial_id)
    denial = db.scalar(query.with_for_update())
    if denial is None:
        raise NotFound("There is no such denial.")
    if denial.placed_by != by and not is_adult_himself:
        raise Forbidden("A denial is lifted by who placed it, or by the patient himself once he is an adult.")
    if denial.lifted_at is None:
        denial.lifted_at, denial.lifted_by = now, by
        db.flush()
    return denial


def living(db: Session, persons: Sequence[UUID]) -> Sequence[Denial]:
    """All that hold, oldest first."""
    query = select(Denial).where(Denial.patient_id.in_(persons), Denial.lifted_at.is_(None))
    return db.scalars(query.order_by(Denial.id)).all()


def listed(db: Session, persons: Sequence[UUID], *, first: int, after: UUID | None, lifted: bool) -> Sequence[Denial]:
    """Newest first, from the one after `after` on; with `lifted` also those that hold no more."""
    query = select(Denial).where(Denial.patient_id.in_(persons))
    if not lifted:
        query = query.where(Denial.lifted_at.is_(None))
    if after is not None:
        query = query.where(Denial.id < after)
    return db.scalars(query.order_by(Denial.id.desc()).limit(first)).all()


def wish_of(denial: Denial) -> Denied:
    return Denied(denial.scope, denial.organization_id, denial.section, denial.category, denial.in_emergency)
