"""One-time codes: six digits, five minutes, five tries, one a minute, good only in the browser that asked.

Whether a contact is anybody's is never told: the same row is written, the same page shown and the same work done, and
the code is sent after the answer has gone. What is counted is counted for unknown contacts too.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from auth.flow_tables import OneTimeCode
from auth.opaque import digest
from auth.sign_in import contacts
from auth.sign_in.contacts import Contact
from auth.sign_in.limits import Limit

LIFE = timedelta(minutes=5)
TRIES = 5
DIGITS = 6
Purpose = Literal["sign-in", "contact"]

_A_MINUTE = Limit("code contact", 1, timedelta(minutes=1))
_A_DAY = Limit("code contact day", 10, timedelta(days=1))
_SUBNET = Limit("code subnet", 200, timedelta(hours=1))
_TRIED = Limit("code tries subnet", 600, timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Codes:
    """`kek` is what both keys of this way are derived from."""

    kek: bytes

    async def may_send(self, session: AsyncSession, contact: Contact, subnet: str, now: datetime) -> bool:
        """Not too often to one contact, nor from one subnet; counts this one."""
        key = contacts.key_of(self.kek, contact).hex()
        allowed = [
            await _SUBNET.allows(session, subnet, now),
            await _A_MINUTE.allows(session, key, now),
            await _A_DAY.allows(session, key, now),
        ]
        return all(allowed)

    async def issue(
        self, session: AsyncSession, cookie: str, purpose: Purpose, citizen_id: UUID | None, now: datetime
    ) -> str:
        """A new code for this browser, in place of its last one. Without a citizen no answer is ever right."""
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        browser = _browser(cookie, purpose)
        row = {
            "citizen_id": citizen_id,
            "code_hmac": self._hmac(browser, code),
            "tries": 0,
            "created_at": now,
            "expires_at": now + LIFE,
            "used_at": None,
        }
        fresh = insert(OneTimeCode).values(cookie_hash=browser, **row)
        await session.execute(fresh.on_conflict_do_update(index_elements=["cookie_hash"], set_=row))
        return code

    async def check(
        self, session: AsyncSession, cookie: str, purpose: Purpose, code: str, subnet: str, now: datetime
    ) -> UUID | None:
        """Whose code it is, once. The try counts and must be committed, right or wrong."""
        browser = _browser(cookie, purpose)
        may_try = await _TRIED.allows(session, subnet, now)
        row = (await session.execute(_tried(browser, now))).one_or_none()
        expected = row.code_hmac if row else bytes(32)
        is_right = hmac.compare_digest(expected, self._hmac(browser, code))
        if not (may_try and row and row.citizen_id and is_right):
            return None
        await session.execute(update(OneTimeCode).where(OneTimeCode.cookie_hash == browser).values(used_at=now))
        return UUID(str(row.citizen_id))

    def _hmac(self, browser: bytes, code: str) -> bytes:
        told = browser + code.encode("utf-8", "surrogatepass")
        return hmac.digest(contacts.derived(self.kek, "one-time code"), told, hashlib.sha256)


def _browser(cookie: str, purpose: Purpose) -> bytes:
    """A code to sign in and one to verify a contact are two codes, also in one browser."""
    return digest(f"{purpose} {cookie}")


def _tried(browser: bytes, now: datetime) -> Any:
    """One statement counts the try and locks the row, so two tries at once are two."""
    return (
        update(OneTimeCode)
        .where(
            OneTimeCode.cookie_hash == browser,
            OneTimeCode.used_at.is_(None),
            OneTimeCode.expires_at > now,
            OneTimeCode.tries < TRIES,
        )
        .values(tries=OneTimeCode.tries + 1)
        .returning(OneTimeCode.code_hmac, OneTimeCode.citizen_id)
        .execution_options(synchronize_session=False)
    )
