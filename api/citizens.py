"""The book's citizens, as sign-in needs them: `auth.provider.Citizens` over the table `access.citizen`."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from auth.provider import DemoCitizen
from domain.patients import Citizen

DEMO_CITIZENS = 100


class BookCitizens:
    def __init__(self, sessions: async_sessionmaker[AsyncSession], *, demo: bool) -> None:
        self._sessions, self._demo = sessions, demo

    async def list_demo(self) -> Sequence[DemoCitizen]:
        """The invented citizens of a demo; nobody, ever, outside one."""
        if not self._demo:
            return []
        statement = (
            select(Citizen.id, Citizen.demo_label)
            .where(Citizen.demo_label.is_not(None))
            .order_by(Citizen.created_at, Citizen.id)
            .limit(DEMO_CITIZENS)
        )
        async with self._sessions() as session:
            rows = (await session.execute(statement)).all()
        return [DemoCitizen(row.id, *_label(row.demo_label or "")) for row in rows]

    async def exists(self, citizen_id: UUID) -> bool:
        async with self._sessions() as session:
            return await session.get(Citizen, citizen_id) is not None


def _label(text: str) -> tuple[str, str]:
    """A demo label is `name | what the book shows`."""
    name, _, note = text.partition("|")
    return name.strip(), note.strip()
