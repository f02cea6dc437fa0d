"""The whole application on a database that holds a small invented population, and tokens for its citizens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker
from starlette.applications import Starlette

from api.app import create_app, record_scopes
from auth.settings import AuthSettings
from auth.signing.keys import KeyStore, ensure
from auth.tables import TokenGrant
from auth.tokens.signed import access_token
from cli.demo import load
from cli.settings import Addresses
from domain.database import open_engine
from domain.values import utc_now
from tests.conftest import KEY, Database
from tests.postgres import Databases

PEOPLE = 24
TODAY = date(2026, 11, 21)
AUTH = AuthSettings(issuer="http://127.0.0.1:8000", audience="http://127.0.0.1:8000/graphql", kek=b"k" * 32)


@dataclass(frozen=True)
class Book:
    """The application, its database, and who is in it."""

    app: Starlette
    client: httpx.AsyncClient
    database: Database
    citizens: list[UUID]

    async def token(
        self,
        citizen: UUID | None = None,
        scope: str | None = None,
        client_id: str = "healthbook-phone",
        *,
        acr: str | None = None,
        auth_time: datetime | None = None,
        life: timedelta = timedelta(hours=1),
        jkt: str | None = None,
    ) -> str:
        """An access token on a grant of its own; all sections unless told. `acr`: how he signed in, by default now."""
        engine = open_engine(self.database.auth)
        sessions = async_sessionmaker(engine, expire_on_commit=False)
        now = utc_now()
        try:
            async with sessions() as session:
                ring = await KeyStore(sessions, AUTH.kek).ring()
                grant = TokenGrant(
                    client_id=client_id,
                    citizen_id=citizen,
                    scope=scope if scope is not None else " ".join(record_scopes()),
                    created_at=now,
                    expires_at=now + timedelta(hours=1),
                    acr=acr,
                    auth_time=auth_time or (now if acr else None),
                    jkt=jkt,
                )
                session.add(grant)
                await session.commit()
            return access_token(ring.signing, AUTH, grant, scope=grant.scope, now=now, life=life)
        finally:
            await engine.dispose()

    def afford(self) -> None:
        """Nothing costs too much any more, where it is not the cost that is tried."""
        self.app.state.services.toll._allowed = 10**9

    async def ask(self, query: str, token: str, variables: dict | None = None) -> dict:
        response = await self.post(query, token, variables)
        assert response.status_code == 200, response.text
        return response.json()

    async def post(self, query: str, token: str, variables: dict | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return await self.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)

    async def sql(self, statement: str, *arguments):
        connection = await asyncpg.connect(self.database.owner)
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()


@pytest.fixture(scope="session")
async def populated(databases: Databases, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a template that holds the population, built once a process."""

    async def build(dsn: str) -> None:
        from cli.migrations import upgrade

        await asyncio.to_thread(upgrade, dsn)
        addresses = Database(dsn.split("?", maxsplit=1)[0].rsplit("/", 1)[1]).addresses
        folder = Path(tmp_path_factory.mktemp("population", numbered=True))
        await asyncio.to_thread(load, folder, addresses, KEY, PEOPLE)
        await _sign(addresses)

    return await databases.template(f"population of {PEOPLE} on {migrated}", build)


async def _sign(addresses: Addresses) -> None:
    engine = open_engine(addresses.auth)
    async with async_sessionmaker(engine)() as session:
        await ensure(session, AUTH.kek, utc_now())
        await session.commit()
    await engine.dispose()


@pytest.fixture
async def book(databases: Databases, populated: str) -> AsyncIterator[Book]:
    async with started(databases, populated) as made:
        yield made


@pytest.fixture
async def another_book(databases: Databases, populated: str) -> AsyncIterator[Book]:
    """The same again, to compare with."""
    async with started(databases, populated) as made:
        yield made


@asynccontextmanager
async def started(databases: Databases, populated: str) -> AsyncIterator[Book]:
    """The application started on a copy of the population."""
    dsn = await databases.clone(populated)
    database = Database(dsn.split("?")[0].rsplit("/", 1)[1])
    app = create_app(database.api_settings(), AUTH)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=AUTH.issuer) as client:
            made = Book(app, client, database, [])
            rows = await made.sql("select id from access.citizen where patient_id is not null order by created_at, id")
            made.citizens.extend(row["id"] for row in rows)
            yield made
    await databases.drop(dsn)
