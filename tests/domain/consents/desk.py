"""A patient, his mother, two facilities, and work done for the patient under the writing role's own rights."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from domain.consents.requests import Asker
from domain.consents.terms import Decider, Terms
from domain.database import open_engine
from domain.values import utc_now
from tests.conftest import Database

T = TypeVar("T")
PATIENT, FORMER, STRANGER = UUID(int=1), UUID(int=2), UUID(int=3)
CITIZEN, MOTHER, AUNT, DOCTOR = UUID(int=11), UUID(int=12), UUID(int=13), UUID(int=14)
CLINIC, HOSPITAL = UUID(int=21), UUID(int=22)
PERSONS = (PATIENT, FORMER)
NOW = utc_now().replace(microsecond=0)
ASKER = Asker(CLINIC, "clinic", DOCTOR)
SELF = Decider(CITIZEN, "self", "app", "urn:healthbook:acr:2", NOW)
SETTINGS = text("select set_config('app.persons', :persons, true), set_config('app.organization', :organization, true)")


@dataclass(frozen=True)
class Desk:
    """`work` runs synchronous work in one transaction that may touch the rows of some persons."""

    database: Database

    async def work(
        self, work: Callable[[Session], T], persons: Collection[UUID] = PERSONS, organization: UUID | None = None
    ) -> T:
        engine = open_engine(self.database.consent)
        told = {"persons": ",".join(map(str, persons)), "organization": str(organization or "")}
        try:
            async with AsyncSession(engine, expire_on_commit=False) as session:
                await session.execute(SETTINGS, told)
                done = await session.run_sync(work)
                await session.commit()
                return done
        finally:
            await engine.dispose()

    async def sql(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.database.owner)
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()

    async def furnish(self) -> "Desk":
        for organization, code in ((CLINIC, "01001"), (HOSPITAL, "79001")):
            insert = "insert into registry.organization (id, code, name, status) values ($1, $2, $3, 'active')"
            await self.sql(insert, organization, code, f"Cơ sở {code}")
        for citizen, patient in ((CITIZEN, PATIENT), (MOTHER, None), (AUNT, None), (DOCTOR, None)):
            await self.sql("insert into access.citizen (id, patient_id) values ($1, $2)", citizen, patient)
        await self.relate(MOTHER, "parent", can_manage=True)
        await self.relate(AUNT, "delegate", can_manage=False)
        return self

    async def relate(self, citizen: UUID, kind: str, *, can_manage: bool, patient: UUID = PATIENT) -> None:
        await self.sql(
            """insert into access.related_person (id, citizen_id, patient_id, kind, can_manage, valid_from, valid_until)
               values (gen_random_uuid(), $1, $2, $3, $4, $5, now() + interval '1 year')""",
            citizen, patient, kind, can_manage, NOW,
        )  # fmt: skip

    async def deny(self, scope: str = "organization", organization: UUID | None = CLINIC) -> None:
        await self.sql(
            """insert into access.denial (patient_id, id, scope, organization_id, in_emergency, placed_by, placed_at)
               values ($1, gen_random_uuid(), $2, $3, false, $4, now())""",
            FORMER, scope, organization, CITIZEN,
        )  # fmt: skip


def terms(**changes: Any) -> Terms:
    """What the clinic asks for, unless told."""
    asked: dict[str, Any] = {
        "purposes": ("TREAT",),
        "sections": ("labs", "vitals", "allergies"),
        "sensitive": ("HIV",),
        "data_from": "2024-01-01",
        "data_to": None,
        "valid_until": NOW + timedelta(days=90),
        "erase_by": None,
    }
    return Terms(**asked | changes)


def signed(claims: object) -> str:
    """A receipt of the right shape; signing has tests of its own."""
    return f"e30.{len(str(claims))}.e30"
