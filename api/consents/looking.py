"""The answers to the queries, each in the transaction that `Context.act` opened. Nothing is changed."""

from uuid import UUID

from sqlalchemy.orm import Session

from api.consents.changes import Manager, denials_of
from api.consents.inputs import ConsentChangeInput, ConsentReaderInput, reader_of
from api.consents.types import CONSENT, DENIAL, Consent
from api.consents.views import (
    ConsentEvent,
    ConsentPage,
    ConsentReceipt,
    ConsentText,
    ConsentTextToShow,
    DenialPage,
    ReaderChange,
    SectionReader,
)
from api.representation.reading import read_own_id, told_or_none
from domain.consents import deciders, denials, events, parties, previews, readers, records, texts
from domain.consents.readers import Standing
from domain.consents.standing import standing
from domain.consents.terms import Terms
from domain.consents.texts import Language
from domain.representation.people import power_of

Page = tuple[int, UUID | None]
"""At most so many, after this one."""


def consents(db: Session, manager: Manager, page: Page, *, ended: bool) -> ConsentPage:
    first, after = page
    found = records.listed(db, manager.actor.persons, now=manager.now, first=first + 1, after=after, ended=ended)
    shown = found[:first]
    readers_of = parties.readers_of(db, shown)
    nodes = [Consent.of(one, readers_of[one.id], manager.now) for one in shown]
    return ConsentPage(nodes=nodes, end_cursor=str(shown[-1].id) if shown else None, has_next_page=len(found) > first)


def denied(db: Session, manager: Manager, page: Page, *, lifted: bool) -> DenialPage:
    first, after = page
    found = denials.listed(db, manager.actor.persons, first=first + 1, after=after, lifted=lifted)
    shown = found[:first]
    nodes = denials_of(db, manager, shown)
    return DenialPage(nodes=nodes, end_cursor=str(shown[-1].id) if shown else None, has_next_page=len(found) > first)


def receipt(db: Session, manager: Manager, consent_id: UUID) -> ConsentReceipt:
    consent = records.of_persons(db, manager.actor.persons, consent_id)
    text = texts.shown(db, consent.text_hash)
    return ConsentReceipt(
        consent=Consent.of(consent, parties.reader_of(db, consent), manager.now),
        events=[ConsentEvent.of(one) for one in events.of_consent(db, consent)],
        text=ConsentText.of(text) if text else None,
    )


def text(db: Session, manager: Manager, told: ConsentReaderInput, wish: Terms, language: Language) -> ConsentTextToShow:
    """The text, and what will be asked of whoever says yes to it."""
    reader, now, basis = reader_of(db, told), manager.now, manager.actor.basis
    shown = ConsentText.of(texts.document(reader, wish.checked_for(reader, now), language))
    born = deciders.birth_date(db, manager.patient_id)
    child = basis != deciders.SELF and deciders.is_asked(born, now)
    role = deciders.role_to_refuse(basis) if not child else deciders.TOGETHER
    power = power_of(db, manager.citizen_id, manager.actor.persons, now)
    ends = deciders.latest_end(role, born, power, now) if power is not None else None
    return ConsentTextToShow(**vars(shown), child_must_agree=child, latest_end=told_or_none(ends))


def readers_of(db: Session, manager: Manager, section: str) -> list[SectionReader]:
    persons, now = manager.actor.persons, manager.now
    patient_of = {one.id: one.patient_id for one in records.living(db, persons, now)}
    sights = readers.of_section(standing(db, persons, now), section)
    return [*(SectionReader.of(one, section, patient_of) for one in sights), SectionReader.senders()]


def preview(db: Session, manager: Manager, change: ConsentChangeInput) -> list[ReaderChange]:
    before = standing(db, manager.actor.persons, manager.now)
    after = _after(db, manager, change, before)
    return [ReaderChange.of(one) for one in readers.differences(before, after)]


def _after(db: Session, manager: Manager, change: ConsentChangeInput, before: Standing) -> Standing:
    """Exactly one of the changes is told (@oneOf)."""
    if change.grant:
        return previews.granted(before, reader_of(db, change.grant.reader), change.grant.terms.terms(), manager.now)
    if change.narrow:
        _, consent_id = read_own_id(CONSENT, change.narrow.id, "change")
        return previews.narrowed(before, consent_id, change.narrow.terms.terms(), manager.now)
    if change.withdraw:
        return previews.withdrawn(before, read_own_id(CONSENT, change.withdraw, "change")[1])
    if change.deny:
        return previews.denied(before, change.deny.denied())
    _, denial_id = read_own_id(DENIAL, change.lift or "", "change")
    return previews.lifted(db, before, manager.actor.persons, denial_id)
