"""The worker's part of appointments: slots ahead of time, holds that passed, what nobody settled, names to erase.

Each piece is a transaction of its own and may be cut off; nothing that is booked depends on any of it.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.appointments.telling import tell_all
from cli.sessions import consent_session
from cli.settings import Addresses
from domain.appointments import schedules, tidying
from domain.appointments.outcomes import Story
from domain.values import utc_now


async def make_slots(addresses: Addresses) -> int:
    """Slots of every clinic's hours up to its horizon, offered to who waits for them: how many are new."""
    made = 0
    async with consent_session(addresses) as session:
        clinics = await session.run_sync(schedules.clinics_with_hours)
        await session.commit()
        for organization_id in clinics:
            await session.run_sync(schedules.as_clinic, organization_id)
            await session.run_sync(schedules.take_turn, organization_id)
            made += await session.run_sync(slots_made, organization_id, utc_now())
            await session.commit()
    return made


def slots_made(db: Session, organization_id: UUID, now: datetime) -> int:
    """Those of one clinic, in the transaction at hand."""
    story = Story()
    made = schedules.materialise(db, organization_id, now, story)
    tell_all(db, story.happened, now)
    return made


async def pass_places_on(addresses: Addresses) -> int:
    """Holds and offers that nobody answered end, and the next in line are told: pages of them."""
    pages = 0
    async with consent_session(addresses) as session:
        while await session.run_sync(_passed_on, utc_now()):
            await session.commit()
            pages += 1
    return pages


def _passed_on(db: Session, now: datetime) -> bool:
    happened = tidying.settle_overdue(db, now)
    tell_all(db, happened or [], now)
    return happened is not None


async def let_lapse(addresses: Addresses) -> int:
    """Appointments that ended a day ago, and nobody said how: how many."""
    return await _all_pages(addresses, tidying.let_lapse)


async def erase_contacts(addresses: Addresses) -> int:
    """Names and numbers of appointments of 90 days ago: how many."""
    return await _all_pages(addresses, tidying.erase_contacts)


async def _all_pages(addresses: Addresses, page: Callable[[Session, datetime], int]) -> int:
    done = 0
    async with consent_session(addresses) as session:
        while some := await session.run_sync(page, utc_now()):
            await session.commit()
            done += some
    return done
