"""Notices of who read a book, from the access log. A facility's reads of one book are one notice a day, however often
it reads. (What an import brought is told beside it: domain/intake/news.py.)
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from notifications import notices
from notifications.tables import Watermark

WATERMARK = "record_reads"
OVERLAP, SETTLED, FIRST_LOOK = timedelta(minutes=10), timedelta(seconds=30), timedelta(hours=1)
"""Log rows are committed a little after their time, so a scan looks back a little further than where it ended."""

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
