"""What is promised outside is complete, true of the code, and committed."""

import re

import pytest
import yaml
from starlette.routing import Mount, Route

from api.app import create_app
from api.rest.description import openapi_document
from api.rest.ingest import ingest, line, operation_outcome
from api.settings import ApiSettings
from auth.scopes import OWN
from auth.server import metadata
from auth.settings import AuthSettings
from cli.contracts import contracts
from domain.exchange.issues import error
from domain.intake.submissions import Outcome
from domain.sections import SECTIONS
from domain.values import utc_now

DOCUMENT = openapi_document()
METHODS = ("get", "put", "post", "delete", "patch")
PAGES = {
    "/oauth/logout",
    "/oauth/logout/confirm",
    "/login",
    "/logout",
    "/oauth/authorize",
    "/oauth/consent",
    "/oauth/style.css",
    "/graphiql",
    "/graphql",
    "/device",
    "/clinic/day",
}
PAGES_BELOW = ("/login/", "/account")
OPERATIONS = [
    pytest.param(path, method, operation, id=f"{method} {path}")
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
]
OUTCOME = Outcome(
    position=1, key="HS1", status="refused", issues=[error("value", "XML1", 1, "NGAY_VAO", "wrong")], kept=["XML7"]
)


def nodes(value):
    """Every object of the document."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


def resolve(pointer):
    found = DOCUMENT
    for part in pointer.removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def schema(name):
    return DOCUMENT["components"]["schemas"][name]


def matches(value, shape):
    """Whether a value has the shape: as much of JSON Schema as the document uses."""
    shape = resolve(shape["$ref"]) if "$ref" in shape else shape
    kinds = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict, "null": type(None)}
    wanted = shape.get("type", "object" if "properties" in shape else None)
    wanted = [wanted] if isinstance(wanted, str) else wanted
    if wanted and not any(isinstance(value, kinds[kind]) for kind in wanted):
        return False
    if "const" in shape and value != shape["const"]:
        return False
    if "enum" in shape and value not in shape["enum"]:
        return False
    if isinstance(value, list):
        return all(matches(one, shape["items"]) for one in value)
    if isinstance(value, dict):
        there = all(name in value for name in shape.get("required", ()))
        known = shape.get("properties", {})
        return there and all(matches(value[name], known[name]) for name in value if name in known)
    return True


@pytest.mark.parametrize("path", sorted(contracts()), ids=lambda path: path.name)
def test_the_committed_file_is_what_the_code_says(path):
    assert path.exists(), "run `make contracts`"
    assert path.read_text() == contracts()[path], "the contract changed: run `make contracts` and review the difference"


def test_the_yaml_says_what_is_served():
    text = next(text for path, text in contracts().items() if path.suffix == ".yaml")
    assert yaml.safe_load(text) == DOCUMENT
    assert "&id" not in text


def test_every_reference_leads_somewhere_and_every_component_is_used():
    used = {node["$ref"] for node in nodes(DOCUMENT) if "$ref" in node}
    for pointer in used:
        assert resolve(pointer)
    names = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "responses", "headers")
        for name in DOCUMENT["components"][kind]
    }
    assert names == used


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_operation_says_what_it_is_and_answers(path, method, operation):
    assert method in METHODS
    assert operation["operationId"]
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"][0] in {tag["name"] for tag in DOCUMENT["tags"]}
    assert "security" in operation
    assert ("requestBody" in operation) == (method in {"post", "put"})
    assert any(re.fullmatch("2..", status) for status in operation["responses"])
    for status, answer in operation["responses"].items():
        told = resolve(answer["$ref"]) if "$ref" in answer else answer
        assert told["description"]
        assert "X-Request-Id" in told["headers"]
        assert ("content" in told) == (status not in {"204", "304"})


def test_operation_ids_are_unique():
    ids = [operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids))


def test_every_property_of_every_schema_is_described():
    for name, shape in DOCUMENT["components"]["schemas"].items():
        for inner in nodes(shape):
            for field, property_ in inner.get("properties", {}).items():
                assert property_.get("description"), f"{name}.{field}"
        assert shape["description"], name
        assert set(shape.get("required", ())) <= set(shape.get("properties", {})), name


def test_every_json_example_has_the_shape_it_stands_for():
    seen = 0
    for node in nodes(DOCUMENT):
        for media_type, body in (node.get("content") or {}).items():
            if media_type.endswith("json") and "example" in body:
                assert matches(body["example"], body["schema"]), body
                seen += 1
            for example in body.get("examples", {}).values():
                assert matches(example["value"], body["x-line-schema"]), example
                seen += 1
    assert seen >= 20


def test_answers_of_the_code_have_the_shape_that_is_described():
    assert list(line(OUTCOME)) == list(schema("VisitAnswer")["properties"])
    assert matches(line(OUTCOME), schema("VisitAnswer"))
    assert list(OUTCOME.issues[0].as_dict()) == list(schema("Issue")["properties"])
    assert matches(operation_outcome([OUTCOME]), schema("OperationOutcome"))


def plain_routes():
    """Path and methods of every route of the application that is no page; GraphQL has its own contract."""
    settings = ApiSettings(
        web_dsn="postgresql://",
        intake_dsn="postgresql://",
        auth_dsn="postgresql://",
        consent_dsn="postgresql://",
        identifier_key=bytes(32),
    )
    issuer = "https://book.example.vn"
    app = create_app(settings, AuthSettings(issuer=issuer, audience=f"{issuer}/graphql", kek=bytes(32)))
    below = {"/ingest": ingest(None, None, bytes(32), utc_now).routes}
    for route in app.routes:
        if isinstance(route, Mount):
            yield from ((f"{route.path}{one.path}", one.methods) for one in below.pop(route.path))
        elif isinstance(route, Route) and route.path not in PAGES and not route.path.startswith(PAGES_BELOW):
            yield route.path, route.methods
    assert not below


def test_the_routes_and_the_description_are_the_same():
    served = {(path, method.lower()) for path, methods in plain_routes() for method in methods - {"HEAD"}}
    described = {(path, method) for path, item in DOCUMENT["paths"].items() for method in item}
    assert described == served


def test_scopes_are_those_of_the_server():
    flows = DOCUMENT["components"]["securitySchemes"]["oauth2"]["flows"]
    named = [scope for flow in flows.values() for scope in flow["scopes"]]
    assert sorted(named) == sorted([*OWN, *(section.scope for section in SECTIONS)])


def test_addresses_are_those_of_the_server_metadata():
    issuer = "https://book.example.vn"
    found = metadata.document(AuthSettings(issuer=issuer, audience=issuer, kek=bytes(32)), [])
    flows = DOCUMENT["components"]["securitySchemes"]["oauth2"]["flows"]
    for flow in flows.values():
        assert issuer + flow["tokenUrl"] == found["token_endpoint"]
    assert issuer + flows["authorizationCode"]["authorizationUrl"] == found["authorization_endpoint"]
    for name in ("token_endpoint", "revocation_endpoint", "introspection_endpoint", "jwks_uri"):
        assert found[name].removeprefix(issuer) in DOCUMENT["paths"]
