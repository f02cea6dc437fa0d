"""`healthbook worker`: tells citizens what there is to tell, and keeps house, until it is told to stop.

Each job has a loop of its own, so that one which fails or hangs never holds up another. On SIGTERM what runs is let
finish, for a while; every job may be cut off at any point and does the rest next time. Several workers do no harm.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg
import structlog
from prometheus_client import start_http_server
from sqlalchemy.ext.asyncio import AsyncSession

from auth.purge import purge
from cli.appointments import erase_contacts, let_lapse, make_slots, pass_places_on
from cli.database import database
from cli.delivery import notifier
from cli.logs import configure
from cli.migrations import PARTITIONS_AHEAD
from cli.reminding import BookedAppointments
from cli.representation import tell_of_rights_that_ended
from cli.sealing import seal_all, sign_all
from cli.sessions import auth_session, consent_session
from cli.settings import Addresses, data_folder, environment, keys
from cli.signing import Signing
from domain.consents.records import expire_due
from domain.values import utc_now
from notifications import queue
from notifications.doses import DoseDay
from notifications.news import ReadingOfTheLog
from notifications.reminders import Reminding
from notifications.retention import Retention
from notifications.worker import Notifier

QUARTER, MINUTE, HOUR, DAY = timedelta(seconds=15), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
GRACE = timedelta(seconds=30)
"""How long a job may go on after the worker was told to stop."""
log = structlog.get_logger("healthbook.worker")


@dataclass(frozen=True, slots=True)
class Job:
    """`work` says how much it did, for the log. A run that takes longer than `longest` is cut off."""

    name: str
    every: timedelta
    work: Callable[[], Awaitable[int]]
    longest: timedelta = HOUR


@dataclass(frozen=True, slots=True)
class Service:
    """What runs all the time, until the event is set."""

    name: str
    run: Callable[[asyncio.Event], Coroutine[Any, Any, None]]


def run() -> None:
    configure()
    environ = environment()
    with database(environ) as addresses:
        held = environ if environ.get("HEALTHBOOK_DATABASE_URL") else {**environ, **keys(environ, data_folder(environ))}
        show_metrics(held)
        asyncio.run(work(addresses, held))


async def work(addresses: Addresses, environ: Mapping[str, str]) -> None:
    """Everything a worker does."""
    told = notifier(addresses, environ)
    todo = jobs(addresses, environ)
    if told is None:
        await keep_house(todo)
        return
    try:
        await keep_house([*todo, *notices(told)], services=[Service("notifications", told.run)])
    finally:
        await told.close()
        await told.engine.dispose()


def notices(told: Notifier) -> list[Job]:
    """The scans that notice what citizens are to be told."""
    return [
        Job("record_reads", MINUTE, ReadingOfTheLog(told.engine, told.clock)),
        Job("notice_retention", DAY, Retention(told.engine, told.clock)),
        Job("measure", QUARTER, partial(measured, told)),
        Job("dose_reminders", HOUR, DoseDay(told.engine, told.clock)),
        Job("reminders", MINUTE, Reminding(told.engine, BookedAppointments(), told.clock)),
    ]


def show_metrics(environ: Mapping[str, str]) -> None:
    """Prometheus' text on this machine, where a port is told. ValueError for one that is none."""
    port = environ.get("HEALTHBOOK_WORKER_METRICS_PORT")
    if port:
        start_http_server(int(port), addr="127.0.0.1")


async def measured(told: Notifier) -> int:
    async with AsyncSession(told.engine) as session:
        await queue.measure(session)
    return 0


def jobs(addresses: Addresses, environ: Mapping[str, str]) -> list[Job]:
    """Those that sign are left out, with a warning, where the worker was not given the means."""
    made = [
        Job("partitions", HOUR, partial(prepare_partitions, addresses)),
        Job("purge", HOUR, partial(throw_away, addresses)),
        Job("rights_ended", HOUR, partial(tell_of_rights_that_ended, addresses)),
        Job("seal", MINUTE, partial(_sealed, addresses)),
        Job("slots", HOUR, partial(make_slots, addresses)),
        Job("places", MINUTE, partial(pass_places_on, addresses)),
        Job("unsettled", HOUR, partial(let_lapse, addresses)),
        Job("contacts", HOUR, partial(erase_contacts, addresses)),
    ]
    signing = Signing.of(addresses, environ)
    if signing is None:
        log.warning("nothing_is_signed", needed=["HEALTHBOOK_ISSUER", "HEALTHBOOK_KEK"])
        return made
    return [
        *made,
        Job("sign_days", MINUTE, partial(sign_all, signing)),
        Job("expire", MINUTE, partial(expire, signing)),
    ]


async def keep_house(todo: Sequence[Job], *, services: Sequence[Service] = (), grace: timedelta = GRACE) -> None:
    """Run the jobs, each at its pace, and the services, until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for told in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(told, stop.set)
    log.info("started", jobs=[job.name for job in todo])
    running = [asyncio.create_task(_repeat(job, stop), name=job.name) for job in todo]
    running += [asyncio.create_task(service.run(stop), name=service.name) for service in services]
    await stop.wait()
    _, late = await asyncio.wait(running, timeout=grace.total_seconds())
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    log.info("stopped", cut_off=sorted(task.get_name() for task in late))


async def _repeat(job: Job, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await once(job)
        try:
            await asyncio.wait_for(stop.wait(), job.every.total_seconds())
        except TimeoutError:
            continue


async def once(job: Job) -> bool:
    """Whether it went well. A failure is logged without its words, which may hold a value of a record."""
    try:
        async with asyncio.timeout(job.longest.total_seconds()):
            done = await job.work()
    except Exception as failure:
        log.exception("job_failed", job=job.name, exc_info=failure)
        return False
    if done:
        log.info("job_done", job=job.name, done=done)
    return True


async def prepare_partitions(addresses: Addresses) -> int:
    """Partitions of the log ahead of time."""
    connection = await asyncpg.connect(addresses.owner)
    try:
        await connection.execute(f"select access.prepare_log({PARTITIONS_AHEAD})")
    finally:
        await connection.close()
    return 0


async def throw_away(addresses: Addresses) -> int:
    """Spent codes, tokens and security counters: how many."""
    async with auth_session(addresses) as session:
        deleted = await purge(session, utc_now())
        await session.commit()
    return deleted


async def _sealed(addresses: Addresses) -> int:
    _, entries = await seal_all(addresses)
    return entries


async def expire(signing: Signing) -> int:
    """Consents that ran out get the last event of their history: how many."""
    sign, done = await signing.signer(), 0
    async with consent_session(signing.addresses) as session:
        while found := await session.run_sync(expire_due, utc_now(), sign):
            await session.commit()
            done += found
    return done
