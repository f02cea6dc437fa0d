"""The changes themselves, each in the transaction that `Context.act` opened: rule, row, event, notice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.acting import Actor
from api.consents.types import Consent, Denial
from domain.consents import deciders, denials, parties, records, tables, texts
from domain.consents.denials import Denied
from domain.consents.events import Sign
from domain.consents.terms import Decider, Reader, Terms
from domain.consents.texts import Language
from domain.errors import NotFound
from domain.representation.people import Power, power_of, those_who_decide
from notifications import notices

CHANNEL = "app"


@dataclass(frozen=True, slots=True)
class Manager:
    """Who decides for whom, at one moment; `actor` without its nulls."""

    actor: Actor
    citizen_id: UUID
    patient_id: UUID
    now: datetime

    @classmethod
    def of(cls, actor: Actor, now: datetime) -> "Manager":
        """NotFound for whoever has no book to decide about."""
        if actor.citizen_id is None or actor.patient_id is None or not actor.can_manage:
            raise NotFound("There is no such record, or it is not open to this reader.")
        return cls(actor, actor.citizen_id, actor.patient_id, now)

    def decider(self, role: str) -> Decider:
        return Decider(
            citizen_id=self.citizen_id,
            actor_role=role,
            channel=CHANNEL,
            acr=self.actor.acr or "",
            auth_time=self.actor.auth_time or self.now,
            related_person_id=self.actor.related_person_id,
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """What came back of the text that was shown."""

    language: Language
    text_hash: str


@dataclass(frozen=True, slots=True)
class Say:
    """What a yes to a new consent would need."""

    role: str
    power: Power
    latest_end: datetime | None


def say_of(db: Session, manager: Manager, *, child_agrees: bool) -> Say:
    """ChildMustAgree, RepresentativeMustAgree; NotFound for whoever shares nothing."""
    born = deciders.birth_date(db, manager.patient_id)
    role = deciders.role_to_grant(manager.actor.basis, born, manager.now, child_agrees=child_agrees)
    power = power_of(db, manager.citizen_id, manager.actor.persons, manager.now)
    if power is None:
        raise NotFound("There is no such record, or it is not open to this reader.")
    return Say(role, power, deciders.latest_end(role, born, power, manager.now))


def grant(
    db: Session, manager: Manager, reader: Reader, wish: Terms, shown: Shown, *, child_agrees: bool, sign: Sign
) -> Consent:
    now = manager.now
    terms = wish.checked_for(reader, now)
    say = say_of(db, manager, child_agrees=child_agrees)
    deciders.check_power(say.power, terms, say.latest_end, now)
    text = texts.agreed(reader, terms, shown.language, shown.text_hash)
    made = records.grant(
        db,
        patient_id=manager.patient_id,
        reader=reader,
        terms=terms,
        by=manager.decider(say.role),
        text=text,
        now=now,
        sign=sign,
    )
    tell(db, manager, made.patient_id, made.id)
    return Consent.of(made, reader, now)


def narrow(db: Session, manager: Manager, consent_id: UUID, wish: Terms, shown: Shown, sign: Sign) -> Consent:
    now = manager.now
    consent = records.of_persons(db, manager.actor.persons, consent_id)
    reader = parties.reader_of(db, consent)
    terms = wish.checked_for(reader, now)
    text = texts.agreed(reader, terms, shown.language, shown.text_hash)
    by = manager.decider(deciders.role_to_refuse(manager.actor.basis))
    version = consent.version
    records.narrow(db, consent, terms, by=by, text=text, now=now, sign=sign)
    if consent.version != version:
        tell(db, manager, consent.patient_id, consent.id)
    return Consent.of(consent, reader, now)


def withdraw(db: Session, manager: Manager, consent_id: UUID, sign: Sign) -> Consent:
    now = manager.now
    consent = records.of_persons(db, manager.actor.persons, consent_id)
    by = manager.decider(deciders.role_to_refuse(manager.actor.basis))
    version = consent.version
    records.withdraw(db, consent, by=by, now=now, sign=sign)
    if consent.version != version:
        tell(db, manager, consent.patient_id, consent.id)
    return Consent.of(consent, parties.reader_of(db, consent), now)


def deny(db: Session, manager: Manager, wish: Denied) -> Denial:
    persons = manager.actor.persons
    placed = denials.place(
        db,
        patient_id=manager.patient_id,
        persons=persons,
        denied=wish,
        placed_by=manager.citizen_id,
        now=manager.now,
    )
    if placed.placed_at == manager.now:
        tell(db, manager, placed.patient_id, placed.id)
    return denials_of(db, manager, [placed])[0]


def lift(db: Session, manager: Manager, denial_id: UUID) -> Denial:
    himself = manager.actor.basis == deciders.SELF and deciders.is_adult(
        deciders.birth_date(db, manager.patient_id), manager.now
    )
    lifted = denials.lift(
        db, manager.actor.persons, denial_id, by=manager.citizen_id, is_adult_himself=himself, now=manager.now
    )
    if lifted.lifted_at == manager.now:
        tell(db, manager, lifted.patient_id, lifted.id)
    return denials_of(db, manager, [lifted])[0]


def denials_of(db: Session, manager: Manager, rows: Sequence[tables.Denial]) -> list[Denial]:
    """As the caller sees them."""
    known = parties.facilities_named(db, {row.organization_id for row in rows if row.organization_id is not None})
    return [
        Denial.of(row, known.get(row.organization_id) if row.organization_id else None, manager.citizen_id)
        for row in rows
    ]


def tell(db: Session, manager: Manager, patient_id: UUID, subject_id: UUID) -> None:
    """What a representative changed is told to the person himself and to whoever else decides for him."""
    if manager.actor.basis == deciders.SELF:
        return
    others = sorted(those_who_decide(db, manager.actor.persons, manager.now) - {manager.citizen_id})
    notices.post(
        db,
        kind="consent_changed",
        citizen_ids=others,
        patient_id=patient_id,
        subject_id=subject_id,
        now=manager.now,
    )
