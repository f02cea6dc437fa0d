"""Real worker processes, really killed: every notice arrives, under the same message id, and no phone rings twice."""

import signal
import subprocess
import sys

import pytest

from cli.demo_push import INTERNAL, SENDER_ID_MISMATCH, TOO_MANY, UNREGISTERED, Behaviour
from tests.cli.servers import PROJECT
from tests.notifications.town import PAGE_OK, RESET, until

WORKER = """
import asyncio, signal, sys
from datetime import timedelta
from domain.database import open_engine
from notifications.contacts import NoContacts
from notifications.seals import Seals
from notifications.worker import Notifier
from notifications.channels.fcm import Fcm, FcmSettings
from notifications import jobs

class Poisoned(Notifier):
    def handlers(self):
        return {**Notifier.handlers(self), "poison": poison}

async def main(dsn, endpoint):
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    channels = {"push": Fcm(FcmSettings("demo", endpoint=endpoint))}
    make = Poisoned if len(sys.argv) > 3 else Notifier
    told = make(dsn, open_engine(dsn), channels, NoContacts(), Seals.of(b"k" * 32),
                lease=timedelta(seconds=4), heartbeat=timedelta(seconds=2))
    print("started", flush=True)
    await told.run(stop)
    await told.close()

async def poison(payload):
    import os
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main(*sys.argv[1:3]))
"""
BAD = [UNREGISTERED, SENDER_ID_MISMATCH, TOO_MANY, INTERNAL, PAGE_OK, RESET, Behaviour(delay_s=0.2)]
DEAD = (UNREGISTERED, SENDER_ID_MISMATCH)


@pytest.fixture
def workers(town):
    started = []

    def start(*more):
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WORKER, town.database.worker, town.phones.origin, *more],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == "started\n", process.stderr.read()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


async def test_a_worker_killed_in_the_middle_of_ten_thousand_loses_and_repeats_nothing(town, workers):
    from domain.values import utc_now

    town.clock.now = utc_now()
    tokens = await town.devices(10_000, each=10)
    dead = set()
    for number, token in enumerate(tokens[:: len(tokens) // 140]):
        bad = BAD[number % len(BAD)]
        town.phones.script(token, [bad] * (9 if bad in DEAD else 1))
        dead |= {token} if bad in DEAD else set()
    citizens = [row["citizen_id"] for row in await town.sql.fetch("select distinct citizen_id from notify.device")]
    await town.post(citizens, "security")
    first = workers()

    async def is_in_the_middle():
        return len(town.phones.phones) > 3000

    await until(is_in_the_middle)
    first.send_signal(signal.SIGKILL)
    first.wait(30)
    assert await town.sql.fetchval("select count(*) from notify.delivery where state = 'sending'") > 0
    workers()

    async def is_done():
        await town.sql.execute("update notify.delivery set next_at = now() where state = 'due' and next_at > now()")
        return not await town.sql.fetchval(
            """select exists (select from notify.delivery where state in ('due', 'sending'))
                   or exists (select from jobs.pgqueuer)"""
        )

    await until(is_done, 120)
    states = dict(await town.sql.fetch("select state, count(*) from notify.delivery group by 1"))
    assert states == {"accepted": 10_000 - len(dead), "gone": len(dead)}
    assert {town.shown(token) for token in tokens if token not in dead} == {(1, 1)}
    assert not dead & town.phones.phones.keys()
    assert sum(town.phones.attempts.values()) < 10_000 + 140 + 1500, "only what was under way was sent again"


async def test_told_to_stop_it_writes_down_what_it_sent(town, workers):
    from domain.values import utc_now

    town.clock.now = utc_now()
    citizen = await town.citizen()
    token = await town.device(citizen)
    town.phones.script(token, [Behaviour(delay_s=0.5)])
    await town.post([citizen], "security")
    worker = workers()

    async def is_under_way():
        return town.phones.attempts[token] == 1

    await until(is_under_way)
    worker.send_signal(signal.SIGTERM)
    worker.communicate(timeout=30)
    assert worker.returncode == 0
    assert await town.states() == ["accepted"]


async def test_a_job_that_kills_its_worker_is_parked_and_the_others_go_on(town, workers):
    await town.sql.execute("select jobs.enqueue('poison', convert_to('{}', 'UTF8'), null, null, 0)")
    for _ in range(3):
        assert workers("with poison").wait(60) == -signal.SIGKILL
    workers("with poison")

    async def is_parked():
        return await town.sql.fetchval("select status::text = 'failed' from jobs.pgqueuer where entrypoint = 'poison'")

    await until(is_parked)
    assert await town.sql.fetchval("select starts from notify.job_start") == 4
