"""The queue: enqueued with the transaction, counted, retried, parked, paused, looked at; the library's tables."""

import asyncio
import re
from datetime import timedelta
from importlib import import_module

import pytest
from pgqueuer.adapters.persistence.schema_ddl import render_install
from sqlalchemy.ext.asyncio import AsyncSession

from cli.sessions import consent_session, worker_session
from domain.errors import NotFound
from domain.values import utc_now
from notifications import jobs, queue
from notifications.jobs import SETTINGS, Queue, enqueue
from tests.notifications.town import until

MIGRATION = import_module("migrations.versions.0016_notifications")


def plain(sql):
    return re.sub(r"\s+", " ", re.sub(r"^--.*$", "", sql, flags=re.MULTILINE)).strip()


def test_the_queues_tables_are_those_of_the_installed_library():
    assert plain(MIGRATION.PGQUEUER) == plain(render_install(SETTINGS, create_schema=False))


class Works:
    def __init__(self, failures=0):
        self.payloads, self.failures, self.done = [], failures, asyncio.Event()

    async def __call__(self, payload):
        self.payloads.append(payload)
        if len(self.payloads) <= self.failures:
            raise ValueError("Nguyễn Thị Bí Mật")
        self.done.set()


async def add(town, *arguments, **options):
    async with consent_session(town.database.addresses) as session:
        made = await session.run_sync(lambda db: enqueue(db, *arguments, **options))
        await session.commit()
    return made


async def run(town, until_, **handlers):
    """A queue in this process until a condition holds."""
    stop = asyncio.Event()
    running = asyncio.create_task(Queue(town.database.worker, town.engine, handlers, timedelta(seconds=2)).run(stop))
    try:
        await until(until_)
    finally:
        stop.set()
        await running


async def is_empty(town):
    return not await town.sql.fetchval("select exists (select from jobs.pgqueuer)")


async def test_a_job_is_there_once_its_transaction_is_and_never_where_it_is_not(town):
    work = Works()
    async with consent_session(town.database.addresses) as session:
        await session.run_sync(lambda db: enqueue(db, "work", {"id": "lost"}))
        await session.rollback()
    assert await is_empty(town)
    await add(town, "work", {"id": "kept"})
    await run(town, lambda: is_empty(town), work=work)
    assert work.payloads == [{"id": "kept"}]
    assert await town.sql.fetchval("select count(*) from notify.job_start") == 0


async def test_the_same_key_is_enqueued_once_while_it_waits(town):
    first = await add(town, "work", {}, key="k")
    assert isinstance(first, int)
    assert await add(town, "work", {}, key="k") is None
    assert isinstance(await add(town, "work", {}, key="other"), int)


async def test_a_failure_is_tried_again_and_its_words_are_kept_nowhere(town, monkeypatch):
    monkeypatch.setattr(jobs, "backoff", lambda _starts: timedelta(milliseconds=1))
    work = Works(failures=2)
    await add(town, "work", {})
    await run(town, lambda: is_empty(town), work=work)
    assert len(work.payloads) == 3
    told = await town.sql.fetchval("select string_agg(traceback::text, '') from jobs.pgqueuer_log")
    assert "ValueError" in told
    assert "Bí Mật" not in told
    assert r"B\u00ed" not in told


async def test_after_three_starts_it_is_parked_and_can_be_replayed_or_dropped(town, monkeypatch):
    monkeypatch.setattr(jobs, "backoff", lambda _starts: timedelta(milliseconds=1))
    work = Works(failures=4)
    job = await add(town, "work", {"id": "poison"})

    async def is_parked():
        return await town.sql.fetchval("select status::text = 'failed' from jobs.pgqueuer")

    await run(town, is_parked, work=work)
    assert len(work.payloads) == 3
    async with worker_session(town.database.addresses) as session:
        (row,) = await queue.listed(session, status="failed")
        assert (row.id, row.entrypoint, row.payload, row.starts) == (job, "work", {"id": "poison"}, 3)
        assert await queue.shown(session, job) == row
        await queue.replay(session, job)
        await session.commit()
    await run(town, lambda: is_empty(town), work=work)
    assert len(work.payloads) == 5
    async with worker_session(town.database.addresses) as session:
        for gone in (queue.shown, queue.replay, queue.drop):
            with pytest.raises(NotFound):
                await gone(session, job)


async def test_a_paused_kind_waits_and_another_goes_on(town):
    held, other = Works(), Works()
    await add(town, "held", {})
    async with worker_session(town.database.addresses) as session:
        await queue.pause(session, "held", utc_now())
        await session.commit()
    await add(town, "other", {})

    async def has_run():
        return other.done.is_set()

    await run(town, has_run, held=held, other=other)
    assert held.payloads == []
    async with worker_session(town.database.addresses) as session:
        await queue.resume(session, "held")
        await session.commit()
        with pytest.raises(NotFound):
            await queue.resume(session, "held")
    await town.sql.execute("update jobs.pgqueuer set execute_after = now()")
    await run(town, lambda: is_empty(town), held=held)
    assert len(held.payloads) == 1


async def test_the_gauges_tell_of_what_waits(town):
    await add(town, "work", {})
    await town.sql.execute("update jobs.pgqueuer set execute_after = now() - interval '1 minute'")
    async with AsyncSession(town.engine) as session:
        await queue.measure(session)
    assert 60 <= queue.OLDEST_JOB._value.get() < 120
    assert queue.FAILED_JOBS._value.get() == 0


@pytest.mark.parametrize("role", ["web", "intake"])
async def test_no_other_login_puts_anything_into_an_inbox(town, role):
    citizen = await town.citizen()
    with pytest.raises(Exception, match="permission denied"):
        await town.post([citizen], role=role)


@pytest.mark.parametrize("role", ["consent", "auth", "worker", "owner"])
async def test_those_who_may_do_so_through_one_door(town, role):
    import asyncpg

    citizen = await town.citizen()
    assert len(await town.post([citizen], role=role)) == 1
    if role in {"consent", "auth"}:
        connection = await asyncpg.connect(getattr(town.database, role))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(
                "insert into notify.inbox_item (citizen_id, id, kind, created_at) values ($1, $1, 'visit', now())",
                citizen,
            )
        await connection.close()


async def test_a_key_tells_a_citizen_once_for_ever(town):
    one, two = await town.citizen(), await town.citizen()
    assert len(await town.post([one, one], key="k")) == 1
    made = await asyncio.gather(*(town.post([one, two], key="k") for _ in range(5)))
    assert sum(map(len, made)) == 1
    await town.sql.execute("delete from notify.inbox_item")
    assert await town.post([one, two], key="k") == []
    assert len(await town.post([one], key="another")) == 1


async def test_a_page_of_items_is_a_job(town):
    import json
    from uuid import uuid4

    await town.post([uuid4() for _ in range(1201)])
    sizes = [len(json.loads(row[0])["items"]) for row in await town.sql.fetch("select payload from jobs.pgqueuer")]
    assert sorted(sizes) == [201, 500, 500]
