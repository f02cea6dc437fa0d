"""A change in the caller's name that leaves its log row also where the rules refuse it."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from strawberry import Info

from api.acting import Actor
from domain.errors import HealthbookError

T = TypeVar("T")
Work = Callable[[AsyncSession, Actor], Awaitable[T]]


async def acted(info: Info, patient_id: UUID | None, action: str, work: Work[T], **asked: Any) -> T:
    """What `work` makes in one transaction of `Context.act`. A refusal is undone and raised; the log row stays."""
    done: list[T] = []
    refused: HealthbookError | None = None
    async with info.context.act(patient_id, action, **asked) as (session, actor):
        try:
            async with session.begin_nested():
                done.append(await work(session, actor))
        except HealthbookError as error:
            refused = error
    if refused is not None:
        raise refused
    return done[0]
