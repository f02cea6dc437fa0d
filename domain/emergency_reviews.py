"""After the emergency: what the citizen sees of it, the reviewer's queue, and when somebody opens too many."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from domain.emergencies import EmergencyAccess
from domain.errors import Conflict, Invalid, NotFound
from domain.organizations import Organization
from domain.practitioners import PractitionerRole

REVIEW_WITHIN = timedelta(hours=24)
OUTCOMES = ("justified", "unjustified")
LONGEST_REVIEWER = 100
COUNTED = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Alarm:
    """More emergencies than this within a day are looked at by a person, whatever their reasons."""

    of_practitioner: int = 10
    of_organization: int = 100


@dataclass(frozen=True, slots=True)
class Told:
    """An emergency with the names behind its ids."""

    emergency: EmergencyAccess
    organization: Organization | None
    practitioner: PractitionerRole | None


def of_patient(db: Session, persons: Sequence[UUID], *, first: int, after: UUID | None) -> list[Told]:
    """The newest first, at most `first`, all of them before the one of the id `after`."""
    query = select(EmergencyAccess).where(EmergencyAccess.patient_id.in_(persons))
    if after is not None:
        query = query.where(EmergencyAccess.id < after)
    return named(db, db.scalars(query.order_by(EmergencyAccess.id.desc()).limit(first)).all())


def named(db: Session, emergencies: Sequence[EmergencyAccess]) -> list[Told]:
    """With the names of facilities and clinicians, as they are now or were last."""
    at = {one.organization_id for one in emergencies}
    by = {one.practitioner_id for one in emergencies}
    facilities = {one.id: one for one in db.scalars(select(Organization).where(Organization.id.in_(at)))}
    query = select(PractitionerRole).where(
        PractitionerRole.citizen_id.in_(by), PractitionerRole.organization_id.in_(at)
    )
    roles = {
        (one.citizen_id, one.organization_id): one for one in db.scalars(query.order_by(PractitionerRole.valid_from))
    }
    return [
        Told(one, facilities.get(one.organization_id), roles.get((one.practitioner_id, one.organization_id)))
        for one in emergencies
    ]


def too_many(db: Session, emergency: EmergencyAccess, alarm: Alarm) -> list[str]:
    """Who opened more within a day than is usual: `practitioner`, `organization`, both or none."""
    since = emergency.opened_at - COUNTED
    counted = func.access.emergencies_opened(emergency.practitioner_id, emergency.organization_id, since)
    counts = db.execute(select(text("*")).select_from(counted)).one()
    over = {
        "practitioner": counts.by_practitioner > alarm.of_practitioner,
        "organization": counts.by_organization > alarm.of_organization,
    }
    return [who for who, holds in over.items() if holds]


def waiting(db: Session, *, first: int) -> list[Told]:
    """What nobody has looked at yet, the oldest first. As the owner."""
    _reach(db, None)
    query = select(EmergencyAccess).where(EmergencyAccess.review == "waiting")
    return named(db, db.scalars(query.order_by(EmergencyAccess.opened_at, EmergencyAccess.id).limit(first)).all())


def review(db: Session, *, emergency_id: UUID, outcome: str, by: str, now: datetime) -> EmergencyAccess:
    """Say once whether it was justified. Invalid, NotFound, Conflict (somebody was first). As the owner."""
    if outcome not in OUTCOMES:
        raise Invalid("outcome", f"one of {', '.join(OUTCOMES)}")
    if not 0 < len(by.strip()) <= LONGEST_REVIEWER or not by.isprintable():
        raise Invalid("by", f"1 to {LONGEST_REVIEWER} printable characters")
    _reach(db, None)
    patient_id = db.scalar(select(EmergencyAccess.patient_id).where(EmergencyAccess.id == emergency_id))
    if patient_id is None:
        raise NotFound("there is no such emergency")
    _reach(db, patient_id)
    emergency = db.get(EmergencyAccess, (patient_id, emergency_id), with_for_update=True)
    if emergency is None or emergency.review != "waiting":
        raise Conflict("it was reviewed already")
    emergency.review, emergency.reviewed_at, emergency.reviewed_by = outcome, now, by.strip()
    db.flush()
    return emergency


def _reach(db: Session, patient_id: UUID | None) -> None:
    """Row-level security holds for an owner who is no superuser too: his is what the roles he made may do."""
    db.execute(select(func.set_config("app.persons", str(patient_id or ""), True)))
