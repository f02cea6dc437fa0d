"""What a valid document may do that a planner could stumble over: each is answered, by either exit, and alike."""

import re

import pytest

from domain.values import new_id
from tests.api.planner.queries import LONG
from tests.api.planner.rows import Row, write

LABS = "{ healthRecord { labs%s { totalCount nodes { display } } } }"
BOTH = ["2", "1", "0"]


@pytest.fixture
async def reader(book):
    await write(book, [Row(new_id(), f"202{n}", n, f"c{n}", f"{n}") for n in range(3)])
    return book, await book.token(book.citizens[0])


async def alike(reader, query, variables=None):
    """The answer of exit 1, which exit 2 repeats."""
    book, token = reader
    planned = await book.ask(query, token, variables)
    executed = await book.ask(re.sub(r"{(?= healthRecord| it:)", "{ __typename", query, count=1), token, variables)
    told = [[error["extensions"] for error in one.get("errors", ())] for one in (planned, executed)]
    assert told[0] == told[1]
    assert executed["data"].pop("__typename") == "Query"
    assert planned["data"] == executed["data"]
    return planned


def shown(answer):
    assert "errors" not in answer, answer
    return [node["display"] for node in answer["data"]["healthRecord"]["labs"]["nodes"]]


@pytest.mark.parametrize(
    ("head", "arguments", "variables", "expected"),
    [
        ("query", "(first: null, after: null, last: null, before: null, filter: null, orderBy: null)", {}, BOTH),
        ("query ($n: Int = 1)", "(first: $n)", {}, ["2"]),
        ("query ($n: Int = 1)", "(first: $n)", {"n": None}, BOTH),
        ("query ($n: Int = 1)", "(last: $n)", {"n": 2}, ["1", "0"]),
        ("query ($o: ItemOrder = OCCURRED_ASC)", "(orderBy: $o, first: 1)", {}, ["0"]),
        ("query ($o: ItemOrder! = OCCURRED_ASC)", "(orderBy: $o, first: 1)", {"o": "RECORDED_DESC"}, ["2"]),
        ("query ($s: Boolean! = true)", "(includeSuperseded: $s)", {}, BOTH),
        ("query ($c: [String!])", "(filter: {codes: $c})", {"c": [f"c{n}" for n in range(100)]}, BOTH),
        ("query ($c: [String!])", "(filter: {codes: $c})", {"c": "c1"}, ["1"]),
        ('query ($f: LabFilter = {codes: ["c0"]})', "(filter: $f)", {}, ["0"]),
        ('query ($f: LabFilter = {codes: ["c0"]})', "(filter: $f)", {"f": {}}, BOTH),
        ("query ($p: PartialDate)", "(filter: {period: {from: $p, to: $p}})", {"p": "2021"}, ["1"]),
        ("query ($p: PartialDate)", "(filter: {period: {from: $p, to: $p}})", {}, BOTH),
    ],
)  # fmt: skip
async def test_an_argument_is_given_in_every_way(reader, head, arguments, variables, expected):
    assert shown(await alike(reader, f"{head} {LABS % arguments}", variables)) == expected


@pytest.mark.parametrize(
    ("query", "variables", "argument"),
    [
        ("query ($s: Boolean) " + LABS % "(includeSuperseded: $s)", {"s": None}, "labs"),
        ("query ($i: Boolean = true) { healthRecord { labs @include(if: $i) { totalCount } } }", {"i": None}, "if"),
        ('query ($c: String = "c") ' + LABS % "(filter: {codes: [$c]})", {"c": None}, "labs"),
    ],
)  # fmt: skip
async def test_a_null_that_validation_lets_pass_is_told(reader, query, variables, argument):
    answer = await alike(reader, query, variables)
    assert answer["data"] == {"healthRecord": None}
    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "INVALID", "argument": argument}


async def test_a_null_condition_on_the_root_is_told(reader):
    book, token = reader
    query = "query ($i: Boolean = true) { healthRecord @include(if: $i) { patientId } }"
    answer = await book.ask(query, token, {"i": None})
    assert answer["data"] is None
    assert len(answer["errors"]) == 1
    assert (await book.ask(query, token, {"i": False}))["data"] == {}
    assert (await book.ask(query, token, {}))["data"]["healthRecord"]["patientId"]


async def test_one_field_selected_in_many_places_is_one(reader):
    query = """{ healthRecord { labs(first: 1) { nodes { display } } ...More ... on HealthRecord { labs(first: 1) {
        nodes { ... on Item { occurred } } totalCount } } } }
        fragment More on HealthRecord { labs(first: 1) { nodes { ...Code } } } fragment Code on Lab { code display }"""
    answer = await alike(reader, query)
    assert answer["data"]["healthRecord"]["labs"] == {
        "nodes": [{"display": "2", "occurred": "2022", "code": "c2"}],
        "totalCount": 3,
    }


async def test_what_a_node_is_decides_which_fragments_count(reader):
    book, _ = reader
    ids = await book.sql(
        """select access.node_id('labs', patient_id, id) from book.labs where display = '1' union all
           (select access.node_id('vitals', v.patient_id, v.id) from book.vitals v
             join access.citizen c on c.patient_id = v.patient_id where c.id = $1 limit 1)""",
        book.citizens[0],
    )
    query = """query ($id: ID!) { it: node(id: $id) { __typename ... on Lab { own: display } ... on Item { occurred
        ... on Lab { code } } ... on Vital { own: display } ... on Encounter { episode } ... on Node { id } } }"""
    lab = (await alike(reader, query, {"id": ids[0][0]}))["data"]["it"]
    assert lab == {"__typename": "Lab", "own": "1", "occurred": "2021", "code": "c1", "id": ids[0][0]}
    vital = (await alike(reader, query, {"id": ids[1][0]}))["data"]["it"]
    assert vital.keys() == {"__typename", "own", "occurred", "id"}
    assert vital["__typename"] == "Vital"


async def test_names_longer_than_an_identifier_are_names(reader):
    long, longer = f"{LONG}a", f"{LONG}b"
    query = f"{{ {long}: healthRecord {{ {longer}: labs {{ {long}: nodes {{ {long}: display {longer}: code }} }} }} }}"
    book, token = reader
    answer = await book.ask(query, token)
    assert answer["data"][long][longer][long][0] == {long: "2", longer: "c2"}


async def test_one_operation_of_several_is_the_one_that_is_named(reader):
    book, token = reader
    query = f"query A {LABS % '(first: 1)'} query B($n: Int!) {LABS % '(last: $n)'} mutation C {{ __typename }}"
    headers = {"Authorization": f"Bearer {token}"}

    async def named(**more):
        return await book.client.post("/graphql", json={"query": query} | more, headers=headers)

    assert shown((await named(operationName="A")).json()) == ["2"]
    assert shown((await named(operationName="B", variables={"n": 1})).json()) == ["0"]
    for name in ("", "D"):
        answer = (await named(operationName=name)).json()
        assert [one["extensions"]["code"] for one in answer["errors"]] == ["OPERATION_RESOLUTION_FAILURE"]


async def test_several_roots_are_answered_each_with_its_own_error(reader):
    book, token = reader
    query = f'{{ a: {LABS[2:-2] % "(first: 1)"} b: {LABS[2:-2] % "(first: -1)"} c: node(id: "x") {{ id }} }}'
    answer = await book.ask(query, token)
    assert answer["data"]["a"]["labs"]["nodes"] == [{"display": "2"}]
    assert (answer["data"]["b"], answer["data"]["c"]) == (None, None)
    assert {error["path"][0]: error["extensions"]["argument"] for error in answer["errors"]} == {
        "b": "first",
        "c": "id",
    }
