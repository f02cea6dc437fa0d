"""One planner, two exits: PostgreSQL's own JSON and graphql-core's completion say the same, errors included."""

import asyncio
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from prometheus_client import REGISTRY

from tests.api.planner.marks import marks_of
from tests.api.planner.queries import documents

SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
EXAMPLES = int(os.environ.get("WAYS", "40"))


@pytest.fixture
async def readers(book):
    """The chronic patient with his whole scope and with sections missing, and a mother of a child: token and marks."""
    book.afford()
    narrow = await book.token(
        book.citizens[0], scope="record:labs:read record:demographics:read record:encounters:read"
    )
    mine = (await book.sql("select patient_id from access.citizen where id = $1", book.citizens[0]))[0][0]
    whole, mother = await book.token(book.citizens[0]), await book.token(book.citizens[1])
    me = (await book.ask("{ me { patients { patientId relation } } }", mother))["data"]["me"]
    child = next(one["patientId"] for one in me["patients"] if one["relation"] == "parent")
    own, childs = await marks_of(book, whole, mine), await marks_of(book, mother, child)
    return book, [(whole, own), (narrow, own), (mother, childs), (mother, own)]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW)
@given(roots=documents())
async def test_both_exits_answer_alike(readers, roots):
    """Each root alone, as PostgreSQL writes it, and all of them together, as graphql-core completes them."""
    book, everybody = readers
    for token, marks in everybody:
        real = [marks.put(root) for root in roots]
        planned = [await book.ask(one.text(), token, one.values) for one in real]
        together = real[0] if len(real) == 1 else real[0] + real[1]
        executed = await book.ask(together.text("__typename"), token, together.values)
        assert executed["data"].pop("__typename") == "Query"
        assert _in_order(executed["data"]) == [pair for one in planned for pair in _in_order(one["data"])]
        assert _errors([executed]) == _errors(planned)


def _in_order(value):
    """Fields stand in the order in which they were asked for (GraphQL spec 7.2.2)."""
    if isinstance(value, dict):
        return [(name, _in_order(one)) for name, one in value.items()]
    return [_in_order(one) for one in value] if isinstance(value, list) else value


def _errors(answers):
    """Everything of an error but its place in the document."""
    found = [error for answer in answers for error in answer.get("errors", [])]
    return sorted(json.dumps([one["message"], one["path"], one["extensions"]]) for one in found)


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
