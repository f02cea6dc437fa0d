"""What a subscriber may be told now, asked of the database: `access.standing` and `access.following`, 0012.

On a few connections of its own, so that a crowd of subscribers never keeps readers waiting.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import asyncpg

from api.errors import not_found
from api.planner.read import UNREACHABLE
from domain.errors import Busy, ConsentRequired, Forbidden, HealthbookError, InsufficientScope, Unauthenticated

Occasion = Literal["START", "PUSH", "CHECK"]
STANDING = "select * from access.standing($1, $2, $3, $4, $5, $6, $7)"
FOLLOWING = "select * from access.following($1, $2, $3, $4, $5, $6)"
SETTINGS = {"statement_timeout": "5s", "application_name": "healthbook-live", "jit": "off"}
COMMAND_S = 6


class TokenExpired(Unauthenticated):
    """A new token is all it takes."""


@dataclass(frozen=True, slots=True)
class Question:
    """Who asks about what. `sections` are None for a subscription to something else than a record."""

    grant_id: UUID
    patient_id: UUID | None
    action: str
    request: UUID
    scope: str | None = None
    purpose: str | None = None
    sections: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The answer. `opened` of the sections asked for, `told` of the rows; it holds for `seconds`, None for ever.

    `outcome`: ALLOWED, REFUSED, DEAD, SCOPE or FORBIDDEN.
    """

    outcome: str
    patient: UUID | None
    persons: tuple[UUID, ...]
    seconds: float | None
    organization: UUID | None = None
    citizen: UUID | None = None
    opened: frozenset[str] = frozenset()
    told: tuple[str, ...] = ()
    unread: int = 0


class Decisions:
    """Asks; Busy where the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @classmethod
    @asynccontextmanager
    async def open(cls, dsn: str, *, size: int) -> "AsyncIterator[Decisions]":
        pool = await asyncpg.create_pool(
            dsn, min_size=1, max_size=size, command_timeout=COMMAND_S, server_settings=SETTINGS, reset=_nothing_to_reset
        )
        try:
            yield cls(pool)
        finally:
            pool.terminate()

    async def ask(self, asked: Question, occasion: Occasion, rows: Sequence[str] = ()) -> Standing:
        if asked.sections is None:
            told = (asked.grant_id, asked.patient_id, asked.action, asked.scope, occasion, asked.request)
            return _following(await self._row(FOLLOWING, *told))
        told_of = (asked.grant_id, asked.patient_id, asked.purpose, asked.sections, rows, occasion, asked.request)
        return _standing(await self._row(STANDING, *told_of))

    async def _row(self, sql: str, *arguments: Any) -> asyncpg.Record:
        try:
            return await self._pool.fetchrow(sql, *arguments)
        except UNREACHABLE:
            raise Busy("The book is busy. Try again shortly.") from None


async def _nothing_to_reset(_connection: object) -> None:
    """Each question is a statement of its own, which leaves nothing behind."""


def _standing(row: asyncpg.Record) -> Standing:
    return Standing(
        outcome=row["outcome"],
        patient=row["patient"],
        persons=tuple(row["persons"] or ()),
        seconds=row["seconds"],
        organization=row["organization"],
        opened=frozenset(row["opened"] or ()),
        told=tuple(row["told"] or ()),
    )


def _following(row: asyncpg.Record) -> Standing:
    return Standing(
        outcome=row["outcome"],
        patient=row["patient"],
        persons=tuple(row["persons"] or ()),
        seconds=row["seconds"],
        citizen=row["citizen"],
        unread=row["unread"] or 0,
    )


def refusal(outcome: str, scope: str | None) -> HealthbookError | None:
    """Why a subscription does not begin."""
    match outcome:
        case "ALLOWED":
            return None
        case "DEAD":
            return Unauthenticated("The grant has ended.")
        case "SCOPE":
            return InsufficientScope(scope or "")
        case "FORBIDDEN":
            return Forbidden("This needs the right to decide for the patient.")
        case _:
            return not_found()


def loss(outcome: str) -> HealthbookError | None:
    """Why one that had begun ends: whatever else it was, it is a right that is there no longer."""
    if outcome in {"ALLOWED", "DEAD"}:
        return refusal(outcome, None)
    return ConsentRequired("What this subscription stood on has ended or become less.")
