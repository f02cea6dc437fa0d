"""Opening, widening and closing an emergency: who may is decided before; here is for how long, for what, how often."""

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from domain.changes_feed import tell_consent
from domain.consents.tables import Denial
from domain.emergencies import FIRST_SECTIONS, LONGEST, REASONS, EmergencyAccess
from domain.errors import Invalid, NotFound
from domain.sections import SECTIONS
from domain.values import new_id

SHORTEST_REASON, LONGEST_REASON, MOST_REASONS = 10, 500, 5
SAME_EMERGENCY = timedelta(hours=24)
"""Within this time the words that opened an hour do not open another one."""
SECTION_NAMES = tuple(section.name for section in SECTIONS)


@dataclass(frozen=True, slots=True)
class Clinician:
    """Who opens, at which facility, and the grant he signed in with."""

    practitioner_id: UUID
    organization_id: UUID
    grant_id: UUID


@dataclass(frozen=True, slots=True)
class Reason:
    """One of REASONS, and why in words."""

    code: str
    words: str

    def checked(self) -> "Reason":
        """Invalid names what is wrong."""
        if self.code not in REASONS:
            raise Invalid("reasonCode", f"One of {', '.join(REASONS)}.")
        return Reason(self.code, checked_words(self.words))


@dataclass(frozen=True, slots=True)
class Widening:
    """What more is opened: sections besides, and by a tick of its own all categories that are sensitive."""

    sections: Collection[str]
    sensitive: bool
    words: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The emergency that holds now and whether it began just now; without one, why: OPTED_OUT or NEW_REASON_NEEDED."""

    emergency: EmergencyAccess | None = None
    is_new: bool = False
    because: str = ""


def checked_words(words: str) -> str:
    """A reason in words, on one line. Invalid where it is too short to be one, too long, or no text."""
    told = " ".join(unicodedata.normalize("NFC", words).split()) if len(words) <= 2 * LONGEST_REASON else ""
    if not SHORTEST_REASON <= len(told) <= LONGEST_REASON or not told.isprintable():
        raise Invalid(
            "reason", f"A reason has {SHORTEST_REASON} to {LONGEST_REASON} characters, no control characters."
        )
    return told


def open_emergency(
    db: Session, *, patient_id: UUID, persons: Sequence[UUID], by: Clinician, reason: Reason, now: datetime
) -> Opened:
    """An hour from now, for the emergency set. Asked again it is the same hour; once it ended, only for a new reason.

    Two at once are one: `uq_emergency_access_open` decides. Raises Invalid for a reason that is none.
    """
    told = reason.checked()
    if is_opted_out(db, persons, by.organization_id):
        return Opened(because="OPTED_OUT")
    mine = _of(persons, by)
    over = update(EmergencyAccess).where(*mine, EmergencyAccess.closed_at.is_(None), EmergencyAccess.expires_at <= now)
    db.execute(over.values(closed_at=EmergencyAccess.expires_at))
    found = _living(db, mine)
    if found is not None:
        return Opened(found)
    if _was_said(db, mine, told.words, now):
        return Opened(because="NEW_REASON_NEEDED")
    made: EmergencyAccess | None = db.scalar(_new(patient_id, by, told, now))
    tell_consent(db, [patient_id])
    return Opened(made or _living(db, mine), is_new=made is not None)


def is_opted_out(db: Session, persons: Sequence[UUID], organization_id: UUID) -> bool:
    """The citizen denied everybody, or this facility, in an emergency too."""
    denied = select(Denial.id).where(
        Denial.patient_id.in_(persons),
        Denial.lifted_at.is_(None),
        Denial.in_emergency,
        or_(Denial.scope == "all", Denial.organization_id == organization_id),
    )
    return db.scalar(denied.limit(1)) is not None


def _of(persons: Sequence[UUID], by: Clinician) -> tuple[ColumnElement[bool], ...]:
    return (
        EmergencyAccess.patient_id.in_(persons),
        EmergencyAccess.practitioner_id == by.practitioner_id,
        EmergencyAccess.organization_id == by.organization_id,
    )


def _living(db: Session, mine: tuple[ColumnElement[bool], ...]) -> EmergencyAccess | None:
    query = select(EmergencyAccess).where(*mine, EmergencyAccess.closed_at.is_(None))
    return db.scalar(query.order_by(EmergencyAccess.expires_at.desc()).limit(1))


def _was_said(db: Session, mine: tuple[ColumnElement[bool], ...], words: str, now: datetime) -> bool:
    """The clinician opened this book lately, with these words."""
    query = select(EmergencyAccess.reason).where(*mine, EmergencyAccess.opened_at > now - SAME_EMERGENCY)
    return _is_among(words, db.scalars(query).all())


def _is_among(words: str, said: Sequence[str]) -> bool:
    return words.casefold() in {one.casefold() for one in said}


def _new(patient_id: UUID, by: Clinician, told: Reason, now: datetime) -> ReturningInsert[Any]:
    fresh = insert(EmergencyAccess).values(
        patient_id=patient_id,
        id=new_id(),
        practitioner_id=by.practitioner_id,
        organization_id=by.organization_id,
        grant_id=by.grant_id,
        reason_code=told.code,
        reason=told.words,
        sections=list(FIRST_SECTIONS),
        sensitive=False,
        opened_at=now,
        expires_at=now + LONGEST,
        review="waiting",
    )
    keys = ["patient_id", "practitioner_id", "organization_id"]
    once = fresh.on_conflict_do_nothing(index_elements=keys, index_where=text("closed_at is null"))
    return once.returning(EmergencyAccess)


def widen(
    db: Session, *, emergency_id: UUID, persons: Sequence[UUID], by: Clinician, more: Widening, now: datetime
) -> EmergencyAccess:
    """Open more until the same end, for a second reason. Invalid; NotFound where it ended or is another's."""
    words = checked_words(more.words)
    if not set(more.sections) <= set(SECTION_NAMES):
        raise Invalid("sections", f"`sections` holds some of {', '.join(SECTION_NAMES)}.")
    emergency = _mine(db, emergency_id, persons, by, now)
    said = [emergency.reason, *(emergency.widened_reason or "").splitlines()]
    if _is_among(words, said):
        raise Invalid("reason", "Opening more needs another reason than before.")
    if len(said) > MOST_REASONS:
        raise Invalid("reason", "This emergency was widened as often as it can be.")
    wanted = {*emergency.sections, *more.sections}
    if wanted == set(emergency.sections) and not (more.sensitive and not emergency.sensitive):
        raise Invalid("sections", "There is nothing more in it to open.")
    emergency.sections = [name for name in SECTION_NAMES if name in wanted]
    emergency.sensitive = emergency.sensitive or more.sensitive
    emergency.widened_at, emergency.widened_reason = now, "\n".join([*said[1:], words])
    db.flush()
    return emergency


def close(db: Session, *, emergency_id: UUID, persons: Sequence[UUID], by: Clinician, now: datetime) -> EmergencyAccess:
    """Nothing is open from now on. NotFound where it ended or is another's."""
    emergency = _mine(db, emergency_id, persons, by, now)
    emergency.closed_at = now
    db.flush()
    return emergency


def _mine(db: Session, emergency_id: UUID, persons: Sequence[UUID], by: Clinician, now: datetime) -> EmergencyAccess:
    """The clinician's own and still living emergency, its row locked."""
    query = select(EmergencyAccess).where(
        *_of(persons, by),
        EmergencyAccess.id == emergency_id,
        EmergencyAccess.closed_at.is_(None),
        EmergencyAccess.expires_at > now,
    )
    emergency = db.scalar(query.with_for_update())
    if emergency is None:
        raise NotFound("There is no such emergency, or it is over.")
    return emergency
