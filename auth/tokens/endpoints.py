"""Introspection (RFC 7662) and revocation (RFC 7009): a client may ask about and end its own tokens only.

To revoke either kind of token is to revoke its grant: RFC 7009 2.1 allows it, and it works on the next request.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt
from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from sqlalchemy.orm import Session

from auth.opaque import digest
from auth.signing.keys import ALGORITHM
from auth.tables import OAuthClient, RefreshToken, TokenGrant
from auth.tokens.signed import ACCESS_TOKEN_TYPE, subject_claims

_TOLD = ("jti", "iat", "aud", "cnf", "act")


@dataclass(frozen=True, slots=True)
class Known:
    """A token of ours: its grant, its own end, whether it was spent, and what RFC 7662 2.2 may say of it."""

    grant: TokenGrant
    expires_at: datetime
    is_spent: bool
    scope: str
    extra: dict[str, Any]
    now: datetime

    def check_client(self, client: OAuthClient) -> bool:
        return self.grant.client_id == client.client_id

    def is_expired(self) -> bool:
        return self.expires_at <= self.now

    def is_revoked(self) -> bool:
        return self.is_spent or not self.grant.is_alive(self.now)


def find(server: Any, token: str) -> Known | None:
    """An access token by its signature, a refresh token by its hash; the type hint is not needed to tell them apart."""
    return _access(server, token) if "." in token else _refresh(server, token)


def _refresh(server: Any, token: str) -> Known | None:
    db: Session = server.db
    row = db.get(RefreshToken, digest(token))
    if row is None:
        return None
    grant = db.get_one(TokenGrant, row.grant_id)
    return Known(grant, row.expires_at, row.used_at is not None, grant.scope, {}, server.now)


def _access(server: Any, token: str) -> Known | None:
    try:
        header = jwt.get_unverified_header(token)
        public = server.ring.public.get(header.get("kid"))
        if public is None or header.get("typ") != ACCESS_TOKEN_TYPE:
            return None
        claims = jwt.decode(
            token,
            jwt.PyJWK.from_dict(public).key,
            algorithms=[ALGORITHM],
            audience=server.settings.audience,
            issuer=server.settings.issuer,
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return None
    grant = server.db.get(TokenGrant, UUID(claims["gid"]))
    extra: dict[str, Any] = {name: claims[name] for name in _TOLD if name in claims}
    extra["token_type"] = "DPoP" if "cnf" in claims else "Bearer"
    return (
        Known(grant, datetime.fromtimestamp(claims["exp"], UTC), False, claims["scope"], extra, server.now)
        if grant
        else None
    )


class _OwnTokens:
    """Unknown hints are ignored, and another client's token looks like one that does not exist."""

    server: Any

    def check_params(self, request: Any, _client: OAuthClient) -> None:
        if "token" not in request.form:
            raise InvalidRequestError("Missing token in request.")

    def authenticate_token(self, request: Any, client: OAuthClient) -> Known | None:
        self.check_params(request, client)
        known = find(self.server, request.form["token"])
        return known if known and known.check_client(client) else None


class Revocation(_OwnTokens, RevocationEndpoint):  # type: ignore[misc]  # Authlib is untyped
    CLIENT_AUTH_METHODS = ("none", "client_secret_basic", "private_key_jwt")

    def revoke_token(self, token: Known, _request: Any) -> None:
        token.grant.revoke(self.server.now, "client_request")


class Introspection(_OwnTokens, IntrospectionEndpoint):  # type: ignore[misc]  # Authlib is untyped
    CLIENT_AUTH_METHODS = ("client_secret_basic", "private_key_jwt")

    def introspect_token(self, token: Known) -> dict[str, Any]:
        grant = token.grant
        return {
            "active": True,
            "iss": self.server.settings.issuer,
            "client_id": grant.client_id,
            "sub": subject_claims(grant)["sub"],
            "scope": token.scope,
            "exp": int(token.expires_at.timestamp()),
            **token.extra,
        }
