"""The tokens this server signs: RFC 9068 access tokens and OpenID Connect id_tokens, ES256, five minutes.

An access token names its grant (`gid`). What the grant may read is looked up at every request, so a token of a
revoked grant opens nothing although its signature holds.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from authlib.oidc.core.grants.code import OpenIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

from auth.scopes import split
from auth.settings import AuthSettings
from auth.signing.keys import ALGORITHM
from auth.smart import FHIR_USER
from auth.tables import TokenGrant

ACCESS_TOKEN_LIFE = timedelta(minutes=5)
ACCESS_TOKEN_TYPE = "at+jwt"  # noqa: S105 - the media type of RFC 9068 2.1


def access_token(
    signing: KeySet,
    settings: AuthSettings,
    grant: TokenGrant,
    *,
    scope: str,
    now: datetime,
    life: timedelta,
    jkt: str | None = None,
) -> str:
    """RFC 9068 2.2. `jkt` binds the token to a key (RFC 9449 6.1); a grant that is bound binds all its tokens."""
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": settings.issuer,
        "aud": settings.audience,
        **subject_claims(grant),
        "client_id": grant.client_id,
        "gid": str(grant.id),
        "scope": scope,
        "jti": uuid4().hex,
        "iat": issued,
        "exp": issued + int(life.total_seconds()),
        **sign_in_claims(grant),
    }
    bound_to = jkt or grant.jkt
    if bound_to:
        claims["cnf"] = {"jkt": bound_to}
    return jwt.encode({"alg": ALGORITHM, "typ": ACCESS_TOKEN_TYPE}, claims, signing)


def subject_claims(grant: TokenGrant) -> dict[str, Any]:
    """Whom the token is about: the citizen, the patient he acts for (RFC 8693 4.1), or the client itself.

    After the exchange of a clinician's token `act` is the system that works for him.
    """
    if grant.patient_id is not None:
        return {"sub": str(grant.patient_id), "act": {"sub": str(grant.citizen_id)}}
    if grant.parent_id is not None:
        return {"sub": str(grant.citizen_id), "act": {"sub": grant.client_id}}
    return {"sub": str(grant.citizen_id or grant.client_id)}


def session_id(grant: TokenGrant) -> str:
    """What id_tokens call the sign-in (`sid`), so that a logout ends this one; tells nothing of the grant's id."""
    return hashlib.sha256(f"sid {grant.id}".encode()).hexdigest()[:32]


def sign_in_claims(grant: TokenGrant) -> dict[str, Any]:
    """When and how strongly the citizen signed in (OpenID Connect Core 2); nothing for a client's own grant."""
    if grant.auth_time is None:
        return {}
    claims: dict[str, Any] = {"auth_time": int(grant.auth_time.timestamp())}
    return {**claims, "acr": grant.acr} if grant.acr else claims


class IdToken(OpenIDToken):  # type: ignore[misc]  # Authlib is untyped
    """Adds `id_token` to answers whose scope has openid, on code and refresh alike, with the first sign-in's time."""

    def __init__(
        self, signing: KeySet, settings: AuthSettings, now: datetime, fhir_user: Callable[[TokenGrant], str]
    ) -> None:
        self._signing = signing
        self._settings = settings
        self._now = now
        self._fhir_user = fhir_user

    def resolve_client_private_key(self, _client: Any) -> KeySet:
        return self._signing

    def get_client_algorithm(self, _client: Any) -> str:
        return ALGORITHM

    def get_compatible_claims(self, request: Any) -> dict[str, Any]:
        issued = int(self._now.timestamp())
        grant: TokenGrant = request.grant_row
        claims: dict[str, Any] = {
            "iss": self._settings.issuer,
            "aud": [request.client.client_id],
            "iat": issued,
            "exp": issued + int(ACCESS_TOKEN_LIFE.total_seconds()),
            "sid": session_id(grant),
            **sign_in_claims(grant),
        }
        if FHIR_USER in split(grant.scope):
            claims["fhirUser"] = self._fhir_user(grant)
        return claims

    def get_authorization_code_claims(self, authorization_code: Any) -> dict[str, Any]:
        return {"nonce": authorization_code.nonce} if authorization_code.nonce else {}

    def generate_user_info(self, user: Any, _scope: str) -> dict[str, str]:
        return {"sub": user.get_user_id()}
