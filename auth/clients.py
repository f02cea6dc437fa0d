"""Registering clients (RFC 7591's fields, our rules) and the demo's ready-made token."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
from sqlalchemy.ext.asyncio import AsyncSession

from auth.keys import KeyRing
from auth.opaque import digest, new_secret
from auth.redirects import is_registrable
from auth.scopes import split
from auth.settings import AuthSettings
from auth.tables import OAuthClient, TokenGrant
from auth.tokens import access_token
from domain.errors import Invalid, NotFound
from domain.values import utc_now

PHONE = "healthbook-phone"
PHONE_REDIRECTS = ("http://127.0.0.1/callback", "vn.healthbook.app:/callback")

_CLIENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,63}")
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_CURVES = frozenset({"P-256", "P-384"})
_MIN_RSA_BITS = 2048
_MAX_KEYS = 8


@dataclass(frozen=True, slots=True)
class Registered:
    """`secret` is told here once and kept nowhere; None for clients without one."""

    client_id: str
    secret: str | None


async def register(
    session: AsyncSession,
    *,
    name: str,
    kind: str,
    auth_method: str,
    grant_types: Sequence[str],
    scope: str,
    client_id: str | None = None,
    redirect_uris: Sequence[str] = (),
    organization_id: UUID | None = None,
    jwks: dict[str, Any] | None = None,
    status: str = "active",
) -> Registered:
    """Add a client, or replace the registration of that client_id (its grants stay). Invalid names the field."""
    client_id = client_id or str(uuid4())
    if not _CLIENT_ID.fullmatch(client_id):
        raise Invalid("client_id", "letters, digits, dot, dash and underscore, 3 to 64 characters")
    if not all(is_registrable(uri) for uri in redirect_uris):
        raise Invalid("redirect_uris", "https, http on a loopback address, or a reversed domain name as scheme")
    if ("authorization_code" in grant_types) != bool(redirect_uris):
        raise Invalid("redirect_uris", "needed for the authorization code, and only for it")
    secret = new_secret() if auth_method == "client_secret_basic" else None
    client = OAuthClient(
        client_id=client_id,
        name=name,
        kind=kind,
        status=status,
        auth_method=auth_method,
        grant_types=list(grant_types),
        scope=" ".join(split(scope)),
        created_at=utc_now(),
        redirect_uris=list(redirect_uris),
        organization_id=organization_id,
        secret_hash=digest(secret) if secret else None,
        jwks=public_jwks(jwks) if jwks is not None else None,
    )
    await session.merge(client)
    await session.flush()
    return Registered(client_id, secret)


async def register_phone(session: AsyncSession, scope: str) -> Registered:
    """The citizen's own app: public, first-party, any loopback port or its own scheme."""
    return await register(
        session,
        client_id=PHONE,
        name="Sổ sức khỏe",
        kind="first_party",
        auth_method="none",
        grant_types=("authorization_code", "refresh_token"),
        scope=scope,
        redirect_uris=PHONE_REDIRECTS,
    )


async def register_facility(
    session: AsyncSession, *, name: str, organization_id: UUID, scope: str, client_id: str | None = None
) -> Registered:
    """A facility's backend with a secret, for client_credentials only."""
    return await register(
        session,
        client_id=client_id,
        name=name,
        kind="facility",
        auth_method="client_secret_basic",
        grant_types=("client_credentials",),
        scope=scope,
        organization_id=organization_id,
    )


def public_jwks(jwks: dict[str, Any]) -> dict[str, Any]:
    """The key set if every key is public, of a kind that assertions may use, and told apart by kid."""
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not 0 < len(keys) <= _MAX_KEYS or not all(_is_usable(key) for key in keys):
        raise Invalid("jwks", "one to eight public keys: EC P-256 or P-384, or RSA of 2048 bits and more")
    if len({key.get("kid") for key in keys}) != len(keys):
        raise Invalid("jwks", "every key needs its own kid")
    return {"keys": keys}


def _is_usable(jwk: object) -> bool:
    if not isinstance(jwk, dict) or _PRIVATE_MEMBERS & jwk.keys():
        return False
    try:
        key = jwt.PyJWK.from_dict(jwk).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return False
    if jwk.get("kty") == "EC":
        return jwk.get("crv") in _CURVES
    return jwk.get("kty") == "RSA" and key.key_size >= _MIN_RSA_BITS


async def issue_demo_token(
    session: AsyncSession, ring: KeyRing, settings: AuthSettings, *, citizen_id: UUID, scope: str, life: timedelta
) -> str:
    """An access token of the phone client without a browser, for the demo's curl line and GraphiQL.

    It stands on a real grant, so it is read and revoked like any other. NotFound without demo sign-in.
    """
    if not settings.demo_sign_in:
        raise NotFound("there is no demo here")
    now = utc_now()
    grant = TokenGrant(
        client_id=PHONE,
        citizen_id=citizen_id,
        scope=" ".join(split(scope)),
        acr="demo",
        auth_time=now,
        created_at=now,
        expires_at=now + life,
    )
    session.add(grant)
    await session.flush()
    return access_token(ring.signing, settings, grant, scope=grant.scope, now=now, life=life)
