"""Delegates: somebody whom the patient, or who manages his book, lets read some sections for at most a year.

The code goes from hand to hand and makes whoever enters it first the delegate. What a delegate gets is never more than
what the inviter has at the moment of acceptance, and ends with the inviter's own right.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.consents.tables import CATEGORIES
from domain.errors import Forbidden, Invalid
from domain.related_persons import DelegationInvite, RelatedPerson
from domain.representation.codes import code_hash, new_code
from domain.representation.people import Persons, Power, is_himself, living, persons_of, power_of, rights_of
from domain.sections import SECTIONS

CODE_LIFE = timedelta(minutes=15)
LONGEST = timedelta(days=365)
TRIES, WINDOW = 5, timedelta(minutes=15)
"""How many codes one citizen may enter within how long (domain/attempts.py)."""
TRY = "delegation_code"
SECTION_NAMES = tuple(section.name for section in SECTIONS)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the inviter would let the delegate see."""

    sections: Sequence[str]
    sensitive: Sequence[str]
    valid_until: datetime


def invite(
    db: Session, *, patient_id: UUID, persons: Persons, invited_by: UUID, wish: Wish, now: datetime
) -> tuple[str, datetime]:
    """A code, told this once, and when it dies. Forbidden for whoever does not decide, Invalid beyond what he has."""
    power = power_of(db, invited_by, persons, now)
    if power is None:
        raise Forbidden("This needs the right to decide for the patient.")
    code = new_code()
    db.add(
        DelegationInvite(
            code_hash=code_hash(code) or b"",
            patient_id=patient_id,
            invited_by=invited_by,
            sections=_within("sections", wish.sections, SECTION_NAMES, power.sections),
            sensitive=_within("sensitive", wish.sensitive, CATEGORIES, power.shown(now)),
            valid_until=_end(wish.valid_until, power, now),
            expires_at=now + CODE_LIFE,
        )
    )
    db.flush()
    return code, now + CODE_LIFE


def _within(field: str, asked: Collection[str], known: tuple[str, ...], held: frozenset[str] | None) -> list[str]:
    if not set(asked) <= set(known) or (field == "sections" and not asked):
        raise Invalid(field, f"`{field}` holds some of {', '.join(known)}.")
    if held is not None and not set(asked) <= held:
        raise Invalid(field, f"`{field}` holds more than you may share yourself.")
    return [name for name in known if name in asked]


def _end(asked: datetime, power: Power, now: datetime) -> datetime:
    if not now < asked <= now + LONGEST:
        raise Invalid("validUntil", f"A delegation ends in the future, at most {LONGEST.days} days from now.")
    if power.until is not None and asked > power.until:
        raise Invalid("validUntil", "A delegation ends no later than your own right.")
    return asked


@dataclass(frozen=True, slots=True)
class Accepted:
    """`right` is None where it did not come to be; `because` then says why: CODE_UNKNOWN or ALREADY_OPEN."""

    right: RelatedPerson | None = None
    because: str = ""


UNKNOWN = Accepted(because="CODE_UNKNOWN")


def accept(db: Session, *, code: str, citizen_id: UUID, now: datetime) -> Accepted:
    """Make the citizen the delegate. Codes that are wrong, late, used or void look the same; one of two wins."""
    hashed = code_hash(code)
    found = select(DelegationInvite).where(DelegationInvite.code_hash == hashed).with_for_update()
    offer = db.scalar(found) if hashed is not None else None
    if offer is None or offer.used_at is not None or offer.expires_at <= now or offer.valid_until <= now:
        return UNKNOWN
    persons = persons_of(db, offer.patient_id)
    if is_himself(db, citizen_id, persons) or any(r.can_manage for r in rights_of(db, citizen_id, persons, now)):
        return Accepted(because="ALREADY_OPEN")
    power = power_of(db, offer.invited_by, persons, now)
    right = _begin(db, offer, persons[0], citizen_id, power, now) if power is not None else None
    if right is None:
        return UNKNOWN
    offer.used_at = now
    return Accepted(right)


def _begin(
    db: Session, offer: DelegationInvite, patient_id: UUID, citizen_id: UUID, power: Power, now: datetime
) -> RelatedPerson | None:
    """The right, as far as the inviter's own still reaches; it takes the place of an earlier delegation."""
    sections = [name for name in offer.sections if power.sections is None or name in power.sections]
    if not sections:
        return None
    _end_earlier(db, patient_id, citizen_id, offer.invited_by, now)
    right = RelatedPerson(
        citizen_id=citizen_id,
        patient_id=patient_id,
        kind="delegate",
        sections=sections,
        sensitive=[label for label in offer.sensitive if label in power.sensitive],
        private_from=power.private_from,
        granted_by=offer.invited_by,
        valid_until=min(offer.valid_until, power.until or offer.valid_until),
    )
    db.add(right)
    db.flush()
    return right


def _end_earlier(db: Session, patient_id: UUID, citizen_id: UUID, by: UUID, now: datetime) -> None:
    persons = persons_of(db, patient_id)
    earlier = select(RelatedPerson).where(
        RelatedPerson.citizen_id == citizen_id,
        RelatedPerson.patient_id.in_(persons),
        RelatedPerson.kind == "delegate",
        living(now),
    )
    for right in db.scalars(earlier.with_for_update()):
        right.revoked_at, right.revoked_by = now, by
