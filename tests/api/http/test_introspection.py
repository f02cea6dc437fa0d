"""Whether callers may read the schema is the operator's choice; names of types can always be asked for."""

import httpx
import pytest

from api.app import create_app
from api.http.media import GRAPHQL
from api.settings import introspection
from tests.api.conftest import AUTH

SCHEMA = "{ __schema { queryType { name } } }"
TYPE = '{ __type(name: "Query") { name } }'


@pytest.fixture
async def closed(book):
    """Asks a server that does not tell its schema."""
    app = create_app(book.database.api_settings(introspection=False), AUTH)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=AUTH.issuer)
    headers = {"Authorization": f"Bearer {await book.token(book.citizens[0])}", "Accept": GRAPHQL}

    async def ask(query):
        return await client.post("/graphql", json={"query": query}, headers=headers)

    async with app.router.lifespan_context(app), client:
        yield ask


@pytest.mark.parametrize(
    "query",
    [
        SCHEMA,
        TYPE,
        f"{{ me {{ id }} ...F }} fragment F on Query {TYPE}",
        "{ a: __schema { types { name } } }",
        "query ($no: Boolean = false) { me { id } __schema @include(if: $no) { queryType { name } } }",
        "{ ... on Query { ... { __schema { description } } } }",
    ],
)
async def test_off_tells_nothing_of_the_schema(closed, query):
    answer = await closed(query)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"]) == (400, "INTROSPECTION_DISABLED")
    assert "Query" not in error["message"]


async def test_off_tells_the_names_of_types(closed):
    answer = await closed("{ __typename me { __typename patients { __typename } } healthRecord { __typename } }")
    assert answer.json()["data"]["__typename"] == "Query"
    assert answer.json()["data"]["healthRecord"]["__typename"] == "HealthRecord"


@pytest.mark.parametrize("setting", [True, False])
async def test_names_are_never_suggested(book, closed, setting):
    """Abuse 4."""
    wrong = "query ($p: PurposeOfUse) { healthRecord(purpose: $p) { patientId } }"
    token = await book.token(book.citizens[0])
    for query, variables in (("{ healthRecords { patientId } }", None), (wrong, {"p": "PATRQ"})):
        answer = await book.post(query, token, variables) if setting else await closed(query)
        assert "Did you mean" not in answer.text


@pytest.mark.parametrize(("told", "meant"), [({}, True), ({"HEALTHBOOK_INTROSPECTION": ""}, True)])
def test_on_is_usual(told, meant):
    assert introspection(told) is meant
    assert introspection({"HEALTHBOOK_INTROSPECTION": "on"}) is True
    assert introspection({"HEALTHBOOK_INTROSPECTION": "off"}) is False


@pytest.mark.parametrize("told", ["no", "false", "0", "OFF", "on "])
def test_anything_else_stops_the_server(told):
    with pytest.raises(ValueError, match="on or off"):
        introspection({"HEALTHBOOK_INTROSPECTION": told})
