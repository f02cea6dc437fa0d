"""Whatever happens on the way, and in whatever order, everybody is told and nobody twice."""

import random

import pytest

from cli.demo_push import INTERNAL, TOO_MANY, UNAVAILABLE
from tests.notifications.town import PAGE_OK, RESET


@pytest.mark.parametrize("seed", range(6))
async def test_over_random_crashes_outages_and_repeats(town, seed):
    chance = random.Random(seed)
    tokens = await town.devices(30, each=3)
    citizens = [row[0] for row in await town.sql.fetch("select distinct citizen_id from notify.device")]
    for token in tokens:
        bad = [INTERNAL, UNAVAILABLE, RESET, TOO_MANY, PAGE_OK]
        town.phones.script(token, chance.choices(bad, k=chance.randrange(4)))
    for _ in range(chance.randrange(2, 5)):
        await town.post(citizens, "security", key="the same thing")
    for _ in range(20):
        step = chance.choice(["repeat", "lose", "outage", "deliver", "later"])
        await STEPS[step](town, chance)
    town.phones.down = None
    for _ in range(12):
        town.clock.forward(minutes=50)
        await town.deliver()
    assert set(await town.states()) == {"accepted"}
    assert {town.shown(token) for token in tokens} == {(1, 1)}


async def repeat_jobs(town, _chance):
    """A job whose worker died after it had planned runs again."""
    await town.sql.execute(
        """insert into jobs.pgqueuer (priority, entrypoint, payload, status)
           select 0, 'deliver', convert_to(json_build_object('items',
                     json_agg(json_build_array(citizen_id, id)))::text, 'UTF8'), 'queued' from notify.inbox_item"""
    )
    await town.plan()


async def lose_answers(town, chance):
    """A worker died after FCM had accepted and before it was written down."""
    await town.sql.execute(
        "update notify.delivery set state = 'sending', next_at = $1 where state = 'accepted' and random() < $2",
        town.clock.now, chance.random() / 2,
    )  # fmt: skip


async def outage(town, chance):
    town.phones.down = chance.choice([UNAVAILABLE, RESET, PAGE_OK, None])


async def deliver(town, _chance):
    await town.deliver()


async def later(town, chance):
    town.clock.forward(minutes=chance.randrange(1, 20))


STEPS = {"repeat": repeat_jobs, "lose": lose_answers, "outage": outage, "deliver": deliver, "later": later}
