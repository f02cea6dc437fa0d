"""Finding a device by the code a citizen typed, and writing his answer down.

Each try is counted for the citizen and for his address before the code is looked at, and given back if the code was
right: the counters' rows stay locked meanwhile, so of many guesses at once no more than five are looked at.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from auth.flow_tables import DeviceAuthorization
from auth.grants.grant_types import Approval
from auth.scopes import narrow
from auth.tables import OAuthClient, TokenGrant
from domain import attempts

TRIES = 5
WINDOW = timedelta(minutes=10)


class Locked(Exception):
    """Too many wrong codes; what was tried last was not looked at."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A typed code (as its HMAC), by whom and from where; the address is empty where it is not known."""

    user_code_hash: bytes
    citizen_id: str
    address: str
    now: datetime


async def find(session: AsyncSession, guess: Guess) -> tuple[DeviceAuthorization, OAuthClient] | None:
    """The waiting device and its client. None for a wrong code, which is counted; Locked past the fifth."""
    tries = await session.begin_nested()
    keys = [("device_code_citizen", guess.citizen_id)]
    keys += [("device_code_address", guess.address)] if guess.address else []
    counts = [await attempts.count(session, kind, key, window=WINDOW, now=guess.now) for kind, key in keys]
    if max(counts) > TRIES:
        raise Locked
    found = await _waiting(session, guess)
    if found is None:
        return None
    await tries.rollback()
    return await _waiting(session, guess)


async def _waiting(session: AsyncSession, guess: Guess) -> tuple[DeviceAuthorization, OAuthClient] | None:
    """Locked until the transaction ends, so that a code is answered once."""
    query = (
        select(DeviceAuthorization, OAuthClient)
        .join(OAuthClient, OAuthClient.client_id == DeviceAuthorization.client_id)
        .where(
            DeviceAuthorization.user_code_hash == guess.user_code_hash,
            DeviceAuthorization.status == "pending",
            DeviceAuthorization.expires_at > guess.now,
        )
        .with_for_update(of=DeviceAuthorization)
        .execution_options(populate_existing=True)
    )
    row = (await session.execute(query)).one_or_none()
    return (row[0], row[1]) if row is not None and row[1].is_active(guess.now) else None


def answer(db: Session, device: DeviceAuthorization, approval: Approval | None, now: datetime) -> bool:
    """Whether the device got anything: what was asked and ticked, by a citizen who said yes."""
    scope = narrow(device.scope, approval.ticked) if approval else ""
    if approval is None or not scope:
        device.status = "denied"
        return False
    grant = TokenGrant(
        client_id=device.client_id,
        citizen_id=approval.citizen_id,
        scope=scope,
        acr=approval.acr,
        auth_time=approval.auth_time,
        created_at=now,
        expires_at=device.expires_at,
    )
    db.add(grant)
    db.flush()
    device.status, device.scope, device.grant_id = "approved", scope, grant.id
    device.grant_until = approval.until
    return True
