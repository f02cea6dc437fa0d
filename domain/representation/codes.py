"""The code that makes its holder a delegate: 60 random bits, read aloud or typed, kept as SHA-256."""

import hashlib
import re
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: nothing that is taken for something else."""
LENGTH, GROUP = 12, 4
_ALIKE = str.maketrans("OIL", "011")
_TYPED = re.compile(rf"[{ALPHABET}]{{{LENGTH}}}")


def new_code() -> str:
    """Three groups of four, such as 7K2M-9QXC-04TD."""
    code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return "-".join(code[at : at + GROUP] for at in range(0, LENGTH, GROUP))


def code_hash(typed: str) -> bytes | None:
    """What a code is kept by, however it was typed; None for what cannot be one."""
    if len(typed) > 4 * LENGTH:
        return None
    code = re.sub(r"[\s-]", "", typed).upper().translate(_ALIKE)
    return hashlib.sha256(code.encode()).digest() if _TYPED.fullmatch(code) else None
