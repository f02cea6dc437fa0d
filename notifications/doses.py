"""Vaccine doses that fall due: once a day over everybody whose book somebody reads, in pages, each dose told once.

A page's notices and the job of the next page are one transaction, so a worker that is killed repeats nothing and leaves
nothing out. `book.forecast_page` (migrations/versions/0017_producers.py) is all that the worker reads of the book: what
a forecast rests on, no name; nothing of it is kept but a hash of each dose that was told of.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from domain.immunization.forecasting import SeriesForecast, forecast
from domain.immunization.records import dose_of, person_of, rows_of
from domain.immunization.reminding import due_doses
from domain.immunization.schedule_files import versions
from domain.representation.people import own_citizens, persons_of
from domain.values import VIETNAM
from notifications import jobs, notices
from notifications.tables import DoseReminded, Watermark

ENTRYPOINT, KIND, SECTION = "dose_reminders", "dose_due", "immunizations"
PAGE = 100
AHEAD_DAYS = 7
"""A week is time enough to find a place."""
BEGINS_AT = time(7)
"""On Vietnam's clock, so that a day's notices come by day."""
FIRST = UUID(int=0)
FORECAST_PAGE = text("select id, patient_id, record from book.forecast_page(:after, :most) order by id")
log = structlog.get_logger("healthbook.notifications")


def start_day(db: Session, now: datetime) -> int:
    """Enqueue the day's first page, once a day whichever worker asks: 1, or 0 where it was begun or it is too early."""
    clock = now.astimezone(VIETNAM)
    if clock.time() < BEGINS_AT:
        return 0
    day = datetime.combine(clock.date(), time(), tzinfo=VIETNAM)
    mark = insert(Watermark).values(name=ENTRYPOINT, at=day)
    later = mark.on_conflict_do_update(index_elements=["name"], set_={"at": day}, where=Watermark.at < day)
    if db.scalar(later.returning(Watermark.name)) is None:
        return 0
    _enqueue(db, clock.date(), FIRST)
    return 1


def remind_page(db: Session, day: date, after: UUID, now: datetime) -> int:
    """Remind of what is due to the next page of people and enqueue the page after it: how many people were told of."""
    rows = db.execute(FORECAST_PAGE, {"after": after, "most": PAGE}).all()
    told = sum(_remind(db, row, day, now) for row in rows)
    if len(rows) == PAGE:
        _enqueue(db, day, rows[-1].id)
    return told


def _remind(db: Session, row: Row[Any], day: date, now: datetime) -> bool:
    """One notice, however many doses are due. Whose record cannot be judged holds up nobody else."""
    try:
        due = _due(row.record, day)
        open_ = {_name(one) for one in _due(_unlabelled(row.record), day)} if due else set()
    except Exception as failure:  # noqa: BLE001 -- its words may hold a value of the record
        log.warning("dose_forecast_failed", kind=type(failure).__name__)
        return False
    fresh = _claimed(db, row.patient_id, due, now)
    if not fresh:
        return False
    citizens = (
        notices.readers_of(db, row.patient_id, now, SECTION)
        if fresh & open_
        else sorted(own_citizens(db, persons_of(db, row.patient_id)))
    )
    notices.post(db, kind=KIND, citizen_ids=citizens, patient_id=row.patient_id, subject_id=None, now=now)
    return bool(citizens)


def _due(record: Mapping[str, Any], day: date) -> tuple[SeriesForecast, ...]:
    doses = map(dose_of, rows_of(record).values())
    return due_doses(forecast(person_of(record, day), doses, day, versions()), day, AHEAD_DAYS)


def _unlabelled(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record without its sensitive rows. What is due by those alone (tetanus in pregnancy) is told to the patient
    herself and to nobody who acts for her.
    """

    def shown(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        return [one for one in rows if not one["sensitivity"]]

    doses = [one | {"reports": shown(one["reports"])} for one in record["immunizations"] if not one["sensitivity"]]
    return {
        "demographics": record["demographics"],
        "immunizations": doses,
        "allergies": shown(record["allergies"]),
        "conditions": {"nodes": shown(record["conditions"]["nodes"])},
    }


def _name(one: SeriesForecast) -> str:
    """Which dose this is, and for when."""
    assert one.next is not None  # noqa: S101 -- a dose that is due has a day
    return f"{one.series.code}:{one.next.rule.number}:{one.next.recommended_on}"


def _claimed(db: Session, patient_id: UUID, due: Iterable[SeriesForecast], now: datetime) -> set[str]:
    """Those that nobody was reminded of before; of several workers one gets each."""
    names = {hashlib.sha256(f"{patient_id}:{name}".encode()).digest(): name for name in map(_name, due)}
    if not names:
        return set()
    rows = [{"patient_id": patient_id, "dose_key": key, "at": now} for key in sorted(names)]
    made = insert(DoseReminded).values(rows).on_conflict_do_nothing().returning(DoseReminded.dose_key)
    return {names[key] for key in db.scalars(made)}


def _enqueue(db: Session, day: date, after: UUID) -> None:
    payload = {"day": day.isoformat(), "after": str(after)}
    jobs.enqueue(db, ENTRYPOINT, payload, key=f"{ENTRYPOINT}:{day}:{after}")


@dataclass(frozen=True, slots=True)
class DoseDay:
    """The worker's periodic look whether a day is to be begun, which is no work that its log tells of."""

    engine: AsyncEngine
    clock: Callable[[], datetime]

    async def __call__(self) -> int:
        async with AsyncSession(self.engine) as session:
            await session.run_sync(start_day, self.clock())
            await session.commit()
        return 0


@dataclass(frozen=True, slots=True)
class DosePage:
    """The handler of the entrypoint `dose_reminders`."""

    engine: AsyncEngine
    clock: Callable[[], datetime]

    async def __call__(self, payload: jobs.Payload) -> None:
        day, after = date.fromisoformat(payload["day"]), UUID(payload["after"])
        async with AsyncSession(self.engine) as session:
            await session.run_sync(remind_page, day, after, self.clock())
            await session.commit()
