"""Signing keys: ES256, next -> active -> retired, private parts encrypted by the key-encryption key.

The next key is published a while before it signs, a retired one verifies until its last token has died, so a
rotation is never noticed by a client that caches the JWKS. Exactly one key signs: handed a whole set, joserfc
would pick one at random.

Keys of three uses are kept apart. `token` signs access and id tokens and goes a day after it retired. `pass` signs
check-in passes and goes after three. `receipt` signs consent receipts, which must be verifiable for ever: its public
part is never removed.
"""

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc.jwk import ECKey, KeySet
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from auth.tables import SigningKey
from domain.errors import NotFound
from domain.values import utc_now

ALGORITHM = "ES256"
RETIRED_KEPT = timedelta(days=1)
"""Longer than any token lives; a retired token key is removed after this."""

TOKEN, RECEIPT, PASS = "token", "receipt", "pass"
USES = (TOKEN, RECEIPT, PASS)
KEPT: Mapping[str, timedelta] = {TOKEN: RETIRED_KEPT, PASS: timedelta(days=3)}
"""How long a retired key stays, by use: a pass lives a day, and a clinic hands it in up to a day later."""

_NONCE_BYTES = 12
_RING_LIVES_S = 60


@dataclass(frozen=True, slots=True)
class KeyRing:
    """`signing` holds the one active private key; `public` every public JWK by kid, retired and next ones too."""

    signing: KeySet
    public: Mapping[str, dict[str, Any]]

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """The document of RFC 7517 5; public parts only."""
        return {"keys": list(self.public.values())}


def generate(kek: bytes, use: str, state: str, now: datetime) -> SigningKey:
    """A new P-256 key whose kid is its RFC 7638 thumbprint."""
    key = ECKey.generate_key("P-256", auto_kid=True)
    kid = key.thumbprint()
    public = {**key.as_dict(private=False), "use": "sig", "alg": ALGORITHM}
    return SigningKey(
        kid=kid, use=use, state=state, public_jwk=public, created_at=now, private_key=_seal(kek, use, kid, key)
    )


def _seal(kek: bytes, use: str, kid: str, key: ECKey) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(kek).encrypt(nonce, json.dumps(key.as_dict(private=True)).encode(), _bound_to(use, kid))


def _open(kek: bytes, row: SigningKey) -> ECKey:
    sealed = row.private_key
    try:
        text = AESGCM(kek).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound_to(row.use, row.kid))
    except InvalidTag:
        raise ValueError("HEALTHBOOK_KEK does not open the signing keys of this database") from None
    return ECKey.import_key(json.loads(text))


def _bound_to(use: str, kid: str) -> bytes:
    """What a sealed key is only good for: moved to another row or use, it does not open."""
    return f"{use}:{kid}".encode()


async def ensure(session: AsyncSession, kek: bytes, now: datetime) -> None:
    """Create the active and the next key of each use where missing; of two servers starting at once, one inserts."""
    for use in USES:
        for state in ("active", "next"):
            row = generate(kek, use, state, now)
            values = {c.key: getattr(row, c.key) for c in SigningKey.__table__.columns}
            await session.execute(insert(SigningKey).values(values).on_conflict_do_nothing())


async def rotate(session: AsyncSession, kek: bytes, now: datetime, *, use: str = TOKEN) -> None:
    """The next key becomes active, the active one retired, a new next one appears; long retired ones go (KEPT).

    Rows are locked, so two rotations at once are two rotations one after the other.
    """
    by_state = {row.state: row for row in await _locked(session, use) if row.state != "retired"}
    if "next" not in by_state or "active" not in by_state:
        await ensure(session, kek, now)
        return
    by_state["active"].state, by_state["active"].retired_at = "retired", now
    await session.flush()
    by_state["next"].state = "active"
    await session.flush()
    session.add(generate(kek, use, "next", now))
    if use in KEPT:
        gone = (SigningKey.use == use, SigningKey.retired_at < now - KEPT[use])
        await session.execute(delete(SigningKey).where(*gone))


async def drop(session: AsyncSession, kek: bytes, kid: str, now: datetime) -> None:
    """The emergency: a key that others may know signs nothing more. NotFound if there is no such key.

    A token key disappears and its tokens with it, at the latest when they expire in five minutes; so does a pass key
    with its passes. Of a receipt key only the private part does: what it signed must stay verifiable.
    """
    use = await session.scalar(select(SigningKey.use).where(SigningKey.kid == kid))
    rows = await _locked(session, use) if use else []
    row = next((row for row in rows if row.kid == kid), None)
    if row is None:
        raise NotFound("no such key")
    state = row.state
    if row.use in KEPT:
        await session.delete(row)
    else:
        row.state, row.retired_at, row.private_key = "retired", row.retired_at or now, b""
    await session.flush()
    following = next((other for other in rows if other.state == "next"), None)
    if state == "active" and following is not None:
        following.state = "active"
        await session.flush()
    await ensure(session, kek, now)


async def _locked(session: AsyncSession, use: str) -> Sequence[SigningKey]:
    query = select(SigningKey).where(SigningKey.use == use).order_by(SigningKey.kid).with_for_update()
    return (await session.scalars(query)).all()


async def listed(session: AsyncSession) -> Sequence[SigningKey]:
    """Every key, by use and age."""
    query = select(SigningKey).order_by(SigningKey.use, SigningKey.created_at, SigningKey.kid)
    return (await session.scalars(query)).all()


async def public_keys(session: AsyncSession, use: str = TOKEN) -> dict[str, dict[str, Any]]:
    """Public JWKs of one use by kid. Needs no key-encryption key, so a process that only verifies never holds it."""
    rows = await session.execute(select(SigningKey.kid, SigningKey.public_jwk).where(SigningKey.use == use))
    return dict(sorted((kid, jwk) for kid, jwk in rows))


class KeyStore:
    """The keys of one use in this process, read again from the database once a minute so that rotations are noticed."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], kek: bytes, *, use: str = TOKEN) -> None:
        self._use = use
        self._sessions = sessions
        self._kek = kek
        self._ring: KeyRing | None = None
        self._read_at = 0.0

    async def ring(self) -> KeyRing:
        """ValueError if the key-encryption key is not the one these keys were sealed with."""
        if self._ring is None or time.monotonic() - self._read_at > _RING_LIVES_S:
            self._ring, self._read_at = await self._read(), time.monotonic()
        return self._ring

    async def _read(self) -> KeyRing:
        async with self._sessions() as session:
            rows = await _all(session, self._use)
            if not any(row.state == "active" for row in rows):
                await ensure(session, self._kek, utc_now())
                rows = await _all(session, self._use)
            ring = self._ring_of(rows)
            await session.commit()
        return ring

    def _ring_of(self, rows: Sequence[SigningKey]) -> KeyRing:
        active = next(row for row in rows if row.state == "active")
        return KeyRing(
            signing=KeySet([_open(self._kek, active)]),
            public={row.kid: row.public_jwk for row in rows},
        )


async def _all(session: AsyncSession, use: str) -> Sequence[SigningKey]:
    query = select(SigningKey).where(SigningKey.use == use).order_by(SigningKey.created_at, SigningKey.kid)
    return (await session.scalars(query)).all()
