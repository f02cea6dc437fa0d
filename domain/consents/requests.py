"""Asking: a facility says what it would like to read, and the citizen, or who decides for him, answers when he likes.

FHIR R4 Task. The answer may open less than was asked, never more. Where the citizen has denied the facility, its
requests are taken like any other and shown to nobody, so that it cannot tell a denial from silence; they end by
themselves.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Update, and_, exists, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from domain.consents import records, texts
from domain.consents.tables import Consent, ConsentRequest, Denial
from domain.consents.terms import Decider, Reader, Terms
from domain.errors import Invalid, NotFound
from domain.practitioners import PractitionerRole
from domain.representation.people import Persons

LIFE = timedelta(days=14)
"""How long a request waits for its answer."""
MOST_OPEN = 3
"""Requests of one facility to one patient that wait at a time."""
ASKED, GRANTED, DECLINED, CANCELLED, EXPIRED = "asked", "granted", "declined", "cancelled", "expired"


@dataclass(frozen=True, slots=True)
class Asker:
    """The facility, the system that speaks for it, and the clinician who asks, where one does (his citizen id)."""

    organization_id: UUID
    client_id: str
    practitioner_id: UUID | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of a list begins: after the row of this time and id. Lists run from the newest to the oldest."""

    at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as the facility sees it. `open_sections`: what its answer opens at this moment, nothing else."""

    request: ConsentRequest
    status: str
    open_sections: tuple[str, ...]


def ask(
    db: Session, patient_id: UUID, persons: Persons, *, asker: Asker, terms: Terms, now: datetime
) -> ConsentRequest | None:
    """The new request, or None where as many as may be are waiting. `terms` are checked. Asks take turns."""
    place = func.hashtextextended(f"consent_request {asker.organization_id} {patient_id}", 0)
    db.execute(select(func.pg_advisory_xact_lock(place)))
    waiting = select(func.count()).where(
        ConsentRequest.patient_id.in_(persons),
        ConsentRequest.organization_id == asker.organization_id,
        ConsentRequest.status == ASKED,
        ConsentRequest.expires_at > now,
    )
    if db.scalar(waiting) >= MOST_OPEN:  # type: ignore[operator]  # a count is never null
        return None
    request = ConsentRequest(
        patient_id=patient_id,
        organization_id=asker.organization_id,
        client_id=asker.client_id,
        practitioner_id=asker.practitioner_id,
        purposes=list(terms.purposes),
        sections=list(terms.sections),
        sensitive=list(terms.sensitive),
        data_from=terms.data_from,
        data_to=terms.data_to,
        valid_until=terms.valid_until,
        created_at=now,
        expires_at=min(now + LIFE, terms.valid_until),
    )
    db.add(request)
    db.flush()
    return request


def is_denied(db: Session, persons: Persons, organization_id: UUID) -> bool:
    """The citizen wants nothing to do with this facility, or with any."""
    return bool(db.scalar(select(_denies(persons, organization_id))))


def status_of(request: ConsentRequest, now: datetime) -> str:
    return EXPIRED if request.status == ASKED and request.expires_at <= now else request.status


def of_patient(
    db: Session, persons: Persons, *, status: str | None, now: datetime, first: int, after: Place | None
) -> Sequence[ConsentRequest]:
    """What was asked about a patient, as those who decide for him see it: newest first, at most `first`."""
    asked = _shown(persons)
    if status is not None:
        asked = asked.where(_has_status(status, now))
    return db.scalars(_page(asked, first, after)).all()


def shown(db: Session, persons: Persons, request_id: UUID) -> ConsentRequest:
    """One of them. NotFound where there is none, or none that is shown."""
    request = db.scalar(_shown(persons).where(ConsentRequest.id == request_id))
    if request is None:
        raise NotFound("There is no such request.")
    return request


def terms_of(request: ConsentRequest) -> Terms:
    return Terms(
        purposes=tuple(request.purposes),
        sections=tuple(request.sections),
        sensitive=tuple(request.sensitive),
        data_from=request.data_from,
        data_to=request.data_to,
        valid_until=request.valid_until,
        erase_by=None,
    )


def narrowed(asked: Terms, wished: Terms, now: datetime) -> Terms:
    """What the citizen grants, checked. Invalid where it would open more than was asked."""
    granted = wished.checked(now)
    if not granted.is_within(asked):
        raise Invalid("grant", "An answer opens what was asked or less, never more.")
    return granted


def grant(
    db: Session,
    request: ConsentRequest,
    terms: Terms,
    *,
    reader: Reader,
    by: Decider,
    text: texts.Text,
    now: datetime,
    sign: records.Sign,
) -> Consent | None:
    """The consent that answers the request, or None where somebody answered first. `terms` are `narrowed`."""
    if not _answered(db, request, GRANTED, now):
        return None
    consent = records.grant(
        db,
        patient_id=request.patient_id,  # its own, also after a merge: the two rows stay together
        reader=reader,
        terms=terms,
        by=by,
        text=text,
        now=now,
        sign=sign,
        request_id=request.id,
    )
    db.execute(update(ConsentRequest).where(_is(request)).values(consent_id=consent.id))
    return consent


def decline(db: Session, request: ConsentRequest, now: datetime) -> bool:
    """No. False where somebody answered first."""
    return _answered(db, request, DECLINED, now)


def cancel(db: Session, persons: Persons, organization_id: UUID, request_id: UUID, now: datetime) -> bool:
    """The facility asks no longer. False where there is no request of its own that waits."""
    own = update(ConsentRequest).where(
        ConsentRequest.patient_id.in_(persons),
        ConsentRequest.id == request_id,
        ConsentRequest.organization_id == organization_id,
    )
    return _ended(db, own, CANCELLED, now)


def sent(db: Session, organization_id: UUID, *, now: datetime, first: int, after: Place | None) -> list[Sent]:
    """What a facility asked and what came of it: newest first, at most `first`."""
    answer = and_(Consent.patient_id == ConsentRequest.patient_id, Consent.id == ConsentRequest.consent_id)
    asked = select(ConsentRequest).where(ConsentRequest.organization_id == organization_id)
    paged = _page(asked, first, after).outerjoin(Consent, answer).add_columns(Consent)
    return [Sent(request, status_of(request, now), _open(consent, now)) for request, consent in db.execute(paged)]


def clinicians(db: Session, requests: Collection[ConsentRequest]) -> dict[tuple[UUID, UUID], str]:
    """The names that clinicians go by at their facility: by (citizen, organization), the present role before an old."""
    pairs = {(one.practitioner_id, one.organization_id) for one in requests if one.practitioner_id is not None}
    if not pairs:
        return {}
    key = tuple_(PractitionerRole.citizen_id, PractitionerRole.organization_id)
    oldest_first = PractitionerRole.revoked_at.nulls_last()
    roles = db.scalars(select(PractitionerRole).where(key.in_(pairs)).order_by(oldest_first))
    return {(role.citizen_id, role.organization_id): role.display_name for role in roles}


def _denies(persons: Persons, organization_id: object) -> ColumnElement[bool]:
    names_it = or_(Denial.scope == "all", Denial.organization_id == organization_id)
    return exists().where(Denial.patient_id.in_(persons), Denial.lifted_at.is_(None), names_it)


def _shown(persons: Persons) -> Select[ConsentRequest]:
    """Not what waits of a facility that was denied."""
    hidden = and_(ConsentRequest.status == ASKED, _denies(persons, ConsentRequest.organization_id))
    return select(ConsentRequest).where(ConsentRequest.patient_id.in_(persons), ~hidden)


def _has_status(status: str, now: datetime) -> ColumnElement[bool]:
    match status:
        case "asked":
            return and_(ConsentRequest.status == ASKED, ConsentRequest.expires_at > now)
        case "expired":
            return and_(ConsentRequest.status == ASKED, ConsentRequest.expires_at <= now)
        case _:
            return ConsentRequest.status == status


def _page(asked: Select[ConsentRequest], first: int, after: Place | None) -> Select[ConsentRequest]:
    key = tuple_(ConsentRequest.created_at, ConsentRequest.id)
    if after is not None:
        asked = asked.where(key < tuple_(after.at, after.id))
    return asked.order_by(ConsentRequest.created_at.desc(), ConsentRequest.id.desc()).limit(first)


def _is(request: ConsentRequest) -> ColumnElement[bool]:
    return and_(ConsentRequest.patient_id == request.patient_id, ConsentRequest.id == request.id)


def _answered(db: Session, request: ConsentRequest, status: str, now: datetime) -> bool:
    return _ended(db, update(ConsentRequest).where(_is(request)), status, now)


def _ended(db: Session, change: Update, status: str, now: datetime) -> bool:
    """One statement decides who was first: it changes only what still waits."""
    waiting = change.where(ConsentRequest.status == ASKED, ConsentRequest.expires_at > now)
    ended = waiting.values(status=status, answered_at=now).returning(ConsentRequest.id)
    return db.execute(ended).first() is not None


def _open(consent: Consent | None, now: datetime) -> tuple[str, ...]:
    is_open = consent is not None and consent.withdrawn_at is None and consent.valid_until > now
    return tuple(consent.sections) if consent is not None and is_open else ()
