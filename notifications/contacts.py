"""Where else a citizen is reached, as a port: sign-in owns e-mail addresses and phones, the worker may ask for them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class Reach:
    """One verified address. `channel` is email or sms; `target_id` is the same for the same address, always."""

    citizen_id: UUID
    channel: str
    target_id: UUID
    address: str = field(repr=False)


class Contacts(Protocol):
    async def of(self, session: AsyncSession, citizens: Collection[UUID]) -> Mapping[UUID, list[Reach]]:
        """By citizen, in the order they were verified."""
        ...


class NoContacts:
    """Where neither e-mail nor text messages are configured."""

    async def of(self, session: AsyncSession, citizens: Collection[UUID]) -> Mapping[UUID, list[Reach]]:
        del session, citizens
        return {}
