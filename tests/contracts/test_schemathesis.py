"""Whatever the schema lets a client ask, schemathesis asks: no fault, and no error without a code of ours.

In the suite some cases a field, the same ones each time; `make fuzz` makes 2,000 in all.
"""

import os
from collections.abc import AsyncIterator

import pytest
import schemathesis
from graphql import print_schema
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.graphql import nodes

from api.app import record_scopes
from api.schema import create_schema
from cli.demo import OWN_SCOPES
from domain import errors
from tests.api.conftest import Book, populated, started
from tests.postgres import Databases

__all__ = ["populated"]

CASES = int(os.environ.get("FUZZ_CASES", "300"))
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
SCHEMA = create_schema()._schema
OPERATIONS = [(root.name, field) for root in (SCHEMA.query_type, SCHEMA.mutation_type) for field in sorted(root.fields)]
SCALARS = ("Instant", "PartialDate")
for scalar in SCALARS:
    if scalar in SCHEMA.type_map:
        moments = st.sampled_from(["1955", "1955-03", "2027-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00", "x"]) | TEXTS
        schemathesis.graphql.scalar(scalar, moments.map(nodes.String))
GENERATED = schemathesis.graphql.from_file(print_schema(SCHEMA))
EVERYTHING = f"{OWN_SCOPES} consent:request visit:manage patient:find emergency:open {' '.join(record_scopes())}"
OURS = {one.code for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.HealthbookError)}
KNOWN = OURS - {"INTERNAL"} | {"DOCUMENT_TOO_LARGE", "DOCUMENT_TOO_WIDE", "DOCUMENT_TOO_DEEP", "VARIABLES_TOO_LARGE"}


@pytest.fixture(scope="module")
async def fuzzed(databases: Databases, populated: str) -> AsyncIterator[Book]:
    """A book to throw away."""
    async with started(databases, populated) as book:
        yield book


@pytest.mark.parametrize(("root", "field"), OPERATIONS, ids=[".".join(one) for one in OPERATIONS])
async def test_whatever_is_asked_is_answered(fuzzed: Book, root: str, field: str) -> None:
    """Asked by a citizen with every right there is, just signed in."""
    token = await fuzzed.token(fuzzed.citizens[0], EVERYTHING, acr="demo")

    @settings(
        max_examples=max(2, -(-CASES // len(OPERATIONS))),
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(GENERATED[root][field].as_strategy())
    def collect(case):
        asked.append(case.body)

    asked: list[str] = []
    collect()
    for query in asked:
        answer = await fuzzed.post(query, token)
        assert answer.status_code in (200, 400), (answer.status_code, query)
        for error in answer.json().get("errors", ()):
            code = error.get("extensions", {}).get("code")
            assert code in KNOWN or (code is None and "path" not in error), (error, query)
