"""`healthbook worker`: the housekeeping a running book needs, until it is told to stop."""

import asyncio

import asyncpg
import structlog

from auth.purge import purge
from cli.database import database
from cli.logs import configure
from cli.migrations import PARTITIONS_AHEAD
from cli.sessions import auth_session
from cli.settings import Addresses, environment
from domain.values import utc_now

EVERY_S = 3600
log = structlog.get_logger("healthbook.worker")


def run() -> None:
    configure()
    with database(environment()) as addresses:
        asyncio.run(keep_house(addresses))


async def keep_house(addresses: Addresses) -> None:
    while True:
        await once(addresses)
        await asyncio.sleep(EVERY_S)


async def once(addresses: Addresses) -> None:
    """One round: partitions of the log ahead of time, spent codes and tokens thrown away."""
    connection = await asyncpg.connect(addresses.owner)
    try:
        await connection.execute(f"select access.prepare_log({PARTITIONS_AHEAD})")
    finally:
        await connection.close()
    async with auth_session(addresses) as session:
        deleted = await purge(session, utc_now())
        await session.commit()
    log.info("housekeeping", purged=deleted)
