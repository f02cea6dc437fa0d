"""Visits: what the citizen opens to the facility he stands in, until he leaves or a day has passed.

Two ways in. The phone shows a QR (`VisitOffer`), which the desk redeems: minutes of life, one use, kept as a hash. Or
the desk reads his card, and what he chose beforehand is opened (`VisitChoice`); without a choice nothing is. Either
makes a consent of kind `visit`, by the right of whoever offered or chose, if he still has it at that moment.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.consents import deciders, records, texts
from domain.consents.records import Sign
from domain.consents.tables import Consent, VisitChoice, VisitOffer
from domain.consents.terms import SECTION_NAMES, Decider, Reader, Terms
from domain.consents.visit_texts import PURPOSES
from domain.errors import Invalid, NotFound
from domain.representation.people import Persons, power_of

OFFER_LIFE = timedelta(minutes=5)
LONGEST = timedelta(hours=24)
ASKED_AT_THE_DESK = (
    "demographics",
    "allergies",
    "conditions",
    "immunizations",
    "encounters",
    "labs",
    "prescriptions",
)
"""What a facility asks for where a card is shown of which nothing was chosen."""


@dataclass(frozen=True, slots=True)
class Permission:
    """What somebody allowed before it was known whom it would meet: by an offer or a choice; and until when he may."""

    sections: tuple[str, ...]
    by: Decider
    text: texts.Text
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody said, and when."""

    sections: tuple[str, ...]
    by: Decider
    text_hash: bytes
    at: datetime


def known(sections: Collection[str]) -> tuple[str, ...]:
    """Each once, in the order of the book. Invalid where one is no section."""
    if not set(sections) <= set(SECTION_NAMES):
        raise Invalid("sections", f"`sections` are some of {', '.join(SECTION_NAMES)}.")
    return tuple(name for name in SECTION_NAMES if name in sections)


def offer(
    db: Session,
    patient_id: UUID,
    sections: tuple[str, ...],
    *,
    token_hash: bytes,
    by: Decider,
    text: texts.Text,
    now: datetime,
) -> VisitOffer:
    """An offer of these sections to whoever knows the token. Invalid without any section."""
    if not sections:
        raise Invalid("sections", "An offer opens at least one section.")
    texts.kept(db, text)
    made = VisitOffer(
        token_hash=token_hash,
        patient_id=patient_id,
        citizen_id=by.citizen_id,
        actor_role=by.actor_role,
        acr=by.acr,
        auth_time=by.auth_time,
        sections=list(sections),
        text_hash=text.hash,
        expires_at=now + OFFER_LIFE,
    )
    db.add(made)
    db.flush()
    return made


def offered(db: Session, token_hash: bytes, now: datetime) -> UUID | None:
    """Whose book a living offer opens; it is not used up by this."""
    return db.scalar(select(VisitOffer.patient_id).where(*_living(token_hash, now)))


def redeem(db: Session, patient_id: UUID, persons: Persons, token_hash: bytes, now: datetime) -> Permission | None:
    """Uses the offer up: of two desks one gets it, the other None. None also where its maker may decide no longer."""
    used = update(VisitOffer).where(*_living(token_hash, now), VisitOffer.patient_id.in_(persons)).values(used_at=now)
    won = db.scalar(used.returning(VisitOffer))
    if won is None:
        return None
    by = Decider(won.citizen_id, won.actor_role, "qr", won.acr, won.auth_time)
    said = Said(tuple(won.sections), by, won.text_hash, won.expires_at - OFFER_LIFE)
    return permitted(db, patient_id, persons, said, now)


def choose(
    db: Session, patient_id: UUID, sections: tuple[str, ...], *, by: Decider, text: texts.Text, now: datetime
) -> None:
    """What a card opens from now on; nothing is a choice too. The last one counts."""
    texts.kept(db, text)
    values = {
        "sections": list(sections),
        "chosen_by": by.citizen_id,
        "actor_role": by.actor_role,
        "acr": by.acr,
        "auth_time": by.auth_time,
        "text_hash": text.hash,
        "chosen_at": now,
    }
    fresh = insert(VisitChoice).values(patient_id=patient_id, **values)
    db.execute(fresh.on_conflict_do_update(index_elements=["patient_id"], set_=values))


def choice(db: Session, persons: Persons) -> VisitChoice | None:
    """The last choice under any id of the patient."""
    made = select(VisitChoice).where(VisitChoice.patient_id.in_(persons))
    return db.scalar(made.order_by(VisitChoice.chosen_at.desc()).limit(1))


def chosen(db: Session, patient_id: UUID, persons: Persons, now: datetime) -> Permission | None:
    """What a card opens now: None where nothing was chosen, or by somebody who may decide no longer."""
    made = choice(db, persons)
    if made is None:
        return None
    by = Decider(made.chosen_by, made.actor_role, "desk", made.acr, made.auth_time)
    said = Said(tuple(made.sections), by, made.text_hash, made.chosen_at)
    return permitted(db, patient_id, persons, said, now)


def terms(sections: tuple[str, ...], now: datetime, until: datetime | None = None) -> Terms:
    """For the treatment of this person, without anything especially private, for a day or until the right ends."""
    longest = now + LONGEST
    return Terms(
        purposes=PURPOSES,
        sections=sections,
        sensitive=(),
        data_from=None,
        data_to=None,
        valid_until=longest if until is None else min(longest, until),
        erase_by=None,
    )


def check_in(
    db: Session, patient_id: UUID, permission: Permission, *, reader: Reader, now: datetime, sign: Sign
) -> Consent:
    """The visit's consent."""
    return records.grant(
        db,
        patient_id=patient_id,
        reader=reader,
        terms=terms(permission.sections, now, permission.until),
        by=permission.by,
        text=permission.text,
        now=now,
        sign=sign,
    )


def of_id(db: Session, persons: Persons, visit_id: UUID) -> Consent | None:
    """One of the patient's visits, also where it has ended."""
    return db.scalar(
        select(Consent).where(Consent.patient_id.in_(persons), Consent.id == visit_id, Consent.kind == "visit")
    )


def check_out(
    db: Session,
    persons: Persons,
    visit_id: UUID,
    *,
    organization_id: UUID | None,
    by: Decider,
    now: datetime,
    sign: Sign,
) -> Consent:
    """The visit is over; one that has ended already stays as it is. NotFound where there is none.

    A facility (`organization_id`) ends its own visits only.
    """
    visit = of_id(db, persons, visit_id)
    if visit is None or organization_id not in (None, visit.organization_id):
        raise NotFound("There is no such visit.")
    return records.withdraw(db, visit, by=by, now=now, sign=sign)


def _living(token_hash: bytes, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (VisitOffer.token_hash == token_hash, VisitOffer.used_at.is_(None), VisitOffer.expires_at > now)


def permitted(db: Session, patient_id: UUID, persons: Persons, said: Said, now: datetime) -> Permission | None:
    """What was said opens by the right that he has today: where that is less than it was, or none, less, or nothing."""
    text, power = texts.shown(db, said.text_hash), power_of(db, said.by.citizen_id, persons, now)
    if text is None or power is None:
        return None
    until = deciders.latest_end(said.by.actor_role, deciders.birth_date(db, patient_id), power, said.at)
    sections = tuple(name for name in said.sections if power.sections is None or name in power.sections)
    is_over = until is not None and until <= now
    return Permission(sections, said.by, text, until) if sections and not is_over else None
