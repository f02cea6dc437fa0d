"""Notices that come from elsewhere: who read a book (the access log), what an import brought.

A facility's reads of one book are one notice a day, however often it reads; new results one notice a patient and hour.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from domain.values import VIETNAM
from notifications import notices
from notifications.tables import Watermark

WATERMARK = "record_reads"
OVERLAP, SETTLED, FIRST_LOOK = timedelta(minutes=10), timedelta(seconds=30), timedelta(hours=1)
"""Log rows are committed a little after their time, so a scan looks back a little further than where it ended."""
QUIET_SECTIONS = frozenset({"demographics", "insurance"})

# An emergency has its own notice; a visit and a consent are the facility's way to what it then reads.
READS = text(
    """select l.patient_id, l.organization_id, (l.at at time zone 'Asia/Ho_Chi_Minh')::date as day
         from access.access_log l
        where l.at > :since and l.at <= :until and l.outcome = 'ALLOWED' and l.organization_id is not null
          and l.basis <> 'emergency' and cardinality(l.opened) > 0
        group by 1, 2, 3 order by 3, 1, 2"""
)


def record_reads(db: Session, now: datetime) -> int:
    """Tell of facilities that read a book since the last look: how many notices' occasions there were."""
    seen = db.get(Watermark, WATERMARK)
    since = (seen.at - OVERLAP) if seen is not None else now - FIRST_LOOK
    until = now - SETTLED
    occasions = db.execute(READS, {"since": since, "until": until}).all()
    for patient_id, organization_id, day in occasions:
        notices.post(
            db,
            kind="record_read",
            citizen_ids=notices.readers_of(db, patient_id, now),
            patient_id=patient_id,
            subject_id=organization_id,
            now=now,
            key=f"record_read:{patient_id}:{organization_id}:{day}",
        )
    mark = insert(Watermark).values(name=WATERMARK, at=until)
    db.execute(mark.on_conflict_do_update(index_elements=["name"], set_={"at": until}))
    return len(occasions)


def new_results(db: Session, patient_id: UUID, sections: Collection[str], now: datetime) -> list[UUID]:
    """An import brought something new to these sections of a book: the ids of the notices, in its transaction."""
    if not set(sections) - QUIET_SECTIONS:
        return []
    hour = now.astimezone(VIETNAM).strftime("%Y-%m-%dT%H")
    return notices.post(
        db,
        kind="new_result",
        citizen_ids=notices.readers_of(db, patient_id, now),
        patient_id=patient_id,
        subject_id=None,
        now=now,
        key=f"new_result:{patient_id}:{hour}",
    )


@dataclass(frozen=True, slots=True)
class ReadingOfTheLog:
    """The worker's periodic scan."""

    engine: AsyncEngine
    clock: Callable[[], datetime]

    async def __call__(self) -> int:
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            told = await session.run_sync(record_reads, self.clock())
            await session.commit()
        return told
