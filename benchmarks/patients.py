"""Whose books are read: patients whose whole record is about 40 kB, each with a citizen, a grant and a token."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import jwt
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from api.app import record_scopes
from auth.clients.registration import issue_demo_token, register_phone
from auth.signing.keys import KeyStore, ensure
from benchmarks.data import World
from benchmarks.handwritten import statement
from benchmarks.servers import auth_settings
from domain.values import utc_now

MOST, CANDIDATES = 50, 600
WANTED_BYTES = 40_000
TOKEN_LIFE = timedelta(hours=12)
# Some patients from the heaviest to the lightest, evenly.
BY_WEIGHT = """
select patient_id from (
    select patient_id, row_number() over (order by sum(n) desc, patient_id) as place, count(*) over () as patients
      from (
        select patient_id, count(*) as n from book.labs where shown group by patient_id union all
        select patient_id, 2 * count(*) from book.prescriptions where shown group by patient_id union all
        select patient_id, 2 * count(*) from book.encounters where shown group by patient_id
      ) t group by patient_id
) t where place % greatest(1, patients / $1) = 0
"""
CITIZEN = """
insert into access.citizen (id, patient_id) values ($1, $2)
on conflict (patient_id) do update set patient_id = excluded.patient_id returning id
"""


@dataclass(frozen=True)
class Reader:
    """A patient, the token of his own citizen with its grant, and the size of his whole record in bytes."""

    patient: UUID
    token: str
    size: int

    @cached_property
    def grant(self) -> UUID:
        return UUID(jwt.decode(self.token, options={"verify_signature": False})["gid"])


async def readers(world: World) -> list[Reader]:
    """Up to 50 patients whose whole records are nearest to 40 kB; the sections beyond a page are cut by the page."""
    connection = await asyncpg.connect(world.addresses.owner)
    try:
        sizes = await _sizes(connection)
        chosen = sorted(sizes, key=lambda one: (abs(sizes[one] - WANTED_BYTES), one))[:MOST]
        citizens = {one: await connection.fetchval(CITIZEN, uuid4(), one) for one in chosen}
    finally:
        await connection.close()
    tokens = await _tokens(world, citizens)
    return [Reader(one, tokens[one], sizes[one]) for one in chosen]


async def _sizes(connection: asyncpg.Connection) -> dict[UUID, int]:
    sql = await connection.prepare(statement("record"))
    rows = await connection.fetch(BY_WEIGHT, CANDIDATES)
    return {row["patient_id"]: len((await sql.fetchval(str(row["patient_id"]))).encode()) for row in rows}


async def _tokens(world: World, citizens: dict[UUID, UUID]) -> dict[UUID, str]:
    """Tokens of the phone's client with every scope of the record, on grants of their own."""
    settings = auth_settings(world.kek)
    engine = create_async_engine(world.addresses.auth.replace("postgresql://", "postgresql+asyncpg://", 1))
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    scope = f"openid {' '.join(record_scopes())}"
    try:
        async with sessions() as session:
            await ensure(session, settings.kek, utc_now())
            await register_phone(session, scope)
            await session.commit()
            ring = await KeyStore(sessions, settings.kek).ring()
            made = {
                patient: await issue_demo_token(
                    session, ring, settings, citizen_id=citizen, scope=scope, life=TOKEN_LIFE
                )
                for patient, citizen in citizens.items()
            }
            await session.commit()
            return made
    finally:
        await engine.dispose()


def written(path: Path, lines: Sequence[str]) -> Path:
    """The file with the lines that wrk sends in turn. There are tokens in it."""
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n")
    return path
