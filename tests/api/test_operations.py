"""What operators watch: ready or not, the description, and what every answer carries."""

import json
import re
from contextlib import asynccontextmanager

import httpx
import pytest

from api.app import create_app
from api.rest.description import openapi_document
from domain.database import REVISION
from tests.api.conftest import AUTH
from tests.api.facilities import FHIR, HEADERS, QD4750
from tests.conftest import Database


async def test_ready_names_the_schema(book):
    answer = await book.client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "schema": REVISION})


async def test_not_ready_on_a_schema_of_another_version(book):
    await book.sql("update registry.alembic_version set version_num = '0001'")
    answer = await book.client.get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "the schema is not migrated")


@asynccontextmanager
async def served(database):
    settings = database.api_settings(connections=2)
    app = create_app(settings, AUTH)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=AUTH.issuer) as client:
            yield client


async def test_alive_but_not_ready_without_a_database(databases, populated):
    dsn = await databases.clone(populated)
    async with served(Database(dsn.split("?")[0].rsplit("/", 1)[1])) as client:
        assert (await client.get("/readyz")).status_code == 200
        await databases.drop(dsn)
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["reason"]) == (503, "the database does not answer")
        assert (await client.get("/livez")).status_code == 200


async def test_the_description_is_served(book):
    answer = await book.client.get("/openapi.json")
    assert answer.json() == json.loads(json.dumps(openapi_document()))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(
            ("GET", path)
            for path in ("/livez", "/readyz", "/metrics", "/openapi.json", "/login", "/nowhere", "/ingest/x")
        ),
        *(("POST", path) for path in (QD4750, FHIR, "/graphql", "/oauth/token", "/livez")),
    ],
)
async def test_every_answer_has_a_request_id_and_the_headers(book, method, path):
    answers = [await book.client.request(method, path) for _ in range(2)]
    for answer in answers:
        assert answer.headers.items() >= HEADERS.items()
        assert answer.headers["cache-control"]
    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == 2
    assert all(re.fullmatch(r"[0-9a-f]{32}", id_) for id_ in ids)
