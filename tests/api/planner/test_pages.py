"""Pages are those of the Relay specification (GraphQL Cursor Connections 4.4 and 5.1), in every order and direction.

The model holds all rows in a Python list, sorted by what the order says, and cuts it as the specification words it.
"""

import base64

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.values import new_id
from tests.api.planner.rows import Row, write

SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
ORDERS = ["OCCURRED_DESC", "OCCURRED_ASC", "RECORDED_DESC", "RECORDED_ASC"]
DATES = [None, "1955", "1955-03", "1955-03-14", "1955-03-14T07:30:00+07:00", "2025", "2025-12-31"]
PAGE = """query ($first: Int, $after: String, $last: Int, $before: String, $order: ItemOrder) {
  healthRecord { labs(first: $first, after: $after, last: $last, before: $before, orderBy: $order) {
    totalCount nodes { id } edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""


def in_order(rows: list[Row], order: str) -> list[Row]:
    """By what the order names, then by id; what has no date comes last either way."""
    key = (lambda row: (row.occurred or "", row.id)) if "OCCURRED" in order else (lambda row: (row.recorded, row.id))
    ordered = sorted(rows, key=key, reverse=order.endswith("DESC"))
    return sorted(ordered, key=lambda row: "OCCURRED" in order and row.occurred is None)


def cut(rows, first, after, last, before):
    """EdgesToReturn, HasPreviousPage and HasNextPage of the specification, with 50 where no size is given."""
    if first is None and last is None:
        first, last = (50, None) if before is None else (None, 50)
    start = rows.index(after) + 1 if after else 0
    end = rows.index(before) if before else len(rows)
    edges = rows[start : max(start, end)]
    has_previous = len(edges) > last if last is not None else after is not None and start > 0
    has_next = len(edges) > first if first is not None else before is not None and end < len(rows)
    if first is not None:
        return edges[:first], has_previous, has_next
    return edges[len(edges) - min(last, len(edges)) :], has_previous, has_next


@st.composite
def worlds(draw):
    """Some rows, an order, and what is asked of them: cursors are places in the list as it was before it grew."""
    row = st.builds(Row, st.builds(new_id), st.sampled_from(DATES), st.integers(0, 3))
    rows = draw(st.lists(row, max_size=9))
    ends = st.none() | st.sampled_from(rows) if rows else st.none()
    size = st.integers(0, 10)
    sizes = draw(st.sampled_from(["first", "last", "none"]))
    asked = {
        "first": draw(size) if sizes == "first" else None,
        "last": draw(size) if sizes == "last" else None,
        "after": draw(ends),
        "before": draw(ends),
    }
    return rows, draw(st.lists(row, max_size=3)), draw(st.sampled_from(ORDERS)), asked


@pytest.fixture
async def reader(book):
    return book, await book.token(book.citizens[0])


async def ask(reader, **variables):
    book, token = reader
    answer = await book.ask(PAGE, token, variables)
    assert "errors" not in answer, answer
    return answer["data"]["healthRecord"]["labs"]


async def names(book, rows, patient):
    """Ids as the API shows them."""
    told = await book.sql(
        "select id, access.node_id('labs', $1, id) as node from unnest($2::uuid[]) id", patient, [r.id for r in rows]
    )
    return {row["id"]: row["node"] for row in told}


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(world=worlds())
async def test_a_page_is_that_of_the_specification(reader, world):
    rows, later, order, asked = world
    patient = await write(reader[0], rows)
    cursors = {edge["node"]["id"]: edge["cursor"] for edge in (await ask(reader, order=order))["edges"]}
    await write(reader[0], later, keep=True)
    name = await names(reader[0], [*rows, *later], patient)
    expected, has_previous, has_next = cut(in_order([*rows, *later], order), **asked)
    given_ = {end: cursors[name[asked[end].id]] for end in ("after", "before") if asked[end]}
    page = await ask(reader, order=order, first=asked["first"], last=asked["last"], **given_)
    assert [node["id"] for node in page["nodes"]] == [name[row.id] for row in expected]
    assert [edge["node"]["id"] for edge in page["edges"]] == [name[row.id] for row in expected]
    assert page["totalCount"] == len(rows) + len(later)
    assert page["pageInfo"] == {
        "hasPreviousPage": has_previous,
        "hasNextPage": has_next,
        "startCursor": page["edges"][0]["cursor"] if expected else None,
        "endCursor": page["edges"][-1]["cursor"] if expected else None,
    }


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "way", [("first", "after", "hasNextPage", "endCursor"), ("last", "before", "hasPreviousPage", "startCursor")]
)
async def test_pages_join_to_the_whole_while_the_book_grows(reader, order, way):
    """What was there at the start comes once, in its order, whatever is added and taken away between pages."""
    size, beyond, more, cursor = way
    rows = [Row(new_id(), DATES[n % len(DATES)], n % 3) for n in range(11)]
    patient = await write(reader[0], rows)
    name = await names(reader[0], rows, patient)
    found, at, has_more = [], None, True
    while has_more:
        page = await ask(reader, order=order, **{size: 3, beyond: at})
        shown = [node["id"] for node in page["nodes"]]
        found = found + shown if size == "first" else shown + found
        at, has_more = page["pageInfo"][cursor], page["pageInfo"][more]
        await write(reader[0], [Row(new_id(), DATES[len(found) % 7], 1)], keep=True)
        last = shown[-1] if size == "first" else shown[0]
        await reader[0].sql("delete from book.labs where access.node_id('labs', patient_id, id) = $1", last)
    kept = [one for one in found if one in name.values()]
    assert kept == [name[row.id] for row in in_order(rows, order)]


async def test_what_lies_beyond_a_cursor_whose_item_is_gone_is_told_by_what_is_left(reader):
    rows = [Row(new_id(), f"202{n}") for n in range(3)]
    await write(reader[0], rows)
    newest = (await ask(reader, first=1))["pageInfo"]["endCursor"]
    assert (await ask(reader, first=1, after=newest))["pageInfo"]["hasPreviousPage"]
    await reader[0].sql("delete from book.labs where id = $1", rows[2].id)
    page = await ask(reader, first=1, after=newest)
    assert (page["pageInfo"]["hasPreviousPage"], page["pageInfo"]["hasNextPage"]) == (False, True)


def forged(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


ID = "0193a5b0-0000-7000-8000-000000000000"
GARBAGE = [
    "nonsense", "\x00", "=", "é", "A" * 10_000, forged("|"), forged(f"x|{ID}"), forged(f"\x00|{ID}"),
    forged(f"2025\n|{ID}"), forged(f"RECORDED_DESC||{ID}"), forged(f"RECORDED_DESC|2025-13-01T00:00:00.000000Z|{ID}"),
    forged(f"RECORDED_DESC|infinity|{ID}"), forged(f"OCCURRED_DESC|2025|{ID}"), forged(f"NONE|2025|{ID}"),
    forged(f"a|b|c|{ID}"), forged("2025|" + ID[:-1]), forged(f"2025|{ID}") + "!",
]  # fmt: skip


@pytest.mark.parametrize("order", ORDERS)
async def test_what_is_no_cursor_is_told(reader, order):
    book, token = reader
    for cursor in GARBAGE:
        for variables in ({"after": cursor}, {"before": cursor, "first": 2}):
            answer = await book.ask(PAGE, token, variables | {"order": order})
            (error,) = answer["errors"]
            told = error["extensions"]
            assert told["code"] == "INVALID", cursor
            assert told.get("argument", told.get("variable")) == next(iter(variables)), cursor


async def test_a_cursor_belongs_to_one_order(reader):
    book, token = reader
    await write(book, [Row(new_id(), "2025")])
    cursors = {order: (await ask(reader, order=order))["pageInfo"]["endCursor"] for order in ORDERS}
    for of, cursor in cursors.items():
        for order in ORDERS:
            answer = await book.ask(PAGE, token, {"after": cursor, "order": order})
            if of == order:
                assert "errors" not in answer
                continue
            (error,) = answer["errors"]
            assert error["extensions"] == {"code": "INVALID", "argument": "after"}
            assert of in error["message"]
            assert order in error["message"]


async def test_a_count_alone_looks_at_no_page(reader):
    """Nor at its arguments: nothing is wrong with a cursor that is not used."""
    book, token = reader
    await write(book, [Row(new_id(), "2025"), Row(new_id(), None)])
    answer = await book.ask('{ healthRecord { labs(first: 1, after: "x") { totalCount } } }', token)
    assert answer["data"]["healthRecord"]["labs"] == {"totalCount": 2}
