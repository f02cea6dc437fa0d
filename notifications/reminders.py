"""Reminders are derived from what is booked at the moment they are given; nothing of a booking is copied before.

Appointments implement `Reminders`. A scan looks at the offsets whose time came since the last one. A reminder that was
given is a row of its own, by booking, citizen, start and how long before: a moved booking has another start and so its
own reminders, a cancelled one is not found any more.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from notifications import notices
from notifications.tables import Reminded, Watermark

KIND = WATERMARK = "reminder"
OVERLAP, FIRST_LOOK = timedelta(minutes=5), timedelta(hours=1)
"""A booking is committed a little after its time, so a scan looks back a little further than where one ended."""


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A booking as it stands now, and the citizens to whom a reminder is due: `before` its start."""

    subject_id: UUID
    patient_id: UUID
    starts_at: datetime
    before: timedelta
    citizen_ids: tuple[UUID, ...]


class Reminders(Protocol):
    """What is booked. Reads committed state only, with the worker's rights."""

    def due(self, db: Session, since: datetime, now: datetime) -> Iterator[Upcoming]:
        """Living bookings that begin after `now`, of which a reminder's time came after `since` and not before it was
        booked for that start; those that were given already too. Each citizen once, for the last offset that came.
        """
        ...


def remind(db: Session, source: Reminders, now: datetime) -> int:
    """Give the reminders that are due, each in the inboxes it is for: how many bookings."""
    seen = db.get(Watermark, WATERMARK)
    since = seen.at - OVERLAP if seen is not None else now - FIRST_LOOK
    given = {one.subject_id for one in source.due(db, since, now) if _give(db, one, now)}
    mark = insert(Watermark).values(name=WATERMARK, at=now)
    further = func.greatest(Watermark.at, mark.excluded.at)
    db.execute(mark.on_conflict_do_update(index_elements=["name"], set_={"at": further}))
    return len(given)


def _give(db: Session, one: Upcoming, now: datetime) -> bool:
    """Of several workers the one whose row it is gives the reminder."""
    about = {"subject_id": one.subject_id, "starts_at": one.starts_at, "before_s": int(one.before.total_seconds())}
    rows = [{**about, "citizen_id": citizen, "at": now} for citizen in sorted(one.citizen_ids)]
    made = insert(Reminded).values(rows).on_conflict_do_nothing().returning(Reminded.citizen_id)
    citizens = list(db.scalars(made))
    notices.post(db, kind=KIND, citizen_ids=citizens, patient_id=one.patient_id, subject_id=one.subject_id, now=now)
    return bool(citizens)


@dataclass(frozen=True, slots=True)
class Reminding:
    """The worker's periodic scan."""

    engine: AsyncEngine
    source: Reminders
    clock: Callable[[], datetime]

    async def __call__(self) -> int:
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            given = await session.run_sync(remind, self.source, self.clock())
            await session.commit()
        return given
