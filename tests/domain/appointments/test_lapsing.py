"""What the clinic never settles lapses a day after its end: the patient may book again, and it is not missed."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from domain.appointments import day, tidying
from domain.appointments.outcomes import Refused, Story
from domain.appointments.tables import STATUSES, UNSETTLED
from tests.domain.appointments.world import furnish, outcomes

A_DAY = timedelta(hours=24)
MOMENT = timedelta(seconds=1)
SET_SLIP = "update booking.booking set slip_kind = 'referral', slip_id = $2 where id = $1"


async def lapse(world, now):
    return await world.run(lambda db: tidying.let_lapse(db, now))


async def step(world, made, to, now):
    work = lambda db: day.step(  # noqa: E731
        db, world.organization, made.patient_id, made.id, to, now=now, story=Story()
    )
    return (await world.run(work, clinic=True)).status


@pytest.fixture
async def past(world):
    """An appointment, and the moment a day after its end."""
    slot = (await world.slots())[0]
    return await world.book(1, slot.id), slot.ends_at + A_DAY + MOMENT


async def test_it_lapses_a_day_after_its_end_and_not_before(world, past):
    made, later = past
    assert await lapse(world, later - MOMENT) == 0
    assert await lapse(world, later) == 1
    assert await lapse(world, later) == 0
    (row,) = await world.sql("select status, version, changed_at from booking.booking")
    assert tuple(row) == ("lapsed", made.version + 1, later)


@pytest.mark.parametrize("status", STATUSES)
async def test_only_what_nobody_settled_lapses(world, past, status):
    _, later = past
    await world.sql("update booking.booking set status = $1, held_until = ends_at", status)
    assert await lapse(world, later) == (1 if status in UNSETTLED else 0)


async def test_its_patient_may_book_the_same_service_again(world, past):
    _, later = past
    again = (await world.slots())[4]
    assert await outcomes(world.book(1, again.id, now=later)) == ["ALREADY_BOOKED"]
    await lapse(world, later)
    assert await outcomes(world.book(1, again.id, now=later)) == ["ok"]


async def test_nobody_counts_it_as_missed(world):
    """The clinic asks who missed two to call."""
    slots = await world.slots()
    later = slots[3].ends_at + A_DAY + MOMENT
    for slot in slots[:2]:
        await world.book(1, slot.id)
        await lapse(world, later)
    assert await outcomes(world.book(1, slots[4].id, now=later)) == ["ok"]


@pytest.mark.parametrize("to", ["done", "no_show"])
async def test_the_clinic_may_still_say_what_became_of_it(world, past, to):
    made, later = past
    await lapse(world, later)
    listed = await world.run(lambda db: day.of_day(db, world.organization, made.starts_at.date()), clinic=True)
    assert [one.status for one in listed] == ["lapsed"]
    assert await step(world, made, to, later) == to
    assert await lapse(world, later) == 0


@pytest.mark.parametrize("to", ["called", "in_progress"])
async def test_nobody_is_called_to_one_that_lapsed(world, past, to):
    made, later = past
    await lapse(world, later)
    with pytest.raises(Refused):
        await step(world, made, to, later)


async def test_it_is_not_done_where_its_slip_serves_another_by_now(world, past):
    made, later = past
    slip = uuid4()
    await world.sql(SET_SLIP, made.id, slip)
    await lapse(world, later)
    again = await world.book(1, (await world.slots())[4].id, now=later)
    await world.sql(SET_SLIP, again.id, slip)
    with pytest.raises(Refused):
        await step(world, made, "done", later)
    assert await step(world, made, "no_show", later) == "no_show"


async def test_taking_it_back_changes_nothing(world, past):
    made, later = past
    await lapse(world, later)
    assert (await world.cancel(1, made.id, now=later)).status == "lapsed"


async def test_a_step_and_the_lapse_at_the_same_moment_have_one_winner(database, consent):
    world = await furnish(database, consent, capacity=20)
    slot = (await world.slots())[0]
    made = [await world.book(number, slot.id) for number in range(20)]
    later = slot.ends_at + A_DAY + MOMENT
    steps = (step(world, one, "no_show", later) for one in made)
    *settled, lapsed = await asyncio.gather(*steps, lapse(world, later))
    assert set(settled) == {"no_show"}
    rows = await world.sql("select status, version from booking.booking")
    assert {row["status"] for row in rows} == {"no_show"}
    assert sum(row["version"] - 2 for row in rows) == lapsed
