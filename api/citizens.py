"""The book's citizens, as sign-in needs them: `auth.provider.Citizens` over the table `access.citizen`."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import NullPool, exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session, aliased

from auth.provider import DemoCitizen, PersonClaim
from domain.database import open_engine
from domain.intake.owners import Owned, owned_by, proved
from domain.patients import Citizen, PatientRedirect
from domain.practitioners import PractitionerRole
from domain.values import utc_now
from notifications import notices

DEMO_CITIZENS = 100


class Records:
    """Finds a person's own record, as the login that knows identifiers; rarely, so by a connection of its own."""

    def __init__(self, intake_dsn: str, identifier_key: bytes) -> None:
        self._dsn, self._key = intake_dsn, identifier_key

    async def of(self, claim: PersonClaim) -> Owned | None:
        told = proved(claim.cccd, claim.name, claim.birth_date, claim.sex)
        if told is None:
            return None
        engine = open_engine(self._dsn, poolclass=NullPool)
        try:
            async with engine.begin() as connection:
                return await owned_by(connection, self._key, told)
        finally:
            await engine.dispose()


class BookCitizens:
    """Without `records` nobody is linked to a record by signing in."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], *, demo: bool, records: Records | None = None
    ) -> None:
        self._sessions, self._demo, self._records = sessions, demo, records

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

    async def name_of(self, citizen_id: UUID) -> str | None:
        """The invented name of a demo citizen. A real one's stands in his record, which sign-in may not read."""
        async with self._sessions() as session:
            label = await session.scalar(select(Citizen.demo_label).where(Citizen.id == citizen_id))
        return _label(label)[0] or None if self._demo and label else None

    def patient_of(self, db: Session, citizen_id: UUID) -> UUID | None:
        """By the id that was kept where records were merged."""
        kept = func.coalesce(PatientRedirect.patient_id, Citizen.patient_id)
        own = select(kept).select_from(Citizen).outerjoin(PatientRedirect, PatientRedirect.old_id == Citizen.patient_id)
        return db.scalar(own.where(Citizen.id == citizen_id))

    async def add(self, session: AsyncSession, citizen_id: UUID) -> None:
        session.add(Citizen(id=citizen_id))
        await session.flush()

    async def link(self, citizen_id: UUID, claim: PersonClaim) -> bool:
        """Once: a citizen with a record keeps it, and a record with a citizen is nobody else's."""
        if self._records is None or not await self._is_without_record(citizen_id):
            return False
        owned = await self._records.of(claim)
        return owned is not None and await self._linked(citizen_id, owned)

    async def _is_without_record(self, citizen_id: UUID) -> bool:
        async with self._sessions() as session:
            citizen = await session.get(Citizen, citizen_id)
            return citizen is not None and citizen.patient_id is None

    async def _linked(self, citizen_id: UUID, owned: Owned) -> bool:
        other = aliased(Citizen)
        taken = exists().where(other.patient_id.in_([owned.patient_id, *owned.former_ids]))
        statement = (
            update(Citizen)
            .where(Citizen.id == citizen_id, Citizen.patient_id.is_(None), ~taken)
            .values(patient_id=owned.patient_id)
            .returning(Citizen.id)
        )
        async with self._sessions() as session:
            try:
                linked = (await session.execute(statement)).one_or_none()
                await session.commit()
            except IntegrityError:  # two citizens at once: the unique patient_id lets one
                return False
        return linked is not None

    def warn(self, db: Session, citizen_id: UUID, now: datetime) -> None:
        """A line in the inbox, no words: his app shows where he is signed in."""
        notices.post(db, kind="security", citizen_ids=[citizen_id], patient_id=None, subject_id=None, now=now)

    async def works_at(self, citizen_id: UUID, organization_id: UUID) -> bool:
        now = utc_now()
        living = (
            PractitionerRole.citizen_id == citizen_id,
            PractitionerRole.organization_id == organization_id,
            PractitionerRole.revoked_at.is_(None),
            PractitionerRole.valid_from <= now,
            (PractitionerRole.valid_until.is_(None)) | (PractitionerRole.valid_until > now),
        )
        async with self._sessions() as session:
            return (await session.execute(select(exists().where(*living)))).scalar_one()


def _label(text: str) -> tuple[str, str]:
    """A demo label is `name | what the book shows`."""
    name, _, note = text.partition("|")
    return name.strip(), note.strip()
