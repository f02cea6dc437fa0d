"""Many phones at once, each over a connection of its own: the database decides, and everybody gets a clear answer."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import time, timedelta
from uuid import uuid4

import pytest

from tests.domain.appointments.world import NOW, furnish, outcomes

ROUNDS = int(os.environ.get("RACE_ROUNDS", "20"))
"""Places that fifty phones want at once, one after the other; 240 at most."""
CLIENT = """
import asyncio, asyncpg, sys
async def main():
    connection = await asyncpg.connect(sys.argv[1])
    await connection.execute("begin")
    await connection.execute("select set_config('app.persons', '', true), set_config('app.organization', '', true)")
    row = await connection.fetchrow("select outcome from booking.take($1, $2, $3::text::timestamptz, false, false)",
                                    *sys.argv[2:4], sys.argv[4])
    print(row[0], flush=True)
    sys.stdin.read()
asyncio.run(main())
"""


async def test_fifty_phones_at_one_place_are_one_booking_and_forty_nine_clear_answers(database, consent):
    world = await furnish(database, consent, slot_minutes=5, opens_at=time(8), closes_at=time(18))
    slots = (await world.slots())[:ROUNDS]
    assert len(slots) == ROUNDS
    for place, slot in enumerate(slots):
        first = place * 50
        done = Counter(await outcomes(*(world.book(first + number, slot.id) for number in range(50))))
        assert done == {"ok": 1, "SLOT_TAKEN": 49}
    await world.check()


async def test_a_hundred_at_a_session_of_thirty_are_thirty(database, consent):
    world = await furnish(database, consent, capacity=30)
    slot = (await world.slots())[0]
    done = Counter(await outcomes(*(world.book(number, slot.id) for number in range(100))))
    assert done == {"ok": 30, "SLOT_TAKEN": 70}
    await world.check()


async def test_one_patient_with_many_phones_has_one_appointment(world):
    slots = (await world.slots())[:4]
    done = Counter(await outcomes(*(world.book(1, slots[number % 4].id) for number in range(20))))
    assert done.pop("ok") == 1
    assert set(done) <= {"ALREADY_BOOKED", "SLOT_TAKEN"}
    assert await world.statuses() == ["booked"]
    await world.check()


async def test_one_patient_is_never_in_two_places_at_a_time(world):
    slots = await world.slots()
    other = await another_service(world)
    for first in range(0, 200, 20):
        pairs = [(first + number, slot) for number in range(8) for slot in (slots[number].id, other[number])]
        done = Counter(await outcomes(*(world.book(number, slot) for number, slot in pairs)))
        assert done == {"ok": 8, "OVERLAPS": 8}
        await world.sql("update booking.booking set status = 'cancelled'")
        await world.sql("update booking.slot set taken = 0")


async def another_service(world):
    """Ids of slots of a second service, at the same times as those of the first."""
    service = uuid4()
    await world.sql(
        """insert into booking.service (organization_id, id, code, name, vaccine_codes, minutes, slip, is_telehealth,
                                        is_active)
           values ($1, $2, 'TIEM', 'Tiêm', '{}', 5, 'none', false, true)""",
        world.organization, service,
    )  # fmt: skip
    rows = await world.sql(
        """with made as (
               insert into booking.slot (organization_id, id, service_id, hours_id, starts_at, ends_at, capacity, taken,
                                         overbooked)
               select organization_id, gen_random_uuid(), $1, hours_id, starts_at + interval '5 minutes', ends_at, 1,
                      0, 0
                 from booking.slot
               returning id, starts_at)
           select id from made order by starts_at""",
        service,
    )
    return [row["id"] for row in rows]


async def test_a_phone_that_sends_one_request_ten_times_gets_one_answer(world):
    slot = (await world.slots())[0]
    made = await asyncio.gather(*(world.book(1, slot.id, key=b"k") for _ in range(10)))
    assert len({one.id for one in made}) == 1
    assert world.told() == [("appointment_booked", made[0].patient_id)]


async def test_a_hold_that_ends_while_it_is_confirmed_goes_to_one_of_the_two(world):
    for slot in (await world.slots())[:4]:
        number = 10 * (await world.slots()).index(slot)
        held = await world.hold(number, slot.id)
        late = NOW + timedelta(minutes=5)
        done = await outcomes(world.confirm(number, held.id, now=late), world.book(number + 1, slot.id, now=late))
        assert done == ["HOLD_EXPIRED", "ok"]
        held = await world.statuses(slot.id)
        assert held == ["booked", "expired"]
    await world.check()


async def test_of_a_confirmation_in_time_and_a_taker_the_confirmation_wins(world):
    slot = (await world.slots())[0]
    held = await world.hold(1, slot.id)
    soon = NOW + timedelta(minutes=4)
    assert await outcomes(world.confirm(1, held.id, now=soon), world.book(2, slot.id, now=soon)) == ["ok", "SLOT_TAKEN"]


async def test_two_who_move_to_each_others_place_do_not_wait_for_each_other(world):
    a, b, c = (await world.slots())[:3]
    for first, second in ((a, b), (b, c), (a, c)):
        mine, yours = await world.book(1, first.id), await world.book(2, second.id)
        done = await outcomes(world.move(1, mine.id, second.id), world.move(2, yours.id, first.id))
        assert done == ["SLOT_TAKEN", "SLOT_TAKEN"]
        await asyncio.gather(world.cancel(1, mine.id), world.cancel(2, yours.id))
    await world.check()


async def test_many_who_move_about_at_once_lose_no_place(world):
    slots = (await world.slots())[:8]
    mine = [await world.book(number, slots[number].id) for number in range(4)]
    for turn in range(6):
        moves = [world.move(n, one.id, slots[(n * 3 + turn) % 8].id) for n, one in enumerate(mine)]
        assert set(await outcomes(*moves)) <= {"ok", "SLOT_TAKEN"}
        await world.check()
    assert await world.statuses() == ["booked"] * 4


async def test_a_client_that_is_killed_half_way_takes_no_place_with_it(world):
    slot = (await world.slots())[0]
    told = [
        sys.executable,
        "-c",
        CLIENT,
        world.database.consent,
        str(world.organization),
        str(slot.id),
        NOW.isoformat(),
    ]
    with subprocess.Popen(  # noqa: ASYNC220 -- it lives only for this test
        told, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as client:
        assert (await asyncio.to_thread(client.stdout.readline)).strip() == "TAKEN"
        waiting = asyncio.create_task(world.book(1, slot.id))
        os.kill(client.pid, signal.SIGKILL)
        client.wait()
    assert (await waiting).status == "booked"
    await world.check()


@pytest.mark.parametrize("way", ["cancel", "expire"])
async def test_a_freed_place_is_taken_once(world, way):
    slot = (await world.slots())[0]
    held = await world.hold(0, slot.id)
    now = NOW + timedelta(minutes=6) if way == "expire" else NOW
    freeing = [world.cancel(0, held.id)] if way == "cancel" else []
    done = await outcomes(*freeing, *(world.book(number, slot.id, now=now) for number in range(1, 20)))
    takers = Counter(done[len(freeing) :])
    assert takers["ok"] <= 1
    assert set(takers) <= {"ok", "SLOT_TAKEN"}
    if way == "expire":
        assert takers["ok"] == 1
    await world.check()
