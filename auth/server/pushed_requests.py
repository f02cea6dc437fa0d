"""Pushed authorization requests (RFC 9126): the client sends the request ahead and the browser carries a reference.

The reference is a random URN of ours: nothing that a client names is ever fetched. It must be opened within a minute;
the citizen then has until ten minutes after the push to sign in and answer, for he may have to look for his phone. It
is spent by the answer to the client, whatever it is, and showing the page again before does not spend it.
"""

from datetime import datetime, timedelta
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from sqlalchemy import update
from sqlalchemy.orm import Session

from auth.flow_tables import PushedRequest
from auth.opaque import digest, new_secret
from auth.requests import OAuthRequest, Payload
from auth.tables import OAuthClient

LIFE = timedelta(seconds=60)
ANSWERED_WITHIN = timedelta(minutes=10)

_URN = "urn:ietf:params:oauth:request_uri:"
_NOT_PUSHED = frozenset({"client_secret", "client_assertion", "client_assertion_type", "request", "request_uri"})


class InvalidReference(OAuth2Error):  # type: ignore[misc]  # Authlib is untyped
    """Unknown, expired, used or another client's: one answer, and never a redirect (OpenID Connect Core 3.1.2.6)."""

    error = "invalid_request_uri"
    description = "The request_uri is not valid."


def keep(db: Session, client: OAuthClient, request: OAuthRequest, now: datetime) -> dict[str, Any]:
    """Store a validated request; the answer of RFC 9126 2.2."""
    reference = _URN + new_secret()
    parameters = {name: value for name, value in request.payload.data.items() if name not in _NOT_PUSHED}
    if request.asked is not None:
        parameters["scope"] = request.asked
    db.add(
        PushedRequest(
            reference_hash=digest(reference),
            client_id=client.client_id,
            parameters=parameters | {"client_id": client.client_id},
            jkt=request.jkt,
            created_at=now,
            expires_at=now + LIFE,
        )
    )
    return {"request_uri": reference, "expires_in": int(LIFE.total_seconds())}


def bound_key(request: OAuthRequest) -> str | None:
    """The key that the code will be bound to: that of the proof, or of `dpop_jkt`, which must agree (RFC 9449 10.1)."""
    named: str | None = request.payload.data.get("dpop_jkt")
    proved = request.pushed.jkt if request.pushed else request.jkt
    if named and proved and named != proved:
        raise InvalidRequestError("The DPoP proof and dpop_jkt name different keys.")
    return named or proved


def load(db: Session, request: OAuthRequest, now: datetime) -> None:
    """Replace the request's parameters by those pushed. All else beside request_uri is ignored (RFC 9126 4)."""
    asked = request.payload.data
    reference, client_id = asked["request_uri"], asked.get("client_id")
    pushed = db.get(PushedRequest, digest(reference)) if reference.startswith(_URN) else None
    if pushed is None or pushed.client_id != client_id or pushed.used_at is not None or pushed.expires_at <= now:
        raise InvalidReference
    pushed.expires_at = pushed.created_at + ANSWERED_WITHIN
    request.pushed = pushed
    request.payload = Payload(list(pushed.parameters.items()))
    request.asked = request.payload.data.get("scope")


def spend(db: Session, request: OAuthRequest, now: datetime) -> None:
    """The one answer of a pushed request; InvalidReference for the second of two at once."""
    if request.pushed is None:
        return
    unspent = update(PushedRequest).where(
        PushedRequest.reference_hash == request.pushed.reference_hash, PushedRequest.used_at.is_(None)
    )
    if db.execute(unspent.values(used_at=now).returning(PushedRequest.client_id)).first() is None:
        raise InvalidReference
