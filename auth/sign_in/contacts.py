"""Phones and e-mail addresses that one-time codes go to: found by keyed hash, kept encrypted, verified by a code.

Both keys are derived from the key-encryption key (HKDF-like: HMAC-SHA256 over a label), so a dump of the table tells
neither whose a number is nor that it is there.
"""

import hashlib
import hmac
import os
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from auth.flow_tables import ContactPoint
from domain.identity import phones

MOST = 4
_NONCE_BYTES = 12
_LONGEST = 254  # RFC 5321 4.5.3.1.3, less the angle brackets
_EMAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_MOBILE = re.compile(r"\+84[35789][0-9]{8}|\+(?!84)[0-9]{8,15}")


@dataclass(frozen=True, slots=True)
class Contact:
    """`system` is phone (`value` in E.164) or email (lower case)."""

    system: str
    value: str


@dataclass(frozen=True, slots=True)
class Listed:
    """For its owner's eyes: most of it hidden."""

    name: str
    system: str
    masked: str


def read(raw: str) -> Contact | None:
    """A mobile phone or an e-mail address as people type them, or None."""
    text = unicodedata.normalize("NFKC", raw).strip() if len(raw) <= _LONGEST else ""
    if "@" in text:
        email = text.lower()
        return Contact("email", email) if _EMAIL.fullmatch(email) and len(email) <= _LONGEST else None
    phone = phones.normalise(text) or ""
    return Contact("phone", phone) if _MOBILE.fullmatch(phone) else None


def key_of(kek: bytes, contact: Contact) -> bytes:
    return hmac.digest(derived(kek, "contact key"), f"{contact.system}:{contact.value}".encode(), hashlib.sha256)


def derived(kek: bytes, label: str) -> bytes:
    """A key for one purpose: whoever has it has no other."""
    return hmac.digest(kek, f"healthbook {label}".encode(), hashlib.sha256)


def seal(kek: bytes, contact: Contact) -> bytes:
    """Nonce and AES-256-GCM ciphertext, bound to the contact's system."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(derived(kek, "contact seal")).encrypt(nonce, contact.value.encode(), contact.system.encode())


def unseal(kek: bytes, system: str, sealed: bytes) -> Contact:
    nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    return Contact(system, AESGCM(derived(kek, "contact seal")).decrypt(nonce, text, system.encode()).decode())


async def owner(session: AsyncSession, kek: bytes, contact: Contact) -> UUID | None:
    found = select(ContactPoint.citizen_id).where(ContactPoint.key == key_of(kek, contact))
    return (await session.execute(found)).scalar_one_or_none()


async def add(session: AsyncSession, kek: bytes, citizen_id: UUID, contact: Contact, now: datetime) -> bool:
    """The contact is verified and this citizen's now, if nobody else has it and he has fewer than MOST."""
    held = select(ContactPoint.key).where(ContactPoint.citizen_id == citizen_id)
    if len((await session.execute(held)).all()) >= MOST:
        return False
    row = {
        "key": key_of(kek, contact),
        "citizen_id": citizen_id,
        "system": contact.system,
        "value_sealed": seal(kek, contact),
        "verified_at": now,
    }
    made = insert(ContactPoint).values(row).on_conflict_do_nothing().returning(ContactPoint.key)
    return (await session.execute(made)).one_or_none() is not None


async def listed(session: AsyncSession, kek: bytes, citizen_id: UUID) -> list[Listed]:
    rows = await session.scalars(
        select(ContactPoint).where(ContactPoint.citizen_id == citizen_id).order_by(ContactPoint.verified_at)
    )
    return [Listed(_name(row.key), row.system, masked(unseal(kek, row.system, row.value_sealed))) for row in rows]


async def remove(session: AsyncSession, citizen_id: UUID, name: str) -> None:
    """Forget the citizen's own contact of this name; no other's, and no error."""
    rows = await session.scalars(select(ContactPoint).where(ContactPoint.citizen_id == citizen_id))
    keys = [row.key for row in rows if _name(row.key) == name]
    await session.execute(delete(ContactPoint).where(ContactPoint.key.in_(keys)))


def masked(contact: Contact) -> str:
    """`•••••• 678`, `a•••@example.vn`."""
    if contact.system == "phone":
        return f"•••••• {contact.value[-3:]}"
    local, _, domain = contact.value.partition("@")
    return f"{local[0]}•••@{domain}"


def _name(key: bytes) -> str:
    return hashlib.sha256(b"listed" + key).hexdigest()[:32]
