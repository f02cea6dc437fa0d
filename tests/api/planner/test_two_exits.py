"""One planner, two exits: PostgreSQL's own JSON and graphql-core's completion say the same, errors included."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from prometheus_client import REGISTRY

from tests.api.planner.queries import documents

SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.fixture
async def reader(book):
    """Asks as the chronic patient: whole scope, and one with sections missing."""
    whole = await book.token(book.citizens[0])
    narrow = await book.token(
        book.citizens[0], scope="record:labs:read record:demographics:read record:encounters:read"
    )
    return book, {"whole": whole, "narrow": narrow}


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(document=documents())
async def test_both_exits_answer_alike(reader, document):
    book, tokens = reader
    head, root, fragments, variables = document
    for token in tokens.values():
        planned = await book.ask(f"{head} {{ {root} }} {fragments}", token, variables)
        executed = await book.ask(f"{head} {{ __typename {root} }} {fragments}", token, variables)
        assert executed["data"].pop("__typename") == "Query"
        assert planned["data"] == executed["data"]
        assert _errors(planned) == _errors(executed)


def _errors(answer):
    found = answer.get("errors", [])
    return sorted((one["message"], one["path"], one["extensions"]["code"]) for one in found)


async def test_an_ordinary_query_takes_exit_1(book):
    token = await book.token(book.citizens[0])
    before = _exits("1")
    await book.ask("{ healthRecord { labs { nodes { display } } } }", token)
    assert _exits("1") == before + 1


def _exits(number):
    return REGISTRY.get_sample_value("healthbook_graphql_reads_total", {"exit": number}) or 0


async def test_reads_in_parallel_do_not_mix(book):
    """Settings are local to a statement: of many readers at once, each gets his own book."""
    tokens = [await book.token(citizen) for citizen in book.citizens[:4]]
    query = "{ healthRecord { patientId demographics { name } } }"
    alone = [await book.ask(query, token) for token in tokens]
    together = await asyncio.gather(*(book.ask(query, token) for _ in range(25) for token in tokens))
    assert together == alone * 25
    assert len({answer["data"]["healthRecord"]["patientId"] for answer in alone}) == 4
