"""What the routes of `auth` share for the life of the process, and the port to the citizens of the book."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session

from auth.scopes import Localised
from auth.settings import AuthSettings
from auth.signing.keys import KeyStore
from auth.smart import Aliases


@dataclass(frozen=True, slots=True)
class DemoCitizen:
    """One line of the demo's sign-in page: `label` names an invented person, `note` says what his book shows."""

    id: UUID
    label: str
    note: str


@dataclass(frozen=True, slots=True)
class PersonClaim:
    """Who the national provider says a citizen is: texts as sent, in the words of OpenID Connect Core 5.1."""

    cccd: str = field(repr=False)
    name: str = field(repr=False)
    birth_date: str = field(repr=False)
    sex: str | None = field(repr=False)


class CodeSender(Protocol):
    """Takes a one-time code to a phone (`phone`, E.164) or an e-mail address (`email`), and keeps nothing."""

    async def send(self, system: str, value: str, code: str, lang: str) -> None: ...


class Citizens(Protocol):
    """What sign-in needs to know of citizens."""

    async def list_demo(self) -> Sequence[DemoCitizen]: ...

    async def exists(self, citizen_id: UUID) -> bool: ...

    async def name_of(self, citizen_id: UUID) -> str | None:
        """The name to greet the citizen with (OpenID Connect Core 5.1 `name`); None if the book has none to give."""

    def patient_of(self, db: Session, citizen_id: UUID) -> UUID | None:
        """The record that is the citizen's own, in the caller's transaction."""

    async def add(self, session: AsyncSession, citizen_id: UUID) -> None:
        """A new citizen without a record, in the caller's transaction."""

    async def link(self, citizen_id: UUID, claim: PersonClaim) -> bool:
        """Make the record of this very person the citizen's own, if there is exactly one and nothing disagrees."""

    def warn(self, db: Session, citizen_id: UUID, now: datetime) -> None:
        """Tell the citizen, in the caller's transaction, that something happened to who can sign in as him."""

    async def works_at(self, citizen_id: UUID, organization_id: UUID) -> bool:
        """Has a living role at the facility: without one nobody signs in at its clinicians' application."""


@dataclass(frozen=True, slots=True)
class Provider:
    settings: AuthSettings
    sessions: async_sessionmaker[AsyncSession]
    keys: KeyStore
    citizens: Citizens
    scopes: Mapping[str, Localised]
    aliases: Aliases = field(default_factory=dict)
