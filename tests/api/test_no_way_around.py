"""Abuse 24: whatever a facility asks, it gets the book as if what was not opened to it did not exist.

The oracle is a second copy of the same book in which the rows that the consents do not open are deleted: what the
citizen reads there, with the closed sections null, is what the facility must read in the whole book.
"""

import os
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from graphql import FieldNode, FragmentSpreadNode, parse
from hypothesis import HealthCheck, given, settings

from domain.sections import SECTIONS
from domain.values import utc_now
from tests.api.conftest import Book
from tests.api.planner.marks import marks_of
from tests.api.planner.queries import ORDERS, Marks, Query, documents

SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
CLINIC = "demo-facility"
SINCE = "2025-06-01"
# What the clinic may see of the chronic patient: three consents, each with limits of its own.
CONSENTS = (
    {"sections": ["labs", "vitals", "prescriptions"]},
    {"sections": ["encounters", "documents"], "data_from": SINCE, "data_to": "2026-05-31"},
    {"sections": ["conditions", "allergies"], "sensitive": ["MENTAL"], "data_from": "2024-01-01"},
)
HIDDEN = {
    "labs": "sensitivity <> ''",
    "vitals": "sensitivity <> ''",
    "prescriptions": "sensitivity <> ''",
    "encounters": f"sensitivity <> '' or coalesce(not (occurred >= '{SINCE}' and occurred <= '2026-05-31~'), true)",
    "documents": f"sensitivity <> '' or coalesce(not (occurred >= '{SINCE}' and occurred <= '2026-05-31~'), true)",
    "conditions": "sensitivity not in ('', 'MENTAL') or coalesce(occurred < '2024-01-01', true)",
    "allergies": "sensitivity not in ('', 'MENTAL') or coalesce(occurred < '2024-01-01', true)",
}
CLOSED = {section.name for section in SECTIONS} - HIDDEN.keys()
FIELD_SECTION = {
    "".join([w if n == 0 else w.title() for n, w in enumerate(s.name.split("_"))]): s.name for s in SECTIONS
}


@dataclass(frozen=True)
class Two:
    """The whole book as the clinic meets it, and the redacted one of the citizen."""

    whole: Book
    redacted: Book
    patient: UUID
    clinic: str
    citizen: str
    marks: Marks


@pytest.fixture
async def two(book: Book, another_book: Book) -> Two:
    patient = (await book.sql("select patient_id from access.citizen where id = $1", book.citizens[0]))[0][0]
    marks = await marks_of(book, await book.token(book.citizens[0]), patient)
    for one in (book, another_book):
        one.afford()
        for section in SECTIONS:
            for model in section.models:
                await one.sql(LABEL.format(table=model.table().fullname), patient)
    await redact(another_book, patient)
    await consent(book, patient)
    clinic = await book.token(client_id=CLINIC)
    return Two(book, another_book, patient, clinic, await another_book.token(book.citizens[0]), marks)


LABEL = """update {table} t set sensitivity = (array['HIV', 'MENTAL', '', ''])[1 + (n.place % 4)::int]
             from (select id, row_number() over (order by id) - 1 as place from {table} where patient_id = $1) n
            where t.patient_id = $1 and t.id = n.id"""


async def redact(book: Book, patient: UUID) -> None:
    for section in SECTIONS:
        for model in section.models:
            where = HIDDEN.get(section.name, "false")
            table = model.table().fullname
            await book.sql(f"""with off as (select set_config('session_replication_role', 'replica', true))
                               delete from {table} where patient_id = $1 and ({where})
                                  and exists (select from off)""", patient)  # fmt: skip


async def consent(book: Book, patient: UUID) -> None:
    now = utc_now()
    organization = (await book.sql("select organization_id from auth.client where client_id = $1", CLINIC))[0][0]
    for given_ in CONSENTS:
        values = {
            "patient_id": patient, "id": uuid4(), "kind": "written_request", "organization_id": organization,
            "purposes": ["TREAT"], "sensitive": [], "valid_from": now - timedelta(minutes=1),
            "valid_until": now + timedelta(days=1), "version": 1, "granted_by": book.citizens[0], "actor_role": "self",
            "channel": "app", "acr": "demo", "auth_time": now, "text_hash": b"text", "created_at": now,
        } | given_  # fmt: skip
        marks = ", ".join(f"${n}" for n in range(1, len(values) + 1))
        await book.sql(f"insert into access.consent ({', '.join(values)}) values ({marks})", *values.values())


@settings(max_examples=int(os.environ.get("WAYS", "60")), deadline=None, suppress_health_check=SLOW)
@given(roots=documents(sound=True, most=1, node=False))
async def test_no_query_finds_a_way_around(two: Two, roots: list[Query]) -> None:
    """Filters, orders, counts and pages too; cursors are those of the whole book, hidden items among them."""
    query = two.marks.put(roots[0])
    for more in ("", "__typename "):  # both exits
        text = query.text(more)
        seen = await two.whole.ask(text, two.clinic, query.values)
        expected = await two.redacted.ask(text, two.citizen, query.values)
        assert "errors" not in expected
        shut = {key for key, section in keys(text).items() if section in CLOSED}
        record = expected["data"]["r0_"]
        told = {error["path"][1] for error in seen.get("errors", ())}
        assert told == shut & record.keys()
        assert {error["extensions"]["code"] for error in seen.get("errors", ())} <= {"CONSENT_REQUIRED"}
        record |= dict.fromkeys(told)
        assert seen["data"] == expected["data"]


def keys(text: str) -> dict[str, str]:
    """Response keys of the record's fields and the section each one shows."""
    document = parse(text)
    fragments = {one.name.value: one for one in document.definitions[1:]}  # type: ignore[attr-defined]
    found: dict[str, str] = {}

    def walk(selections: object) -> None:
        for one in selections:  # type: ignore[attr-defined]
            if isinstance(one, FieldNode):
                found[one.alias.value if one.alias else one.name.value] = FIELD_SECTION.get(one.name.value, "")
            else:
                walk(
                    (fragments[one.name.value] if isinstance(one, FragmentSpreadNode) else one).selection_set.selections
                )

    walk(document.definitions[0].selection_set.selections[0].selection_set.selections)  # type: ignore[attr-defined]
    return found


async def test_the_test_would_see_it(two: Two) -> None:
    """There is something to hide in every section that is compared, and something left."""
    for section in ("labs", "encounters", "conditions"):
        counts = [
            (await one.sql(f"select count(*) from book.{section} where patient_id = $1 and shown", two.patient))[0][0]
            for one in (two.whole, two.redacted)
        ]
        assert counts[0] > counts[1] > 0, section


async def test_an_id_of_what_is_closed_leads_nowhere(two: Two) -> None:
    """Abuse 1: the same answer as an id that never was."""
    query = "query ($id: ID!) { node(id: $id) { __typename id } }"
    node = "select access.node_id($2, patient_id, id) from book.{} where patient_id = $1 and ({}) limit 20"
    never = await two.whole.ask(query, two.clinic, {"id": await _node(two, "labs", uuid4())})
    for section in ("labs", "encounters", "conditions", "insurance", "immunizations"):
        for (id_,) in await two.whole.sql(node.format(section, HIDDEN.get(section, "true")), two.patient, section):
            assert await two.whole.ask(query, two.clinic, {"id": id_}) == never
    opened = await two.whole.sql(node.format("labs", "sensitivity = ''"), two.patient, "labs")
    answer = await two.whole.ask(query, two.clinic, {"id": opened[0][0]})
    assert answer["data"]["node"]["id"] == opened[0][0]


async def _node(two: Two, section: str, id_: UUID) -> str:
    return (await two.whole.sql("select access.node_id($1, $2, $3)", section, two.patient, id_))[0][0]


CUT = """query ($id: ID, $after: String, $before: String, $order: ItemOrder, $filter: LabFilter) {
  healthRecord(patientId: $id) { labs(first: 5, after: $after, before: $before, orderBy: $order, filter: $filter) {
    totalCount nodes { id } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } }"""


@pytest.mark.parametrize("order", ORDERS)
async def test_a_cursor_of_what_is_closed_shows_nothing_of_it(order: str, two: Two) -> None:
    """Not even that something stands there: the first and the last item of the whole list are hidden here."""
    await two.whole.sql("update book.labs set sensitivity = 'HIV' where patient_id = $1", two.patient)
    await two.redacted.sql("update book.labs set shown = false where patient_id = $1", two.patient)
    cursors = two.marks.known[f"cursor.labs.{order}"]
    for end in ("after", "before"):
        for cursor in (cursors[0], cursors[7], cursors[-1]):
            asked = {"id": str(two.patient), end: cursor, "order": order}
            seen = await two.whole.ask(CUT, two.clinic, asked)
            assert seen == await two.redacted.ask(CUT, two.citizen, asked)
            page = seen["data"]["healthRecord"]["labs"]
            assert page["totalCount"] == 0
            assert not page["pageInfo"]["hasNextPage"]
            assert not page["pageInfo"]["hasPreviousPage"]


async def test_a_filter_tells_nothing_of_what_is_closed(two: Two) -> None:
    """Asking for each code, word and day that only hidden items have finds what asking for nonsense finds."""
    hidden = await two.whole.sql(
        """select id, code, display, occurred from book.labs h
            where patient_id = $1 and sensitivity <> '' and shown and not exists (
                  select from book.labs o where o.patient_id = h.patient_id and o.sensitivity = '' and o.shown
                     and (o.code = h.code or o.display = h.display))""",
        two.patient,
    )
    await two.whole.sql(
        "update book.labs set code = 'hidden', display = 'Xét nghiệm bí mật', occurred = '1931-05' where id = $1",
        (await two.whole.sql("select id from book.labs where sensitivity = 'HIV' and shown limit 1"))[0][0],
    )
    filters = [{"codes": ["hidden"]}, {"text": "bi mat"}, {"period": {"to": "1940"}}]
    filters += [{"codes": [row["code"]]} for row in hidden if row["code"]]
    for filter_ in filters:
        seen = await two.whole.ask(CUT, two.clinic, {"id": str(two.patient), "filter": filter_})
        page = seen["data"]["healthRecord"]["labs"]
        assert (page["totalCount"], page["nodes"]) == (0, [])
        assert set(page["pageInfo"].values()) == {None, False}


CHANGES = {
    "the consents are withdrawn": "update access.consent set withdrawn_at = now(), withdrawn_by = id",
    "the consents expire": "update access.consent set valid_from = now() - interval '2 d', valid_until = now()",
    "the citizen denies everybody": """insert into access.denial
        (patient_id, id, scope, in_emergency, placed_by, placed_at)
        select patient_id, id, 'all', false, id, now() from access.consent limit 1""",
    "the client is suspended": "update auth.client set status = 'suspended'",
    "the facility is suspended": "update registry.organization set status = 'suspended'",
    "the grant is revoked": "update auth.token_grant set revoked_at = now(), revoke_reason = 'x'",
}


@pytest.mark.parametrize("change", CHANGES)
async def test_the_next_request_with_the_same_token_reads_nothing_more(change: str, two: Two) -> None:
    counts = " ".join(f"{name} {{ totalCount }}" for name in ("labs", "encounters", "vitals"))
    query = f'{{ healthRecord(patientId: "{two.patient}") {{ {counts} conditions {{ nodes {{ id }} }} }} }}'
    opened = await two.whole.ask(query, two.clinic)
    assert "errors" not in opened
    await two.whole.sql(CHANGES[change])
    answer = await two.whole.post(query, two.clinic)
    assert answer.status_code == 401 or answer.json()["data"] == {"healthRecord": None}
    assert "totalCount" not in answer.text
