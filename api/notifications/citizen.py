"""The one way in: a transaction in the name of a citizen who uses our own app."""

import enum
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from strawberry import Info

from api.acting import Actor
from api.representation.acted import acted
from domain.errors import Invalid, NotFound
from domain.values import utc_now

READ, DEVICES = "inbox:read", "device:manage"
MOST_IDS = 100
T = TypeVar("T")


async def as_citizen(
    info: Info, action: str, scope: str, work: Callable[[Session, UUID, datetime], T], patient_id: UUID | None = None
) -> T:
    """`work(db, citizen, now)` in one transaction. With a patient only who may open that book; NotFound otherwise."""

    async def run(session: AsyncSession, actor: Actor) -> T:
        if actor.citizen_id is None or actor.organization_id is not None:
            raise NotFound("Only a citizen has an inbox.")
        return await session.run_sync(work, actor.citizen_id, utc_now())

    return await acted(info, patient_id, action, run, scope=scope)


def word(value: enum.Enum) -> str:
    """What an enum value is called inside."""
    return str(value.value)


def one_id(text: str, argument: str = "id") -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(argument, f"`{argument}` is not an id of this API.") from None


def some_ids(texts: Sequence[str]) -> list[UUID]:
    """1 to 100 ids, each once."""
    if not 1 <= len(texts) <= MOST_IDS:
        raise Invalid("ids", f"`ids` must be 1 to {MOST_IDS} ids.")
    return sorted({one_id(text, "ids") for text in texts})
