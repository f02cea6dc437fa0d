"""Push tokens and webhook secrets at rest: sealed with keys derived from the key-encryption key, found by HMAC."""

import hashlib
import hmac
import os
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Seals:
    """Two keys for two purposes; a dump of the tables opens nothing and tells no token."""

    finding: bytes = field(repr=False)
    sealing: bytes = field(repr=False)

    @classmethod
    def of(cls, kek: bytes) -> "Seals":
        return cls(*(hmac.digest(kek, f"healthbook notify {use}".encode(), hashlib.sha256) for use in ("key", "seal")))

    def key_of(self, token: str) -> bytes:
        """What a token is found by."""
        return hmac.digest(self.finding, token.encode(), hashlib.sha256)

    def seal(self, use: str, secret: str) -> bytes:
        """Nonce and AES-256-GCM ciphertext, good for this use only."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + _cipher(self.sealing).encrypt(nonce, secret.encode(), use.encode())

    def unseal(self, use: str, sealed: bytes) -> str:
        """cryptography.exceptions.InvalidTag where the key-encryption key or the use is another."""
        return _cipher(self.sealing).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], use.encode()).decode()


@lru_cache(maxsize=8)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)
