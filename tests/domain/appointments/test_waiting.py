"""The line for a place: a freed or new place goes to the next, for half an hour, and then on."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from domain.appointments import closing, places, schedules, tidying, waiting
from domain.appointments.outcomes import Refused, Story
from domain.errors import Invalid, NotFound
from tests.domain.appointments.world import NOW, furnish, outcomes, patient, rule

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


async def add(world, now=NOW, **hours):
    """New hours on Thursdays from two to three, two slots each."""
    changes = {"weekday": 3, "opens_at": time(14), "closes_at": time(15)} | hours
    return await by_clinic(world, schedules.add_hours, rule(world.service, **changes), now=now)


async def by_clinic(world, what, *told, now=NOW):
    story = Story()
    made = await world.run(lambda db: what(db, world.organization, *told, now, story), clinic=True)
    world.stories.append(story)
    return made


async def slots_offered(world):
    """By patient, when the place is that he is offered."""
    rows = await world.sql("select patient_id, starts_at from booking.booking where status = 'offered'")
    return {row["patient_id"].int - 10_000: row["starts_at"] for row in rows}


async def test_new_hours_are_offered_to_those_who_wait_the_first_the_soonest(full):
    full.stories.clear()
    await add(full)
    thursday = NOW + timedelta(days=3, hours=6)
    soonest = [thursday, thursday + HALF_AN_HOUR, thursday + timedelta(days=7)]
    assert await slots_offered(full) == dict(zip((1, 2, 3), soonest, strict=True))
    assert full.told() == [("waiting_list_offer", patient(number).id) for number in (1, 2, 3)]
    made = await accept(full, 1, (await offered(full))[1])
    assert (made.status, made.starts_at) == ("booked", thursday)
    taken = await full.sql("select sum(taken) as n from booking.slot")
    assert taken[0]["n"] == 4
    await full.check()


async def test_a_new_place_that_nobody_answers_goes_on_and_is_free_at_last(full):
    await add(full)
    late = NOW + HALF_AN_HOUR
    await full.run(lambda db: tidying.settle_overdue(db, late))
    assert await slots_offered(full) != {}
    await full.check()
    slot = next(one for one in await full.slots() if one.starts_at == NOW + timedelta(days=10, hours=6, minutes=30))
    assert (await full.book(8, slot.id)).status == "booked"


async def test_making_the_same_slots_again_offers_nothing(full):
    await add(full)
    before = await slots_offered(full)
    await answer(full, waiting.decline, 1, (await offered(full))[1])
    await by_clinic(full, schedules.materialise)
    after = await slots_offered(full)
    assert set(before) == {1, 2, 3}
    assert 1 not in after


async def test_new_places_at_a_time_or_of_a_service_that_nobody_wished(world):
    await join(world, 1, latest=timedelta(days=2))
    await add(world)
    assert await offered(world) == {}
    await world.check()


async def test_many_new_places_are_for_one_who_waits_one_offer(database, consent):
    world = await furnish(database, consent)
    await join(world, 1)
    await add(world, capacity=10)
    assert list(await offered(world)) == [1]
    rows = await world.sql("select taken from booking.slot where taken > 0")
    assert [row["taken"] for row in rows] == [1]
    await world.check()


async def test_a_day_that_opens_again_is_offered(full):
    day = date(2026, 11, 25)
    await full.run(lambda db: closing.close_day(db, full.organization, day, None, now=NOW, story=Story()), clinic=True)
    before = set(await offered(full)) - {1, 2, 3}
    await by_clinic(full, schedules.open_day, day, None)
    assert set(await offered(full)) == before | {1, 2, 3}
    await full.check()


async def test_the_slots_of_another_day_come_in_the_morning(database, consent):
    """Thirty days ahead and a week more: Wednesday 6 January comes on Monday 30 November."""
    world = await furnish(database, consent, valid_until=None)
    await join(world, 1, latest=timedelta(days=60))
    midnight = datetime(2026, 11, 29, 17, 0, tzinfo=UTC)
    for hours, made in ((0, 0), (6.9, 0), (7, 4), (23, 0)):
        now = midnight + timedelta(hours=hours)
        assert await by_clinic(world, schedules.materialise, now=now) == made, hours
        assert len(await offered(world)) == (hours >= 7)


async def test_hours_and_cancellations_at_once_are_one_offer_each(full):
    second = (await full.slots())[1]
    other = await full.book(9, second.id)
    done = await outcomes(
        add(full), full.cancel(0, full.booked.id), full.cancel(9, other.id), add(full, weekday=4), add(full, weekday=5)
    )
    assert set(done) == {"ok"}
    assert sorted(await offered(full)) == [1, 2, 3]
    await full.check()


async def test_only_the_facility_offers_its_places(full):
    slot = (await full.slots())[1].id
    with pytest.raises(Exception, match="only the facility itself"):
        await full.run(lambda db: places.offer(db, [full.place(slot)], NOW, Story()), who=patient(1))
    assert await offered(full) == {}


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
