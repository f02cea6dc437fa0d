"""The door of /graphql: bearer tokens and bound ones, on the real application with the roles' own rights."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from api.app import record_scopes
from api.citizens import BookCitizens
from auth.signing.keys import KeyStore
from auth.tables import TokenGrant
from auth.tokens.signed import access_token
from domain.database import open_engine
from domain.values import utc_now
from tests.api.conftest import AUTH
from tests.auth.proofs import Key

URL = f"{AUTH.issuer}/graphql"
QUERY = {"query": "{ record { labs { id } } }"}


@pytest.fixture
async def auth_sessions(book):
    engine = open_engine(book.database.auth)
    yield async_sessionmaker(engine, expire_on_commit=False)
    await engine.dispose()


@pytest.fixture
async def bound(book, auth_sessions):
    """A key and a token that is bound to it."""
    key, now = Key(), utc_now()
    grant = TokenGrant(
        client_id="healthbook-phone",
        citizen_id=book.citizens[0],
        scope=" ".join(record_scopes()),
        jkt=key.jkt,
        created_at=now,
        expires_at=now + timedelta(hours=1),
    )
    async with auth_sessions() as session:
        session.add(grant)
        await session.commit()
    ring = await KeyStore(auth_sessions, AUTH.kek).ring()
    return key, access_token(ring.signing, AUTH, grant, scope=grant.scope, now=now, life=timedelta(minutes=5))


def headers(key, token, scheme="DPoP", **proof):
    return {"Authorization": f"{scheme} {token}", "DPoP": key.proof(proof.pop("url", URL), token=token, **proof)}


async def test_a_bound_token_reads_with_its_proof_once(book, bound):
    sent = headers(*bound)
    first = await book.client.post("/graphql", json=QUERY, headers=sent)
    assert (first.status_code, "data" in first.json()) == (200, False), "let in, and asked for what is not there"
    again = await book.client.post("/graphql", json=QUERY, headers=sent)
    assert (again.status_code, again.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    assert 'DPoP algs="ES256", error="invalid_dpop_proof"' in again.headers["www-authenticate"]
    assert (await book.client.post("/graphql", json=QUERY, headers=headers(*bound))).status_code == 200


async def test_a_bound_token_reads_nothing_as_a_bearer(book, bound):
    for sent in (headers(*bound, scheme="Bearer"), {"Authorization": f"Bearer {bound[1]}"}):
        answer = await book.client.post("/graphql", json=QUERY, headers=sent)
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_plain_token_reads_nothing_with_a_proof(book):
    token = await book.token(book.citizens[0])
    answer = await book.client.post("/graphql", json=QUERY, headers=headers(Key(), token))
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_query_in_the_address_is_no_part_of_the_proof_and_the_host_neither(book, bound):
    sent = headers(*bound) | {"host": "evil.example"}
    assert (await book.client.post("/graphql?x=y", json=QUERY, headers=sent)).status_code == 200
    sent = headers(*bound, url="http://evil.example/graphql") | {"host": "evil.example"}
    assert (await book.client.post("/graphql", json=QUERY, headers=sent)).status_code == 401


async def test_ingest_takes_bound_tokens_at_its_own_address(book, bound):
    key, token = bound
    for url, status in ((f"{AUTH.issuer}/ingest/qd4750", {403, 400, 415}), (URL, {401})):
        answer = await book.client.post("/ingest/qd4750", content=b"x", headers=headers(key, token, url=url))
        assert answer.status_code in status


async def test_browser_apps_of_unknown_origins_may_not_ask(book):
    preflight = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    answer = await book.client.options("/graphql", headers=preflight)
    assert (answer.status_code, "access-control-allow-origin" in answer.headers) == (403, False)


async def test_the_own_record_of_a_citizen_follows_a_merge(book, auth_sessions):
    citizen = book.citizens[0]
    citizens = BookCitizens(auth_sessions, demo=False)
    own = (await book.sql("select patient_id from access.citizen where id = $1", citizen))[0]["patient_id"]
    async with auth_sessions() as session:
        assert await session.run_sync(citizens.patient_of, citizen) == own
        assert await session.run_sync(citizens.patient_of, UUID(int=1)) is None
    kept = UUID(int=7)
    await book.sql("insert into access.patient_redirect (old_id, patient_id) values ($1, $2)", own, kept)
    async with auth_sessions() as session:
        assert await session.run_sync(citizens.patient_of, citizen) == kept


async def test_a_name_is_given_in_the_demo_only(book, auth_sessions):
    demo, real = BookCitizens(auth_sessions, demo=True), BookCitizens(auth_sessions, demo=False)
    assert (await demo.list_demo())[0].label == await demo.name_of((await demo.list_demo())[0].id)
    assert await real.name_of((await demo.list_demo())[0].id) is None
    assert await demo.name_of(UUID(int=1)) is None
