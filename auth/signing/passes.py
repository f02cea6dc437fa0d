"""Check-in passes as tokens: JWS (RFC 7515) over ES256, typ `check-in-pass+jwt` (RFC 8725 3.11).

The keys are those of use `pass` (keys.py), published at /oauth/pass-jwks. Unlike those of receipts they go when
they are old or lost, for a clinic without a connection has nothing but the signature to go by.
"""

from dataclasses import dataclass
from typing import Any

import jwt
from jwt.types import Options

from auth.signing.keys import ALGORITHM, KeyStore
from auth.signing.receipts import receipt_signer
from domain.consents.events import Sign

TYPE = "check-in-pass+jwt"
LONGEST = 2000
"""Characters; a pass has some six hundred, so that a QR holds it (ISO/IEC 18004: 2331 at level M)."""
_AT_ANY_TIME: Options = {
    "require": ["iss", "aud", "jti", "iat", "nbf", "exp", "appointment"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
}


@dataclass(frozen=True, slots=True)
class Passes:
    """The pass keys of this process, as something that signs and knows its own."""

    keys: KeyStore
    issuer: str

    async def signer(self) -> Sign:
        """Good for one request: keys rotate."""
        return receipt_signer(await self.keys.ring(), self.issuer, typ=TYPE)

    async def read(self, text: str) -> dict[str, Any] | None:
        """The claims of a pass of ours, for whichever clinic and hour; None for everything else."""
        if len(text) > LONGEST or not text.isascii():
            return None
        public = (await self.keys.ring()).public
        try:
            header = jwt.get_unverified_header(text)
            if header.get("typ") != TYPE:
                return None
            claims = jwt.decode(
                text,
                jwt.PyJWK.from_dict(dict(public[header["kid"]])).key,
                algorithms=[ALGORITHM],
                issuer=self.issuer,
                options=_AT_ANY_TIME,
            )
        except (jwt.PyJWTError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError):
            return None
        return claims if isinstance(claims["jti"], str) and isinstance(claims["aud"], str) else None
