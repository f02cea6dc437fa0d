"""Proof of possession (RFC 9449): a request carries a JWT signed with the key that its token is bound to.

A proof is for one method and one address of this server (built from the issuer, never from the Host header), made
within the last minute, and used once: its `jti` is kept in `auth.once`. Verified with another library than the one
that signs our tokens, and only with the public P-256 key in its own header, which is the point of a proof.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from auth.opaque import digest
from auth.tables import Once

ALGORITHMS = ("ES256",)
FRESH = timedelta(seconds=60)
"""How far `iat` may lie from our clock, on either side."""

_TYPE = "dpop+jwt"
_MAX_CHARS, _MAX_JTI = 4096, 255
_REQUIRED = ["jti", "htm", "htu", "iat"]
_COORDINATE = re.compile(r"[A-Za-z0-9_-]{43}")
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
_PUBLIC = {"kty", "crv", "x", "y"}
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


class InvalidProof(ValueError):
    """No proof, or one that does not hold; the message is fit for an error_description."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that holds, if it was not used before. `jkt` is the SHA-256 thumbprint of its key (RFC 7638)."""

    jkt: str
    key_hash: bytes
    expires_at: datetime

    def first_use(self) -> ReturningInsert[tuple[str]]:
        """One row the first time this statement is executed, none ever after."""
        row = {"kind": "dpop", "key_hash": self.key_hash, "expires_at": self.expires_at}
        return insert(Once).values(row).on_conflict_do_nothing().returning(Once.kind)


def is_thumbprint(text: str) -> bool:
    """Whether it can be a `jkt`: base64url of 32 bytes."""
    return _THUMBPRINT.fullmatch(text) is not None


def ath(access_token: str) -> str:
    """The hash that a proof names its access token by (RFC 9449 4.2)."""
    return _base64url(hashlib.sha256(access_token.encode("ascii")).digest())


def check(headers: Sequence[str], *, method: str, url: str, now: datetime, access_token: str | None = None) -> Proof:
    """The proof in a request's DPoP headers (RFC 9449 4.3), all but its replay; InvalidProof otherwise."""
    if len(headers) != 1 or len(headers[0]) > _MAX_CHARS:
        raise InvalidProof("Exactly one DPoP proof is needed.")
    claims, jkt = _verified(headers[0])
    jti, issued = claims["jti"], claims["iat"]
    if not isinstance(jti, str) or not 0 < len(jti) <= _MAX_JTI:
        raise InvalidProof("The jti of the DPoP proof is not usable.")
    if claims["htm"] != method or _bare(claims["htu"]) != url:
        raise InvalidProof("The DPoP proof is for another request.")
    if type(issued) is not int or abs(now.timestamp() - issued) > FRESH.total_seconds():
        raise InvalidProof("The DPoP proof is not fresh.")
    if access_token is not None and not _names(claims.get("ath"), access_token):
        raise InvalidProof("The DPoP proof is for another token.")
    return Proof(jkt, digest(f"{jkt} {jti}"), now + 2 * FRESH)


def _verified(proof: str) -> tuple[dict[str, Any], str]:
    """Claims and key thumbprint of a proof whose signature holds."""
    try:
        header = jwt.get_unverified_header(proof)
        jwk = _public_jwk(header)
        claims: dict[str, Any] = jwt.decode(
            proof,
            jwt.PyJWK.from_dict(jwk, algorithm="ES256").key,
            algorithms=list(ALGORITHMS),
            leeway=FRESH,
            options={"require": _REQUIRED, "verify_aud": False, "verify_iat": False, "verify_iss": False},
        )
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError):
        raise InvalidProof("The DPoP proof is not valid.") from None
    return claims, _thumbprint(jwk)


def _public_jwk(header: dict[str, Any]) -> dict[str, str]:
    """The four members that make a P-256 key, from a header that holds no private one."""
    jwk = header.get("jwk")
    if header.get("typ") != _TYPE or header.get("alg") not in ALGORITHMS or not isinstance(jwk, dict):
        raise InvalidProof("The DPoP proof is not valid.")
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256" or _PRIVATE & jwk.keys():
        raise InvalidProof("The key of the DPoP proof is not usable.")
    if not all(isinstance(jwk.get(name), str) and _COORDINATE.fullmatch(jwk[name]) for name in ("x", "y")):
        raise InvalidProof("The key of the DPoP proof is not usable.")
    return {name: jwk[name] for name in sorted(_PUBLIC)}


def _thumbprint(jwk: dict[str, str]) -> str:
    """RFC 7638 3.2; the members are plain ASCII without anything to escape."""
    members = ",".join(f'"{name}":"{jwk[name]}"' for name in sorted(_PUBLIC))
    return _base64url(hashlib.sha256(f"{{{members}}}".encode()).digest())


def _bare(htu: object) -> str:
    """The address without query and fragment (RFC 9449 4.3, item 9)."""
    return htu.partition("#")[0].partition("?")[0] if isinstance(htu, str) else ""


def _names(claim: object, access_token: str) -> bool:
    return isinstance(claim, str) and hmac.compare_digest(claim.encode("utf-8", "replace"), ath(access_token).encode())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
