"""What decides about a patient's book at this moment, read from the tables for `domain/consents/readers.py`."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from domain.consents import denials, parties, records
from domain.consents.readers import Given, Opened, Related, Standing
from domain.emergencies import EmergencyAccess
from domain.patients import Citizen
from domain.related_persons import RelatedPerson

Persons = Sequence[UUID]
"""Every id that one patient has or had."""


def standing(db: Session, persons: Persons, now: datetime) -> Standing:
    """Of facilities and apps only active ones; of an app's consents those whose giver still may act."""
    related = _related(db, persons, now)
    own = db.scalars(select(Citizen.id).where(Citizen.patient_id.in_(persons)))
    able = {*own, *(one.citizen_id for one in related)}
    consents = [one for one in records.living(db, persons, now) if one.client_id is None or one.granted_by in able]
    readers = parties.active_readers_of(db, consents)
    return Standing(
        given=tuple(Given(one.id, readers[one.id], records.terms_of(one)) for one in consents if one.id in readers),
        denied=tuple(denials.wish_of(one) for one in denials.living(db, persons)),
        related=tuple(_right(one, now) for one in related),
        opened=_opened(db, persons, now),
    )


def _related(db: Session, persons: Persons, now: datetime) -> Sequence[RelatedPerson]:
    """One right a citizen: the one he reads by."""
    holding = (
        RelatedPerson.revoked_at.is_(None),
        RelatedPerson.valid_from <= now,
        or_(RelatedPerson.valid_until.is_(None), RelatedPerson.valid_until > now),
    )
    query = select(RelatedPerson).where(RelatedPerson.patient_id.in_(persons), *holding)
    strongest_first = (RelatedPerson.can_manage.desc(), RelatedPerson.valid_from, RelatedPerson.id)
    rights: dict[UUID, RelatedPerson] = {}
    for right in db.scalars(query.order_by(*strongest_first)):
        rights.setdefault(right.citizen_id, right)
    return list(rights.values())


def _right(row: RelatedPerson, now: datetime) -> Related:
    private = row.private_from is not None and row.private_from <= now
    return Related(
        id=row.id,
        kind=row.kind,
        sections=None if row.sections is None else frozenset(row.sections),
        sensitive=frozenset() if private else frozenset(row.sensitive),
        can_manage=row.can_manage,
        until=row.valid_until,
    )


def _opened(db: Session, persons: Persons, now: datetime) -> tuple[Opened, ...]:
    query = select(EmergencyAccess).where(
        EmergencyAccess.patient_id.in_(persons), EmergencyAccess.closed_at.is_(None), EmergencyAccess.expires_at > now
    )
    rows = db.scalars(query.order_by(EmergencyAccess.id)).all()
    facilities = parties.facilities(db, {row.organization_id for row in rows})
    return tuple(
        Opened(
            row.organization_id,
            facilities[row.organization_id].name,
            frozenset(row.sections),
            row.sensitive,
            row.expires_at,
        )
        for row in rows
        if row.organization_id in facilities and facilities[row.organization_id].is_active
    )
