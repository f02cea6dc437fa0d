"""From a stream of submissions to answer lines: batches, one transaction each; a bad one never stops its neighbours.

Refusals are kept with their bytes. A batch that the database refuses is tried again one by one, so that only what
cannot be stored is refused.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.exchange.issues import Issue, error
from domain.intake.store import store
from domain.intake.submissions import Outcome, Rejected, Submission
from domain.intake.tables import Refusal
from domain.intake.versions import fingerprint
from domain.values import new_id

BATCH = 100
BATCH_BYTES = 8 * 1024 * 1024
FAILURES = (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError)
NOT_THE_INPUTS_FAULT = (
    "08",
    "40",
    "53",
    "55",
    "57",
    "58",
    "XX",
)  # SQLSTATE classes: connection, conflict, resources ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """Stores what senders send. `engine` connects as the intake role; `secret` keys the identifier hashes."""

    engine: AsyncEngine
    secret: bytes
    clock: Callable[[], datetime]
    client_id: str | None = None
    only_facility: str | None = None
    in_thread: bool = False

    async def take(self, found: Iterable[Submission | Rejected]) -> AsyncIterator[Outcome]:
        """Outcomes in the order received."""
        batches = _batches(self._allowed(one) for one in found)
        while batch := await self._read(batches):
            for outcome in await self._batch(batch):
                yield outcome

    async def _read(self, batches: Iterator[list[Submission | Rejected]]) -> list[Submission | Rejected] | None:
        """Reading is work: beside a server's other requests it is done in a thread."""
        return await asyncio.to_thread(next, batches, None) if self.in_thread else next(batches, None)

    def _allowed(self, one: Submission | Rejected) -> Submission | Rejected:
        """A facility's client sends its own visits only."""
        if isinstance(one, Rejected) or self.only_facility in (None, one.facility):
            return one
        table = "XML1" if one.format == "qd4750" else "Bundle"
        field = "MA_CSKCB" if one.format == "qd4750" else None
        issue = error("security", table, 1, field, "is not the facility that this client sends for")
        return _rejected(one, [issue])

    async def _batch(self, batch: Sequence[Submission | Rejected]) -> list[Outcome]:
        good = [one for one in batch if isinstance(one, Submission)]
        try:
            stored = await self._store(good)
        except FAILURES:
            stored = [await self._alone(one) for one in good]
        outcomes = iter(stored)
        return [next(outcomes) if isinstance(one, Submission) else await self.refuse(one) for one in batch]

    async def _store(self, good: Sequence[Submission]) -> list[Outcome]:
        if not good:
            return []
        async with self.engine.begin() as connection:
            return await store(connection, good, secret=self.secret, now=self.clock(), client_id=self.client_id)

    async def _alone(self, one: Submission) -> Outcome:
        """The slow way after a batch failed. What is only in the way of others is raised, to be sent again."""
        try:
            return (await self._store([one]))[0]
        except FAILURES as failure:
            code = _sqlstate(failure)
            if code.startswith(NOT_THE_INPUTS_FAULT):
                raise
            issue = error("exception", one.format, None, None, f"could not be stored (SQLSTATE {code})")
            return await self.refuse(_rejected(one, [issue]))

    async def refuse(self, one: Rejected) -> Outcome:
        """Keep what was refused, once, with the reasons of the last try."""
        async with self.engine.begin() as connection:
            await _keep(connection, one, self.clock(), self.client_id)
        return Outcome(position=one.position, key=one.key, status="refused", issues=one.issues, origin=one.origin)


def _sqlstate(failure: Exception) -> str:
    """The five letters of what went wrong; a value that the driver could not send counts as bad data."""
    cause = getattr(failure, "orig", None) or failure
    if isinstance(cause, ValueError):
        return "22000"
    return str(getattr(cause, "sqlstate", None) or "08000")


async def _keep(connection: AsyncConnection, one: Rejected, now: datetime, client_id: str | None) -> None:
    issues = [issue.as_dict() for issue in one.issues]
    statement = insert(Refusal).values(
        id=new_id(),
        organization_code=one.facility,
        format=one.format,
        key=one.key,
        sha256=fingerprint(one.content),
        content=one.content,
        issues=issues,
        client_id=client_id,
        received_at=now,
    )
    again = {"issues": issues, "received_at": now, "replayed_at": None}
    await connection.execute(statement.on_conflict_do_update(index_elements=["sha256", "format"], set_=again))


def _rejected(one: Submission, issues: list[Issue]) -> Rejected:
    return Rejected(
        position=one.position,
        format=one.format,
        facility=one.facility,
        key=one.key,
        content=one.content,
        issues=[*one.issues, *issues],
    )


def _batches(found: Iterable[Submission | Rejected]) -> Iterator[list[Submission | Rejected]]:
    """Up to BATCH entries or BATCH_BYTES; never one source twice in a batch, for the second corrects the first."""
    batch: list[Submission | Rejected] = []
    names: set[tuple[str, str]] = set()
    size = 0
    for one in found:
        name = (one.facility or "", one.key or "") if isinstance(one, Submission) else None
        if batch and (len(batch) >= BATCH or size >= BATCH_BYTES or name in names):
            yield batch
            batch, names, size = [], set(), 0
        batch.append(one)
        size += len(one.content)
        if name:
            names.add(name)
    if batch:
        yield batch
