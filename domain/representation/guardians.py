"""Parents, guardians and legal representatives, recorded by an operator who saw the evidence.

Bộ luật Dân sự 2015 Đ46-Đ63 (guardians), Đ134-Đ141 (representation). Recording one never takes another's right away.
The dead are represented by nobody unless the operator says that the evidence is about just that.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.errors import Conflict, Forbidden, Invalid, NotFound
from domain.patients import Citizen
from domain.related_persons import RelatedPerson
from domain.representation.ages import HOME_IS_SAFE, parental_right
from domain.representation.people import is_himself, persons_of, rights_of
from domain.representation.rights import BY_LAW, withdraw
from domain.values import PartialDate

LONGEST_EVIDENCE = 200


@dataclass(frozen=True, slots=True)
class Guardianship:
    """What the evidence says. `born` of a minor ends the right by the law's ages; of an adult ward `until` may.

    `evidence` names the document and where it lies (a registry's number), not its content.
    """

    kind: str
    evidence: str
    born: PartialDate | None = None
    until: datetime | None = None
    for_deceased: bool = False


def record(db: Session, *, citizen_id: UUID, patient_id: UUID, told: Guardianship, now: datetime) -> RelatedPerson:
    """Give the citizen the right. Invalid, NotFound, Forbidden (a patient who died), Conflict (he has it already)."""
    evidence = checked_evidence(told.evidence)
    if told.kind not in BY_LAW:
        raise Invalid("kind", f"one of {', '.join(BY_LAW)}")
    if told.kind == "parent" and told.born is None:
        raise Invalid("born", "a parent's right ends by the child's birth date")
    _check_people(db, citizen_id, patient_id, for_deceased=told.for_deceased)
    persons = persons_of(db, patient_id)
    if is_himself(db, citizen_id, persons):
        raise Conflict("this is the citizen's own book")
    if any(right.kind == told.kind for right in rights_of(db, citizen_id, persons, now)):
        raise Conflict("the citizen has this right already; end it first")
    right = _right(citizen_id, persons[0], told, evidence, now)
    db.add(right)
    db.flush()
    return right


def _right(citizen_id: UUID, patient_id: UUID, told: Guardianship, evidence: str, now: datetime) -> RelatedPerson:
    minor = parental_right(told.born, now) if told.born is not None else None
    if told.born is not None and minor is None:
        raise Invalid("born", "the child is of age, or may be")
    ends = [moment for moment in (told.until, minor.valid_until if minor else None) if moment is not None]
    if any(moment <= now for moment in ends):
        raise Invalid("until", "the right would be over already")
    return RelatedPerson(
        citizen_id=citizen_id,
        patient_id=patient_id,
        kind=told.kind,
        sensitive=list(HOME_IS_SAFE),
        private_from=minor.private_from if minor else None,
        can_manage=True,
        evidence=evidence,
        valid_until=min(ends, default=None),
    )


def revoke(db: Session, *, right_id: UUID, evidence: str, now: datetime) -> list[RelatedPerson]:
    """End a right for a reason that an operator saw; returns all that ended with it. NotFound, Invalid."""
    reason = checked_evidence(evidence)
    right = db.scalar(select(RelatedPerson).where(RelatedPerson.id == right_id).with_for_update())
    if right is None:
        raise NotFound("there is no such right")
    ended = withdraw(db, right, persons=persons_of(db, right.patient_id), by=None, now=now)
    if ended:
        right.evidence = f"{right.evidence}; {reason}" if right.evidence else reason
    return ended


def checked_evidence(text: str) -> str:
    told = unicodedata.normalize("NFC", text).strip()
    if not told or len(told) > LONGEST_EVIDENCE or not told.isprintable():
        raise Invalid("evidence", f"1 to {LONGEST_EVIDENCE} printable characters that name the document")
    return told


def _check_people(db: Session, citizen_id: UUID, patient_id: UUID, *, for_deceased: bool) -> None:
    if db.get(Citizen, citizen_id) is None:
        raise NotFound("there is no such citizen")
    state = state_of(db, persons_of(db, patient_id)[0])
    if state is None:
        raise NotFound("there is no such patient")
    if state == "deceased" and not for_deceased:
        raise Forbidden("this patient died; the dead are represented by nobody unless the evidence says so")


def state_of(db: Session, patient_id: UUID) -> str | None:
    """`living` or `deceased` by the newest reports, None where there is no such patient. Takes the kept id."""
    return db.scalar(select(func.access.patient_state(patient_id)))
