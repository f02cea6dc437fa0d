"""The 40 ways in which this service will be attacked, and that each has a test which says so.

A test names its cases in its name (`test_abuse_33_...`, `test_34_...`, `test_12_and_30_...`) or in its docstring or its
class's or module's ("Abuse 3", "abuse case 11", "Abuse cases 12 and 30").
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

CASES = {
    1: "an id of somebody else's record",
    2: "guessing by aliases and batches",
    3: "documents too deep, too wide, too large",
    4: "the schema as a map",
    5: "a wider scope on refresh",
    6: "a wider scope by an edited consent form",
    7: "a code replayed, or redeemed twice at once",
    8: "a stolen or injected code",
    9: "PKCE left out or weakened",
    10: "a redirect_uri that only looks registered",
    11: "mix-up of two servers",
    12: "request and request_uri: fetched, forged, reused",
    13: "open redirect",
    14: "sign-in, consent or logout forged by another site",
    15: "clickjacking",
    16: "a token without signature, or with another algorithm",
    17: "a key of the attacker's choice",
    18: "an address for keys that leads inside",
    19: "another kind of token, or one for another API",
    20: "a client assertion replayed, too long or for others",
    21: "a refresh token stolen and used twice",
    22: "introspecting tokens of others",
    23: "DPoP: replay, another request, downgrade",
    24: "consent withdrawn or facility suspended while the token lives",
    25: "a subscription that outlives its right",
    26: "finding out who has an account",
    27: "finding out whose number it is",
    28: "guessing a QR code or shared link",
    29: "phishing by device code, guessing its code",
    30: "a webhook that leads inside, or is forged",
    31: "fields that were not offered",
    32: "people or tokens in logs, errors, addresses",
    33: "NUL, control characters, overlong, half characters",
    34: "a cache that keeps a record",
    35: "an app that poses as a hospital",
    36: "a purpose of the caller's choice",
    37: "a guardian or delegate beyond his right",
    38: "an emergency that is none",
    39: "two requests at once",
    40: "SQL injection in the API's role",
}

NOT_BUILT: dict[int, str] = {}
PARTLY_BUILT = {
    28: "QR codes of a visit are tested; there are no shared links yet",
    30: "addresses at registration are tested; there are no webhooks yet",
}

_SPOKEN = re.compile(r"(?<![a-z])abuse[ _](?:cases?[ _])?(\d+(?:(?:, | and |_and_)\d+)*)", re.IGNORECASE)
_NUMBERED = re.compile(r"^test_(\d\d(?:_and_\d\d)*)_")


def named(text: str) -> set[int]:
    found = [*_SPOKEN.findall(text), *_NUMBERED.findall(text)]
    return {int(number) for numbers in found for number in re.findall(r"\d+", numbers)}


def said_by_tests(tree: ast.AST) -> Iterator[str]:
    """Names and docstrings of the tests below, and of the classes and modules that hold one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name
            yield ast.get_docstring(node) or ""
        elif isinstance(node, ast.ClassDef | ast.Module) and holds_a_test(node):
            yield ast.get_docstring(node) or ""


def holds_a_test(node: ast.AST) -> bool:
    inside = ast.walk(node)
    return any(
        isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name.startswith("test_") for one in inside
    )


@pytest.fixture(scope="module")
def tested():
    this = Path(__file__)
    sources = [path.read_text() for path in TESTS.rglob("test_*.py") if path != this]
    return {number for source in sources for text in said_by_tests(ast.parse(source)) for number in named(text)}


def test_every_case_that_is_built_has_a_test_that_names_it(tested):
    missing = {number: CASES[number] for number in CASES.keys() - NOT_BUILT.keys() - tested}
    assert missing == {}


def test_what_is_tested_is_no_longer_called_unbuilt(tested):
    assert not NOT_BUILT.keys() & tested
    assert PARTLY_BUILT.keys() <= tested


def test_no_test_names_a_case_that_is_not_in_the_list(tested):
    assert tested <= CASES.keys()
    assert list(CASES) == list(range(1, 41))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Abuse 3.", {3}),
        ("Abuse cases 12 and 30: nothing is fetched.", {12, 30}),
        ("in every answer (abuse case 11).", {11}),
        ("test_abuse_33_any_noise", {33}),
        ("test_12_and_30_addresses_are_dropped", {12, 30}),
        ("test_404_is_told", set()),
        ("test_a_code_of_12_digits", set()),
        ("No case of abuse.", set()),
    ],
)
def test_cases_are_read_as_they_are_written(text, numbers):
    assert named(text) == numbers
