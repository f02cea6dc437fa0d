"""Which appointments are to be remembered now, and to whom, as `notifications.reminders` asks for it.

How long before: as the citizen wishes himself, else as the clinic says, 24 and 2 hours where it says nothing. Derived
from what is booked at this moment: what was moved or cancelled is not found, or found at its new time.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from notifications.reminders import Upcoming
from notifications.tables import REMINDER_CHOICES

PAGE = 500
# Offsets whose time came, of living bookings that stood as they are before it came (migrations/versions/0017).
DUE = text("""
select patient_id, id, starts_at, due, usual
  from booking.reminders_due(:since, :now, cast(:wished as integer[]), :starts_after, :after, :page)
 order by starts_at, id
""")
WISHES = text("""
select d.patient_id, d.citizen_id, w.reminder_minutes
  from access.those_who_decide(cast(:patients as uuid[]), :now) d
  left join notify.wishes w on w.citizen_id = d.citizen_id
""")

People = Mapping[UUID, Mapping[UUID, Sequence[int] | None]]
"""By patient, the citizens who are told, each with his own offsets in minutes where he has any."""


class BookedAppointments:
    """Appointments as they stand at this moment."""

    def due(self, db: Session, since: datetime, now: datetime) -> Iterator[Upcoming]:
        """A page at a time."""
        told = {"since": since, "now": now, "wished": list(REMINDER_CHOICES), "page": PAGE}
        starts_after, after = now, UUID(int=0)
        while True:
            rows = db.execute(DUE, {**told, "starts_after": starts_after, "after": after}).all()
            people = _people(db, sorted({row.patient_id for row in rows}), now)
            for row in rows:
                yield from _upcoming(row, people.get(row.patient_id, {}))
            if len(rows) < PAGE:
                return
            starts_after, after = rows[-1].starts_at, rows[-1].id


def _people(db: Session, patients: Sequence[UUID], now: datetime) -> People:
    found: defaultdict[UUID, dict[UUID, Sequence[int] | None]] = defaultdict(dict)
    for row in db.execute(WISHES, {"patients": patients, "now": now}) if patients else ():
        found[row.patient_id][row.citizen_id] = row.reminder_minutes
    return found


def _upcoming(row: Row[Any], people: Mapping[UUID, Sequence[int] | None]) -> Iterator[Upcoming]:
    """One for each offset; of several that came together a citizen is reminded of the last before the start."""
    told: defaultdict[int, list[UUID]] = defaultdict(list)
    for citizen, wished in people.items():
        mine = set(row.due).intersection(row.usual if wished is None else wished)
        if mine:
            told[min(mine)].append(citizen)
    for minutes, citizens in sorted(told.items()):
        yield Upcoming(row.id, row.patient_id, row.starts_at, timedelta(minutes=minutes), tuple(citizens))
