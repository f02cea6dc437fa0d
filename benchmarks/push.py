"""How many pushes a second one worker process sends to the local push server, from the planned delivery to `accepted`.

python -m benchmarks.push [DEVICES]
"""

import asyncio
import sys
import tempfile
from contextlib import closing
from datetime import datetime
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
    with closing(PushServer().start()) as phones:
        channels = {PUSH: Fcm(FcmSettings("demo", endpoint=phones.origin))}
        told = Notifier(worker, open_engine(worker), channels, NoContacts(), SEALS)
        began, used = perf_counter(), process_time()
        await asyncio.gather(told.sender().drain(), told.sender().drain())
        took, spent = perf_counter() - began, process_time() - used
        await told.close()
        await told.engine.dispose()
    each = spent / devices * 1000
    print(f"{devices} pushes: {devices / took:.0f}/s, {each:.2f} ms of this process each, server included")


def main() -> None:
    devices = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder, EmbeddedPostgres(Path(folder) / "pg", TEST) as server:
        upgrade(server.dsn())
        asyncio.run(measure(server.dsn(), server.dsn(user="healthbook_worker"), devices))


if __name__ == "__main__":
    main()
