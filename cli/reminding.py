"""Which appointments are to be remembered now, as `notifications.reminders` asks for it: 24 and 2 hours before."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from notifications.reminders import Upcoming

BEFORE = (timedelta(hours=2), timedelta(hours=24))
"""The nearest first: of two that are due together only the later one is given."""
PAGE = 10_000
DUE = text("""
select d.patient_id, d.id, d.starts_at,
       exists (select from notify.reminded r
                where r.subject_id = d.id and r.starts_at = d.starts_at and r.before_s <= :before_s) as is_given
  from booking.due(:first, :last, :after, :page) d order by d.starts_at, d.id
""")


class BookedAppointments:
    """Appointments as they stand at this moment; what was moved or cancelled is not found, or found at its new time."""

    def due(self, db: Session, now: datetime, most: int) -> Sequence[Upcoming]:
        found: list[Upcoming] = []
        first = now
        for before in BEFORE:
            found += _due(db, first, now, before, most - len(found))
            first = now + before
        return found


def _due(db: Session, first: datetime, now: datetime, before: timedelta, most: int) -> list[Upcoming]:
    """Those not given yet, a page of bookings at a time."""
    found: list[Upcoming] = []
    after, told = UUID(int=0), {"last": now + before, "before_s": int(before.total_seconds()), "page": PAGE}
    while len(found) < most:
        rows = db.execute(DUE, {**told, "first": first, "after": after}).all()
        found += [Upcoming(row.id, row.patient_id, row.starts_at, before) for row in rows if not row.is_given]
        if len(rows) < PAGE:
            break
        first, after = rows[-1].starts_at, rows[-1].id
    return found[:most]
