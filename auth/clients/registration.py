"""Registering clients (RFC 7591's fields, our rules), their life afterwards, and the demo's ready-made token."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
from sqlalchemy.ext.asyncio import AsyncSession

from auth.clients.authentication import ASSERTION_ALGORITHMS
from auth.clients.names import is_plain_text
from auth.clients.profiles import CODE, CREDENTIALS, EXCHANGE, PROFILES, REFRESH, Profile
from auth.clients.redirects import is_registrable
from auth.opaque import digest, new_secret
from auth.scopes import split
from auth.settings import AuthSettings
from auth.signing.keys import KeyRing
from auth.tables import OAuthClient, TokenGrant
from auth.tokens.signed import access_token
from domain.errors import Invalid, NotFound
from domain.values import utc_now

PHONE = "healthbook-phone"
PHONE_REDIRECTS = ("http://127.0.0.1/callback", "vn.healthbook.app:/callback")

_CLIENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,63}")
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_CURVES = frozenset({"P-256", "P-384"})
_KEPT_MEMBERS = ("kty", "crv", "x", "y", "n", "e", "kid", "use", "alg")
_MAX_KID = 255
_MIN_RSA_BITS, _MAX_RSA_BITS = 2048, 8192
_MAX_KEYS = 8
_MAX_NAME = 200
_MAX_URIS = 20
_UNAIDED = frozenset({REFRESH, EXCHANGE})
"""Grant types that need a token which another one brought."""


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
    post_logout_redirect_uris: Sequence[str] = (),
    organization_id: UUID | None = None,
    jwks: dict[str, Any] | None = None,
    status: str = "active",
    requires_par: bool | None = None,
    requires_dpop: bool | None = None,
    expires_at: datetime | None = None,
) -> Registered:
    """Add a client, or replace the registration of that client_id (its grants stay). Invalid names the field.

    `requires_par` and `requires_dpop` are the profile's unless told.
    """
    client = OAuthClient(
        client_id=client_id or str(uuid4()),
        name=name,
        kind=kind,
        status=status,
        auth_method=auth_method,
        grant_types=list(grant_types),
        scope=scope,
        created_at=utc_now(),
        redirect_uris=list(redirect_uris),
        post_logout_redirect_uris=list(post_logout_redirect_uris),
        organization_id=organization_id,
        expires_at=expires_at,
        jwks=jwks,
    )
    _settle(client, _profile_of(client), requires_par, requires_dpop)
    secret = _give_credential(client)
    await session.merge(client)
    await session.flush()
    return Registered(client.client_id, secret)


def _profile_of(client: OAuthClient) -> Profile:
    """The profile that a client fits as it was told, with what goes only together. Invalid names the field."""
    profile = check(
        kind=client.kind,
        name=client.name,
        auth_method=client.auth_method,
        grant_types=client.grant_types,
        scope=client.scope,
        redirect_uris=[*client.redirect_uris, *client.post_logout_redirect_uris],
        client_id=client.client_id,
    )
    if (CODE in client.grant_types) != bool(client.redirect_uris):
        raise Invalid("redirect_uris", "needed for the authorization code, and only for it")
    if profile.needs_organization != (client.organization_id is not None):
        raise Invalid("organization_id", "needed for a client of a facility, and only for one")
    if (client.auth_method == "private_key_jwt") != (client.jwks is not None):
        raise Invalid("jwks", "needed for private_key_jwt, and only for it")
    return profile


def _settle(client: OAuthClient, profile: Profile, requires_par: bool | None, requires_dpop: bool | None) -> None:
    """Name and scope in the form that is kept; what is asked of the client, by its profile unless told."""
    client.name = unicodedata.normalize("NFC", client.name)
    client.scope = " ".join(split(client.scope))
    client.requires_par = profile.requires_par(client.auth_method) if requires_par is None else requires_par
    client.requires_dpop = profile.requires_dpop if requires_dpop is None else requires_dpop


def _give_credential(client: OAuthClient) -> str | None:
    """A new secret, kept as its hash, where the client proves itself by one; of its keys what is kept of them."""
    secret = new_secret() if client.auth_method == "client_secret_basic" else None
    client.secret_hash = digest(secret) if secret else None
    client.jwks = public_jwks(client.jwks) if client.jwks is not None else None
    return secret


def check(
    *,
    kind: str,
    name: str,
    auth_method: str,
    grant_types: Sequence[str],
    scope: str,
    redirect_uris: Sequence[str],
    client_id: str = PHONE,
) -> Profile:
    """The profile of the kind, if the client fits it. Invalid names the first field that does not."""
    profile = PROFILES.get(kind)
    if profile is None:
        raise Invalid("kind", f"one of {', '.join(PROFILES)}")
    if not _CLIENT_ID.fullmatch(client_id):
        raise Invalid("client_id", "letters, digits, dot, dash and underscore, 3 to 64 characters")
    if not is_plain_text(name) or not 0 < len(name) <= _MAX_NAME:
        raise Invalid("name", f"1 to {_MAX_NAME} characters, no control characters, no changes of direction")
    if auth_method not in profile.auth_methods:
        raise Invalid("auth_method", f"one of {', '.join(sorted(profile.auth_methods))}")
    if not grant_types or not set(grant_types) <= profile.grant_types or _UNAIDED.issuperset(grant_types):
        raise Invalid("grant_types", f"some of {', '.join(sorted(profile.grant_types))}")
    if profile.excess(split(scope)):
        raise Invalid("scope", "more than a client of this kind may have")
    if len(redirect_uris) > _MAX_URIS or not all(is_registrable(uri) for uri in redirect_uris):
        raise Invalid("redirect_uris", "https, http on a loopback address, or a reversed domain name as scheme")
    return profile


async def register_phone(session: AsyncSession, scope: str, *, requires_dpop: bool = False) -> Registered:
    """The citizen's own app: public, first-party, any loopback port or its own scheme.

    GraphiQL and curl of the demo use it too, so it binds tokens to a key only where told.
    """
    return await register(
        session,
        client_id=PHONE,
        name="Sổ sức khỏe",
        kind="first_party",
        auth_method="none",
        grant_types=(CODE, REFRESH, EXCHANGE),
        scope=scope,
        redirect_uris=PHONE_REDIRECTS,
        requires_dpop=requires_dpop,
    )


async def register_facility(
    session: AsyncSession,
    *,
    name: str,
    organization_id: UUID,
    scope: str,
    client_id: str | None = None,
    jwks: dict[str, Any] | None = None,
) -> Registered:
    """A facility's backend: with signed assertions where it gives its keys, else with a secret."""
    return await register(
        session,
        client_id=client_id,
        name=name,
        kind="facility",
        auth_method="private_key_jwt" if jwks else "client_secret_basic",
        grant_types=(CREDENTIALS, EXCHANGE),
        scope=scope,
        organization_id=organization_id,
        jwks=jwks,
    )


async def register_clinician_app(
    session: AsyncSession,
    *,
    name: str,
    organization_id: UUID,
    scope: str,
    redirect_uris: Sequence[str],
    jwks: dict[str, Any],
    client_id: str | None = None,
) -> Registered:
    """Where the clinicians of one facility sign in as themselves."""
    return await register(
        session,
        client_id=client_id,
        name=name,
        kind="clinician",
        auth_method="private_key_jwt",
        grant_types=(CODE, REFRESH, EXCHANGE),
        scope=scope,
        redirect_uris=redirect_uris,
        organization_id=organization_id,
        jwks=jwks,
    )


async def find(session: AsyncSession, client_id: str) -> OAuthClient:
    """The client, its row locked; NotFound otherwise."""
    client = await session.get(OAuthClient, client_id, with_for_update=True) if client_id.isprintable() else None
    if client is None:
        raise NotFound("no such client")
    return client


async def suspend(session: AsyncSession, client_id: str) -> None:
    """From the next request on nothing of the client's is answered. Its grants stay, for the day it is activated."""
    (await find(session, client_id)).status = "suspended"


async def activate(session: AsyncSession, client_id: str) -> None:
    """After a review or a suspension. Invalid for a sandbox client past its end: it registers again."""
    client = await find(session, client_id)
    if client.expires_at is not None and client.expires_at <= utc_now():
        raise Invalid("client_id", "the registration is over")
    client.status = "active"


async def rotate_secret(session: AsyncSession, client_id: str) -> str:
    """A new secret, told here once; the old one is void at once. Invalid for a client that has none."""
    client = await find(session, client_id)
    if client.auth_method != "client_secret_basic":
        raise Invalid("client_id", "this client has no secret")
    secret = new_secret()
    client.secret_hash = digest(secret)
    return secret


async def replace_jwks(session: AsyncSession, client_id: str, jwks: dict[str, Any]) -> None:
    """Assertions must be signed with these keys from now on. Invalid for a client that signs none."""
    client = await find(session, client_id)
    if client.auth_method != "private_key_jwt":
        raise Invalid("client_id", "this client does not sign assertions")
    client.jwks = public_jwks(jwks)


def public_jwks(jwks: dict[str, Any]) -> dict[str, Any]:
    """The key set if every key is public, of a kind that assertions may use, and told apart by kid.

    Of each key only what verifies a signature is kept: no certificate, no address of one.
    """
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not 0 < len(keys) <= _MAX_KEYS or not all(_is_usable(key) for key in keys):
        raise Invalid("jwks", "one to eight public keys: EC P-256 or P-384, or RSA of 2048 bits and more")
    if len({key.get("kid") for key in keys}) != len(keys):
        raise Invalid("jwks", "every key needs its own kid")
    return {"keys": [_kept(key) for key in keys]}


def _kept(jwk: dict[str, Any]) -> dict[str, Any]:
    return {name: jwk[name] for name in _KEPT_MEMBERS if name in jwk}


def _is_usable(jwk: object) -> bool:
    if not isinstance(jwk, dict) or _PRIVATE_MEMBERS & jwk.keys():
        return False
    kept = _kept(jwk)
    if not all(isinstance(value, str) and value.isascii() and value.isprintable() for value in kept.values()):
        return False
    if len(kept.get("kid", "")) > _MAX_KID or kept.get("use", "sig") != "sig":
        return False
    if kept.get("alg", "ES256") not in ASSERTION_ALGORITHMS:
        return False
    try:
        key = jwt.PyJWK.from_dict(kept).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return False
    if jwk.get("kty") == "EC":
        return jwk.get("crv") in _CURVES
    return jwk.get("kty") == "RSA" and _MIN_RSA_BITS <= key.key_size <= _MAX_RSA_BITS


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
