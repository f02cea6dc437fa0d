"""The worker's housekeeping: each job alone, whatever becomes of the others, and an orderly end."""

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
from contextlib import redirect_stderr
from datetime import timedelta

import asyncpg
import pytest
import structlog

from auth.signing.keys import ensure
from cli.logs import configure
from cli.sessions import auth_session
from cli.signing import Signing
from cli.worker import HOUR, Job, expire, jobs, keep_house, once, throw_away
from domain.values import utc_now
from tests.access.world import CITIZEN, PATIENT, World
from tests.cli.servers import PROJECT

WITHOUT_A_SIGNATURE = {"partitions", "purge", "rights_ended", "seal", "slots", "places", "unsettled", "contacts"}

KEK = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
ISSUER = "https://book.example.vn"
SOON = timedelta(milliseconds=1)


def told_environment(database):
    return {"HEALTHBOOK_DATABASE_URL": database.owner, "HEALTHBOOK_ISSUER": ISSUER, "HEALTHBOOK_KEK": KEK}


async def sql(database, statement, *arguments):
    connection = await asyncpg.connect(database.owner)
    try:
        return await connection.fetch(statement, *arguments)
    finally:
        await connection.close()


class Works:
    """A job's work that counts its runs, and fails, hangs or stops the worker as told."""

    def __init__(self, *, failure=None, hangs=False, until=None):
        self.runs, self.failure, self.hangs, self.until = 0, failure, hangs, until
        self.was_cut_off = False

    async def __call__(self):
        self.runs += 1
        if self.until == self.runs:
            os.kill(os.getpid(), signal.SIGTERM)
        if self.hangs:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.was_cut_off = True
                raise
        if self.failure:
            raise self.failure
        return 1


async def test_a_job_that_fails_or_hangs_stops_no_other():
    failing, hanging, working = Works(failure=ValueError("a name")), Works(hangs=True), Works(until=5)
    todo = [Job("failing", SOON, failing), Job("hanging", SOON, hanging), Job("working", SOON, working)]
    await keep_house(todo, grace=timedelta(milliseconds=50))
    assert working.runs >= 5
    assert failing.runs >= 2
    assert (hanging.runs, hanging.was_cut_off) == (1, True)


async def test_told_to_stop_it_lets_what_runs_finish():
    done = asyncio.Event()

    async def finishing():
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.01)
        done.set()
        return 0

    await keep_house([Job("finishing", HOUR, finishing)])
    assert done.is_set()


async def test_a_failure_is_logged_without_its_words():
    kept, told = structlog.get_config(), io.StringIO()
    with redirect_stderr(told):
        configure()
        try:
            assert not await once(Job("failing", HOUR, Works(failure=ValueError("Nguyễn Thị Bí Mật"))))
        finally:
            structlog.configure(**kept)
    line = json.loads(told.getvalue().splitlines()[-1])
    assert (line["event"], line["job"], line["kind"]) == ("job_failed", "failing", "ValueError")
    assert "Bí Mật" not in json.dumps(line, ensure_ascii=False)


async def test_a_run_that_takes_too_long_is_cut_off():
    work = Works(hangs=True)
    assert not await once(Job("hanging", HOUR, work, longest=SOON))
    assert work.was_cut_off


@pytest.mark.parametrize("missing", ["HEALTHBOOK_ISSUER", "HEALTHBOOK_KEK"])
async def test_without_the_means_to_sign_the_rest_is_done(database, missing):
    given = {name: value for name, value in told_environment(database).items() if name != missing}
    assert {job.name for job in jobs(database.addresses, given)} == WITHOUT_A_SIGNATURE


async def test_every_job_runs_on_a_fresh_database(database):
    todo = jobs(database.addresses, told_environment(database))
    assert WITHOUT_A_SIGNATURE | {"sign_days", "expire"} == {job.name for job in todo}
    async with auth_session(database.addresses) as session:
        await ensure(session, Signing.of(database.addresses, told_environment(database)).kek, utc_now())
        await session.commit()
    for job in todo:
        assert await once(job), job.name


async def test_spent_security_counters_are_forgotten(database):
    await sql(
        database,
        """insert into auth.attempt (kind, key_hash, window_end, count)
           values ('code', 'a', now() - interval '1 s', 1), ('code', 'b', now() + interval '1 h', 1)""",
    )
    await throw_away(database.addresses)
    assert [row["key_hash"] for row in await sql(database, "select key_hash from auth.attempt")] == [b"b"]


async def test_consents_that_ran_out_get_their_last_event(database):
    signing = Signing.of(database.addresses, told_environment(database))
    async with auth_session(database.addresses) as session:
        await ensure(session, signing.kek, utc_now())
        await session.commit()
    connection = await asyncpg.connect(database.owner)
    try:
        world = World(connection)
        await world.build()
        past = utc_now() - timedelta(hours=1)
        await world.consent(valid_from=past, valid_until=past + timedelta(minutes=1), granted_by=CITIZEN)
        assert await expire(signing) == 1
        ((patient, kind),) = await connection.fetch("select patient_id, kind from access.consent_event")
        assert (patient, kind) == (PATIENT, "expired")
        assert await expire(signing) == 0
    finally:
        await connection.close()


def test_the_command_seals_and_stops_when_told(database, tmp_path):
    environment = {**os.environ, **told_environment(database), "HEALTHBOOK_DATA": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "worker"], cwd=PROJECT, env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        assert json.loads(process.stderr.readline())["event"] == "started"
        process.send_signal(signal.SIGTERM)
        lines = [json.loads(line) for line in process.communicate(timeout=30)[1].splitlines()]
    finally:
        process.kill()
    assert process.returncode == 0
    assert lines[-1]["event"] == "stopped"
