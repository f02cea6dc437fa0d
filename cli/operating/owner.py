"""One transaction as the owner of the database, for what no login of the running service may write."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.orm import Session

from cli.operating.work import on_database
from cli.sessions import owner_session
from cli.settings import Addresses

T = TypeVar("T")


def as_owner(work: Callable[[Session], T]) -> T:
    """Run `work` on the configured database and commit; a refusal is told on stderr, with exit code 1."""

    async def run(addresses: Addresses) -> T:
        async with owner_session(addresses) as session:
            done = await session.run_sync(work)
            await session.commit()
        return done

    return on_database(run)
