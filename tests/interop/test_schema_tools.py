"""The schema as other people's tools read it: linted, compiled for Relay and TypeScript, compared with a release."""

import json
import re
from datetime import date
from pathlib import Path

import pytest

from api.schema import create_schema
from domain.values import VIETNAM, utc_now
from tests.documents import examples
from tests.interop.node import installed, ran

ROOT = Path(__file__).parents[2]
RELEASED = ROOT / "openapi" / "schema.released.graphql"
ALLOWED = Path(__file__).parent / "breaking_changes.json"
# Strawberry prints the directive that graphql-js has built in, and without a description.
SCHEMA = create_schema().as_str().replace("directive @oneOf on INPUT_OBJECT\n", "")
OPERATIONS = {one.name: one.text for one in examples()}
ESLINT = "@graphql-eslint"
SCHEMA_RULES = {
    # Short lists are whole by design; a Connection is for what grows.
    f"{ESLINT}/relay-edge-types": ["error", {"listTypeCanWrapOnlyEdgeType": False}],
    # Values that are shown inside their item (a reaction, a page) have no id of their own.
    f"{ESLINT}/strict-id-in-types": "off",
}
OPERATION_RULES = {
    # A client that keeps no cache by id need not ask for ids; the examples are short.
    f"{ESLINT}/require-selections": "off",
}
NO_FAULT = {
    # Notices are read from the newest on, and each by its list: `node` fetches items of the record only.
    "Edge type's field `node` must implement `Node` interface.",
    "Field `inbox` must contain an argument `last`, that return Int.",
    "Field `inbox` must contain an argument `before`, that return String or Scalar.",
    # The pharmacy is a `dispenser`: the name of the type is no prefix here.
    'Field "dispenser" starts with the name of the parent type "Dispense"',
    'Field "dispenserCode" starts with the name of the parent type "Dispense"',
}


@pytest.fixture(scope="session")
def tools(pytestconfig):
    """A function that runs a flow of schema_tools.mjs."""
    folder = installed(pytestconfig.cache.mkdir("node"))

    async def run(flow, **told):
        return await ran(folder, "schema_tools.mjs", flow, {"schema": SCHEMA, "operations": OPERATIONS} | told)

    return run


async def test_eslint_finds_nothing_in_the_schema_and_in_the_examples(tools):
    found = await tools("lint", schemaRules=SCHEMA_RULES, operationRules=OPERATION_RULES)
    left = [one for one in found if one["message"] not in NO_FAULT]
    assert left == [], "\n".join(one["message"] for one in left)


async def test_eslint_would_find_a_type_without_description_and_an_unused_variable(tools):
    schema = SCHEMA + "\ntype Bare { id: ID! }\nextend type Query { bare: Bare }\n"
    operations = {"Bare": "query Bare($x: Int) { bare { id } }"}
    told = {"schema": schema, "operations": operations}
    found = await tools("lint", schemaRules=SCHEMA_RULES, operationRules=OPERATION_RULES, **told)
    rules = {one["rule"] for one in found}
    assert {f"{ESLINT}/require-description", f"{ESLINT}/no-unused-variables"} <= rules


async def test_relay_compiles_the_examples(tools):
    """Relay wants a query to be named after its module, and to end in Query."""
    named = {name: _for_relay(name, text) for name, text in OPERATIONS.items()}
    made = await tools("relayed", operations=named)
    assert len(made) == len(OPERATIONS)
    assert all(re.fullmatch(r"\w+(Query|Mutation|Subscription)\.graphql\.ts", one) for one in made)


def _for_relay(name, text):
    kind = re.search(rf"(query|mutation|subscription) {name}\b", text)[1]
    return re.sub(rf"\b{kind} {name}\b", f"{kind} {name}{kind.title()}", text)


async def test_codegen_writes_typescript_for_every_example(tools):
    code = await tools("generated")
    for name, text in OPERATIONS.items():
        kind = re.search(rf"(query|mutation|subscription) {name}\b", text)[1].title()
        assert f"export type {name}{kind} = " in code


async def test_nothing_that_was_released_breaks_unless_its_time_is_over(tools):
    """Compared with the schema of the last release; before the first there is nothing to break."""
    allowed = {(one["change"], one["path"]) for one in _allowed(utc_now().astimezone(VIETNAM).date())}
    if RELEASED.exists():
        found = await tools("changes", released=RELEASED.read_text())
        assert {(one["type"], one["path"]) for one in found if one["level"] == "BREAKING"} <= allowed


def test_a_release_keeps_its_schema():
    """`make release-schema` writes it; the changelog names the releases."""
    releases = re.findall(r"^## \[?\d+\.\d+\.\d+", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert RELEASED.exists() == bool(releases)


def _allowed(today):
    """Breaking changes whose day has come. Each says which, since when it was deprecated, and why."""
    entries = json.loads(ALLOWED.read_text())
    for one in entries:
        assert set(one) == {"change", "path", "deprecated_on", "removed_after", "reason"}, one
        assert date.fromisoformat(one["deprecated_on"]) < date.fromisoformat(one["removed_after"]), one
    return [one for one in entries if date.fromisoformat(one["removed_after"]) < today]


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("type DoseForecast {", "type DoseForecast {\n  gone: Int", "FIELD_REMOVED"),
        ("  COUNTED_LATE\n", "  COUNTED_LATE\n  GONE\n", "ENUM_VALUE_REMOVED"),
        ("  schedule" + "Version: String!", "  schedule" + "Version: Int!", "FIELD_TYPE_CHANGED"),
        ("doseForecast(", "doseForecast(gone: Int, ", "FIELD_ARGUMENT_REMOVED"),
    ],
)
async def test_inspector_would_find_what_breaks_an_app(tools, before, after, kind):
    assert before in SCHEMA
    found = await tools("changes", released=SCHEMA.replace(before, after))
    assert kind in {one["type"] for one in found if one["level"] == "BREAKING"}


async def test_inspector_has_nothing_against_what_is_new(tools):
    released = re.sub(r'\n  """[^"]*"""\n  (scheduleAct: String!|COUNTED_LATE)\n', "\n", SCHEMA)
    assert "scheduleAct" not in released
    found = await tools("changes", released=released)
    assert {one["type"] for one in found if one["level"] == "BREAKING"} == set()
    assert {"FIELD_ADDED", "ENUM_VALUE_ADDED"} <= {one["type"] for one in found}
