"""The code a citizen types: eight letters that are not mistaken for each other, and spell no word (RFC 8628 6.1).

20 letters to the power of eight are 34 bits: too few for a plain hash, so codes are kept as HMAC. They live ten
minutes, and five wrong tries close the page.
"""

import hmac
import secrets

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH = 8
_LABEL = b"healthbook device user code"
_MAX_TYPED = 64


def new_user_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def shown(code: str) -> str:
    """`BCDFGHJK` as `BCDF-GHJK`."""
    return f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"


def typed(text: str) -> str:
    """What was meant: any case, spaces and dashes anywhere. Empty if it cannot be a code."""
    letters = "".join(text[:_MAX_TYPED].split()).replace("-", "").upper()
    return letters if len(letters) == LENGTH and set(letters) <= set(ALPHABET) else ""


def keyed(kek: bytes, code: str) -> bytes:
    """HMAC-SHA-256 of the code under a key derived for this purpose alone."""
    return hmac.digest(hmac.digest(kek, _LABEL, "sha256"), code.encode(), "sha256")
