"""Consent receipts: a signed statement of what a citizen decided, which anybody verifies with the public receipt keys.

JWS (RFC 7515) over ES256, typ `consent-receipt+jwt` so that no verifier of tokens takes one for a token (RFC 8725
3.11). The keys are those of use `receipt` (keys.py), published for ever at /oauth/receipt-jwks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from joserfc import jws

from auth.provider import Provider
from auth.signing.keys import ALGORITHM, RECEIPT, KeyRing, KeyStore
from domain.consents.events import Sign

TYPE = "consent-receipt+jwt"


def receipt_signer(ring: KeyRing, issuer: str, *, typ: str = TYPE) -> Sign:
    """Signs claims of the issuer with the one active key of the ring; the header names it (`kid`)."""
    [key] = ring.signing.keys

    def sign(claims: Mapping[str, Any]) -> str:
        header = {"alg": ALGORITHM, "kid": key.kid, "typ": typ}
        payload = orjson.dumps({"iss": issuer, **claims}, option=orjson.OPT_SORT_KEYS)
        return jws.serialize_compact(header, payload, key, algorithms=[ALGORITHM])

    return sign


@dataclass(frozen=True, slots=True)
class Receipts:
    """The receipt keys of this process, as something that signs."""

    keys: KeyStore
    issuer: str

    @classmethod
    def of(cls, provider: Provider) -> "Receipts":
        keys = KeyStore(provider.sessions, provider.settings.kek, use=RECEIPT)
        return cls(keys, provider.settings.issuer)

    async def signer(self) -> Sign:
        """Good for one request: keys rotate."""
        return receipt_signer(await self.keys.ring(), self.issuer)
