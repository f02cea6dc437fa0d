"""The citizen's answer, in one transaction: code, grant and consent come together or not at all, as narrow as chosen.

Everything is read again from the request. What somebody else's app gets is written down as a consent whose text he
has on his page: the form brings that text's hash, and an answer to another text is no answer to this one.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.consent import book
from auth.consent.asking import Asked, asked
from auth.consent.book import Turn
from auth.consent.choice import Choice, terms
from auth.grants.grant_types import Approval
from auth.requests import OAuthRequest
from auth.server.authorization_server import Reply, Server
from auth.web_sessions import SignedIn
from domain.consents import events, records
from domain.consents.events import Sign
from domain.consents.tables import Consent
from domain.consents.terms import Decider, Terms
from domain.consents.texts import Language, Text, document


@dataclass(frozen=True, slots=True)
class Yes:
    """Who says yes, to what, in which language. `shown` is the hash of the text on his page, hexadecimal."""

    signed_in: SignedIn
    choice: Choice
    language: Language
    shown: str
    sign: Sign


@dataclass(frozen=True, slots=True)
class Agreed:
    """Terms, and the text that says them."""

    terms: Terms
    text: Text


@dataclass(frozen=True, slots=True)
class Unread:
    """The text of this choice, which the citizen has not had before him yet."""

    text: Text
    is_new: bool


def refuse(server: Server, oauth: OAuthRequest) -> Reply:
    """access_denied, to the client."""
    grant: Any = server.get_consent_grant(oauth)
    reply: Reply = server.create_authorization_response(oauth, grant_user=None, grant=grant)
    return reply


def allow(server: Server, oauth: OAuthRequest, yes: Yes) -> Reply | Unread:
    """The code. For somebody else's app, a consent beside it; Unread first, if its text was not shown."""
    request = asked(server, oauth, yes.signed_in)
    if not request.needs_consent:
        return _answered(server, oauth, approval(request, yes, None))
    agreed = agreement(request, yes, server.now)
    if isinstance(agreed, Unread):
        return agreed
    reply = _answered(server, oauth, approval(request, yes, agreed))
    if oauth.grant_row is not None:
        record(server, request, yes, agreed)
    return reply


def agreement(request: Asked, yes: Yes, now: datetime) -> Agreed | Unread:
    """What he said yes to, for a choice without problems; Unread if its text is not the one on his page."""
    chosen = terms(yes.choice, request, now)
    text = document(request.reader, chosen, yes.language)
    if not hmac.compare_digest(text.hash.hex().encode(), yes.shown.encode()):
        return Unread(text, is_new=bool(yes.shown))
    return Agreed(chosen, text)


def approval(request: Asked, yes: Yes, agreed: Agreed | None) -> Approval:
    """For the grant: no wider than what he chose and, where it stands on a consent, no longer than that."""
    return Approval(
        yes.signed_in.citizen_id,
        yes.signed_in.acr,
        yes.signed_in.auth_time,
        ticked=frozenset(request.scopes) if request.is_for_work else yes.choice.ticked,
        until=agreed.terms.valid_until if agreed else None,
    )


def _answered(server: Server, oauth: OAuthRequest, approved: Approval) -> Reply:
    grant: Any = server.get_consent_grant(oauth)
    reply: Reply = server.create_authorization_response(oauth, grant_user=approved, grant=grant)
    return reply


def record(turn: Turn, request: Asked, yes: Yes, agreed: Agreed) -> None:
    """The new consent, in the place of the citizen's earlier ones to this app for this purpose."""
    db, now, signed_in = turn.db, turn.now, yes.signed_in
    persons = book.opened(turn, signed_in.citizen_id)
    patient_id = persons[0]
    by = Decider(signed_in.citizen_id, book.role(db, patient_id, now), "page", signed_in.acr, signed_in.auth_time)
    events.lock(db, patient_id)
    for earlier in _replaced(db, persons, request, signed_in.citizen_id):
        records.withdraw(db, earlier, by=by, now=now, sign=yes.sign)
    records.grant(
        db,
        patient_id=patient_id,
        reader=request.reader,
        terms=agreed.terms,
        by=by,
        text=agreed.text,
        now=now,
        sign=yes.sign,
    )


def _replaced(db: Session, persons: Sequence[UUID], request: Asked, citizen_id: UUID) -> Sequence[Consent]:
    """What still stands; `records.withdraw` leaves alone what has ended by itself."""
    standing = select(Consent).where(
        Consent.patient_id.in_(persons),
        Consent.client_id == request.client_id,
        Consent.granted_by == citizen_id,
        Consent.withdrawn_at.is_(None),
        Consent.purposes.contains([request.purpose]),
    )
    return db.scalars(standing.order_by(Consent.id)).all()
