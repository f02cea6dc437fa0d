"""Sealing and signing in turns: one transaction a seal and one a day, so that what is done stays done."""

from cli.sessions import owner_session
from cli.settings import Addresses
from cli.signing import ROOT_TYPE, Signing
from domain.audit.sealing import seal_next, sign_next_day
from domain.values import utc_now


async def seal_all(addresses: Addresses) -> tuple[int, int]:
    """How many seals were made, and of how many entries."""
    seals = entries = 0
    async with owner_session(addresses) as session:
        while (seal := await session.run_sync(seal_next, utc_now())) is not None:
            await session.commit()
            session.expunge_all()
            seals, entries = seals + 1, entries + seal.entries
    return seals, entries


async def sign_all(signing: Signing) -> int:
    """How many days were signed."""
    days = 0
    sign = await signing.signer(ROOT_TYPE)
    async with owner_session(signing.addresses) as session:
        while await session.run_sync(sign_next_day, utc_now(), sign) is not None:
            await session.commit()
            days += 1
    return days
