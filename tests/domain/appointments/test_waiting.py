"""The line for a place: a freed place goes to the next, for half an hour, and then on."""

from datetime import timedelta

import pytest

from domain.appointments import tidying, waiting
from domain.appointments.outcomes import Refused, Story
from domain.errors import Invalid, NotFound
from tests.domain.appointments.world import NOW, outcomes, patient

HALF_AN_HOUR = timedelta(minutes=30)


async def join(world, number, *, service=None, latest=timedelta(days=30), now=NOW):
    who = patient(number)
    told = {"earliest": NOW, "latest": NOW + latest, "now": now}
    return await world.run(
        lambda db: waiting.join(db, who, world.organization, service or world.service, **told), who=who
    )


async def answer(world, what, number, id_, now=NOW, **told):
    who, story = patient(number), Story()
    done = await world.run(lambda db: what(db, who, id_, now=now, story=story, **told), who=who)
    world.stories.append(story)
    return done


async def accept(world, number, id_, now=NOW):
    return await answer(world, waiting.accept, number, id_, now, slip=None)


async def offered(world):
    """Patients by number, with the booking that was offered to them."""
    rows = await world.sql("select patient_id, id from booking.booking where status = 'offered' order by id")
    return {row["patient_id"].int - 10_000: row["id"] for row in rows}


@pytest.fixture
async def full(world):
    """The first slot is patient 0's, and 1, 2 and 3 wait, in this order."""
    world.slot = (await world.slots())[0]
    world.booked = await world.book(0, world.slot.id)
    for number in (1, 2, 3):
        await join(world, number, now=NOW + timedelta(seconds=number))
    return world


async def test_a_freed_place_is_offered_to_the_first_and_to_nobody_else(full):
    await full.cancel(0, full.booked.id)
    assert list(await offered(full)) == [1]
    assert full.told()[-1] == ("waiting_list_offer", patient(1).id)
    assert await outcomes(full.book(8, full.slot.id)) == ["SLOT_TAKEN"]
    made = await accept(full, 1, (await offered(full))[1])
    assert made.status == "booked"
    assert (await accept(full, 1, made.id)).version == made.version
    await full.check()


async def test_it_goes_on_when_time_is_over_whoever_comes_next(full):
    await full.cancel(0, full.booked.id)
    first = (await offered(full))[1]
    late = NOW + HALF_AN_HOUR
    assert await outcomes(full.book(8, full.slot.id, now=late), accept(full, 1, first, now=late)) == [
        "SLOT_TAKEN",
        "HOLD_EXPIRED",
    ]
    assert await full.run(lambda db: tidying.settle_overdue(db, late)) is not None
    assert list(await offered(full)) == [2]
    later = late + HALF_AN_HOUR
    await full.run(lambda db: tidying.settle_overdue(db, later))
    assert list(await offered(full)) == [3]
    await full.run(lambda db: tidying.settle_overdue(db, later + HALF_AN_HOUR))
    assert await offered(full) == {}
    assert await full.run(lambda db: tidying.settle_overdue(db, later + HALF_AN_HOUR)) is None
    assert (await full.book(8, full.slot.id, now=later + HALF_AN_HOUR)).status == "booked"
    await full.check()


async def test_who_declines_passes_it_on_and_waits_on(full):
    await full.cancel(0, full.booked.id)
    await answer(full, waiting.decline, 1, (await offered(full))[1])
    assert list(await offered(full)) == [2]
    rows = await full.sql("select status from booking.waiting where patient_id = $1", patient(1).id)
    assert [row["status"] for row in rows] == ["waiting"]
    await full.check()


async def test_who_leaves_gives_his_offer_up(full):
    await full.cancel(0, full.booked.id)
    (entry,) = await full.sql("select id from booking.waiting where patient_id = $1", patient(1).id)
    assert (await answer(full, waiting.leave, 1, entry["id"])).status == "left"
    assert (await answer(full, waiting.leave, 1, entry["id"])).status == "left"
    assert list(await offered(full)) == [2]
    await full.check()


async def test_an_offer_that_is_taken_gives_up_the_later_appointment(full):
    later = (await full.slots())[5]
    old = await full.book(1, later.id)
    await full.cancel(0, full.booked.id)
    await accept(full, 1, (await offered(full))[1])
    assert [kind for kind, who in full.told() if who == patient(1).id][-1] == "appointment_moved"
    (row,) = await full.sql("select status from booking.booking where id = $1", old.id)
    assert row["status"] == "cancelled"
    assert list(await offered(full)) == [2]  # the place that he gave up
    await full.check()


async def test_an_offer_and_a_direct_booking_at_once(full):
    done = await outcomes(
        full.cancel(0, full.booked.id), *(full.book(number, full.slot.id) for number in range(10, 20))
    )
    assert done[0] == "ok"
    assert set(done[1:]) == {"SLOT_TAKEN"}
    assert list(await offered(full)) == [1]
    await full.check()


async def test_two_places_at_once_are_two_offers_to_two_people(full):
    second = (await full.slots())[1]
    other = await full.book(9, second.id)
    assert await outcomes(full.cancel(0, full.booked.id), full.cancel(9, other.id)) == ["ok", "ok"]
    assert sorted(await offered(full)) == [1, 2]
    await full.check()


async def test_only_places_in_the_time_he_wished(world):
    slot = (await world.slots())[5]
    made = await world.book(0, slot.id)
    await join(world, 1, latest=timedelta(days=3))
    await world.cancel(0, made.id)
    assert await offered(world) == {}


async def test_who_lets_three_pass_has_left(world):
    await join(world, 1)
    now = NOW
    for slot in (await world.slots())[4:7]:
        made = await world.book(0, slot.id, now=now)
        await world.cancel(0, made.id, now=now)
        assert list(await offered(world)) == [1]
        now += HALF_AN_HOUR
        await world.run(lambda db, now=now: tidying.settle_overdue(db, now))
    (row,) = await world.sql("select status, missed from booking.waiting")
    assert tuple(row) == ("lapsed", 3)


async def test_joining_twice_keeps_the_place(world):
    first = await join(world, 1)
    again = await join(world, 1, now=NOW + timedelta(hours=1), latest=timedelta(days=2))
    assert (again.id, again.in_line_since) == (first.id, first.in_line_since)
    assert again.latest == NOW + timedelta(days=2)


async def test_a_line_is_for_a_service_and_a_time_to_come(world):
    with pytest.raises(Invalid):
        await join(world, 1, latest=-timedelta(days=1))
    with pytest.raises(NotFound):
        await join(world, 1, service=patient(1).id)
    with pytest.raises(Refused):
        await accept(world, 1, (await world.hold(1, (await world.slots())[0].id)).id)
