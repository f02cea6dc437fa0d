"""What a request pays: asked once a request before anything is executed, and told on both exits."""

import httpx
import pytest

from api.app import create_app
from api.http.media import GRAPHQL, JSON
from api.http.refusals import Refused, request_error, told
from api.http.toll import Charge
from tests.api.conftest import AUTH

PLANNED = "query A($n: Int) { healthRecord { labs(first: $n) { totalCount } } }"
EXECUTED = "query B($n: Int) { __typename healthRecord { labs(first: $n) { totalCount } } }"


class Gate:
    """A toll of one coin a request, of which there are four."""

    def __init__(self):
        self.entered = []

    async def read(self, caller, text):
        """Nothing is paid for reading."""

    async def enter(self, caller, document, variables):
        self.entered.append((caller.client_id, document.operation.name.value, variables.coerced))
        if variables.coerced.get("n") == 99:
            raise request_error("The query is too expensive.", "QUERY_TOO_EXPENSIVE", cost=99, allowed=4)
        if len(self.entered) > 4:
            headers = {"Retry-After": "7", "RateLimit": '"citizen";r=0;t=7'}
            raise Refused([told("Too many queries.", "RATE_LIMITED")], 429, headers=headers)
        return Charge({"cost": {"requested": 1}}, {"RateLimit": f'"citizen";r={4 - len(self.entered)};t=7'})


@pytest.fixture
async def toll(book, monkeypatch):
    gate = Gate()
    monkeypatch.setattr("api.app.Gate", lambda _: gate)
    app = create_app(book.database.api_settings(), AUTH)
    token = await book.token(book.citizens[0])
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=AUTH.issuer)

    async def ask(query, accept=JSON, **variables):
        headers = {"Authorization": f"Bearer {token}", "Accept": accept, "Healthbook-Cost": "1"}
        return await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)

    gate.ask = ask
    async with app.router.lifespan_context(app), client:
        yield gate


async def test_both_exits_tell_what_was_paid(toll):
    for left, query in ((3, PLANNED), (2, EXECUTED)):
        answer = await toll.ask(query, n=5)
        assert answer.json()["data"]["healthRecord"]["labs"]["totalCount"] > 5
        assert answer.json()["extensions"] == {"cost": {"requested": 1}}
        assert answer.headers["ratelimit"] == f'"citizen";r={left};t=7'
    assert toll.entered == [("healthbook-phone", name, {"n": 5}) for name in "AB"]


async def test_what_is_not_executed_pays_nothing(toll):
    for query in ("{", "{ nothing }", "query A($n: Int!) { __typename }"):
        await toll.ask(query)
    assert toll.entered == []


async def test_an_error_of_a_field_tells_it_too(toll):
    answer = await toll.ask(
        PLANNED.replace("first: $n", 'first: $n, after: "x"').replace("totalCount", "nodes { id }"), n=1
    )
    assert answer.json()["errors"][0]["extensions"]["code"] == "INVALID"
    assert answer.json()["extensions"] == {"cost": {"requested": 1}}
    assert "ratelimit" in answer.headers


async def test_too_much_at_once_is_a_request_error_and_too_often_is_429(toll, book):
    before = await book.sql("select from access.access_log")
    for query in (PLANNED, EXECUTED):
        for accept, status in ((GRAPHQL, 400), (JSON, 200)):
            answer = await toll.ask(query, accept, n=99)
            assert (answer.status_code, answer.json()["errors"][0]["extensions"]["cost"]) == (status, 99)
    for query in (PLANNED, EXECUTED):
        for accept in (GRAPHQL, JSON):
            answer = await toll.ask(query, accept)
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
            assert answer.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert await book.sql("select from access.access_log") == before
