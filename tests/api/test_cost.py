"""What a query costs, and that what costs too much never runs."""

from pathlib import Path

import pytest
from graphql import get_introspection_query
from hypothesis import given
from hypothesis import strategies as st

from api.cost import CHANGE, COUNTED, MOST_COST, READ, RELATED, Costing, cost_of
from api.planner.documents import Document, Documents
from api.schema import create_schema, records_of

ROOT = Path(__file__).parents[2]
SCHEMA = create_schema()._schema
DOCUMENTS = Documents(SCHEMA, records_of(SCHEMA))
LAB = READ + 1 + 1  # the root, `healthRecord`, `labs`


def cost(query, variables=None):
    document = DOCUMENTS.get(query, None)
    assert isinstance(document, Document), document
    coerced = document.variables(variables)
    assert not isinstance(coerced, list), coerced
    return cost_of(document, coerced)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ me { id } }", READ + 2),
        ("{ __typename }", READ + 1),
        ("{ healthRecord { labs(first: 7) { nodes { id value } } } }", LAB + 1 + 7 * 2),
        ("{ healthRecord { labs(last: 7) { nodes { id value } } } }", LAB + 1 + 7 * 2),
        ("{ healthRecord { labs { nodes { id } } } }", LAB + 1 + 50),
        ("{ healthRecord { labs(first: 0) { nodes { id } } } }", LAB + 1),
        ("{ healthRecord { labs(first: 7) { edges { cursor node { id } } } } }", LAB + 1 + 7 * 3),
        ("{ healthRecord { labs(first: 7) { totalCount } } }", LAB + 1 + COUNTED),
        ("{ healthRecord { labs(first: 7) { pageInfo { hasNextPage } } } }", LAB + 2),
        (
            "{ healthRecord { labs(first: 7) { nodes { reports { id } } } } }",
            LAB + 1 + 7 * (1 + RELATED + 5),
        ),
        ("{ healthRecord { labs(first: 7) { nodes { sources { id } } } } }", LAB + 1 + 7 * (1 + 3)),
        ("{ a: me { id } b: me { id } }", 2 * (READ + 2)),
        ("{ organizations(first: 9) { code } }", READ + 1 + 9),
        ("{ accessLog(first: 9) { nodes { id } } }", READ + 2 + 9),
        ('mutation { closeEmergency(id: "x") { __typename } }', CHANGE + 2),
    ],
)
def test_a_unit_is_a_value_and_lists_multiply(query, expected):
    assert cost(query) == expected


def test_page_sizes_come_from_variables_and_their_defaults():
    query = "query ($n: Int = 3) { healthRecord { labs(first: $n) { nodes { id } } } }"
    assert cost(query) == LAB + 1 + 3
    assert cost(query, {"n": 11}) == LAB + 1 + 11
    assert cost(query, {"n": None}) == LAB + 1 + 50


@pytest.mark.parametrize("size", [-1, 501, 2**31 - 1, -(2**31)])
def test_a_size_out_of_bounds_counts_as_the_largest_page(size):
    query = "query ($n: Int) { healthRecord { labs(first: $n) { nodes { id } } } }"
    assert cost(query, {"n": size}) == cost(query, {"n": 500})


def test_both_sizes_at_once_count_as_the_larger():
    """The planner refuses them; whatever it does, the cost is not the smaller one."""
    assert cost("{ healthRecord { labs(first: 1, last: 300) { nodes { id } } } }") == LAB + 1 + 300


def test_what_is_skipped_costs_nothing():
    query = "query ($yes: Boolean!) { me { id ...F @include(if: $yes) } } fragment F on Me { clientId scopes }"
    assert cost(query, {"yes": False}) == READ + 2
    assert cost(query, {"yes": True}) == READ + 4
    assert cost("{ me { id clientId @skip(if: true) } }") == READ + 2


def test_fragments_cost_wherever_they_are_spread():
    single = cost("{ healthRecord { labs(first: 5) { nodes { ...F } } } } fragment F on Lab { id value }")
    query = "{ healthRecord { labs(first: 5) { nodes { ...F } } vitals(first: 5) { nodes { ...G } } } }"
    double = cost(f"{query} fragment F on Lab {{ id value }} fragment G on Vital {{ id value }}")
    assert double == single + 1 + 1 + 10


def test_fragments_are_worked_out_once():
    """A chain of fragments that each spread the next twice asks 2 ** 6 fields and is 7 to look at."""
    chain = " ".join(f"fragment F{n} on Lab {{ ...F{n + 1} ...F{n + 1} }}" for n in range(6))
    query = f"{{ healthRecord {{ labs(first: 1) {{ nodes {{ ...F0 }} }} }} }} {chain} fragment F6 on Lab {{ id }}"
    document = DOCUMENTS.get(query, None)
    costing = Costing(SCHEMA, document.fragments, document.variables({}))
    assert costing.operation(document.operation) == LAB + 1 + 2**6
    assert len(costing.known) == 7


def test_a_whole_record_fits_three_times():
    record = cost((ROOT / "benchmarks/record.graphql").read_text(), {"patientId": "x"})
    home = cost((ROOT / "benchmarks/home.graphql").read_text(), {"patientId": "x"})
    assert record * 3 <= MOST_COST
    assert home * 50 <= record
    told = (ROOT / "docs/limits.md").read_text()
    assert (
        f"(`benchmarks/record.graphql`) costs {record:,}, the home screen\n(`benchmarks/home.graphql`) {home:,},"
        in told
    )


def test_tools_may_introspect_and_bombs_may_not():
    assert cost(get_introspection_query(input_value_deprecation=True, directive_is_repeatable=True)) <= MOST_COST * 0.75
    bomb = "{ " + " ".join(
        f"a{n}: __schema {{ types {{ fields {{ type {{ fields {{ name }} }} }} }} }}" for n in range(9)
    )
    assert cost(f"{bomb} }}") > MOST_COST


def test_the_same_shape_is_worked_out_once():
    document = DOCUMENTS.get(
        "query ($id: ID, $n: Int) { healthRecord(patientId: $id) { labs(first: $n) { totalCount } } }", None
    )
    for number in range(100):
        cost_of(document, document.variables({"id": str(number), "n": 5}))
    assert len(document.costs._values) == 1
    for number in range(100):
        cost_of(document, document.variables({"id": "x", "n": number}))
    assert len(document.costs._values) == 64


@given(st.integers(0, 500), st.integers(0, 500), st.booleans())
def test_a_smaller_page_never_costs_more(one, other, counted):
    more = "totalCount" if counted else ""
    query = f"query ($n: Int) {{ healthRecord {{ labs(first: $n) {{ nodes {{ id sources {{ id }} }} {more} }} }} }}"
    assert (one <= other) == (cost(query, {"n": one}) <= cost(query, {"n": other})) or one == other


DEAR = (
    "{ healthRecord { labs(first: 500) { nodes { " + " ".join(f"a{n}: sources {{ id }}" for n in range(40)) + " } } } }"
)


@pytest.mark.parametrize("before", ["", "me { id } "])
async def test_what_costs_too_much_never_runs(book, before):
    """Abuse 3. On both exits: told what it would cost and what is allowed, and no line in the log."""
    token = await book.token(book.citizens[0])
    answer = await book.ask(DEAR.replace("{ ", f"{{ {before}", 1), token)
    extensions = answer["errors"][0]["extensions"]
    assert extensions["code"] == "QUERY_TOO_EXPENSIVE"
    assert (extensions["cost"] > 80_000, extensions["allowed"]) == (True, MOST_COST)
    assert "data" not in answer
    assert await book.sql("select from access.access_log") == []


async def test_the_cost_is_told_to_who_asks(book):
    token = await book.token(book.citizens[0])
    for query in ("{ healthRecord { patientId } }", "{ me { id } healthRecord { patientId } }"):
        headers = {"Authorization": f"Bearer {token}", "Healthbook-Cost": "1"}
        answer = await book.client.post("/graphql", json={"query": query}, headers=headers)
        told = answer.json()["extensions"]["cost"]
        assert (told["requested"], told["allowed"]) == (cost(query), MOST_COST)
        assert told["remaining"] > 0
        assert answer.headers["RateLimit"].startswith('"citizen";r=')
        silent = await book.post(query, token)
        assert "extensions" not in silent.json()
        assert silent.headers["RateLimit-Policy"] == '"citizen";q=1000000000;w=60;qu="cost-units"'
