"""What the authorization server needs to know from outside; read once by the commands of `cli/`."""

import base64
import binascii
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

KEK_BYTES = 32
_LOOPBACK_NAME = "localhost"
_PROVIDER = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[1-9][0-9]{0,4})?(?:/[A-Za-z0-9._~/-]*)?")
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[1-9][0-9]{0,4})?")


def new_kek() -> str:
    """A fresh value for HEALTHBOOK_KEK: base64 of 32 random bytes."""
    return base64.b64encode(secrets.token_bytes(KEK_BYTES)).decode()


@dataclass(frozen=True, slots=True)
class NationalSettings:
    """The national OpenID provider, whose client this server is (VNeID or alike). ValueError says what is wrong.

    `acr` are the provider's values that mean a high assurance; another one is refused. `cccd_claim` names the claim
    that holds the CCCD: naming it says that the provider is authoritative for it; without, nobody is linked to a record
    by signing in. The client proves itself by `client_secret`, or by `client_key`, a private JWK (private_key_jwt).
    """

    issuer: str
    client_id: str
    acr: tuple[str, ...]
    client_secret: str | None = field(default=None, repr=False)
    client_key: Mapping[str, Any] | None = field(default=None, repr=False)
    cccd_claim: str | None = None
    scope: str = "openid profile"

    def __post_init__(self) -> None:
        if not _PROVIDER.fullmatch(self.issuer) or not is_safe_address(self.issuer):
            raise ValueError("HEALTHBOOK_OIDC_ISSUER must be https without query or fragment, or http on loopback")
        if not self.client_id:
            raise ValueError("HEALTHBOOK_OIDC_CLIENT_ID is not set")
        if (self.client_secret is None) == (self.client_key is None):
            raise ValueError("set one of HEALTHBOOK_OIDC_CLIENT_SECRET and HEALTHBOOK_OIDC_CLIENT_KEY")
        if not self.acr:
            raise ValueError("HEALTHBOOK_OIDC_ACR must name the acr values of a strong sign-in, with spaces between")
        if "openid" not in self.scope.split():
            raise ValueError("HEALTHBOOK_OIDC_SCOPE must contain openid")

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "NationalSettings | None":
        """None if HEALTHBOOK_OIDC_ISSUER is not set."""
        if not environ.get("HEALTHBOOK_OIDC_ISSUER"):
            return None
        return cls(
            issuer=environ["HEALTHBOOK_OIDC_ISSUER"],
            client_id=environ.get("HEALTHBOOK_OIDC_CLIENT_ID", ""),
            acr=tuple(environ.get("HEALTHBOOK_OIDC_ACR", "").split()),
            client_secret=environ.get("HEALTHBOOK_OIDC_CLIENT_SECRET") or None,
            client_key=_private_jwk(environ.get("HEALTHBOOK_OIDC_CLIENT_KEY", "")),
            cccd_claim=environ.get("HEALTHBOOK_OIDC_CCCD_CLAIM") or None,
            scope=environ.get("HEALTHBOOK_OIDC_SCOPE") or "openid profile",
        )


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """`issuer` is an origin without a path: https, or http on a loopback address. ValueError says what is wrong.

    `audience` names the API in access tokens (RFC 9068 2.2). `kek` opens the signing keys at rest. `demo_sign_in`
    shows a list of citizens instead of a real sign-in; no environment variable sets it, and it needs loopback.
    """

    issuer: str
    audience: str
    kek: bytes = field(repr=False)
    demo_sign_in: bool = False
    national: NationalSettings | None = None

    def __post_init__(self) -> None:
        if not _ORIGIN.fullmatch(self.issuer):
            raise ValueError("HEALTHBOOK_ISSUER must be an origin such as https://book.example.vn, without a path")
        if not (self.is_secure or self.is_loopback):
            raise ValueError("HEALTHBOOK_ISSUER must be https, or http on a loopback address")
        if self.demo_sign_in and not self.is_loopback:
            raise ValueError("demo sign-in is only for a loopback issuer, such as http://127.0.0.1:8000")
        if len(self.kek) != KEK_BYTES:
            raise ValueError("HEALTHBOOK_KEK must be base64 of 32 bytes")

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "AuthSettings":
        issuer = environ.get("HEALTHBOOK_ISSUER", "")
        if not issuer:
            raise ValueError("HEALTHBOOK_ISSUER is not set")
        return cls(
            issuer=issuer,
            audience=environ.get("HEALTHBOOK_AUDIENCE") or f"{issuer}/graphql",
            kek=decode_kek(environ.get("HEALTHBOOK_KEK", "")),
            national=NationalSettings.from_env(environ),
        )

    @property
    def fresh_sign_in(self) -> timedelta:
        """How old a sign-in may be where a change of rights needs a fresh one (RFC 9470); the demo asks once a day."""
        return timedelta(days=1) if self.demo_sign_in else timedelta(minutes=5)

    @property
    def is_secure(self) -> bool:
        return self.issuer.startswith("https://")

    @property
    def is_loopback(self) -> bool:
        return _is_loopback(self.issuer)

    @property
    def passkey_domain(self) -> str | None:
        """The relying party id of passkeys: the issuer's host, if it is a name (WebAuthn 3, 5.1.2: no address is)."""
        host = urlsplit(self.issuer).hostname or ""
        return None if _is_address(host) else host


def decode_kek(text: str) -> bytes:
    """ValueError (never showing the text) unless it is base64 of 32 bytes."""
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEK_BYTES:
        raise ValueError("HEALTHBOOK_KEK must be base64 of 32 bytes")
    return key


def is_safe_address(address: str) -> bool:
    """An address that a secret may be sent to: https, or http that never leaves this machine."""
    return address.startswith("https://") or (address.startswith("http://") and _is_loopback(address))


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    return host == _LOOPBACK_NAME or (_is_address(host) and ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _private_jwk(text: str) -> dict[str, Any] | None:
    """HEALTHBOOK_OIDC_CLIENT_KEY: an EC P-256 or RSA key with its private part. ValueError never shows it."""
    if not text:
        return None
    try:
        jwk = json.loads(text)
    except ValueError:
        jwk = None
    if not isinstance(jwk, dict) or jwk.get("kty") not in {"EC", "RSA"} or "d" not in jwk:
        raise ValueError("HEALTHBOOK_OIDC_CLIENT_KEY must be a private JWK, EC P-256 or RSA")
    return jwk
