"""What the routes of `auth` share for the life of the process, and the port to the citizens of the book."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from auth.keys import KeyStore
from auth.scopes import Localised
from auth.settings import AuthSettings


@dataclass(frozen=True, slots=True)
class DemoCitizen:
    """One line of the demo's sign-in page: `label` names an invented person, `note` says what his book shows."""

    id: UUID
    label: str
    note: str


class Citizens(Protocol):
    """What sign-in needs to know of citizens."""

    async def list_demo(self) -> Sequence[DemoCitizen]: ...

    async def exists(self, citizen_id: UUID) -> bool: ...


@dataclass(frozen=True, slots=True)
class Provider:
    settings: AuthSettings
    sessions: async_sessionmaker[AsyncSession]
    keys: KeyStore
    citizens: Citizens
    scopes: Mapping[str, Localised]
