"""What consent costs: the same records by their citizens, by clinics with one consent each, and by one with thousands.

One healthbook server; the three ways take turns in shuffled order. And the token endpoint, signatures on both sides.
"""

import asyncio
import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from uuid import UUID, uuid4

import asyncpg
import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from api.app import record_scopes
from auth.clients.registration import register
from auth.settings import AuthSettings
from auth.signing.keys import KeyRing, KeyStore
from auth.tables import TokenGrant
from auth.tokens.signed import access_token
from benchmarks.data import Cluster, World
from benchmarks.load import Round, load, need_wrk
from benchmarks.patients import Reader, readers
from benchmarks.report import table
from benchmarks.screens import query
from benchmarks.servers import ISSUER, auth_settings, running
from domain.database import open_engine
from domain.sections import SECTIONS
from domain.values import utc_now

CONSENTS = 5_000
ASSERTIONS = 4_000  # for one round: each is used once
CONNECTIONS = 16
LIFE = timedelta(hours=12)
WORDS = {
    "citizen": "the citizen himself",
    "one": "a clinic with one consent",
    "thousands": f"a clinic with {CONSENTS:,} consents",
}
CONSENT = """
insert into access.consent (patient_id, id, kind, organization_id, purposes, sections, sensitive, valid_from,
                            valid_until, version, granted_by, actor_role, channel, acr, auth_time, text_hash,
                            created_at)
select p, uuidv7(), 'written_request', $2, '{TREAT}', $3::text[], $4::text[], now(),
       now() + interval '1 day', 1, uuidv7(), 'self', 'app', 'demo', now(), 'x', now() from unnest($1::uuid[]) p
"""
LABELS = ["HIV", "MENTAL", "REPRODUCTIVE", "SUBSTANCE", "GENETIC", "VIOLENCE", "UNKNOWN"]


def run(cluster: Cluster, world: World, *, rounds: int, seconds: int) -> str:
    """The table of the three ways to one record."""
    need_wrk()
    people = asyncio.run(readers(world))
    tokens = asyncio.run(_clinics(world, people))
    files = {name: _file(cluster.folder / f"clinic-{name}.tsv", people, found) for name, found in tokens.items()}
    measured: dict[str, list[Round]] = {name: [] for name in files}
    with running("healthbook", world, cluster.folder) as server:
        for turn in range(rounds + 1):
            for name in random.sample(list(files), len(files)):
                told = load(
                    server.origin, files[name], connections=CONNECTIONS, seconds=seconds, app=server.pid,
                    postgres=cluster.server.process or 0,
                )  # fmt: skip
                measured[name] += [told] if turn else []
    rows = [(WORDS[name], *_medians(found)) for name, found in measured.items()]
    ratio = _medians(measured["thousands"])[1] / _medians(measured["one"])[1]
    failed = sum(one.failed for found in measured.values() for one in found)
    words = f"p50 with {CONSENTS:,} consents is {ratio:.2f} x that with one; {failed} failed requests.\n"
    return table("Whole record by consent", HEAD, rows) + words


HEAD = ("who reads", "req/s", "p50 ms", "p99 ms", "app CPU ms/req", "PostgreSQL CPU ms/req")


def _medians(found: Sequence[Round]) -> tuple[float, ...]:
    return tuple(
        median(getattr(one, name) for one in found)
        for name in ("requests_s", "p50_ms", "p99_ms", "app_ms", "postgres_ms")
    )


def _file(path: Path, people: Sequence[Reader], tokens: Sequence[str]) -> Path:
    lines = []
    for one, token in zip(people, tokens, strict=True):
        body = json.dumps({"query": query("record"), "variables": {"patientId": str(one.patient)}})
        lines.append(f"POST\t/graphql\t{token}\t{body}")
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n")
    return path


async def _clinics(world: World, people: Sequence[Reader]) -> dict[str, list[str]]:
    """Tokens by way to read, in the order of the people."""
    patients = [one.patient for one in people]
    owner = await asyncpg.connect(world.addresses.owner)
    engine = open_engine(world.addresses.auth)
    settings, sessions = auth_settings(world.kek), async_sessionmaker(engine, expire_on_commit=False)
    try:
        ring = await KeyStore(sessions, settings.kek).ring()
        async with sessions() as session:
            big = await _clinic(
                owner, session, "bench-big", [*patients, *(uuid4() for _ in range(CONSENTS - len(patients)))]
            )
            thousands = [await _token(session, ring, settings, big)] * len(patients)
            one = [
                await _token(session, ring, settings, await _clinic(owner, session, f"bench-{n:03}", [patient]))
                for n, patient in enumerate(patients)
            ]
            await session.commit()
        await owner.execute("vacuum analyze access.consent")
    finally:
        await engine.dispose()
        await owner.close()
    return {"citizen": [reader.token for reader in people], "one": one, "thousands": thousands}


async def _clinic(owner: asyncpg.Connection, session: AsyncSession, client_id: str, patients: list[UUID]) -> str:
    organization = uuid4()
    await owner.execute(
        """insert into registry.organization (id, code, status) values ($1, $2, 'active')
           on conflict (code) do update set id = excluded.id""", organization, client_id,
    )  # fmt: skip
    await register(
        session, client_id=client_id, name=client_id, kind="facility", auth_method="client_secret_basic",
        grant_types=("client_credentials",), scope=" ".join(record_scopes()), organization_id=organization,
    )  # fmt: skip
    await owner.execute(CONSENT, patients, organization, [section.name for section in SECTIONS], LABELS)
    return client_id


async def _token(session: AsyncSession, ring: KeyRing, settings: AuthSettings, client_id: str) -> str:
    now = utc_now()
    scope = " ".join(record_scopes())
    grant = TokenGrant(client_id=client_id, scope=scope, created_at=now, expires_at=now + LIFE)
    session.add(grant)
    await session.flush()
    return access_token(ring.signing, settings, grant, scope=scope, now=now, life=LIFE)


def tokens(cluster: Cluster, world: World, *, rounds: int, seconds: int) -> str:
    """The token endpoint: client_credentials with private_key_jwt, ES256 on both sides, every assertion a new one."""
    need_wrk()
    key = generate_private_key(SECP256R1())
    asyncio.run(_registered(world, key))
    measured = []
    with running("healthbook", world, cluster.folder) as server:
        for turn in range(rounds + 1):
            with _assertions(cluster.folder / "assertions.tsv", key) as path:
                told = load(
                    server.origin, path, connections=CONNECTIONS, seconds=seconds, app=server.pid,
                    postgres=cluster.server.process or 0,
                )  # fmt: skip
            measured += [told] if turn else []
    failed = sum(one.failed for one in measured)
    rows = [("client_credentials, private_key_jwt", *_medians(measured))]
    return table("Token endpoint", ("", *HEAD[1:]), rows) + f"{failed} failed requests.\n"


@contextmanager
def _assertions(path: Path, key: object) -> Iterator[Path]:
    """Requests that can each be sent once. The issuer of the measured server has no port."""
    now = int(utc_now().timestamp())
    claims = {"iss": CLIENT, "sub": CLIENT, "aud": ISSUER, "iat": now, "exp": now + 290}
    lines = []
    for _ in range(ASSERTIONS):
        assertion = jwt.encode(claims | {"jti": uuid4().hex}, key, "ES256", {"kid": "bench"})  # type: ignore[arg-type]
        body = f"grant_type=client_credentials&client_assertion_type={TYPE}&client_assertion={assertion}"
        lines.append(f"POST\t/oauth/token\t-\t{body}")
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n")
    yield path
    path.unlink()


CLIENT = "bench-signing"
TYPE = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"


async def _registered(world: World, key: object) -> None:
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)  # type: ignore[attr-defined]
    engine = open_engine(world.addresses.auth)
    owner = await asyncpg.connect(world.addresses.owner)
    try:
        organization = await owner.fetchval("select id from registry.organization where status = 'active' limit 1")
        async with async_sessionmaker(engine)() as session:
            await register(
                session, client_id=CLIENT, name=CLIENT, kind="facility", auth_method="private_key_jwt",
                grant_types=("client_credentials",), scope="record:submit", organization_id=organization,
                jwks={"keys": [{**jwk, "kid": "bench"}]},
            )  # fmt: skip
            await session.commit()
    finally:
        await owner.close()
        await engine.dispose()
