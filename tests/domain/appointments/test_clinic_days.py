"""The clinic's own work: closing a day, its day list, queue numbers, walk-ins, overbooking, hours that change."""

import asyncio
from datetime import date, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from domain.appointments import closing, day, schedules
from domain.appointments.booking import Patient
from domain.appointments.outcomes import Refused, Story
from domain.errors import Invalid
from tests.domain.appointments.world import NOW, furnish, outcomes, patient, rule

DAY = date(2026, 11, 25)
OPEN = NOW + timedelta(days=2)  # eight o'clock on that day


async def clinic(world, what, *arguments, now=NOW, **told):
    story = Story()
    done = await world.run(
        lambda db: what(db, world.organization, *arguments, now=now, story=story, **told), clinic=True
    )
    world.stories.append(story)
    return done


async def step(world, made, to, now=OPEN):
    return await clinic(world, day.step, made.patient_id, made.id, to, now=now)


@pytest.mark.parametrize(
    ("to", "hours_later", "is_time"),
    [
        ("checked_in", -8, True),  # midnight in Vietnam, the day before in UTC
        ("checked_in", -9, False),
        ("checked_in", 15, True),
        ("checked_in", 16, False),
        ("no_show", -1, False),
        ("no_show", 0, True),
        ("called", -24, True),
        ("done", 24, True),
    ],
)
def test_a_step_has_its_time_on_the_clinics_own_clock(to, hours_later, is_time):
    assert day.is_time_for(to, OPEN, OPEN + timedelta(hours=hours_later), ZoneInfo("Asia/Ho_Chi_Minh")) is is_time


async def test_a_closed_day_with_forty_bookings(database, consent):
    world = await furnish(database, consent, capacity=10)
    slots = await world.slots()
    made = [await world.book(number, slots[number % 4].id) for number in range(40)]
    await world.hold(50, slots[4].id)
    world.stories.clear()
    closed = await clinic(world, closing.close_day, DAY, None)
    assert (closed.cancelled, closed.offered) == (40, 39)  # one place is held by somebody
    assert sorted(world.told(), key=str) == sorted((("appointment_cancelled", one.patient_id) for one in made), key=str)
    offers = await world.sql("select patient_id, held_until, starts_at from booking.booking where status = 'offered'")
    assert len({row["patient_id"] for row in offers}) == 39
    assert {row["held_until"] for row in offers} == {NOW + timedelta(hours=24)}
    assert {row["starts_at"].date() for row in offers} == {date(2026, 12, 2)}
    assert await outcomes(world.book(60, slots[0].id)) == ["SLOT_CLOSED"]
    assert (await clinic(world, closing.close_day, DAY, None)).cancelled == 0
    await world.check()


async def test_closing_while_others_book_move_and_confirm(database, consent):
    world = await furnish(database, consent, capacity=5)
    slots = await world.slots()
    booked = [await world.book(number, slots[4 + number % 4].id) for number in range(6)]
    held = [await world.hold(10 + number, slots[number % 4].id) for number in range(4)]
    done = await outcomes(
        clinic(world, closing.close_day, DAY, None),
        *(world.book(20 + number, slots[number % 8].id) for number in range(8)),
        *(world.move(number, one.id, slots[number % 4].id) for number, one in enumerate(booked)),
        *(world.confirm(10 + number, one.id) for number, one in enumerate(held)),
    )
    assert done[0] == "ok"
    assert set(done) <= {"ok", "SLOT_CLOSED", "SLOT_TAKEN", "HOLD_EXPIRED", "NOT_POSSIBLE_NOW"}
    alive = await world.sql(
        """select b.id from booking.booking b join booking.slot s on s.id = b.slot_id
            where s.closed_at is not null and b.status in ('held', 'offered', 'booked')"""
    )
    assert alive == []
    cancelled = await world.sql(
        "select patient_id from booking.booking where status = 'cancelled_by_clinic' and version > 1"
    )
    told = [who for kind, who in world.told() if kind == "appointment_cancelled"]
    assert len(told) == len(set(told)) <= len(cancelled)
    await world.check()


async def test_those_who_wait_for_a_closed_day_wait_on(world):
    from tests.domain.appointments.test_waiting import join

    slot = (await world.slots())[0]
    made = await world.book(0, slot.id)
    await join(world, 1)
    await world.cancel(0, made.id)
    await clinic(world, closing.close_day, DAY, None)
    (row,) = await world.sql("select status from booking.waiting")
    assert row["status"] == "waiting"
    await world.check()


async def test_a_day_from_the_door_to_the_end(world):
    made = [await world.book(number, slot.id) for number, slot in enumerate((await world.slots())[:4])]
    for one in (made[2], made[0]):
        await step(world, one, "checked_in")
    called = await step(world, made[2], "called")
    assert (called.queue_number, called.queue_day) == (1, DAY)
    assert (await step(world, made[0], "checked_in")).queue_number == 2
    await step(world, made[2], "in_progress")
    assert (await step(world, made[2], "done")).status == "done"
    assert (await step(world, made[1], "no_show", now=made[1].starts_at)).status == "no_show"
    listed = await world.run(lambda db: day.of_day(db, world.organization, DAY), clinic=True)
    assert [(one.patient_id, one.status) for one in listed] == [
        (patient(0).id, "checked_in"),
        (patient(1).id, "no_show"),
        (patient(2).id, "done"),
        (patient(3).id, "booked"),
    ]
    assert world.told()[-1] == ("queue_call", patient(2).id)
    await world.check()


@pytest.mark.parametrize(("to", "now"), [("called", OPEN), ("done", OPEN), ("no_show", NOW), ("checked_in", NOW)])
async def test_no_step_is_left_out_and_none_comes_early(world, to, now):
    made = await world.book(1, (await world.slots())[0].id)
    with pytest.raises(Refused):
        await step(world, made, to, now=now)


async def test_fifty_at_the_door_get_fifty_numbers(database, consent):
    world = await furnish(database, consent, capacity=50)
    slot = (await world.slots())[0]
    made = [await world.book(number, slot.id) for number in range(50)]
    here = await asyncio.gather(*(step(world, one, "checked_in") for one in made))
    assert sorted(one.queue_number for one in here) == list(range(1, 51))


async def test_a_walk_in_and_one_too_many_on_purpose(world):
    slot = (await world.slots())[0]

    async def add(number, reason=None, *, walk_in=True):
        who = Patient(uuid4(), (), None, f"Khách {number}", None)
        return await clinic(world, day.add, slot.id, who, is_walk_in=walk_in, overbook_reason=reason, now=OPEN)

    first = await add(1)
    assert (first.status, first.queue_number, first.is_walk_in) == ("checked_in", 1, True)
    assert await outcomes(add(2)) == ["SLOT_TAKEN"]
    over = await add(3, "Bệnh nhân sốt cao", walk_in=False)
    assert (over.is_overbooked, over.overbook_reason) == (True, "Bệnh nhân sốt cao")
    await world.check()
    (row,) = await world.sql("select taken, overbooked from booking.slot where id = $1", slot.id)
    assert tuple(row) == (2, 1)
    await clinic(world, day.cancel, over.patient_id, over.id, now=OPEN)
    (row,) = await world.sql("select taken, overbooked from booking.slot where id = $1", slot.id)
    assert tuple(row) == (1, 0)
    with pytest.raises(Invalid):
        await add(4, " ")


async def test_hours_overlap_no_others_of_the_same_service_person_or_room(world):
    def adding(**changes):
        return clinic(
            world, lambda db, of, now, story: schedules.add_hours(db, of, rule(world.service, **changes), now, story)
        )

    with pytest.raises(Invalid, match="same service from 08:00 to 10:00"):
        await adding(opens_at=time(9), closes_at=time(11))
    assert await outcomes(*(adding(opens_at=time(10), closes_at=time(11)) for _ in range(5))) != ["ok"] * 5
    rows = await world.sql("select count(*) as n from booking.hours")
    assert rows[0]["n"] == 2
    for wrong in (
        {"valid_from": date(2026, 11, 22)},
        {"opens_at": time(12), "closes_at": time(12, 20)},
        {"service_id": uuid4()},
        {"weekday": 7},
        {"slot_minutes": 1},
    ):
        with pytest.raises(Invalid):
            await adding(**{"opens_at": time(14), "closes_at": time(15)} | wrong)


async def test_making_slots_again_changes_nothing_and_ended_hours_keep_their_bookings(world):
    slots = await world.slots()
    made = await world.book(1, slots[5].id)
    again = await world.run(lambda db: schedules.materialise(db, world.organization, NOW, Story()), clinic=True)
    assert again == 0
    last = date(2026, 11, 26)
    await clinic(world, lambda db, of, now, story: schedules.end_hours(db, of, slots[0].hours_id, last, now, story))
    left = await world.slots()
    assert [one.id for one in left] == [*(one.id for one in slots[:4]), slots[5].id]
    assert left[-1].closed_at == NOW
    assert await world.statuses() == ["booked"]
    assert (await world.cancel(1, made.id)).status == "cancelled"
    await world.check()


async def test_a_day_that_was_closed_opens_again_and_a_holiday_too(world):
    await clinic(world, closing.close_day, DAY, None)
    await clinic(world, lambda db, of, now, story: schedules.open_day(db, of, DAY, None, now, story))
    assert (await world.book(1, (await world.slots())[0].id)).status == "booked"


async def test_the_clinic_writes_nothing_of_another(world):
    from sqlalchemy import text

    other = "insert into booking.queue_counter values (gen_random_uuid(), gen_random_uuid(), '2026-11-25', 1)"
    with pytest.raises(Exception, match="row-level security"):
        await world.run(lambda db: db.execute(text(other)), clinic=True)
