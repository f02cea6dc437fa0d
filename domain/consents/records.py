"""Consents themselves: granted, made narrower, withdrawn, run out. Nothing ever becomes wider; that is a new consent.

Every change takes the patient's lock, looks again at what stands, changes the row, and appends an event with its
signed receipt, all in the caller's transaction. `access.begin` reads the rows at every request, so a change works on
the next one. Whether the caller may decide for the patient was asked before (`access.act`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from domain.consents import events, texts
from domain.consents.events import Sign
from domain.consents.parties import reader_of
from domain.consents.tables import Consent, ConsentEvent
from domain.consents.terms import Decider, Reader, Terms
from domain.consents.texts import Text
from domain.errors import Conflict, Invalid, NotFound

__all__ = [
    "Sign",
    "expire_due",
    "grant",
    "is_living",
    "listed",
    "living",
    "narrow",
    "of_persons",
    "terms_of",
    "withdraw",
]

DUE = sql("select patient_id, id from access.expired_consents(:since, :now, :most) order by patient_id, id")
LOOK_BACK = timedelta(days=31)
"""How far housekeeping looks for consents that ran out; much longer than it ever rests."""
FOR_PERSON = sql("select set_config('app.persons', :person, true)")


class Ended(Conflict):
    """It was withdrawn or ran out before this change."""


def grant(
    db: Session,
    *,
    patient_id: UUID,
    reader: Reader,
    terms: Terms,
    by: Decider,
    text: Text,
    now: datetime,
    sign: Sign,
    request_id: UUID | None = None,
) -> Consent:
    """A new consent, from now on; another one to the same reader stays as it is. Invalid names what breaks a rule."""
    agreed = terms.checked_for(reader, now)
    texts.kept(db, text)
    events.lock(db, patient_id)
    consent = Consent(
        patient_id=patient_id,
        kind=reader.kind,
        organization_id=reader.organization_id,
        client_id=reader.client_id,
        purposes=list(agreed.purposes),
        sections=list(agreed.sections),
        sensitive=list(agreed.sensitive),
        data_from=agreed.data_from,
        data_to=agreed.data_to,
        valid_from=now,
        valid_until=agreed.valid_until,
        erase_by=agreed.erase_by,
        granted_by=by.citizen_id,
        actor_role=by.actor_role,
        channel=by.channel,
        acr=by.acr,
        auth_time=by.auth_time,
        text_hash=text.hash,
        request_id=request_id,
        created_at=now,
    )
    db.add(consent)
    db.flush()
    events.appended(db, consent, "granted", by=by, reader=reader, text=text, now=now, sign=sign)
    return consent


def narrow(
    db: Session, consent: Consent, terms: Terms, *, by: Decider, text: Text, now: datetime, sign: Sign
) -> Consent:
    """The same consent with less in it. Equal terms change nothing.

    Ended where it has done so meanwhile; Invalid where the terms would open anything more.
    """
    _locked(db, consent)
    if not is_living(consent, now):
        raise Ended("The consent has ended.")
    agreed, standing = terms.checked(now), terms_of(consent)
    if not agreed.is_within(standing):
        raise Invalid("terms", "A consent can only become narrower; what is wider is a new consent.")
    if agreed == standing:
        return consent
    texts.kept(db, text)
    consent.purposes, consent.sections = list(agreed.purposes), list(agreed.sections)
    consent.sensitive = list(agreed.sensitive)
    consent.data_from, consent.data_to = agreed.data_from, agreed.data_to
    consent.valid_until, consent.erase_by = agreed.valid_until, agreed.erase_by
    consent.version += 1
    consent.text_hash = text.hash
    db.flush()
    events.appended(db, consent, "narrowed", by=by, reader=reader_of(db, consent), text=text, now=now, sign=sign)
    return consent


def withdraw(db: Session, consent: Consent, *, by: Decider, now: datetime, sign: Sign) -> Consent:
    """From the next request on it opens nothing. One that has ended already stays as it is."""
    _locked(db, consent)
    if not is_living(consent, now):
        return consent
    consent.withdrawn_at, consent.withdrawn_by = now, by.citizen_id
    consent.version += 1
    db.flush()
    text = texts.shown(db, consent.text_hash)
    events.appended(db, consent, "withdrawn", by=by, reader=reader_of(db, consent), text=text, now=now, sign=sign)
    return consent


def _locked(db: Session, consent: Consent) -> None:
    """The row as it is now that nobody else can change it."""
    events.lock(db, consent.patient_id)
    db.refresh(consent)


def is_living(consent: Consent, now: datetime) -> bool:
    return consent.withdrawn_at is None and now < consent.valid_until


def terms_of(consent: Consent) -> Terms:
    return Terms(
        purposes=tuple(consent.purposes),
        sections=tuple(consent.sections),
        sensitive=tuple(consent.sensitive),
        data_from=consent.data_from,
        data_to=consent.data_to,
        valid_until=consent.valid_until,
        erase_by=consent.erase_by,
    )


def of_persons(db: Session, persons: Sequence[UUID], consent_id: UUID) -> Consent:
    """NotFound where none of a person's ids has such a consent."""
    found = db.scalar(select(Consent).where(Consent.patient_id.in_(persons), Consent.id == consent_id))
    if found is None:
        raise NotFound("There is no such consent.")
    return found


def listed(
    db: Session, persons: Sequence[UUID], *, now: datetime, first: int, after: UUID | None, ended: bool
) -> Sequence[Consent]:
    """Newest first, from the one after `after` on; with `ended` also those that open nothing any more."""
    query = select(Consent).where(Consent.patient_id.in_(persons))
    if not ended:
        query = query.where(Consent.withdrawn_at.is_(None), Consent.valid_until > now)
    if after is not None:
        query = query.where(Consent.id < after)
    return db.scalars(query.order_by(Consent.id.desc()).limit(first)).all()


def living(db: Session, persons: Sequence[UUID], now: datetime) -> Sequence[Consent]:
    """All that open something now, oldest first."""
    standing = (Consent.withdrawn_at.is_(None), Consent.valid_from <= now, Consent.valid_until > now)
    return db.scalars(select(Consent).where(Consent.patient_id.in_(persons), *standing).order_by(Consent.id)).all()


def expire_due(db: Session, now: datetime, sign: Sign, *, at_most: int = 200) -> int:
    """Appends `expired` to those that ran out and do not say so yet: how many, so 0 means done.

    Only the history needs it: the decision itself looks at the clock. Of two housekeepers at once the second finds the
    event of the first, because each takes the patient's lock, in one order, and then looks again.
    """
    due = db.execute(DUE, {"since": now - LOOK_BACK, "now": now, "most": at_most}).all()
    for patient_id, consent_id in due:
        db.execute(FOR_PERSON, {"person": str(patient_id)})
        _expire(db, patient_id, consent_id, now, sign)
    return len(due)


def _expire(db: Session, patient_id: UUID, consent_id: UUID, now: datetime, sign: Sign) -> None:
    events.lock(db, patient_id)
    consent = db.get_one(Consent, (patient_id, consent_id), populate_existing=True)
    told = select(func.count()).where(ConsentEvent.patient_id == patient_id, ConsentEvent.consent_id == consent_id)
    if consent.withdrawn_at is not None or db.scalar(told.where(ConsentEvent.kind == "expired")):
        return
    reader, text = reader_of(db, consent), texts.shown(db, consent.text_hash)
    events.appended(db, consent, "expired", by=None, reader=reader, text=text, now=now, sign=sign)
