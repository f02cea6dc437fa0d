"""What would stand after a change, without making it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.consents.denials import Denied, wish_of
from domain.consents.readers import Given, Standing
from domain.consents.tables import Denial
from domain.consents.terms import Reader, Terms
from domain.errors import Invalid, NotFound
from domain.values import new_id


def granted(standing: Standing, reader: Reader, terms: Terms, now: datetime) -> Standing:
    return replace(standing, given=(*standing.given, Given(new_id(), reader, terms.checked_for(reader, now))))


def withdrawn(standing: Standing, consent_id: UUID) -> Standing:
    """One that opens nothing any more changes nothing."""
    return replace(standing, given=tuple(one for one in standing.given if one.id != consent_id))


def narrowed(standing: Standing, consent_id: UUID, terms: Terms, now: datetime) -> Standing:
    """Invalid where the terms would open anything more, as `records.narrow`."""
    wish = terms.checked(now)
    if any(one.id == consent_id and not wish.is_within(one.terms) for one in standing.given):
        raise Invalid("terms", "A consent can only become narrower; what is wider is a new consent.")
    return replace(
        standing, given=tuple(replace(one, terms=wish) if one.id == consent_id else one for one in standing.given)
    )


def denied(standing: Standing, wish: Denied) -> Standing:
    return replace(standing, denied=(*standing.denied, wish.checked()))


def lifted(db: Session, standing: Standing, persons: Sequence[UUID], denial_id: UUID) -> Standing:
    """Another one of the same kind goes on holding. NotFound where there is no such denial."""
    denial = db.scalar(select(Denial).where(Denial.patient_id.in_(persons), Denial.id == denial_id))
    if denial is None:
        raise NotFound("There is no such denial.")
    if denial.lifted_at is not None:
        return standing
    left = list(standing.denied)
    left.remove(wish_of(denial))
    return replace(standing, denied=tuple(left))
