"""Who is calling the API: one of our access tokens (RFC 9068), as a bearer (RFC 6750) or with proof (RFC 9449).

A bearer token needs no I/O. A token bound to a key is of use only with a fresh proof of that key, which is written
down in the database, in one round trip, so that no other worker takes the same proof again.

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

from auth.opaque import digest
from auth.settings import AuthSettings
from auth.signing.keys import ALGORITHM, public_keys
from auth.tokens import dpop
from auth.tokens.signed import ACCESS_TOKEN_TYPE
from domain.values import utc_now

MAX_TOKEN_CHARS = 8192
CACHED_TOKENS = 10_000
LEEWAY_S = 5
REFRESH_EVERY_S = 10
BEARER, PROOF = "bearer", "dpop"

_B64TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
_REQUIRED = ["iss", "aud", "sub", "client_id", "gid", "scope", "jti", "iat", "exp"]


@dataclass(frozen=True, slots=True)
class Caller:
    """`subject` is the citizen, None for a client on its own behalf. `expires_at` is in seconds since 1970.

    `patient` is the one patient for whom he acts, where the token says so (RFC 8693 `act`). `jkt` names the key that
    the token is bound to. `acr` and `auth_time` (seconds since 1970) tell how and when he signed in.
    """

    grant_id: UUID
    client_id: str
    subject: UUID | None
    scopes: frozenset[str]
    expires_at: int
    patient: UUID | None = None
    jkt: str | None = None
    acr: str | None = None
    auth_time: int | None = None


@dataclass(frozen=True, slots=True)
class Offered:
    """What a request brings to show who calls. `url` is built from the issuer, without a query."""

    authorization: Sequence[str]
    proofs: Sequence[str] = ()
    method: str = ""
    url: str = ""


class InvalidToken(Exception):
    """A request without a usable token. `challenge()` is the WWW-Authenticate of RFC 6750 3 and RFC 9449 7.1.

    `error` is None where no token was offered: such a request learns no error code (RFC 6750 3.1).
    """

    def __init__(self, error: str | None, description: str, status: int = 401, *, scheme: str = BEARER) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status
        self.scheme = scheme

    def challenge(self) -> str:
        """Both schemes, the reason with the one that was tried."""
        told = f', error="{self.error}", error_description="{self.description}"' if self.error else ""
        bearer, proof = (told, "") if self.scheme == BEARER else ("", told)
        return f'Bearer realm="healthbook"{bearer}, DPoP algs="{" ".join(dpop.ALGORITHMS)}"{proof}'


class UnknownKey(InvalidToken):
    """Signed with a key not seen yet: a rotation, or a forgery. Worth one `refresh`, then final."""


def offered_token(authorization: Sequence[str]) -> tuple[str, str]:
    """Scheme (`bearer` or `dpop`) and token of a request's Authorization headers.

    InvalidToken: none (401), or malformed (400).
    """
    if not authorization:
        raise InvalidToken(None, "A bearer token is needed.")
    if len(authorization) > 1:
        raise InvalidToken("invalid_request", "More than one Authorization header.", 400)
    scheme, _, token = authorization[0].strip().partition(" ")
    if scheme.lower() not in {BEARER, PROOF}:
        raise InvalidToken(None, "A bearer token is needed.")
    token = token.strip()
    if len(token) > MAX_TOKEN_CHARS or not _B64TOKEN.fullmatch(token):
        raise InvalidToken("invalid_request", "The bearer token is malformed.", 400, scheme=scheme.lower())
    return scheme.lower(), token


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

    @property
    def issuer(self) -> str:
        """The origin that the addresses in proofs begin with."""
        return self._issuer

    async def caller(self, offered: Offered) -> Caller:
        """The caller of a request; InvalidToken otherwise. Neither scheme takes the other's tokens (RFC 9449 7.2)."""
        scheme, token = offered_token(offered.authorization)
        caller = await self._verified(token, scheme)
        if scheme == PROOF and caller.jkt is not None:
            await self._prove(offered, token, caller.jkt)
        elif scheme == PROOF or caller.jkt is not None:
            raise InvalidToken("invalid_token", "The access token is of the other scheme.", scheme=scheme)
        return caller

    async def _verified(self, token: str, scheme: str) -> Caller:
        try:
            try:
                return self.verify(token)
            except UnknownKey:
                await self.refresh()
                return self.verify(token)
        except InvalidToken as refused:
            refused.scheme = scheme
            raise

    async def _prove(self, offered: Offered, token: str, jkt: str) -> None:
        """InvalidToken unless the request proves the key `jkt`, for the first time with this proof."""
        try:
            proof = dpop.check(
                offered.proofs, method=offered.method, url=offered.url, now=utc_now(), access_token=token
            )
        except dpop.InvalidProof as error:
            raise InvalidToken("invalid_dpop_proof", str(error), scheme=PROOF) from None
        if proof.jkt != jkt:
            raise InvalidToken("invalid_token", "The access token is bound to another key.", scheme=PROOF)
        if not await self._is_new(proof):
            raise InvalidToken("invalid_dpop_proof", "The DPoP proof was used before.", scheme=PROOF)

    async def _is_new(self, proof: dpop.Proof) -> bool:
        """One statement, one round trip: without a transaction of its own around it."""
        async with self._sessions() as session:
            connection = await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
            return (await connection.execute(proof.first_use())).first() is not None

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
        except (jwt.PyJWTError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError):
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
    client_id, bound_to = str(claims["client_id"]), claims.get("cnf")
    subject, patient = _people(claims["sub"], claims["act"]["sub"] if "act" in claims else None, client_id)
    return Caller(
        grant_id=UUID(claims["gid"]),
        client_id=client_id,
        subject=subject,
        scopes=frozenset(claims["scope"].split(" ")),
        expires_at=int(claims["exp"]),
        patient=patient,
        jkt=_thumbprint(bound_to) if bound_to is not None else None,
        acr=claims.get("acr"),
        auth_time=claims.get("auth_time"),
    )


def _people(subject: str, actor: str | None, client_id: str) -> tuple[UUID | None, UUID | None]:
    """The citizen who asks and the patient he acts for; a client that acts for a citizen changes neither."""
    if actor is not None and actor != client_id:
        return UUID(actor), UUID(subject)
    return (None if subject == client_id else UUID(subject)), None


def _thumbprint(confirmation: dict[str, Any]) -> str:
    """A token that is bound in a way this server does not know is of no use (RFC 7800 3.1)."""
    jkt = confirmation["jkt"]
    if not isinstance(jkt, str) or not dpop.is_thumbprint(jkt):
        raise ValueError("cnf")
    return jkt
