"""An authorization server on a real database of its own, with one phone client, one facility and two citizens."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg
import httpx
import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from starlette.applications import Starlette
from starlette.middleware import Middleware

from auth.clients.registration import register_facility, register_phone
from auth.provider import DemoCitizen
from auth.routes import routes
from auth.server.cors import Cors, Origins
from auth.settings import AuthSettings
from auth.signing.keys import KeyStore
from auth.tables import SCHEMA
from auth.tokens.bearer import Verifier
from domain.database import Base
from tests.auth.flows import ALIASES, ISSUER, RECORD_SCOPES, Phone
from tests.postgres import Databases, test_server

BLUE, GREEN = UUID("0190a000-0000-7000-8000-000000000001"), UUID("0190a000-0000-7000-8000-000000000002")
BLUE_PATIENT = UUID("0190a000-0000-7000-8000-0000000000b1")
FACILITY_ORGANIZATION = UUID("0190a000-0000-7000-8000-0000000000aa")
SCHEMAS = (SCHEMA, "registry", "access")
UNKNOWN_AGE = "CREATE FUNCTION access.birth_date(uuid) RETURNS text LANGUAGE sql RETURN null"
PHONE_SCOPE = " ".join(["openid", "profile", "fhirUser", "launch/patient", "offline_access", *RECORD_SCOPES])


class TwoCitizens:
    """The book's side of sign-in, with two invented citizens."""

    def __init__(self):
        self.people = [DemoCitizen(BLUE, "Trần Thị Xanh", "có hai bệnh viện"), DemoCitizen(GREEN, "Lê Văn Lục", "")]
        self.linked, self.roles, self.warned = [], set(), []

    async def list_demo(self):
        return self.people

    async def exists(self, citizen_id):
        return citizen_id in [citizen.id for citizen in self.people]

    async def name_of(self, citizen_id):
        return next((citizen.label for citizen in self.people if citizen.id == citizen_id), None)

    def patient_of(self, _db, citizen_id):
        """Blue has a record of her own, Green has not."""
        return BLUE_PATIENT if citizen_id == BLUE else None

    async def add(self, _session, citizen_id):
        self.people.append(DemoCitizen(citizen_id, "", ""))

    async def link(self, citizen_id, claim):
        self.linked.append((citizen_id, claim))
        return True

    def warn(self, db, citizen_id, now):
        self.warned.append(citizen_id)

    async def works_at(self, citizen_id, organization_id):
        return (citizen_id, organization_id) in self.roles


def _engine(dsn, **options):
    return create_async_engine("postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(dsn), **options)


async def _build(dsn):
    engine = _engine(dsn)
    tables = [table for table in Base.metadata.sorted_tables if table.schema in SCHEMAS]
    async with engine.begin() as connection:
        for schema in SCHEMAS:
            await connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
        await connection.run_sync(Base.metadata.create_all, tables=tables)
        await connection.exec_driver_sql(UNKNOWN_AGE)
    await engine.dispose()


@pytest.fixture
async def sessions():
    databases = Databases(test_server())
    dsn = await databases.clone(await databases.template("auth tables", _build))
    engine = _engine(dsn, pool_size=10)
    yield async_sessionmaker(engine)
    await engine.dispose()
    await databases.drop(dsn)


@pytest.fixture
def settings():
    return AuthSettings(issuer=ISSUER, audience=f"{ISSUER}/graphql", kek=bytes(range(32)), demo_sign_in=True)


@pytest.fixture
def citizens():
    return TwoCitizens()


@pytest.fixture
def app(settings, sessions, citizens):
    return Starlette(
        routes=routes(settings, sessions, citizens, RECORD_SCOPES, aliases=ALIASES),
        middleware=[Middleware(Cors, origins=Origins(sessions))],
    )


@pytest.fixture
async def http(app):
    """A browser without cookies yet; an exception in the server is a failed test, not a 500."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as client:
        yield client


@pytest.fixture
async def phone(http, sessions):
    async with sessions() as session:
        await register_phone(session, PHONE_SCOPE)
        await session.commit()
    return Phone(http, BLUE)


@dataclass
class Facility:
    client_id: str
    secret: str

    @property
    def auth(self):
        return httpx.BasicAuth(self.client_id, self.secret)


@pytest.fixture
async def facility(sessions):
    async with sessions() as session:
        registered = await register_facility(
            session, name="Trạm Y tế Tím", organization_id=FACILITY_ORGANIZATION, scope="record:submit record:labs:read"
        )
        await session.commit()
    return Facility(registered.client_id, registered.secret)


@pytest.fixture
async def ring(sessions, settings):
    return await KeyStore(sessions, settings.kek).ring()


@pytest.fixture
async def verifier(settings, sessions, ring):
    verifier = Verifier(settings, sessions)
    await verifier.refresh()
    return verifier
