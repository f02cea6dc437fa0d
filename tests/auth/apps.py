"""The whole application with its roles, citizens with and without a book, and other people's apps that ask them."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import httpx
import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker
from starlette.applications import Starlette

from api.app import create_app, record_scopes
from auth.clients.registration import register, register_phone
from auth.settings import AuthSettings
from domain.database import open_engine
from tests.auth.flows import Phone
from tests.browser import listening, serving
from tests.conftest import Database

WITH_BOOK, WITHOUT_BOOK = UUID("0190a000-0000-7000-8000-000000000001"), UUID("0190a000-0000-7000-8000-000000000002")
PATIENT, FORMER_PATIENT = UUID("0190a000-0000-7000-8000-0000000000b1"), UUID("0190a000-0000-7000-8000-0000000000b2")
HOSPITAL = UUID("0190a000-0000-7000-8000-0000000000aa")
SCOPES = [f"record:{name}:read" for name in ("allergies", "immunizations", "labs", "vitals", "prescriptions")]
SCOPE = " ".join(["openid", "offline_access", *SCOPES])
CALLBACKS = {
    "https": "https://app.example.test/callback",
    "loopback": "http://127.0.0.1:53117/callback",
    "app scheme": "vn.example.cam:/callback",
}
DIARY, TRIAL, WARD, PHONE_APP = "diary-app", "trial-app", "ward-app", "healthbook-phone"
APPS = {DIARY: ("Nhật ký Cam", "third_party"), TRIAL: ("Bước chân Hồng", "sandbox")}
PUBLIC_KEY = {  # RFC 7517 A.1
    "kty": "EC",
    "crv": "P-256",
    "kid": "hospital",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
}


@dataclass(frozen=True)
class World:
    app: Starlette
    database: Database
    origin: str

    async def sql(self, statement, *arguments):
        connection = await asyncpg.connect(self.database.owner)
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()

    async def consents(self):
        return await self.sql("select * from access.consent order by id")

    async def born(self, birth_date):
        """Tell when the citizen with a book was born (a partial date)."""
        await self.sql(
            "insert into book.demographics (patient_id, id, source_id, organization_id, document, received_at,"
            " fact_key, content_key, shown, contradicted, sources, sensitivity, is_temporary_name, birth_date)"
            " values ($1, uuidv7(), uuidv7(), $2, '', now(), 'f', 'c', true, false, '[]', '', false, $3)",
            PATIENT,
            HOSPITAL,
            birth_date,
        )

    @asynccontextmanager
    async def browser(self, citizen_id=WITH_BOOK, client_id=DIARY, scope=SCOPE) -> AsyncIterator[Phone]:
        """An app and a browser in which nobody is signed in; requests and answers, without a screen."""
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=self.origin) as client:
            yield Phone(client, citizen_id, client_id, scope)


@pytest.fixture
async def world(database) -> AsyncIterator[World]:
    bound: socket.socket = listening()
    origin = f"http://127.0.0.1:{bound.getsockname()[1]}"
    settings = AuthSettings(issuer=origin, audience=f"{origin}/graphql", kek=bytes(range(32)), demo_sign_in=True)
    made = World(create_app(database.api_settings(), settings), database, origin)
    await _people(made)
    await _clients(database)
    async with serving(made.app, bound):
        yield made


async def _people(world: World) -> None:
    """One citizen has a book that was merged into another since, one has none."""
    await world.sql(
        "insert into registry.organization (id, code, name, name_en, status) values ($1, '79001', $2, $3, 'active')",
        HOSPITAL,
        "Bệnh viện Hoa Sen",
        "Lotus Hospital",
    )
    await world.sql("insert into book.patient (patient_id) values ($1), ($2)", PATIENT, FORMER_PATIENT)
    await world.sql("insert into access.patient_redirect (old_id, patient_id) values ($1, $2)", FORMER_PATIENT, PATIENT)
    await world.sql(
        "insert into access.citizen (id, patient_id, demo_label) values ($1, $2, $3), ($4, null, $5)",
        WITH_BOOK,
        FORMER_PATIENT,
        "Trần Thị Xanh | có sổ",
        WITHOUT_BOOK,
        "Lê Văn Lục | chưa có sổ",
    )


async def _clients(database: Database) -> None:
    engine = open_engine(database.auth)
    everything = " ".join(["openid", "offline_access", *record_scopes()])
    async with async_sessionmaker(engine)() as session:
        await register_phone(session, everything)
        for client_id, (name, kind) in APPS.items():
            await register(
                session,
                client_id=client_id,
                name=name,
                kind=kind,
                auth_method="none",
                grant_types=("authorization_code", "refresh_token"),
                scope=everything,
                redirect_uris=("http://127.0.0.1/callback", CALLBACKS["app scheme"], CALLBACKS["https"]),
                requires_par=False,
            )
        await register(
            session,
            client_id=WARD,
            name="Buồng bệnh Tím",
            kind="clinician",
            auth_method="private_key_jwt",
            grant_types=("authorization_code", "refresh_token"),
            scope="openid record:labs:read record:vitals:read emergency:open",
            redirect_uris=("http://127.0.0.1/callback",),
            organization_id=HOSPITAL,
            jwks={"keys": [PUBLIC_KEY]},
            requires_par=False,
        )
        await session.commit()
    await engine.dispose()
