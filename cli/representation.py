"""Housekeeping of rights to act for others: both sides hear of the ones whose time is over."""

from api.representation.notices import came_of_age
from cli.sessions import owner_session
from cli.settings import Addresses
from domain.values import utc_now


async def tell_of_rights_that_ended(addresses: Addresses) -> int:
    """How many were told of; each is told once, however many workers run."""
    async with owner_session(addresses) as session:
        over = await session.run_sync(came_of_age, utc_now())
        await session.commit()
    return over
