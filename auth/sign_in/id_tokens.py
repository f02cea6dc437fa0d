"""Whether an id_token of the national provider says what it must (OpenID Connect Core 3.1.3.7).

PyJWT verifies, with the key that the token's kid names in the provider's own set and nothing else from its header.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from auth.settings import NationalSettings
from auth.sign_in.levels import CLOCK_SKEW

_REQUIRED = ["iss", "sub", "aud", "exp", "iat", "nonce", "acr", "auth_time"]
_FAMILIES = {"ES256": "EC", "ES384": "EC", "RS256": "RSA", "PS256": "RSA"}
_SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")
_LONGEST = 16_384
_MIN_RSA_BITS = 2048


class TokenRefused(Exception):
    """`reason` is a stable word for the log: nothing of the token stands in it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnknownKey(Exception):
    """The token names a key that the set does not hold: the set may be old."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What this very sign-in asked for."""

    settings: NationalSettings
    algorithms: Sequence[str]
    nonce: str
    max_age: timedelta
    access_token: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Verified:
    subject: str
    auth_time: datetime
    claims: dict[str, Any]


def verify(id_token: str, keys: Sequence[dict[str, Any]], expected: Expected) -> Verified:
    """TokenRefused says why not; UnknownKey asks for newer keys."""
    claims = _signed(id_token, keys, expected)
    _check(claims["nonce"] == expected.nonce, "nonce")
    _check(_is_for(claims, expected.settings.client_id), "azp")
    _check(_SUBJECT.fullmatch(claims["sub"]) is not None, "sub")
    _check(_fits(claims.get("at_hash"), expected.access_token, id_token), "at_hash")
    _check(claims["acr"] in expected.settings.acr, "acr")
    return Verified(claims["sub"], _auth_time(claims["auth_time"], expected), claims)


def _signed(id_token: str, keys: Sequence[dict[str, Any]], expected: Expected) -> dict[str, Any]:
    _check(len(id_token) <= _LONGEST, "long")
    try:
        header = jwt.get_unverified_header(id_token)
        algorithm = str(header.get("alg"))
        _check(algorithm in expected.algorithms, "alg")
        return jwt.decode(
            id_token,
            _key(keys, header.get("kid"), _FAMILIES[algorithm]),
            algorithms=[algorithm],
            audience=expected.settings.client_id,
            issuer=expected.settings.issuer,
            leeway=CLOCK_SKEW,
            options={"require": _REQUIRED},
        )
    except jwt.PyJWTError as error:
        raise TokenRefused(type(error).__name__) from None
    except (ValueError, TypeError, RecursionError, OverflowError):
        raise TokenRefused("malformed") from None


def _key(keys: Sequence[dict[str, Any]], kid: object, family: str) -> Any:
    """The one key of the kind that the kid names, or the only one there is for a token without a kid."""
    usable = [key for key in keys if key.get("kty") == family and key.get("use", "sig") == "sig"]
    found = usable if kid is None else [key for key in usable if key.get("kid") == kid]
    if not found and kid is not None:
        raise UnknownKey
    _check(len(found) == 1, "key")
    key = jwt.PyJWK.from_dict({name: value for name, value in found[0].items() if name != "alg"}).key
    _check(family != "RSA" or key.key_size >= _MIN_RSA_BITS, "key")
    return key


def _is_for(claims: dict[str, Any], client_id: str) -> bool:
    """`azp` names this client, and must where other audiences are named too (3.1.3.7, 4 and 5)."""
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    azp = claims.get("azp")
    return azp == client_id or (azp is None and not several)


def _fits(at_hash: object, access_token: str, id_token: str) -> bool:
    """3.1.3.8: the left half of the hash of the access token, where the provider tells it."""
    if at_hash is None:
        return True
    algorithm = str(jwt.get_unverified_header(id_token)["alg"])
    whole = hashlib.new(f"sha{algorithm[2:]}", access_token.encode()).digest()
    half = base64.urlsafe_b64encode(whole[: len(whole) // 2]).rstrip(b"=")
    return isinstance(at_hash, str) and hmac.compare_digest(half, at_hash.encode("utf-8", "surrogatepass"))


def _auth_time(told: object, expected: Expected) -> datetime:
    """When the citizen proved who he is at the provider: not in the future, and no longer ago than asked."""
    _check(isinstance(told, int) and not isinstance(told, bool), "auth_time")
    try:
        moment = datetime.fromtimestamp(int(str(told)), UTC)
    except (ValueError, OverflowError, OSError):
        raise TokenRefused("auth_time") from None
    age = expected.now - moment
    _check(-CLOCK_SKEW <= age <= expected.max_age + CLOCK_SKEW, "auth_time")
    return min(moment, expected.now)


def _check(holds: bool, reason: str) -> None:
    if not holds:
        raise TokenRefused(reason)
