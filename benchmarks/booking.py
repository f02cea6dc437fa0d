"""Appointments: looking for a free place in a province, and booking, with everything that protects them.

500 clinics, a million slots of which some are taken, on a database of its own. Run by `python -m benchmarks.booking`.
"""

import argparse
import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from benchmarks.data import Cluster
from benchmarks.report import surroundings, table
from domain.appointments import booking, search
from domain.appointments.booking import Patient
from domain.appointments.outcomes import Refused, Story
from domain.appointments.places import Place
from domain.appointments.search import Wanted
from domain.database import open_engine

DATABASE = "bench_booking"
CLINICS, SERVICES, PROVINCES = 500, 5, 34
SET = text("select set_config('app.persons', :persons, true), set_config('app.organization', '', true)")

# A third of the places are taken; a clinic's services are of five specialties.
FILL = """
insert into registry.organization (id, code, name, status, province)
select gen_random_uuid(), 'B' || lpad(n::text, 5, '0'), 'Clinic ' || n, 'active', lpad((n % {provinces})::text, 2, '0')
  from generate_series(1, {clinics}) n;
insert into booking.policy (organization_id, time_zone, lead_minutes, horizon_days, cancel_minutes, no_shows,
                            no_show_months, keeps_holidays, version)
select id, 'Asia/Ho_Chi_Minh', 60, 90, 240, 3, 6, true, 1 from registry.organization where code like 'B%';
insert into booking.service (organization_id, id, code, name, specialty, vaccine_codes, minutes, slip, is_telehealth,
                             is_active)
select o.id, gen_random_uuid(), 'S' || n, 'Service ' || n, 'specialty ' || n, '{{}}', 15, 'none', false, true
  from registry.organization o, generate_series(1, {services}) n where o.code like 'B%';
insert into booking.slot (organization_id, id, service_id, hours_id, starts_at, ends_at, capacity, taken, overbooked)
select s.organization_id, gen_random_uuid(), s.id, s.id, t, t + interval '15 minutes', 3, (random() * 3)::int, 0
  from booking.service s, generate_series(0, {each} - 1) n,
       lateral (select date_trunc('hour', now()) + interval '2 hours' + (n / 20) * interval '1 day'
                     + (n % 20) * interval '15 minutes' as t) at
"""


async def fill(dsn: str, slots: int) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        each = slots // (CLINICS * SERVICES)
        await connection.execute(FILL.format(provinces=PROVINCES, clinics=CLINICS, services=SERVICES, each=each))
        await connection.execute("vacuum (analyze)")
    finally:
        await connection.close()


async def searched(engine: AsyncEngine, wanted: Wanted, times: int) -> list[float]:
    """Seconds of each look-up of a first page."""
    now, took = datetime.now(UTC), []
    for _ in range(times):
        began = time.perf_counter()
        await _as(engine, "", lambda db: search.free(db, wanted, first=21, after=None, earliest_first=True, now=now))
        took.append(time.perf_counter() - began)
    return took


async def booked(engine: AsyncEngine, places: list[Place], phones: int) -> float:
    """Bookings a second, by so many phones at once, each in a slot of its own."""
    waiting = iter(enumerate(places))

    async def phone() -> None:
        for number, place in waiting:
            await book(engine, number, place)

    began = time.perf_counter()
    await asyncio.gather(*(phone() for _ in range(phones)))
    return len(places) / (time.perf_counter() - began)


async def book(engine: AsyncEngine, number: int, place: Place) -> None:
    who = UUID(int=1_000_000 + number)
    patient, now, story = Patient(who, (who,), who, "Bench", "0900000000"), datetime.now(UTC), Story()
    await _as(engine, str(who), lambda db: booking.book(db, patient, place, key=None, slip=None, now=now, story=story))


async def races(engine: AsyncEngine, places: list[Place], phones: int) -> Counter[str]:
    """What became of so many phones at one place, place after place."""
    seen: Counter[str] = Counter()
    for turn, place in enumerate(places):
        tries = (_tried(book(engine, 1_000_000 * (turn + 1) + number, place)) for number in range(phones))
        seen.update(await asyncio.gather(*tries))
    return seen


async def _tried(attempt: Awaitable[None]) -> str:
    try:
        await attempt
    except Refused as why:
        return why.reason
    return "BOOKED"


async def _as(engine: AsyncEngine, persons: str, work: Callable[[Session], object]) -> None:
    async with AsyncSession(engine) as session, session.begin():
        await session.execute(SET, {"persons": persons})
        await session.run_sync(work)


async def free_places(dsn: str, wanted: int, capacity: int) -> list[Place]:
    """Empty slots, far enough ahead to be booked; from here on for so many."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            """update booking.slot s set taken = 0, capacity = $2
                 from (select organization_id, id from booking.slot
                        where starts_at > now() + interval '1 day' order by id limit $1) x
                where s.organization_id = x.organization_id and s.id = x.id and taken <> 9
               returning s.organization_id, s.id""",
            wanted, capacity,
        )  # fmt: skip
        return [Place(row["organization_id"], row["id"]) for row in rows]
    finally:
        await connection.close()


async def measured(owner: str, consent: str, *, bookings: int, rounds: int) -> list[tuple[object, ...]]:
    engine = open_engine(consent, pool_size=20, max_overflow=0)
    now = datetime.now(UTC)
    month = timedelta(days=30)
    rows: list[tuple[object, ...]] = []
    try:
        for name, wanted in (
            ("a province, 30 days", Wanted(now, now + month, province="01")),
            ("a province and a specialty", Wanted(now, now + month, province="01", specialty="specialty 2")),
            ("a specialty, the whole country", Wanted(now, now + month, specialty="specialty 2")),
        ):
            took = sorted(await searched(engine, wanted, 100))
            rows.append((f"{name}: p50 ms", statistics.median(took) * 1000))
            rows.append((f"{name}: p99 ms", took[98] * 1000))
        places = await free_places(owner, bookings + rounds, 1)
        rows.append(("bookings/s, 20 phones", await booked(engine, places[:bookings], 20)))
        outcome = await races(engine, places[bookings:], 50)
        rows += [(f"{rounds} rounds of 50 phones at one place: {name}", n) for name, n in sorted(outcome.items())]
    finally:
        await engine.dispose()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.booking", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(".healthbook/bench"), help="folder of the server")
    parser.add_argument("--slots", type=int, default=1_000_000)
    parser.add_argument("--bookings", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=200)
    told = parser.parse_args()
    with Cluster(told.data) as cluster:
        addresses = cluster.fresh(DATABASE)
        asyncio.run(fill(addresses.owner, told.slots))
        print(surroundings(cluster.buffers))
        rows = asyncio.run(measured(addresses.owner, addresses.consent, bookings=told.bookings, rounds=told.rounds))
        print(table("Appointments", ("what", "figure"), rows))


if __name__ == "__main__":
    main()
