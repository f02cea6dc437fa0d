"""Reminders are derived from what is booked at the moment they are given; nothing of a booking is copied before.

Appointments implement `Reminders`. A reminder that was given is a row of its own, by booking, start and how long
before: a moved booking has another start and so its own reminders, a cancelled one is not found any more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from notifications import notices
from notifications.tables import InboxItem, Reminded

MOST = 500
KIND = "reminder"
TELL_WHEN = ("appointment_booked", "appointment_moved")
"""Kinds of notices that say when a booking is."""


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A booking as it stands now, with the reminder that is due: `before` its start."""

    subject_id: UUID
    patient_id: UUID
    starts_at: datetime
    before: timedelta


class Reminders(Protocol):
    """What is booked. Reads committed state only, with the worker's rights."""

    def due(self, db: Session, now: datetime, most: int) -> Sequence[Upcoming]:
        """Living bookings, not begun, of which a reminder's time has come and whose (subject, start, before) has no row
        in `notify.reminded`; at most `most`. Of several that are due together only the last before the start.
        """
        ...


def remind(db: Session, source: Reminders, now: datetime) -> int:
    """Give the reminders that are due, each in the inbox of the patient's readers: how many bookings."""
    given = 0
    for one in source.due(db, now, MOST):
        if one.starts_at <= now or not _is_first(db, one, now):
            continue
        made = notices.post(
            db,
            kind=KIND,
            citizen_ids=_to_remind(db, one, now),
            patient_id=one.patient_id,
            subject_id=one.subject_id,
            now=now,
        )
        given += bool(made)
    return given


def _to_remind(db: Session, one: Upcoming, now: datetime) -> list[UUID]:
    """The patient's readers, but for those who were told of this time when the reminder's time had come."""
    readers = notices.readers_of(db, one.patient_id, now)
    just_told = select(InboxItem.citizen_id).where(
        InboxItem.citizen_id.in_(readers),
        InboxItem.subject_id == one.subject_id,
        InboxItem.kind.in_(TELL_WHEN),
        InboxItem.created_at >= one.starts_at - one.before,
    )
    know = set(db.scalars(just_told))
    return [reader for reader in readers if reader not in know]


def _is_first(db: Session, one: Upcoming, now: datetime) -> bool:
    """Of several workers the one whose row it is gives the reminder."""
    row = {
        "subject_id": one.subject_id,
        "before_s": int(one.before.total_seconds()),
        "starts_at": one.starts_at,
        "at": now,
    }
    made = insert(Reminded).values(row).on_conflict_do_nothing().returning(Reminded.subject_id)
    return db.scalar(made) is not None


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
