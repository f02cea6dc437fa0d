"""Whether somebody may say yes alone: the citizen himself, or who represents him, and from which age the child too.

Luật 91/2025/QH15, `domain.md` 7.7. Only a yes needs this. Whoever may decide for a patient may always make a consent
narrower, withdraw it or deny; of two guardians who disagree the one who says no is followed.
"""

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from domain.consents.terms import Terms
from domain.errors import Forbidden, Invalid
from domain.reference import ages
from domain.representation.people import Power
from domain.values import VIETNAM

SELF, REPRESENTATIVE, TOGETHER = "self", "representative", "child_and_representative"
BIRTH_DATE = text("select access.birth_date(:patient)")


class ChildMustAgree(Forbidden):
    """From seven years on nothing is opened without the child's own yes; say so with `childAgrees`."""


class RepresentativeMustAgree(Forbidden):
    """Below sixteen a child opens his book only together with who represents him."""


def birth_date(db: Session, patient_id: UUID) -> str | None:
    """A partial date, or None; only for the person whom `access.act` opened in this transaction, by his kept id."""
    found: str | None = db.scalar(BIRTH_DATE, {"patient": patient_id})
    return found


def role_to_grant(basis: str, born: str | None, now: datetime, *, child_agrees: bool) -> str:
    """The actor_role of a yes. `basis` as of `access.act`. Raises ChildMustAgree or RepresentativeMustAgree."""
    today = today_in_vietnam(now)
    if basis == SELF:
        if born is not None and not ages.surely(ages.ALONE_FROM, born, today):
            raise RepresentativeMustAgree("A child of this age needs his representative for this.")
        return SELF
    if not is_asked(born, now):
        return REPRESENTATIVE
    if not child_agrees:
        raise ChildMustAgree("A child of this age must agree himself.")
    return TOGETHER


def is_asked(born: str | None, now: datetime) -> bool:
    """A child who may be old enough to agree himself, and is not surely an adult."""
    today = today_in_vietnam(now)
    return ages.perhaps(ages.CHILD_AGREES_FROM, born, today) and not ages.surely(ages.ADULT_AT, born, today)


def latest_end(role: str, born: str | None, power: Power, now: datetime) -> datetime | None:
    """When a yes ends at the latest: with the right it rests on, and for a small child when his own is needed.

    None: only by its own terms.
    """
    ends = [] if power.until is None else [power.until]
    earliest = ages.earliest_birth(born)
    if role == REPRESENTATIVE and earliest is not None:
        asked_himself = datetime.combine(ages.birthday(earliest, ages.CHILD_AGREES_FROM), time(), VIETNAM)
        ends += [asked_himself] if asked_himself > now else []
    return min(ends, default=None)


def check_power(power: Power, terms: Terms, ends: datetime | None, now: datetime) -> None:
    """Nobody opens to others what he does not see himself (Forbidden), nor for longer than he decides (Invalid)."""
    if power.sections is not None and not set(terms.sections) <= power.sections:
        raise Forbidden("A section that you do not see yourself is not yours to open.")
    if not set(terms.sensitive) <= power.shown(now):
        raise Forbidden("A category that you do not see yourself is not yours to open.")
    if ends is not None and terms.valid_until > ends:
        raise Invalid("validUntil", "This ends when your right ends, or when the child must be asked: see `latestEnd`.")


def role_to_refuse(basis: str) -> str:
    """The actor_role of a no."""
    return SELF if basis == SELF else REPRESENTATIVE


def is_adult(born: str | None, now: datetime) -> bool:
    """Surely; of whom nothing is known, it is not said."""
    return ages.surely(ages.ADULT_AT, born, today_in_vietnam(now))


def today_in_vietnam(now: datetime) -> date:
    return now.astimezone(VIETNAM).date()
