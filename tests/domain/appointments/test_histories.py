"""Whatever happens in whatever order, what is taken is what lives, and never too much."""

import random
from contextlib import suppress
from datetime import date, timedelta

import pytest

from domain.appointments import closing, tidying, waiting
from domain.appointments.outcomes import Refused, Story
from domain.errors import NotFound
from tests.domain.appointments.test_waiting import accept, join, offered
from tests.domain.appointments.world import NOW, furnish, patient

PEOPLE, STEPS, SEEDS = 8, 80, 3


async def one_step(world, chance, slots, mine, now):
    """Something somebody does; a refusal is an answer too."""
    who, slot = chance.randrange(PEOPLE), chance.choice(slots)
    booking = chance.choice(mine[who]) if mine[who] else None
    match chance.randrange(10):
        case 0 | 1:
            mine[who].append((await world.hold(who, slot.id, now=now)).id)
        case 2 | 3:
            mine[who].append((await world.book(who, slot.id, now=now)).id)
        case 4 if booking:
            await world.confirm(who, booking, now=now)
        case 5 if booking:
            await world.cancel(who, booking, now=now)
        case 6 if booking:
            await world.move(who, booking, slot.id, now=now)
        case 7:
            await join(world, who, now=now)
        case 8:
            for number, id_ in (await offered(world)).items():
                await (accept(world, number, id_, now) if chance.random() < 0.5 else _decline(world, number, id_, now))
        case 9:
            await world.run(lambda db: tidying.settle_overdue(db, now))


async def _decline(world, number, id_, now):
    who = patient(number)
    await world.run(lambda db: waiting.decline(db, who, id_, now=now, story=Story()), who=who)


async def _close(world, now):
    day = date(2026, 11, 25)
    await world.run(
        lambda db: closing.close_day(db, world.organization, day, None, now=now, story=Story()), clinic=True
    )


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_places_are_never_lost_nor_given_twice(seed, database, consent):
    chance = random.Random(seed)
    world = await furnish(database, consent, capacity=1 + seed % 3)
    slots, now = await world.slots(), NOW
    mine = {number: [] for number in range(PEOPLE)}
    for number in range(STEPS):
        now += timedelta(seconds=chance.choice((1, 60, 200, 600)))
        with suppress(Refused, NotFound):
            await one_step(world, chance, slots, mine, now)
        if number == STEPS // 2:
            await _close(world, now)
        if number % 4 == 0:
            await world.check()
    await world.check()
    double = await world.sql(
        """select a.id from booking.booking a join booking.booking b
              on a.patient_id = b.patient_id and a.id < b.id and a.starts_at < b.ends_at and b.starts_at < a.ends_at
           where a.status in ('held', 'booked') and b.status in ('held', 'booked')"""
    )
    assert double == []
