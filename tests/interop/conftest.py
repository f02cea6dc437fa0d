"""A healthbook that other people's clients talk to over HTTP: its people, its registered clients and their keys."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from api.app import create_app, record_scopes
from auth.clients.dynamic_registration import issue_registration_token
from auth.clients.profiles import CODE, CREDENTIALS, DEVICE, EXCHANGE, REFRESH
from auth.clients.registration import PHONE, register, register_clinician_app, register_phone
from auth.settings import AuthSettings
from auth.signing.keys import ensure
from auth.tables import OAuthClient
from domain.database import open_engine
from domain.values import utc_now
from tests.browser import listening, serving
from tests.conftest import Database
from tests.interop.node import installed, ran
from tests.postgres import Databases

CITIZEN, DOCTOR = UUID("0190a000-0000-7000-8000-000000000001"), UUID("0190a000-0000-7000-8000-000000000002")
PATIENT, CHILD = UUID("0190a000-0000-7000-8000-0000000000b1"), UUID("0190a000-0000-7000-8000-0000000000b2")
HOSPITAL = UUID("0190a000-0000-7000-8000-0000000000aa")
CLINIC, WARD, DIARY, SMART, SCREEN = "clinic-system", "ward-app", "diary-app", "smart-app", "screen"
CALLBACK = "http://127.0.0.1:53117/callback"
SIGNED_OUT = "http://127.0.0.1:53117/signed-out"
IDENTITY = ("openid", "profile", "fhirUser", "launch/patient", "offline_access")
KEYS = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "RS384": lambda: rsa.generate_private_key(65537, 2048),
}


def private_jwk(algorithm: str) -> dict[str, Any]:
    """A new key for assertions of this algorithm, named after it."""
    jwk = json.loads(jwt.get_algorithm_by_name(algorithm).to_jwk(KEYS[algorithm]()))
    return {name: value for name, value in jwk.items() if name != "key_ops"} | {"kid": algorithm, "alg": algorithm}


def public(jwks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    hidden = {"d", "p", "q", "dp", "dq", "qi"}
    return {"keys": [{name: value for name, value in jwk.items() if name not in hidden} for jwk in jwks]}


@dataclass(frozen=True)
class Healthbook:
    """`told` is what every flow is told: where, who, with which clients."""

    origin: str
    database: Database
    folder: Path
    told: dict[str, Any] = field(repr=False)

    async def run(self, script: str, flow: str, **more: Any) -> Any:
        return await ran(self.folder, script, flow, self.told | more)

    async def sql(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.database.owner)
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()


@pytest.fixture(scope="session")
async def healthbook(databases: Databases, migrated: str, pytestconfig: pytest.Config) -> AsyncIterator[Healthbook]:
    """One server for all flows: each signs in for itself, so none meets what another left."""
    folder = installed(pytestconfig.cache.mkdir("node"))
    dsn = await databases.clone(migrated)
    database, bound = Database(dsn.split("?")[0].rsplit("/", 1)[1]), listening()
    origin = f"http://127.0.0.1:{bound.getsockname()[1]}"
    settings = AuthSettings(issuer=origin, audience=f"{origin}/graphql", kek=bytes(range(32)), demo_sign_in=True)
    keys = {algorithm: private_jwk(algorithm) for algorithm in KEYS}
    made = Healthbook(origin, database, folder, _told(origin, keys))
    await _people(made)
    made.told["registrationToken"] = await _clients(database, settings, list(keys.values()))
    async with serving(create_app(database.api_settings(), settings), bound):
        yield made
    await databases.drop(dsn)


def _told(origin: str, keys: dict[str, Any]) -> dict[str, Any]:
    return {
        "issuer": origin,
        "citizen": str(CITIZEN),
        "doctor": str(DOCTOR),
        "patient": str(PATIENT),
        "child": str(CHILD),
        "callback": CALLBACK,
        "signedOut": SIGNED_OUT,
        "keys": keys,
        "clients": {"phone": PHONE, "clinic": CLINIC, "ward": WARD, "diary": DIARY, "smart": SMART, "screen": SCREEN},
    }


async def _people(healthbook: Healthbook) -> None:
    """A citizen with a book and a child, and a doctor."""
    await healthbook.sql(
        "insert into registry.organization (id, code, name, name_en, status) values ($1, '79001', $2, $3, 'active')",
        HOSPITAL, "Bệnh viện Hoa Sen", "Lotus Hospital",
    )  # fmt: skip
    await healthbook.sql("insert into book.patient (patient_id) values ($1), ($2)", PATIENT, CHILD)
    await healthbook.sql(
        "insert into access.citizen (id, patient_id, demo_label) values ($1, $2, $3), ($4, null, $5)",
        CITIZEN, PATIENT, "Trần Thị Xanh | có sổ", DOCTOR, "Lê Văn Lục | bác sĩ",
    )  # fmt: skip
    await healthbook.sql(
        """insert into access.related_person (id, citizen_id, patient_id, kind, can_manage)
           values (gen_random_uuid(), $1, $2, 'parent', true)""",
        CITIZEN, CHILD,
    )  # fmt: skip
    await healthbook.sql(
        """insert into access.practitioner_role (id, citizen_id, organization_id, role, display_name)
           values (gen_random_uuid(), $1, $2, 'doctor', 'BS. Lục')""",
        DOCTOR, HOSPITAL,
    )  # fmt: skip


async def _clients(database: Database, settings: AuthSettings, keys: list[dict[str, Any]]) -> str:
    """Every kind of client, and a key to sign with; the initial access token for registering one more."""
    engine = open_engine(database.auth)
    async with async_sessionmaker(engine)() as session:
        await ensure(session, settings.kek, utc_now())
        await _register(session, public(keys))
        token = await issue_registration_token(session, "Nhóm Cam", utc_now())
        await session.commit()
    await engine.dispose()
    return token


async def _register(session: AsyncSession, jwks: dict[str, Any]) -> None:
    records = " ".join(record_scopes())
    whole = f"{' '.join(IDENTITY)} {records}"
    await register_phone(session, f"{whole} consent:read")
    await session.flush()
    await _let_return(session, PHONE)
    await register(
        session,
        client_id=CLINIC,
        name="Hệ thống bệnh viện",
        kind="facility",
        auth_method="private_key_jwt",
        grant_types=(CREDENTIALS, EXCHANGE),
        scope=f"record:submit {records}",
        organization_id=HOSPITAL,
        jwks=jwks,
    )
    await register_clinician_app(
        session,
        client_id=WARD,
        name="Buồng bệnh Tím",
        organization_id=HOSPITAL,
        scope=f"openid offline_access fhirUser {records}",
        redirect_uris=[CALLBACK],
        jwks=jwks,
    )
    await register(
        session,
        client_id=DIARY,
        name="Nhật ký Cam",
        kind="third_party",
        auth_method="none",
        grant_types=(CODE, REFRESH),
        scope=whole,
        redirect_uris=[CALLBACK],
    )
    await register(
        session,
        client_id=SMART,
        name="Bước chân Cam",
        kind="third_party",
        auth_method="none",
        grant_types=(CODE, REFRESH),
        scope=whole,
        redirect_uris=[CALLBACK],
        requires_par=False,  # fhirclient does not push
    )
    await register(
        session,
        client_id=SCREEN,
        name="Màn hình Cam",
        kind="first_party",
        auth_method="none",
        grant_types=(DEVICE, REFRESH),
        scope=whole,
        requires_dpop=False,
    )


async def _let_return(session: AsyncSession, client_id: str) -> None:
    (await session.get_one(OAuthClient, client_id)).post_logout_redirect_uris = [SIGNED_OUT]
