"""What happened to a patient's consents, in order: each event holds the hash of the one before and a signed receipt.

ISO/IEC TS 27560:2023 (consent receipts). The chain is per `patient_id`; a lock of the database lets one change of a
patient at a time through, and a unique index stands behind it. Nothing is changed afterwards: a withdrawal is a
second event with a receipt of its own.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.consents.tables import CATEGORIES, Consent, ConsentEvent
from domain.consents.terms import Decider, Reader
from domain.consents.texts import Text, base64url
from domain.values import new_id

Sign = Callable[[Mapping[str, Any]], str]
"""Makes a compact JWS (RFC 7515) of some claims, with the issuer added."""
AT_ONCE = 1000
START = bytes(32)
"""The hash before a patient's first event."""


def lock(db: Session, patient_id: UUID) -> None:
    """Until the end of the transaction nobody else changes this patient's consents or denials."""
    key = int.from_bytes(patient_id.bytes[8:], "big", signed=True)
    db.execute(select(func.pg_advisory_xact_lock(key)))


def appended(
    db: Session,
    consent: Consent,
    kind: str,
    *,
    by: Decider | None,
    reader: Reader,
    text: Text | None,
    now: datetime,
    sign: Sign,
) -> ConsentEvent:
    """The next event of the patient's chain. The caller holds `lock`; `by` is None where time itself decided."""
    last = _last(db, consent.patient_id)
    place, previous = (last.place + 1, last.hash) if last else (1, START)
    event_id = new_id()
    told = _content(consent, kind, by, reader, text, now) | {
        "jti": str(event_id),
        "place": place,
        "prev": base64url(previous),
    }
    event = ConsentEvent(
        patient_id=consent.patient_id,
        id=event_id,
        consent_id=consent.id,
        place=place,
        version=consent.version,
        kind=kind,
        at=now,
        actor_id=by.citizen_id if by else None,
        snapshot=told,
        previous_hash=previous,
        hash=chained(previous, told),
        receipt=sign(told),
    )
    db.add(event)
    db.flush()
    return event


def of_consent(db: Session, consent: Consent) -> Sequence[ConsentEvent]:
    """Oldest first."""
    mine = (ConsentEvent.patient_id == consent.patient_id, ConsentEvent.consent_id == consent.id)
    return db.scalars(select(ConsentEvent).where(*mine).order_by(ConsentEvent.place)).all()


def broken_at(events: Sequence[ConsentEvent]) -> int | None:
    """The place of the first event of a patient's whole chain that is not what was appended; None where all are."""
    previous = START
    for place, event in enumerate(events, start=1):
        told = event.snapshot
        columns = {
            "place": event.place,
            "prev": base64url(event.previous_hash),
            "jti": str(event.id),
            "consent_id": str(event.consent_id),
            "version": event.version,
            "event": event.kind,
            "iat": int(event.at.timestamp()),
        }
        as_told = {name: told.get(name) for name in columns}
        if event.previous_hash != previous or as_told != columns:
            return place
        if event.hash != chained(previous, told):
            return place
        previous = event.hash
    return None


def first_broken(db: Session) -> tuple[int, ConsentEvent | None]:
    """How many events of all patients were looked at, and the first that is not what was appended, or follows a gap."""
    looked_at = 0
    order = select(ConsentEvent).order_by(ConsentEvent.patient_id, ConsentEvent.place)
    rows = db.scalars(order.execution_options(yield_per=AT_ONCE))
    for _, chain in groupby(rows, key=lambda event: event.patient_id):
        events = list(chain)
        looked_at += len(events)
        place = broken_at(events)
        if place is not None:
            return looked_at, events[place - 1]
    return looked_at, None


def chained(previous: bytes, told: Mapping[str, Any]) -> bytes:
    """SHA-256 of the hash before and the canonical JSON (RFC 8785; keys are ASCII, numbers whole) of the event."""
    return hashlib.sha256(previous + orjson.dumps(dict(told), option=orjson.OPT_SORT_KEYS)).digest()


def pairwise(subject: UUID, reader: Reader) -> str:
    """One person's name towards one reader (OpenID Connect Core 8.1): two readers' receipts cannot be joined.

    The ids that go in are random enough (RFC 9562 5.7) that nobody finds one from its hash.
    """
    return base64url(hashlib.sha256(f"{reader.id}|{subject}".encode()).digest())


def _last(db: Session, patient_id: UUID) -> ConsentEvent | None:
    query = select(ConsentEvent).where(ConsentEvent.patient_id == patient_id)
    return db.scalars(query.order_by(ConsentEvent.place.desc()).limit(1)).first()


def _content(
    consent: Consent, kind: str, by: Decider | None, reader: Reader, text: Text | None, now: datetime
) -> dict[str, Any]:
    """The consent as it stands after the event, and how it came about: the claims of the receipt."""
    return {
        "sub": pairwise(consent.patient_id, reader),
        "iat": int(now.timestamp()),
        "event": kind,
        "consent_id": str(consent.id),
        "version": consent.version,
        "kind": consent.kind,
        "grantee": {"id": reader.id, "code": reader.code, "name": reader.name},
        "decided_by": _decided(by, reader),
        "purposes": list(consent.purposes),
        "sections": list(consent.sections),
        "sensitive": list(consent.sensitive),
        "excluded": [label for label in CATEGORIES if label not in consent.sensitive],
        "data_from": consent.data_from,
        "data_to": consent.data_to,
        "valid_from": _told(consent.valid_from),
        "valid_until": _told(consent.valid_until),
        "erase_by": _told(consent.erase_by),
        "withdrawn_at": _told(consent.withdrawn_at),
        "request_id": str(consent.request_id) if consent.request_id else None,
        "notice": _notice(consent, text),
    }


def _decided(by: Decider | None, reader: Reader) -> dict[str, Any] | None:
    if by is None:
        return None
    return {
        "sub": pairwise(by.citizen_id, reader),
        "role": by.actor_role,
        "related_person_id": str(by.related_person_id) if by.related_person_id else None,
        "channel": by.channel,
        "acr": by.acr,
        "auth_time": int(by.auth_time.timestamp()),
    }


def _notice(consent: Consent, text: Text | None) -> dict[str, Any]:
    """Which text was shown."""
    notice: dict[str, Any] = {"sha256": base64url(consent.text_hash)}
    return (
        notice
        if text is None
        else notice
        | {
            "template": text.template,
            "version": text.version,
            "language": text.language,
        }
    )


def _told(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
