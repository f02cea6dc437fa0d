"""Secrets that only their holder knows: codes, refresh tokens, client secrets, session ids.

Each has 256 random bits, so one SHA-256 is enough to store it by: a dump of the tables gives nobody access.
"""

import hashlib
import secrets


def new_secret() -> str:
    """43 characters of base64url (RFC 4648 5), safe in URLs, headers and cookies."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """SHA-256 of the secret; hostile text (lone surrogates) is hashed too, so a look-up simply finds nothing."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
