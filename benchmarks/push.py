"""How many pushes a second one worker sends to the local push server, from the planned delivery to `accepted`.

The worker is one process, which is one core; the push server is another, PostgreSQL others.

python -m benchmarks.push [DEVICES]
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter, process_time
from uuid import UUID

import asyncpg

from cli.demo_push import PushServer
from cli.embedded_postgres import TEST, EmbeddedPostgres
from cli.migrations import upgrade
from domain.database import open_engine
from domain.values import new_id, utc_now
from notifications.channels.fcm import Fcm, FcmSettings
from notifications.composing import TOKEN
from notifications.contacts import NoContacts
from notifications.kinds import PUSH
from notifications.seals import Seals
from notifications.worker import Notifier

SEALS = Seals.of(b"k" * 32)


async def prepare(dsn: str, devices: int, now: datetime) -> None:
    """A citizen a device, an item for each, and its planned push."""
    rows = []
    for number in range(devices):
        token = f"benchmark-token-{number}"
        rows.append((UUID(int=number + 1), new_id(), SEALS.key_of(token), SEALS.seal(TOKEN, token), now, new_id()))
    connection = await asyncpg.connect(dsn)
    await connection.executemany(
        """with device as (
               insert into notify.device (id, citizen_id, client_id, platform, name, locale, timezone, token_key,
                                          token_sealed, created_at, seen_at)
               values ($2, $1, 'phone', 'android', 'x', 'vi', 'Asia/Ho_Chi_Minh', $3, $4, $5, $5)),
           item as (insert into notify.inbox_item (citizen_id, id, kind, created_at) values ($1, $6, 'security', $5))
           insert into notify.delivery (id, citizen_id, about, is_digest, kind, channel, target_id, state, attempts,
                                        unless_read, next_at, expires_at, created_at)
           values (uuidv7(), $1, $6, false, 'security', 'push', $2, 'due', 0, false, $5, $5 + interval '1 day', $5)""",
        rows,
    )
    await connection.execute("vacuum analyze notify.delivery, notify.device, notify.inbox_item")
    await connection.close()


async def measure(owner: str, worker: str, devices: int) -> None:
    now = utc_now()
    await prepare(owner, devices, now)
    with phones() as origin:
        channels = {PUSH: Fcm(FcmSettings("demo", endpoint=origin))}
        told = Notifier(worker, open_engine(worker), channels, NoContacts(), SEALS)
        began, used = perf_counter(), process_time()
        await asyncio.gather(told.sender().drain(), told.sender().drain())
        took, spent = perf_counter() - began, process_time() - used
        await told.close()
        await told.engine.dispose()
    each = spent / devices * 1000
    print(f"{devices} pushes: {devices / took:.0f}/s, {each:.2f} ms of the worker's processor each")


@contextmanager
def phones() -> Iterator[str]:
    """The origin of a push server in a process of its own, until the block ends."""
    here, there = Pipe()
    process = get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        here.send(None)
        process.join()


def _serve(pipe: Connection) -> None:
    with closing(PushServer().start()) as server:
        pipe.send(server.origin)
        pipe.recv()


def main() -> None:
    devices = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder, EmbeddedPostgres(Path(folder) / "pg", TEST) as server:
        upgrade(server.dsn())
        asyncio.run(measure(server.dsn(), server.dsn(user="healthbook_worker"), devices))


if __name__ == "__main__":
    main()
