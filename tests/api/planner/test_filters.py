"""Filters keep what they say: time, code, facility and words, of every section and however they are given."""

import asyncio
import unicodedata
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from graphql import get_named_type
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.planner.documents import Documents
from api.schema import create_schema, records_of
from domain.values import new_id
from tests.api.planner.rows import Row, write

SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
SCHEMA = create_schema()._schema
RECORD = SCHEMA.type_map["HealthRecord"]
FILTERED = {name: field.args["filter"].type for name, field in RECORD.fields.items() if "filter" in field.args}
LABS = """query ($filter: LabFilter, $first: Int) { healthRecord {
  labs(filter: $filter, first: $first, orderBy: RECORDED_ASC) {
    totalCount nodes { display } edges { cursor } pageInfo { hasNextPage hasPreviousPage } } } }"""


@pytest.fixture
async def reader(book):
    return book, await book.token(book.citizens[0])


async def kept(reader, filter_, **more):
    book, token = reader
    answer = await book.ask(LABS, token, {"filter": filter_} | more)
    assert "errors" not in answer, answer
    labs = answer["data"]["healthRecord"]["labs"]
    assert labs["totalCount"] == len(labs["nodes"]) == len(labs["edges"]) or more
    return [node["display"] for node in labs["nodes"]]


async def refused(reader, filter_):
    book, token = reader
    answer = await book.ask(LABS, token, {"filter": filter_})
    (error,) = answer["errors"]
    told = error["extensions"]
    assert "data" not in answer or answer["data"] == {"healthRecord": None}
    return told["argument"] if "data" in answer else (told["code"], told.get("variable"))


# Time. The model turns a partial date into the moments it may mean, and compares those.

DATES = [
    "1955", "1955-01", "1955-12", "1955-03", "1955-03-01", "1955-03-31", "1956-02", "1956-02-29", "1956", "1955-03-14",
    "1955-03-14T07:30:00+07:00", "1954-12-31T23:59:59+07:00", "1956-01-01T00:00:00+07:00",
]  # fmt: skip


def earliest(date: str) -> datetime:
    return datetime.fromisoformat(date if "T" in date else (date + "-01-01"[len(date) - 4 :])[:10] + "T00:00:00+07:00")


def latest(date: str) -> datetime:
    """The last second that is meant."""
    start = earliest(date)
    if "T" in date:
        return start
    days = {4: 366, 7: 31}.get(len(date), 1)
    inside = (start + timedelta(days=n) for n in reversed(range(days)))
    return next(day for day in inside if day.isoformat().startswith(date)) + timedelta(days=1, seconds=-1)


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(
    dates=st.lists(st.none() | st.sampled_from(DATES), min_size=1, max_size=8),
    from_=st.none() | st.sampled_from(DATES),
    to=st.none() | st.sampled_from(DATES),
)
async def test_a_period_keeps_what_may_have_happened_within_it(reader, dates, from_, to):
    await write(reader[0], [Row(new_id(), date, n, display=f"{n}") for n, date in enumerate(dates)])
    expected = [
        f"{n}"
        for n, date in enumerate(dates)
        if (from_ is None and to is None)
        or (
            date is not None
            and (from_ is None or latest(date) >= earliest(from_))
            and (to is None or earliest(date) <= latest(to))
        )
    ]
    assert await kept(reader, {"period": {"from": from_, "to": to}}) == expected


async def test_an_instant_of_another_zone_is_the_same_moment(reader):
    await write(reader[0], [Row(new_id(), "1955-03-14T07:30:00+07:00", display="0")])
    assert await kept(reader, {"period": {"from": "1955-03-14T00:30:00Z", "to": "1955-03-14T00:30:00Z"}}) == ["0"]
    assert await kept(reader, {"period": {"from": "1955-03-14T00:30:01Z"}}) == []


# Codes and facilities.


async def test_codes_and_facilities_keep_any_of_them_and_together_both(reader):
    rows = [
        Row(new_id(), "2025", 0, "718-7", "0", "01001"), Row(new_id(), "2025", 1, "718-7", "1", "79002"),
        Row(new_id(), "2025", 2, '4548-4","x', "2", "79002"), Row(new_id(), "2025", 3, None, "3", "01001"),
        Row(new_id(), "2025", 4, "\\{}", "4", "01001"),
    ]  # fmt: skip
    await write(reader[0], rows)
    assert await kept(reader, {"codes": ["718-7"]}) == ["0", "1"]
    assert await kept(reader, {"codes": ['4548-4","x', "\\{}", "absent"]}) == ["2", "4"]
    assert await kept(reader, {"codes": ["718-7%", "7_8-7", "{718-7}", "NULL"]}) == []
    assert await kept(reader, {"facilities": ["79002"]}) == ["1", "2"]
    assert await kept(reader, {"facilities": ["79002"], "codes": ["718-7"]}) == ["1"]
    assert await kept(reader, {"facilities": None, "codes": None, "text": None, "period": None}) == list("01234")
    assert await kept(reader, {}) == await kept(reader, None) == list("01234")


async def test_pages_and_counts_are_of_what_is_kept(reader):
    await write(reader[0], [Row(new_id(), "2025", n, "ab"[n % 2], f"{n}") for n in range(9)])
    book, token = reader
    first = (await book.ask(LABS, token, {"filter": {"codes": ["a"]}, "first": 5}))["data"]["healthRecord"]["labs"]
    assert ([one["display"] for one in first["nodes"]], first["totalCount"]) == (list("02468"), 5)
    assert not first["pageInfo"]["hasNextPage"]
    query = """query ($at: String) { healthRecord { labs(first: 2, after: $at, orderBy: RECORDED_ASC,
        filter: {codes: "b"}) { nodes { display } pageInfo { hasPreviousPage hasNextPage } } } }"""
    labs = (await book.ask(query, token, {"at": first["edges"][0]["cursor"]}))["data"]["healthRecord"]["labs"]
    assert [one["display"] for one in labs["nodes"]] == ["1", "3"]
    assert labs["pageInfo"] == {"hasPreviousPage": False, "hasNextPage": True}


async def test_a_prescription_is_found_by_its_drugs(reader):
    book, token = reader
    rows = await book.sql(
        """select i.drug_code, i.drug, access.node_id('prescriptions', i.patient_id, i.prescription_id) as id
             from book.prescription_items i
             join book.prescriptions p on p.patient_id = i.patient_id and p.id = i.prescription_id
             join access.citizen c on c.patient_id = p.patient_id
            where p.shown and i.drug_code <> '' and c.id = $1""",
        book.citizens[0],
    )
    query = "query ($f: PrescriptionFilter) { healthRecord { prescriptions(filter: $f, first: 500) { nodes { id } } } }"
    for filter_ in ({"codes": [rows[0]["drug_code"]]}, {"text": rows[0]["drug"].upper()}):
        answer = await book.ask(query, token, {"f": filter_})
        found = {node["id"] for node in answer["data"]["healthRecord"]["prescriptions"]["nodes"]}
        assert rows[0]["id"] in found
        assert found >= {row["id"] for row in rows if row["drug_code"] == rows[0]["drug_code"]} or "text" in filter_


# Words.


def folded(text: str) -> str:
    """Said again in Python: compatibility letters apart, case folded, no marks, đ as d, one space."""
    letters = unicodedata.normalize("NFKD", text).casefold()
    bare = "".join(one for one in letters if not "\u0300" <= one <= "\u036f").replace("đ", "d")
    return " ".join(bare.split())


SPELLED = [
    ("Xét nghiệm đường máu", "DUONG MAU"),
    ("Xét nghiệm đường máu", "Đường"),
    ("XÉT NGHIỆM ĐƯỜNG MÁU", "đuong mau"),
    (unicodedata.normalize("NFD", "Điện tâm đồ"), "điện tâm đồ"),
    ("Điện tâm đồ", unicodedata.normalize("NFD", "điện tâm")),
    ("HbA1c 6,5 %", "6,5 %"),
    ("100% a_b \\ c", "100% A_B \\"),
    ("Huyết  áp\n tâm thu", "huyet ap tam thu"),
    ("µmol/l", "μmol"),
]


async def test_words_are_found_without_case_and_tone_marks(reader):
    texts = list(dict.fromkeys(text for text, _ in SPELLED))
    await write(reader[0], [Row(new_id(), "2025", n, display=text) for n, text in enumerate([*texts, "Natri"])])
    for text, words in SPELLED:
        found = await kept(reader, {"text": words})
        assert text in found
        assert all(folded(words) in folded(one) for one in found)
        assert "Natri" not in found


async def test_wildcards_are_letters_like_any_other(reader):
    await write(reader[0], [Row(new_id(), "2025", 0, display="Natri")])
    for words in ("N%", "Na_ri", "%%a", "n.*i", "na|xx", "\\mn"):
        assert await kept(reader, {"text": words}) == []


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(
    texts=st.lists(
        st.text(st.characters(max_codepoint=0x1EFF, codec="utf-8", exclude_characters="\0")), min_size=5, max_size=50
    )
)
async def test_texts_are_folded_as_unicode_says(database, texts):
    """Once more in Python, whose tables are of another version; the letters people write here are the same in both."""
    connection = await asyncpg.connect(database.owner)
    try:
        rows = await connection.fetch("select access.folded(t) as f from unnest($1::text[]) t", texts)
    finally:
        await connection.close()
    assert [" ".join(row["f"].split()) for row in rows] == [folded(text) for text in texts]


AT_THE_DOOR = ("INVALID", "filter")
"""NUL is refused before anybody asks what the variable is for."""
MEANINGLESS = [
    ({"text": "a"}, "filter.text"),
    ({"text": "   a  "}, "filter.text"),
    ({"text": "x" * 101}, "filter.text"),
    ({"text": "%%%"}, "filter.text"),
    ({"text": "\u0301\u0301\u0301"}, "filter.text"),
    ({"text": "a\x00b"}, AT_THE_DOOR),
    ({"codes": []}, "filter.codes"),
    ({"codes": ["x"] * 101}, "filter.codes"),
    ({"codes": ["x" * 101]}, "filter.codes"),
    ({"codes": ["\x00"]}, AT_THE_DOOR),
    ({"facilities": []}, "filter.facilities"),
    ({"period": {"from": "14/03/1955"}}, "filter.period.from"),
    ({"period": {"from": ""}}, "filter.period.from"),
    ({"period": {"to": "1955-13"}}, "filter.period.to"),
    ({"period": {"to": "١٩٥٥"}}, "filter.period.to"),
    ({"period": {"from": "1955", "to": "1955-02-30"}}, "filter.period.to"),
    ({"period": {"to": "9" * 10_000}}, "filter.period.to"),
]


async def test_what_no_filter_can_mean_is_told(reader):
    for filter_, argument in MEANINGLESS:
        assert await refused(reader, filter_) == argument


async def test_half_a_letter_is_a_bad_value_and_no_fault(reader):
    """JSON can write what no text is."""
    book, token = reader
    body = '{"query": "query ($t: String) { healthRecord { labs(filter: {text: $t}) { totalCount } } }", '
    body += '"variables": {"t": "ab\\ud800"}}'
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    response = await book.client.post("/graphql", content=body, headers=headers)
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")


# Every section, and every way of giving a filter.


EVERYTHING = {
    "period": {"from": "1900", "to": "2100"},
    "facilities": ["01001"],
    "codes": ["x"],
    "kinds": ["x"],
    "text": "xyz",
}


async def test_every_field_of_every_filter_answers(reader):
    """PostgreSQL runs every condition of every section, alone and all together."""
    book, token = reader
    for name, type_ in FILTERED.items():
        fields = get_named_type(type_).fields
        assert {"period", "facilities", "text"} <= fields.keys() <= EVERYTHING.keys()
        inner = "nodes { id }" if get_named_type(RECORD.fields[name].type).name.endswith("Connection") else "id"
        query = f"query ($f: {type_}) {{ healthRecord {{ {name}(filter: $f) {{ {inner} }} }} }}"
        for given_ in (*([one] for one in fields), fields):
            answer = await book.ask(query, token, {"f": {one: EVERYTHING[one] for one in given_}})
            assert "errors" not in answer, (name, given_, answer)


def test_only_what_a_section_has_a_filter_for_is_offered():
    assert FILTERED.keys() == RECORD.fields.keys() - {"patientId", "demographics"}
    assert "kinds" not in SCHEMA.type_map["LabFilter"].fields


WAYS = [
    ("", '{codes: ["a"], text: "xyz"}', {}),
    ("", '{codes: "a", text: "xyz", period: null}', {}),
    ("$f: LabFilter", "$f", {"f": {"codes": ["a"], "text": "xyz"}}),
    ('$f: LabFilter = {codes: ["a"], text: "xyz"}', "$f", {}),
    ("$c: [String!], $t: String", "{codes: $c, text: $t}", {"c": ["a"], "t": "xyz"}),
    ('$c: String!, $t: String = "xyz"', "{codes: [$c], text: $t}", {"c": "a"}),
    (
        "$c: [String!]!, $t: String!, $p: PartialDate",
        "{codes: $c, text: $t, period: {from: $p}}",
        {"c": "a", "t": "xyz"},
    ),
]


async def test_a_filter_is_the_same_however_it_is_given(reader):
    rows = [Row(new_id(), "2025", n, "ab"[n % 2], ("xyz", "uvw", "xyz")[n % 3]) for n in range(6)]
    await write(reader[0], rows)
    book, token = reader
    for head, argument, variables in WAYS:
        query = (
            f"query Q{f'({head})' if head else ''} {{ healthRecord {{ labs(filter: {argument}) {{ totalCount }} }} }}"
        )
        answer = await book.ask(query, token, variables)
        assert answer == {"data": {"healthRecord": {"labs": {"totalCount": 2}}}}, argument


async def test_what_is_not_needed_is_not_bound(reader):
    book, token = reader
    fields = "(filter: {codes: $c}, orderBy: RECORDED_ASC, first: $n, after: $c)"
    for inner in (
        "__typename",
        "pageInfo { __typename }",
        "pageInfo { hasPreviousPage @skip(if: true) }",
        "totalCount",
    ):
        query = f"query ($c: String, $n: Int) {{ healthRecord {{ labs{fields} {{ __typename {inner} }} }} }}"
        answer = await book.ask(query.replace("codes: $c", 'codes: ["a"]'), token, {"c": "x", "n": 3})
        assert "errors" not in answer, inner


def plans_of(query, *given_):
    documents = Documents(SCHEMA, records_of(SCHEMA))
    document = documents.get(query, None)
    return {document.plan(document.variables(variables)).name for variables in given_}


def test_values_of_a_filter_make_no_plans_and_their_presence_does():
    query = "query ($f: LabFilter, $n: Int) { healthRecord { labs(filter: $f, first: $n) { nodes { id } } } }"
    shapes = [
        {"codes": ["a"]},
        {"text": "ab"},
        {"codes": ["a"], "period": {"from": "2025"}},
        {"period": {"to": "2025"}},
    ]
    values = [
        {"codes": ["b", "c"]},
        {"text": "xyz"},
        {"codes": ["z"], "period": {"from": "1955-03"}},
        {"period": {"to": "1"}},
    ]
    assert len(plans_of(query, *({"f": one} for one in shapes))) == 4
    assert plans_of(query, *({"f": one, "n": 3} for one in (*shapes, *values))) == plans_of(
        query, *({"f": one} for one in shapes)
    )


def test_the_order_is_part_of_the_plan():
    query = "query ($o: ItemOrder) { healthRecord { labs(orderBy: $o) { nodes { id } } } }"
    orders = ["OCCURRED_DESC", "OCCURRED_ASC", "RECORDED_DESC", "RECORDED_ASC"]
    assert len(plans_of(query, *({"o": one} for one in orders))) == 4
    assert plans_of(query, {}, {"o": None}) == plans_of(query, {"o": "OCCURRED_DESC"})


async def test_readers_with_filters_of_one_shape_do_not_mix(reader):
    await write(reader[0], [Row(new_id(), "2025", n, f"c{n}", f"{n}") for n in range(8)])
    answers = await asyncio.gather(*(kept(reader, {"codes": [f"c{n % 8}"]}) for n in range(40)))
    assert answers == [[f"{n % 8}"] for n in range(40)]


def test_now_is_no_part_of_the_model():
    assert latest("1956-02") == datetime(1956, 2, 29, 16, 59, 59, tzinfo=UTC)
    assert earliest("1955-03") == datetime(1955, 2, 28, 17, tzinfo=UTC)
