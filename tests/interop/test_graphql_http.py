"""GraphQL over HTTP as npm graphql-http audits it, against a real server process' socket, with a citizen's token."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from api.app import record_scopes
from auth.settings import AuthSettings
from auth.signing.keys import KeyStore
from auth.tables import TokenGrant
from auth.tokens.signed import access_token
from domain.database import open_engine
from domain.values import utc_now
from tests.interop.conftest import CITIZEN

KINDS = {"MUST", "SHOULD", "MAY"}


@pytest.fixture
async def token(healthbook):
    """A token of the phone on a grant of its own."""
    origin, now = healthbook.origin, utc_now()
    settings = AuthSettings(issuer=origin, audience=f"{origin}/graphql", kek=bytes(range(32)))
    grant = TokenGrant(
        client_id=healthbook.told["clients"]["phone"],
        citizen_id=CITIZEN,
        scope=" ".join(record_scopes()),
        created_at=now,
        expires_at=now + timedelta(hours=1),
    )
    engine = open_engine(healthbook.database.auth)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    async with sessions() as session:
        session.add(grant)
        await session.commit()
    ring = await KeyStore(sessions, settings.kek).ring()
    await engine.dispose()
    return access_token(ring.signing, settings, grant, scope=grant.scope, now=now, life=timedelta(minutes=5))


async def test_every_audit_passes(healthbook, token):
    found = await healthbook.run("graphql_http.mjs", "audits", url=f"{healthbook.origin}/graphql", token=token)
    assert [one for one in found if one["status"] != "ok"] == []
    assert {one["name"].split()[0] for one in found} == KINDS
    assert len(found) >= 60


async def test_the_audit_would_find_a_server_that_is_none(healthbook, token):
    found = await healthbook.run("graphql_http.mjs", "audits", url=f"{healthbook.origin}/livez", token=token)
    assert {one["status"] for one in found if one["name"].startswith("MUST")} >= {"error"}
