"""What commands sign with the receipt key, and how its signatures are checked: consent receipts, ends of days."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from jwt.types import Options
from sqlalchemy.ext.asyncio import async_sessionmaker

from auth.settings import decode_kek
from auth.signing.keys import ALGORITHM, RECEIPT, KeyStore, public_keys
from auth.signing.receipts import TYPE as RECEIPT_TYPE
from auth.signing.receipts import receipt_signer
from cli.sessions import auth_session
from cli.settings import Addresses, data_folder, keys
from domain.audit.sealing import Sign
from domain.audit.verifying import Check
from domain.database import open_engine

ROOT_TYPE = "access-log-root+jwt"
"""`typ` of the signed end of a day, so that none is taken for a receipt (RFC 8725 3.11)."""
EMBEDDED_ISSUER = "http://127.0.0.1:8000"
_UNCHECKED: Options = {"verify_aud": False, "verify_iss": False, "verify_iat": False, "verify_exp": False}


@dataclass(frozen=True, slots=True)
class Signing:
    """In whose name a command signs, and the key that opens the signing keys."""

    addresses: Addresses
    issuer: str
    kek: bytes = field(repr=False)

    @classmethod
    def of(cls, addresses: Addresses, environ: Mapping[str, str]) -> "Signing | None":
        """None where issuer or key-encryption key of a real server were not told. ValueError: the key is none."""
        if environ.get("HEALTHBOOK_DATABASE_URL"):
            issuer, kek = environ.get("HEALTHBOOK_ISSUER"), environ.get("HEALTHBOOK_KEK")
        else:
            issuer = environ.get("HEALTHBOOK_ISSUER") or EMBEDDED_ISSUER
            kek = keys(environ, data_folder(environ))["HEALTHBOOK_KEK"]
        return cls(addresses, issuer, decode_kek(kek)) if issuer and kek else None

    async def signer(self, typ: str = RECEIPT_TYPE) -> Sign:
        """With the active receipt key. ValueError: the key-encryption key does not open it."""
        engine = open_engine(self.addresses.auth)
        try:
            ring = await KeyStore(async_sessionmaker(engine), self.kek, use=RECEIPT).ring()
        finally:
            await engine.dispose()
        return receipt_signer(ring, self.issuer, typ=typ)


async def root_checker(addresses: Addresses) -> Check:
    """Checks the signed ends of days with every receipt key there ever was."""
    async with auth_session(addresses) as session:
        public = await public_keys(session, RECEIPT)
    known = {kid: jwt.PyJWK.from_dict(jwk).key for kid, jwk in public.items()}

    def check(signed: str) -> Mapping[str, Any] | None:
        try:
            header = jwt.get_unverified_header(signed)
            if header.get("typ") != ROOT_TYPE or header.get("kid") not in known:
                return None
            claims: dict[str, Any] = jwt.decode(
                signed, known[header["kid"]], algorithms=[ALGORITHM], options=_UNCHECKED
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            return None
        return claims

    return check
