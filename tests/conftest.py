"""What most tests need: a migrated database of their own on a real server, and logins with the roles' own rights."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy.ext.asyncio import AsyncEngine

from api.budgets import Limits
from api.settings import ApiSettings
from cli.migrations import upgrade
from cli.settings import Addresses
from domain.database import open_engine
from domain.intake.importing import Importer
from tests.postgres import Databases, test_server

settings.register_profile(  # a busy machine is no failure
    "healthbook", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("healthbook")

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
PLENTY = Limits(10**9, 10**9, 10**9, 10**9)
KEY = b"identifier key for the tests, 32"


@dataclass(frozen=True)
class Database:
    """One migrated database. `owner` may do everything; the others are the roles of the running service."""

    name: str

    def dsn(self, user: str = "postgres") -> str:
        return test_server().dsn(self.name, user)

    @property
    def owner(self) -> str:
        return self.dsn()

    @property
    def web(self) -> str:
        return self.dsn("healthbook_web")

    @property
    def intake(self) -> str:
        return self.dsn("healthbook_intake")

    @property
    def auth(self) -> str:
        return self.dsn("healthbook_auth")

    @property
    def consent(self) -> str:
        return self.dsn("healthbook_consent")

    @property
    def worker(self) -> str:
        return self.dsn("healthbook_worker")

    @property
    def addresses(self) -> Addresses:
        return Addresses(self.owner, self.web, self.intake, self.auth, self.consent, self.worker)

    def api_settings(self, **changes: Any) -> ApiSettings:
        """The application's settings on this database."""
        told = {
            "web_dsn": self.web,
            "intake_dsn": self.intake,
            "auth_dsn": self.auth,
            "consent_dsn": self.consent,
            "identifier_key": KEY,
            "connections": 4,
            "budgets": PLENTY,
        }
        return ApiSettings(**told | changes)


@pytest.fixture(scope="session")
def databases() -> Databases:
    return Databases(test_server())


@pytest.fixture(scope="session")
async def migrated(databases: Databases) -> str:
    """The name of the template every test database is copied from."""

    async def build(dsn: str) -> None:
        await asyncio.to_thread(upgrade, dsn)

    versions = sorted((Path(__file__).parents[1] / "migrations" / "versions").glob("*.py"))
    key = "".join(path.read_text() for path in versions)
    return await databases.template(key, build)


@pytest.fixture
async def database(databases: Databases, migrated: str) -> AsyncIterator[Database]:
    dsn = await databases.clone(migrated)
    yield Database(dsn.split("?")[0].rsplit("/", 1)[1])
    await databases.drop(dsn)


def sqlalchemy_url(dsn: str) -> str:
    return dsn.replace("postgresql://", "postgresql+asyncpg://", 1)


@pytest.fixture
async def intake(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(database.intake)
    yield engine
    await engine.dispose()


@pytest.fixture
def importer(intake: AsyncEngine) -> Importer:
    return Importer(engine=intake, secret=KEY, clock=lambda: NOW)
