"""Who is calling the API: a bearer token (RFC 6750) that is one of our access tokens (RFC 9068). No I/O.

Verified with another library than the one that signs, so that a mistake of either shows. The answer names a
grant; whether that grant still lives is asked of the database with the request itself.
"""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from auth.keys import ALGORITHM, public_keys
from auth.opaque import digest
from auth.settings import AuthSettings
from auth.tokens import ACCESS_TOKEN_TYPE

MAX_TOKEN_CHARS = 8192
CACHED_TOKENS = 10_000
LEEWAY_S = 5
REFRESH_EVERY_S = 10

_B64TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
_REQUIRED = ["iss", "aud", "sub", "client_id", "gid", "scope", "jti", "iat", "exp"]


@dataclass(frozen=True, slots=True)
class Caller:
    """`subject` is the citizen, None for a client on its own behalf. `expires_at` is in seconds since 1970."""

    grant_id: UUID
    client_id: str
    subject: UUID | None
    scopes: frozenset[str]
    expires_at: int


class InvalidToken(Exception):
    """A request without a usable token. `challenge()` is the WWW-Authenticate of RFC 6750 3.

    `error` is None where no token was offered: such a request learns no error code (RFC 6750 3.1).
    """

    def __init__(self, error: str | None, description: str, status: int = 401) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status

    def challenge(self) -> str:
        if self.error is None:
            return 'Bearer realm="healthbook"'
        return f'Bearer realm="healthbook", error="{self.error}", error_description="{self.description}"'


class UnknownKey(InvalidToken):
    """Signed with a key not seen yet: a rotation, or a forgery. Worth one `refresh`, then final."""


def bearer_token(authorization: Sequence[str]) -> str:
    """The token of a request's Authorization headers. InvalidToken: none (401), or malformed (400)."""
    if not authorization:
        raise InvalidToken(None, "A bearer token is needed.")
    if len(authorization) > 1:
        raise InvalidToken("invalid_request", "More than one Authorization header.", 400)
    scheme, _, token = authorization[0].strip().partition(" ")
    if scheme.lower() != "bearer":
        raise InvalidToken(None, "A bearer token is needed.")
    token = token.strip()
    if len(token) > MAX_TOKEN_CHARS or not _B64TOKEN.fullmatch(token):
        raise InvalidToken("invalid_request", "The bearer token is malformed.", 400)
    return token


class Verifier:
    """Checks tokens against the public keys it holds; `refresh` reads them from the database.

    A checked token is remembered by its SHA-256 until it expires (a signature costs 0.12 ms, a look-up 0.001);
    of too many, the ones first seen are forgotten, which are also the first to expire.
    """

    def __init__(self, settings: AuthSettings, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._issuer = settings.issuer
        self._audience = settings.audience
        self._sessions = sessions
        self._keys: dict[str, Any] = {}
        self._seen: OrderedDict[bytes, Caller] = OrderedDict()
        self._refreshed_at = float("-inf")
        self._refreshing = asyncio.Lock()

    async def caller(self, authorization: Sequence[str]) -> Caller:
        """The caller of a request with these Authorization headers; InvalidToken otherwise."""
        token = bearer_token(authorization)
        try:
            return self.verify(token)
        except UnknownKey:
            await self.refresh()
            return self.verify(token)

    async def refresh(self) -> None:
        """Read the keys again, at most every few seconds: forged kids do not become database load."""
        async with self._refreshing:
            if time.monotonic() - self._refreshed_at < REFRESH_EVERY_S:
                return
            async with self._sessions() as session:
                self.use_keys(await public_keys(session))
            self._refreshed_at = time.monotonic()

    def use_keys(self, public: Mapping[str, dict[str, Any]]) -> None:
        """Trust exactly these JWKs, by kid. A key that disappears takes the tokens it signed with it."""
        if not self._keys.keys() <= public.keys():
            self._seen.clear()
        self._keys = {kid: jwt.PyJWK.from_dict(dict(jwk)).key for kid, jwk in public.items()}

    def verify(self, token: str) -> Caller:
        if len(token) > MAX_TOKEN_CHARS:
            raise InvalidToken("invalid_request", "The bearer token is malformed.", 400)
        key = digest(token)
        known = self._seen.get(key)
        if known is None:
            known = self._check(token)
            self._remember(key, known)
        elif known.expires_at + LEEWAY_S <= time.time():
            del self._seen[key]
            raise _invalid("The access token expired.")
        return known

    def _remember(self, key: bytes, caller: Caller) -> None:
        self._seen[key] = caller
        if len(self._seen) > CACHED_TOKENS:
            self._seen.popitem(last=False)

    def _check(self, token: str) -> Caller:
        try:
            claims = jwt.decode(
                token,
                self._key_of(token),
                algorithms=[ALGORITHM],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_S,
                options={"require": _REQUIRED},
            )
            return _caller(claims)
        except jwt.ExpiredSignatureError:
            raise _invalid("The access token expired.") from None
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError):
            raise _invalid("The access token is not valid.") from None

    def _key_of(self, token: str) -> Any:
        """Our own key of exactly this kid. Whatever else the header offers (jwk, jku, x5u) is not looked at."""
        header = jwt.get_unverified_header(token)
        if header.get("typ") != ACCESS_TOKEN_TYPE or header.get("alg") != ALGORITHM:
            raise _invalid("The access token is not valid.")
        kid = header.get("kid")
        if not isinstance(kid, str):
            raise _invalid("The access token is not valid.")
        if kid not in self._keys:
            raise UnknownKey("invalid_token", "The access token is not valid.")
        return self._keys[kid]


def _invalid(description: str) -> InvalidToken:
    return InvalidToken("invalid_token", description)


def _caller(claims: dict[str, Any]) -> Caller:
    client_id, subject = str(claims["client_id"]), claims["sub"]
    return Caller(
        grant_id=UUID(claims["gid"]),
        client_id=client_id,
        subject=None if subject == client_id else UUID(subject),
        scopes=frozenset(claims["scope"].split(" ")),
        expires_at=int(claims["exp"]),
    )
