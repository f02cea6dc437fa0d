"""Clever queries against a real server, a well-behaved phone beside them. Abuse cases 2, 3, 33 and 40."""

import asyncio
import base64
import json
from collections import defaultdict
from itertools import cycle, islice
from time import perf_counter
from typing import Any

import httpx
import pytest

from tests.attacks.server import Server
from tests.pace import seconds

HANDS = 4
REFUSED_S = 0.25


def query(text: str, variables: Any = None) -> bytes:
    return json.dumps({"query": text, "variables": variables}).encode()


def labs(inner: str) -> str:
    return f"{{ healthRecord {{ labs {{ nodes {{ {inner} }} }} }} }}"


def doubling(steps: int) -> str:
    chain = " ".join(f"fragment F{n} on Lab {{ ...F{n + 1} ...F{n + 1} }}" for n in range(steps))
    return f"{labs('...F0')} {chain} fragment F{steps} on Lab {{ id }}"


def widening(steps: int) -> str:
    """Each fragment asks the next under two names, so that what is merged doubles too."""
    chain = " ".join(
        f"fragment F{n} on Lab {{ a: reports {{ ...F{n + 1} }} b: reports {{ ...F{n + 1} }} }}" for n in range(steps)
    )
    return f"{labs('...F0')} {chain} fragment F{steps} on Lab {{ id }}"


TYPES = "types { fields { type { fields { name } } } }"
AFTER = "query ($t: String) { healthRecord { labs(after: $t) { nodes { id } } } }"
NODE = "query ($t: ID!) { node(id: $t) { id } }"
CODES = "query ($t: [String!]) { organizations(codes: $t) { code } }"
BODY, EITHER, ANY = "a 4xx", "a 4xx or an error", "an error"

ATTACKS: dict[str, tuple[bytes, str]] = {
    "a string": (b'"{ me { id } }"', BODY),
    "a number": (b"7", BODY),
    "a list": (b"[]", BODY),
    "a batch": (json.dumps([{"query": "{ me { id } }"}] * 1000).encode(), BODY),
    "null": (b"null", BODY),
    "no JSON": (b"{" * 10_000, BODY),
    "deep JSON": (b"[" * 500_000, BODY),
    "deep JSON that ends": (b'{"query":' + b"[" * 400_000 + b"]" * 400_000 + b"}", BODY),
    "half a character": (b'{"query": "\xff\xfe"}', BODY),
    "a query that is a number": (b'{"query": 7}', BODY),
    "a number of 5000 digits": (b'{"query": "{ me { id } }", "variables": {"n": ' + b"9" * 5000 + b"}}", EITHER),
    "20,000 fields": (query("{ me { " + "id " * 20_000 + "} }"), "DOCUMENT_TOO_LARGE"),
    "2,000 fields": (query("{ me { " + "id " * 2_000 + "} }"), "DOCUMENT_TOO_WIDE"),
    "the same again and again": (query("{ me { " + "id " * 900 + "} }"), "DOCUMENT_TOO_WIDE"),
    "1,000 aliases": (query("{ " + " ".join(f"a{n}: __typename" for n in range(900)) + " }"), "DOCUMENT_TOO_WIDE"),
    "aliases of one node": (
        query("{ " + " ".join(f'a{n}: node(id: "{n}") {{ id }}' for n in range(100)) + " }"),
        "DOCUMENT_TOO_WIDE",
    ),
    "a cycle of fragments": (query(f"{labs('...A')} fragment A on Lab {{ ...B }} fragment B on Lab {{ ...A }}"), ANY),
    "a fragment of itself": (query(f"{labs('...A')} fragment A on Lab {{ reports {{ ...A }} }}"), ANY),
    "fragments that double": (query(doubling(30)), "DOCUMENT_TOO_WIDE"),
    "fragments that widen": (query(widening(12)), "DOCUMENT_TOO_DEEP"),
    "200 fragments": (
        query(labs("...F0") + " ".join(f"fragment F{n} on Lab {{ id }}" for n in range(200))),
        "DOCUMENT_TOO_LARGE",
    ),
    "depth 1,000": (query(labs("reports { " * 1000 + "id" + " }" * 1000)), "DOCUMENT_TOO_DEEP"),
    "depth 20": (query(labs("reports { " * 20 + "id" + " }" * 20)), "DOCUMENT_TOO_DEEP"),
    "inline fragments 1,000 deep": (query(labs("... { " * 1000 + "id" + " }" * 1000)), "DOCUMENT_TOO_DEEP"),
    "a literal 1,000 deep": (
        query(f"{{ organizations(codes: {'[' * 1000}{']' * 1000}) {{ code }} }}"),
        "DOCUMENT_TOO_DEEP",
    ),
    "garbage for a cursor": (query(AFTER, {"t": "🜁 ' or 1=1"}), "INVALID"),
    "garbage for an id": (query(NODE, {"t": base64.b64encode(b"\0" * 40).decode()}), "INVALID"),
    "NUL in a variable": (query(CODES, {"t": ["79\0001"]}), "INVALID"),
    "NUL in a literal": (query('{ organizations(codes: ["\\u0000"]) { code } }'), "INVALID"),
    "NUL in a name of a variable": (query("{ me { id } }", {"\0": 1}), "INVALID"),
    "half a character in a variable": (b'{"query": "{ me { id } }", "variables": {"t": "\\ud800"}}', EITHER),
    "an unknown document": (json.dumps({"documentId": f"sha256:{'0' * 64}"}).encode(), "PERSISTED_DOCUMENT_NOT_FOUND"),
    "an unknown hash": (
        json.dumps({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}).encode(),
        EITHER,
    ),
    "many directives": (query("{ me { id " + "@include(if: true) " * 300 + "} }"), "DOCUMENT_TOO_WIDE"),
    "a directive at each field": (
        query(labs(" ".join(f"a{n}: id @skip(if: false)" for n in range(45)) + " id @skip(if: false)" * 160)),
        "DOCUMENT_TOO_WIDE",
    ),
    "a long string": (query(f'{{ organizations(codes: ["{"x" * 50_000}"]) {{ code }} }}'), "DOCUMENT_TOO_LARGE"),
    "a string that never ends": (query('{ organizations(codes: ["' + "\\" * 90_000), "DOCUMENT_TOO_LARGE"),
    "a long name": (query("{ " + "x" * 90_000 + " }"), "DOCUMENT_TOO_LARGE"),
    "comments": (query("#\n" * 49_000 + "{ me { id } }"), ANY),
    "a long variable": (query(AFTER, {"t": "x" * 900_000}), "VARIABLES_TOO_LARGE"),
    "a long list": (query(CODES, {"t": ["x"] * 150_000}), "VARIABLES_TOO_LARGE"),
    "many variables": (query("{ me { id } }", {f"v{n}": n for n in range(20_000)}), "VARIABLES_TOO_LARGE"),
    "deep variables": (
        b'{"query": "{ me { id } }", "variables": {"t": ' + b"[" * 900 + b"]" * 900 + b"}}",
        "VARIABLES_TOO_LARGE",
    ),
    "500 variables": (
        query("query (" + " ".join(f"$v{n}: Int" for n in range(500)) + ") { me { id } }"),
        "DOCUMENT_TOO_LARGE",
    ),
    "operations": (query(" ".join(f"query Q{n} {{ me {{ id }} }}" for n in range(100))), "DOCUMENT_TOO_LARGE"),
    "introspection, wide": (
        query("{ " + " ".join(f"a{n}: __schema {{ {TYPES} }}" for n in range(12)) + " }"),
        "QUERY_TOO_EXPENSIVE",
    ),
    "introspection, deep": (
        query("{ __schema { types { " + "fields { type { " * 5 + "name" + " } }" * 5 + " } } }"),
        ANY,
    ),
    "a dear query": (
        query("{ healthRecord { labs(first: 500) { nodes { reports { reports { id sources { id } } } } } } }"),
        "QUERY_TOO_EXPENSIVE",
    ),
}


def check(answer: httpx.Response, expected: str) -> None:
    seen = answer.status_code, answer.text[:300]
    if expected == BODY or (expected == EITHER and answer.status_code != 200):
        assert 400 <= answer.status_code < 500, seen
        return
    told = answer.json()
    assert answer.status_code in (200, 400), seen
    assert told.get("data") is None or set(told["data"].values()) == {None}, told
    codes = [error.get("extensions", {}).get("code") for error in told["errors"]]
    assert expected in (EITHER, ANY) or expected in codes, told["errors"][:1]
    assert "INTERNAL" not in codes


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_clever_query_is_refused_at_once(server: Server, attack: str) -> None:
    body, expected = ATTACKS[attack]
    async with server.client() as client:
        took = [await refused(client, body, expected) for _ in range(3)]
    assert min(took) <= seconds(REFUSED_S)
    assert server.complaints() == []


async def refused(client: httpx.AsyncClient, body: bytes, expected: str) -> float:
    """Sends it, looks at the answer, and tells how long that took."""
    started = perf_counter()
    answer = await client.post("/graphql", content=body)
    took = perf_counter() - started
    check(answer, expected)
    return took


async def test_nobody_waits_while_all_of_them_rain(server: Server) -> None:
    """Four hands send one after the other, each from another one on, for as long as the phone asks for home screens."""
    phone = asyncio.create_task(server.phone(300))
    slowest: defaultdict[str, float] = defaultdict(float)
    async with server.client() as client:

        async def hand(first: int) -> None:
            for name in islice(cycle(ATTACKS), first, None):
                if phone.done():
                    return
                slowest[name] = max(slowest[name], await refused(client, *ATTACKS[name]))

        await asyncio.gather(*(hand(number * len(ATTACKS) // HANDS) for number in range(HANDS)))
    print(sorted(((round(took, 3), name) for name, took in slowest.items()), reverse=True)[:5])  # noqa: T201 -- told where it fails
    await server.stays_quick(phone)
