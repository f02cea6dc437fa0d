"""What the authorization server needs to know from outside; read once by the commands of `cli/`."""

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

KEK_BYTES = 32
_LOOPBACK_NAME = "localhost"
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[1-9][0-9]{0,4})?")


def new_kek() -> str:
    """A fresh value for HEALTHBOOK_KEK: base64 of 32 random bytes."""
    return base64.b64encode(secrets.token_bytes(KEK_BYTES)).decode()


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
        )

    @property
    def is_secure(self) -> bool:
        return self.issuer.startswith("https://")

    @property
    def is_loopback(self) -> bool:
        host = urlsplit(self.issuer).hostname or ""
        return host == _LOOPBACK_NAME or _is_loopback_address(host)


def decode_kek(text: str) -> bytes:
    """ValueError (never showing the text) unless it is base64 of 32 bytes."""
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEK_BYTES:
        raise ValueError("HEALTHBOOK_KEK must be base64 of 32 bytes")
    return key


def _is_loopback_address(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
