"""What of HTTP is a GraphQL request, and what a client is told where it is none: in the type it takes, with a code."""

import json
import time

import pytest

from api.http.media import GRAPHQL, JSON
from api.limits.bounds import DEEPEST_VALUE, MOST_ITEMS
from tests.pace import seconds

ME = "{ me { id } }"
MUTATION = "mutation { denyAccess(denial: {scope: ALL}) { id } }"
NAMED = "query A { __typename } query B { me { id } }"


@pytest.fixture
async def door(book):
    """Sends anything to /graphql as a citizen."""
    token = await book.token(book.citizens[0])

    async def send(method, *, accept=GRAPHQL, **how):
        headers = {"Authorization": f"Bearer {token}", "Accept": accept} | how.pop("headers", {})
        return await book.client.request(method, how.pop("path", "/graphql"), headers=headers, **how)

    return send


def code(answer, status, media=GRAPHQL):
    """The code of the one error of a well-formed answer without data."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, f"{media}; charset=utf-8"), answer.text
    assert answer.headers["cache-control"] == "no-store"
    (error,) = answer.json()["errors"]
    assert set(answer.json()) == {"errors"}
    assert error["message"]
    return error["extensions"]["code"]


class TestBodies:
    @pytest.mark.parametrize(
        "body", ["", "{", "7", '"x"', "null", "[]", '[{"query":"{me{id}}"}]', "[" * 5000, "{}\x00"]
    )
    async def test_that_are_no_json_object_are_refused(self, door, body):
        for accept in (GRAPHQL, JSON):
            answer = await door("POST", content=body, headers={"Content-Type": JSON}, accept=accept)
            assert code(answer, 400, accept) == "BAD_REQUEST"

    async def test_in_another_encoding_are_refused(self, door):
        answer = await door("POST", content=json.dumps({"query": ME}).encode("utf-16"), headers={"Content-Type": JSON})
        assert code(answer, 400) == "BAD_REQUEST"

    @pytest.mark.parametrize("value", [0, False, ["x"], "x", {"x": 1}])
    async def test_with_a_parameter_of_another_type_name_it(self, door, value):
        names = {"query": str, "operationName": str, "documentId": str, "variables": dict, "extensions": dict}
        for name, type_ in names.items():
            if isinstance(value, type_):
                continue
            body = {name: value} if name == "documentId" else {"query": ME, name: value}
            answer = await door("POST", json=body)
            assert code(answer, 400) == "INVALID"
            assert answer.json()["errors"][0]["extensions"]["parameter"] == name

    async def test_without_a_document_name_what_is_missing(self, door):
        for body in ({}, {"query": None}, {"qeury": ME}):
            answer = await door("POST", json=body)
            assert code(answer, 400) == "INVALID"
            assert answer.json()["errors"][0]["extensions"]["parameter"] == "query"
        both = await door("POST", json={"query": ME, "documentId": "sha256:" + "0" * 64})
        assert both.json()["errors"][0]["extensions"]["parameter"] == "documentId"

    async def test_with_nulls_are_as_without(self, door):
        answer = await door("POST", json={"query": ME, "variables": None, "operationName": None, "extensions": None})
        assert (answer.status_code, "errors" in answer.json()) == (200, False)

    @pytest.mark.parametrize(
        "kind",
        [
            "",
            "text/plain",
            "application/graphql",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json-patch+json",
            "application/json; charset=utf-16",
            "application/json; charset=latin1",
        ],
    )
    async def test_of_other_types_are_refused(self, door, kind):
        answer = await door("POST", content=json.dumps({"query": ME}), headers={"Content-Type": kind})
        assert code(answer, 415) == "UNSUPPORTED_MEDIA_TYPE"
        assert answer.headers["accept-post"] == JSON

    @pytest.mark.parametrize("kind", ["application/json;charset=UTF-8", 'Application/JSON; charset="utf-8"', JSON])
    async def test_in_utf_8_are_read(self, door, kind):
        answer = await door("POST", content=json.dumps({"query": ME}), headers={"Content-Type": kind})
        assert answer.status_code == 200

    async def test_that_are_compressed_are_refused(self, door):
        headers = {"Content-Type": JSON, "Content-Encoding": "gzip"}
        assert code(await door("POST", content=b"x", headers=headers), 415) == "UNSUPPORTED_MEDIA_TYPE"

    async def test_past_the_limit_are_refused_whether_or_not_announced(self, door):
        async def parts():
            for _ in range(25):
                yield b"x" * 1024 * 1024

        for content in (b"x" * 2_000_000, parts()):
            answer = await door("POST", content=content, headers={"Content-Type": JSON})
            assert code(answer, 413) == "CONTENT_TOO_LARGE"


class TestAddresses:
    async def test_ask_by_get_as_by_post(self, door):
        query = "query Q($first: Int) { healthRecord { labs(first: $first) { nodes { id } } } }"
        asked = {"query": query, "operationName": "Q", "variables": json.dumps({"first": 3})}
        got = await door("GET", params=asked)
        posted = await door("POST", json=asked | {"variables": {"first": 3}})
        assert got.status_code == posted.status_code == 200
        assert got.content == posted.content
        assert len(got.json()["data"]["healthRecord"]["labs"]["nodes"]) == 3

    async def test_an_empty_operation_name_is_none(self, door):
        assert (await door("GET", params={"query": ME, "operationName": ""})).status_code == 200

    @pytest.mark.parametrize("name", ["query", "operationName", "variables", "extensions", "documentId"])
    async def test_that_say_a_thing_twice_are_refused(self, door, name):
        values = {"query": ME, "operationName": "Q", "documentId": "x"}
        pairs = [("query", ME)] if name not in {"query", "documentId"} else []
        answer = await door("GET", params=[*pairs, *[(name, values.get(name, "{}"))] * 2])
        assert code(answer, 400) == "INVALID"
        assert answer.json()["errors"][0]["extensions"]["parameter"] == name

    @pytest.mark.parametrize("name", ["variables", "extensions"])
    @pytest.mark.parametrize("value", ["", "x", "[]", "7", '"x"', "{", "[" * 2000])
    async def test_with_parameters_that_are_no_json_objects_are_refused(self, door, name, value):
        answer = await door("GET", params={"query": ME, name: value})
        assert code(answer, 400) == "INVALID"
        assert answer.json()["errors"][0]["extensions"]["parameter"] == name

    async def test_that_are_no_utf_8_or_full_of_parameters_are_refused(self, door):
        for query in ("query=%ff", "&".join(f"a{n}=1" for n in range(50))):
            assert code(await door("GET", path=f"/graphql?{query}"), 400) == "BAD_REQUEST"

    async def test_past_the_limit_are_refused(self, door):
        assert code(await door("GET", params={"query": ME + " " * 40_000}), 414) == "URI_TOO_LONG"

    async def test_change_nothing(self, door, book):
        for method in ("GET", "HEAD"):
            answer = await door(method, params={"query": MUTATION})
            assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        chosen = await door(
            "GET", params={"query": f"query Q {ME} {MUTATION.replace('{', 'M {', 1)}", "operationName": "M"}
        )
        assert chosen.status_code == 405
        assert await book.sql("select from access.denial") == []

    async def test_have_no_body(self, door):
        answer = await door("GET", params={"query": ME}, content=b"{}")
        assert code(answer, 400) == "BAD_REQUEST"

    async def test_head_is_get_without_the_body(self, door):
        got, head = [await door(method, params={"query": ME}) for method in ("GET", "HEAD")]
        assert head.status_code == 200
        for name in ("content-type", "content-length", "cache-control", "vary"):
            assert head.headers[name] == got.headers[name]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_told_which_there_are(door, method):
    answer = await door(method, json={"query": ME})
    assert code(answer, 405) == "METHOD_NOT_ALLOWED"
    assert answer.headers["allow"] == "GET, HEAD, POST"


async def test_a_client_that_takes_neither_type_gets_nothing(door):
    assert code(await door("POST", json={"query": ME}, accept="text/html"), 406) == "NOT_ACCEPTABLE"


@pytest.mark.parametrize(
    ("query", "variables", "said"),
    [
        ("{", None, "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("fragment F on Query { __typename }", None, "GRAPHQL_VALIDATION_FAILED"),
        (NAMED, None, "OPERATION_RESOLUTION_FAILURE"),
        ("query ($id: ID!) { node(id: $id) { id } }", {}, "INVALID"),
        ("query ($n: Int) { healthRecord { labs(first: $n) { totalCount } } }", {"n": "x"}, "INVALID"),
        ("{ " + "x" * 100_001 + " }", None, "DOCUMENT_TOO_LARGE"),
    ],
)
async def test_what_is_not_executed_has_the_status_of_its_media_type(door, query, variables, said):
    for accept, status in ((GRAPHQL, 400), (JSON, 200)):
        answer = await door("POST", json={"query": query, "variables": variables}, accept=accept)
        assert code(answer, status, accept) == said


async def test_what_is_executed_is_answered_in_either_type_with_200(door):
    for query in ("{ healthRecord { labs(first: -1) { nodes { id } } } }", NAMED):
        for accept in (GRAPHQL, JSON):
            answer = await door(
                "POST", json={"query": query, "operationName": "A" if query == NAMED else None}, accept=accept
            )
            assert (answer.status_code, answer.headers["content-type"]) == (200, f"{accept}; charset=utf-8")
            assert "data" in answer.json()


async def test_who_is_not_let_in_is_told_in_the_same_shape(book):
    for headers, challenge in (({}, 'Bearer realm="healthbook"'), ({"Authorization": "Bearer x"}, "invalid_token")):
        answer = await book.client.post("/graphql", json={"query": ME}, headers={"Accept": GRAPHQL} | headers)
        assert code(answer, 401) == "UNAUTHENTICATED"
        assert challenge in answer.headers["www-authenticate"]


async def test_a_dead_grant_is_told_in_the_same_shape_on_both_exits(book, door):
    await book.sql("update auth.token_grant set revoked_at = now(), revoke_reason = 'test'")
    for query in (ME, "{ healthRecord { patientId } }"):
        for method, how in (("POST", {"json": {"query": query}}), ("GET", {"params": {"query": query}})):
            answer = await door(method, **how)
            assert code(answer, 401) == "UNAUTHENTICATED"
            assert 'error="invalid_token"' in answer.headers["www-authenticate"]


class TestValues:
    QUERY = """query ($t: [String!], $u: String) {
        organizations(codes: $t) { code }
        healthRecord { labs(after: $u) { totalCount } }
    }"""

    @pytest.mark.parametrize("variables", [{"t": ["x", "a\x00"]}, {"t": None, "x": {"y": [{"\x00": 1}]}}])
    async def test_with_nul_are_refused_by_name(self, door, variables):
        answer = await door("POST", json={"query": self.QUERY, "variables": variables})
        assert code(answer, 400) == "INVALID"
        assert answer.json()["errors"][0]["extensions"]["variable"] == list(variables)[-1]
        got = await door("GET", params={"query": self.QUERY, "variables": json.dumps(variables)})
        assert got.json() == answer.json()

    @pytest.mark.parametrize("text", ['"\\u0000"', '"\\u{0}"', '"""\x00"""', '["x", "\\u0000"]'])
    async def test_with_nul_in_the_document_are_refused(self, door, text):
        answer = await door("POST", json={"query": f"{{ organizations(codes: {text}) {{ code }} }}"})
        assert code(answer, 400) == "INVALID"

    async def test_nested_or_many_beyond_reason_are_refused(self, door):
        deep = "x"
        for _ in range(DEEPEST_VALUE + 1):
            deep = [deep]
        for name, value in (
            ("variables", {"t": deep}),
            ("variables", {"t": ["x"] * (MOST_ITEMS + 1)}),
            ("extensions", {"x": deep}),
        ):
            answer = await door("POST", json={"query": ME, name: value})
            assert code(answer, 400) == f"{name.upper()}_TOO_LARGE"
        many = {f"v{n}": n for n in range(300)}
        assert code(await door("POST", json={"query": ME, "variables": many}), 400) == "VARIABLES_TOO_LARGE"

    async def test_hostile_bodies_take_milliseconds(self, door):
        bodies = [
            json.dumps({"query": "{ " + "me { id } " * 20_000 + "}"}),
            json.dumps({"query": ME, "variables": {"t": [[]] * 330_000}}),
            json.dumps({"query": ME, "junk": [0] * 330_000}),
            "[" * 1_000_000,
            json.dumps({"query": "{ " + "a" * 1_000_000 + " }"}),
            json.dumps({"query": ME, "operationName": "x" * 1_000_000}),
        ]
        for body in bodies:
            started = time.process_time()
            await door("POST", content=body, headers={"Content-Type": JSON})
            assert time.process_time() - started < seconds(0.5)


async def test_a_repeated_document_is_neither_parsed_nor_validated(door, monkeypatch):
    plain, change = "{ healthRecord { patientId } __typename }", "mutation { markLogSeen: __typename }"
    for query in (plain, change):
        assert (await door("POST", json={"query": query})).status_code == 200
    monkeypatch.setattr("api.limits.parse", None)
    monkeypatch.setattr("api.limits.validate", None)
    monkeypatch.setattr("api.planner.documents.get_operation_ast", None)
    for query in (plain, change):
        assert (await door("POST", json={"query": query})).status_code == 200


async def test_a_fault_of_ours_is_told_in_the_same_shape_with_its_request_id(door, book):
    await book.sql("alter function access.me rename to was_me")
    answer = await door("POST", json={"query": "{ __typename }"})
    assert code(answer, 500) == "INTERNAL"
    assert answer.json()["errors"][0]["extensions"]["requestId"] == answer.headers["x-request-id"]
    assert "was_me" not in answer.text
