"""docs/api.md says what the API does: its examples run, its codes and limits are those of the code."""

import re

import pytest

from api import pagination
from api.limits import bounds
from domain import errors
from tests.documents import DOCS, examples

PAGE = (DOCS / "api.md").read_text()
EXAMPLES = examples()


def codes(error=errors.HealthbookError):
    yield error.code
    for below in error.__subclasses__():
        yield from codes(below)


def section(title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]


def test_every_code_is_told_and_no_other():
    told = re.findall(r"^\| `([A-Z_]+)` \|", section("Errors"), re.MULTILINE)
    raised = {
        how
        for path in (DOCS.parent / "api" / "limits").glob("*.py")
        for how in re.findall(r'too\("([A-Z]+)"', path.read_text())
    }
    of_the_door = re.findall(r"`([A-Z_]+)`", (DOCS / "graphql_http.md").read_text())
    assert sorted(set(told) - set(of_the_door)) == sorted(
        {*codes(), *(f"DOCUMENT_TOO_{how}" for how in raised), "VARIABLES_TOO_LARGE"} - set(of_the_door)
    )


def test_limits_are_those_of_the_code():
    told = dict(re.findall(r"^\| ([a-z ]+) \| ([\d,]+) \|$", section("Limits"), re.MULTILINE))
    assert {name: int(number.replace(",", "")) for name, number in told.items()} == {
        "characters of a document": bounds.LARGEST_DOCUMENT,
        "tokens of a document": bounds.MOST_TOKENS,
        "levels": bounds.DEEPEST,
        "fields": bounds.MOST_FIELDS,
        "fields of the root": bounds.MOST_ROOTS,
        "changes in one document": bounds.MOST_CHANGES,
        "items of a page": pagination.LARGEST_PAGE,
    }


def test_the_page_size_is_that_of_the_code():
    told = re.search(r"A page holds (\d+) items unless told, and (\d+) at most", section("Pages"))
    assert [int(number) for number in told.groups()] == [pagination.DEFAULT_PAGE, pagination.LARGEST_PAGE]


def test_examples_have_names_of_their_own():
    names = [one.name for one in EXAMPLES]
    assert len(names) >= 6
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"{one.page}-{one.name}")
async def test_an_example_runs(book, example):
    token = await book.token(book.citizens[0])
    answer = await book.ask(example.text, token, await _filled(book, token, example.variables))
    assert "errors" not in answer
    assert all(value is not None for value in answer["data"].values())


async def _filled(book, token, variables):
    """`$me` is the caller's own patient, `$lab` the id of a result of his."""
    query = "{ me { patients { patientId } } healthRecord { labs(first: 1) { nodes { id } } } }"
    data = (await book.ask(query, token))["data"]
    known = {"$me": data["me"]["patients"][0]["patientId"], "$lab": data["healthRecord"]["labs"]["nodes"][0]["id"]}
    return {name: known.get(value, value) for name, value in variables.items()}
