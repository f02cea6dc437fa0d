"""Which client is asking the token endpoint (RFC 6749 2.3, RFC 7523 2.2).

Three methods: HTTP Basic with a secret, a signed assertion, or none for public clients. Every failure looks the
same, whether the client is unknown, suspended, past its end, of a suspended facility, or its proof is wrong: no oracle
for client ids.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus

import jwt
from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError
from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth.opaque import digest
from auth.requests import OAuthRequest
from auth.settings import AuthSettings
from auth.tables import OAuthClient, Once, RefreshToken, TokenGrant
from domain.organizations import Organization

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS = ("ES256", "ES384", "RS384")
ASSERTION_PATHS = ("/oauth/token", "/oauth/par")
"""Endpoints that an assertion may name as its audience, besides the issuer (RFC 7523 3, RFC 9126 2)."""
ASSERTION_LIFE = timedelta(minutes=5)
_LEEWAY = timedelta(seconds=30)
_MAX_JTI = 255
_NOBODY = digest("no client has this secret")


class AuthenticationFailed(InvalidClientError):  # type: ignore[misc]  # Authlib is untyped
    """The one answer to every failure (RFC 6749 5.2): 401 with a Basic challenge, no word about the reason."""

    description = "Client authentication failed."
    status_code = 401

    def get_headers(self) -> list[tuple[str, str]]:
        return [("WWW-Authenticate", 'Basic realm="healthbook"')]


def living_client(db: Session, client_id: str, now: datetime) -> OAuthClient | None:
    """The client, if it may have anything at all now: active, not past its end, its facility not suspended."""
    return _living(db, _CLIENTS.where(OAuthClient.client_id == client_id), now)


_CLIENTS: Select[OAuthClient, str] = select(OAuthClient, Organization.status).outerjoin(
    Organization, Organization.id == OAuthClient.organization_id
)


def _living(db: Session, query: Select[OAuthClient, str], now: datetime) -> OAuthClient | None:
    found = db.execute(query).first()
    if found is None:
        return None
    client, facility = found
    return client if client.is_active(now) and facility in {None, "active"} else None


def authenticate(
    db: Session, settings: AuthSettings, request: OAuthRequest, methods: Iterable[str], now: datetime
) -> OAuthClient:
    """The living client that proved itself by exactly one of `methods`; InvalidClientError otherwise."""
    method, client = _prove(db, settings, request, now)
    if client is None or client.auth_method != method or method not in methods:
        raise AuthenticationFailed
    request.auth_method = method
    return client


def _prove(db: Session, settings: AuthSettings, request: OAuthRequest, now: datetime) -> tuple[str, OAuthClient | None]:
    form = request.payload.data
    headers = request.headers.getlist("authorization")
    if len(headers) + ("client_assertion" in form) + ("client_secret" in form) > 1:
        raise InvalidRequestError("More than one way of client authentication is used.")
    if headers:
        return "client_secret_basic", _by_secret(db, headers[0], form, now)
    if "client_assertion" in form:
        return "private_key_jwt", _by_assertion(db, settings, form, now)
    if "client_secret" in form:
        raise AuthenticationFailed
    return "none", _by_name(db, form, now)


def _by_secret(db: Session, header: str, form: dict[str, str], now: datetime) -> OAuthClient | None:
    client_id, secret = _basic(header)
    if form.get("client_id", client_id) != client_id:
        raise AuthenticationFailed
    client = living_client(db, client_id, now)
    known = (client.secret_hash if client else None) or _NOBODY
    return client if hmac.compare_digest(known, digest(secret)) else None


def _basic(header: str) -> tuple[str, str]:
    """Id and secret of `Basic base64(urlencode(id):urlencode(secret))`; empty strings if it is anything else."""
    scheme, _, credentials = header.partition(" ")
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return "", ""
    client_id, _, secret = text.partition(":")
    pair = unquote_plus(client_id), unquote_plus(secret)
    return pair if scheme.lower() == "basic" and all(part.isprintable() for part in pair) else ("", "")


def _by_name(db: Session, form: dict[str, str], now: datetime) -> OAuthClient | None:
    """A public client by its id, or by the refresh token it holds: SMART clients refresh without a client_id."""
    if "client_id" in form:
        return living_client(db, form["client_id"], now)
    if form.get("grant_type") != "refresh_token" or "refresh_token" not in form:
        return None
    holder = (
        _CLIENTS.join(TokenGrant, TokenGrant.client_id == OAuthClient.client_id)
        .join(RefreshToken, RefreshToken.grant_id == TokenGrant.id)
        .where(RefreshToken.token_hash == digest(form["refresh_token"]))
    )
    return _living(db, holder, now)


def _by_assertion(db: Session, settings: AuthSettings, form: dict[str, str], now: datetime) -> OAuthClient | None:
    assertion = form["client_assertion"]
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise AuthenticationFailed
    try:
        header = jwt.get_unverified_header(assertion)
        client_id = jwt.decode(assertion, options={"verify_signature": False}).get("sub")
    except (jwt.PyJWTError, ValueError, ArithmeticError, RecursionError):
        raise AuthenticationFailed from None
    if not isinstance(client_id, str) or not client_id.isprintable() or form.get("client_id", client_id) != client_id:
        raise AuthenticationFailed
    client = living_client(db, client_id, now)
    if client is None or client.jwks is None:
        return None
    claims = _verified(assertion, _key_of(client.jwks, header.get("kid")), client_id, settings)
    return client if _said_once(db, claims, client_id, now) else None


def _key_of(jwks: dict[str, Any], kid: object) -> Any:
    """The client's registered key of that kid; without a kid, its only key. Keys in the header are never used."""
    keys = [jwk for jwk in jwks["keys"] if kid is None or jwk.get("kid") == kid]
    if len(keys) != 1:
        raise AuthenticationFailed
    return jwt.PyJWK.from_dict(keys[0]).key


def _verified(assertion: str, key: Any, client_id: str, settings: AuthSettings) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            assertion,
            key,
            algorithms=list(ASSERTION_ALGORITHMS),
            audience=[settings.issuer, *(settings.issuer + path for path in ASSERTION_PATHS)],
            issuer=client_id,
            subject=client_id,
            leeway=_LEEWAY,
            options={"require": ["iss", "sub", "aud", "exp", "jti"]},
        )
    except (jwt.PyJWTError, ValueError, TypeError, ArithmeticError, RecursionError):
        raise AuthenticationFailed from None
    return claims


def _said_once(db: Session, claims: dict[str, Any], client_id: str, now: datetime) -> bool:
    """False if the assertion lives too long or its jti was used before; the row lives as long as the assertion."""
    latest = now + ASSERTION_LIFE + _LEEWAY
    jti = claims["jti"]
    if int(claims["exp"]) > latest.timestamp() or not isinstance(jti, str) or not 0 < len(jti) <= _MAX_JTI:
        return False
    row = {"kind": "assertion", "key_hash": digest(f"{client_id} {jti}"), "expires_at": latest + _LEEWAY}
    done = db.execute(insert(Once).values(row).on_conflict_do_nothing().returning(Once.kind))
    return done.first() is not None
