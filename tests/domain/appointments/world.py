"""A clinic with slots, and patients and staff who act over connections of their own, as the service's login."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from sqlalchemy.orm import Session

from domain.appointments import booking, schedules
from domain.appointments.booking import Patient
from domain.appointments.clinic_tables import Policy, Service, Slot
from domain.appointments.outcomes import Refused, Story
from domain.appointments.places import Place
from domain.appointments.rules import Rule
from domain.appointments.tables import TAKES_A_PLACE, Booking
from tests.conftest import Database

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # a Monday, eight in the morning in Vietnam
MOST_CONNECTIONS = 30
SET = text("select set_config('app.persons', :persons, true), set_config('app.organization', :organization, true)")


def patient(number: int) -> Patient:
    id_ = UUID(int=10_000 + number)
    return Patient(id_, (id_,), id_, f"Người {number}", "0900000000")


@dataclass
class World:
    database: Database
    engine: AsyncEngine
    organization: UUID
    service: UUID
    now: datetime = NOW
    stories: list[Story] = field(default_factory=list)

    async def run(
        self, work: Callable[..., Any], *, who: Patient | None = None, clinic: bool = False, **told: Any
    ) -> Any:
        """`work(session, ...)` in one transaction as a patient, or as the clinic; undone where it raises."""
        sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        async with sessions() as session, session.begin():
            persons = ",".join(map(str, who.persons)) if who else ""
            await session.execute(SET, {"persons": persons, "organization": str(self.organization) if clinic else ""})
            return await session.run_sync(work, **told)

    async def book(self, number: int, slot: UUID, key: bytes | None = None, now: datetime | None = None) -> Booking:
        return await self._change(booking.book, number, place=self.place(slot), key=key, slip=None, now=now)

    async def hold(self, number: int, slot: UUID, key: bytes | None = None, now: datetime | None = None) -> Booking:
        return await self._change(booking.hold, number, place=self.place(slot), key=key, now=now)

    async def confirm(self, number: int, id_: UUID, now: datetime | None = None) -> Booking:
        return await self._change(booking.confirm, number, booking_id=id_, slip=None, now=now)

    async def cancel(self, number: int, id_: UUID, now: datetime | None = None) -> Booking:
        return await self._change(booking.cancel, number, booking_id=id_, now=now)

    async def move(self, number: int, id_: UUID, slot: UUID, now: datetime | None = None) -> Booking:
        return await self._change(booking.reschedule, number, booking_id=id_, slot_id=slot, now=now)

    async def _change(self, what: Callable[..., Any], number: int, *, now: datetime | None, **told: Any) -> Any:
        who, story = patient(number), Story()

        def work(db: Session) -> Any:
            return what(db, who, now=now or self.now, story=story, **told)

        done = await self.run(work, who=who)
        self.stories.append(story)
        return done

    def told(self) -> list[tuple[str, UUID]]:
        return [(one.kind, one.patient_id) for story in self.stories for one in story.happened]

    def place(self, slot: UUID) -> Place:
        return Place(self.organization, slot)

    async def slots(self, service: UUID | None = None) -> list[Slot]:
        query = select(Slot).where(Slot.service_id == (service or self.service)).order_by(Slot.starts_at, Slot.id)
        return list(await self.run(lambda db: db.scalars(query).all()))

    async def sql(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.database.owner)
        try:
            return list(await connection.fetch(statement, *arguments))
        finally:
            await connection.close()

    async def statuses(self, slot: UUID | None = None) -> list[str]:
        rows = await self.sql("select status from booking.booking where slot_id = coalesce($1, slot_id)", slot)
        return sorted(row["status"] for row in rows)

    async def check(self) -> None:
        """`taken` is what lives in each slot, and no more than fits."""
        wrong = await self.sql(
            """select s.id from booking.slot s
                where s.taken <> (select count(*) from booking.booking b
                                   where b.slot_id = s.id and b.status = any ($1))
                   or s.taken > s.capacity + s.overbooked""",
            list(TAKES_A_PLACE),
        )
        assert wrong == []


def rule(service: UUID, **changes: Any) -> Rule:
    told: dict[str, Any] = {
        "id": uuid4(),
        "service_id": service,
        "practitioner_id": None,
        "room_id": None,
        "weekday": 2,
        "opens_at": time(8),
        "closes_at": time(10),
        "slot_minutes": 30,
        "capacity": 1,
        "valid_from": NOW.date(),
        "valid_until": NOW.date() + timedelta(days=14),
    }
    return Rule(**told | changes)


async def furnish(database: Database, engine: AsyncEngine, **hours: Any) -> World:
    """One service, on two Wednesdays from eight to ten, four slots each."""
    world = World(database, engine, uuid4(), uuid4())
    await world.sql(
        """insert into registry.organization (id, code, name, status, province)
           values ($1, '01001', 'Trạm', 'active', '01')""",
        world.organization,
    )

    def made(db: Session) -> None:
        db.add(Policy(organization_id=world.organization, phone="024 1234", horizon_days=30, no_shows=2))
        db.add(Service(organization_id=world.organization, id=world.service, code="KHAM", name="Khám", minutes=5))
        db.flush()
        schedules.add_hours(db, world.organization, rule(world.service, **hours), NOW, Story())

    await world.run(made, clinic=True)
    return world


async def outcomes(*attempts: Any) -> list[str]:
    """What became of attempts at the same time: `ok`, the reason of a refusal, or the name of an unexpected error."""
    done = await asyncio.gather(*attempts, return_exceptions=True)
    return [
        one.reason if isinstance(one, Refused) else type(one).__name__ if isinstance(one, BaseException) else "ok"
        for one in done
    ]
