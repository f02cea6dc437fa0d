"""The GraphQL endpoint as a phone meets it."""

import base64
import uuid

import pytest

from domain.sections import SECTIONS

RECORD = "{ healthRecord { patientId demographics { name birthDate sources { organizationName } } } }"


async def test_needs_a_bearer_token(book):
    response = await book.client.post("/graphql", json={"query": RECORD})
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith('Bearer realm="healthbook"')


async def test_a_citizen_reads_his_own_book(book):
    answer = await book.ask(RECORD, await book.token(book.citizens[0]))
    record = answer["data"]["healthRecord"]
    assert "errors" not in answer
    assert record["demographics"]["name"].casefold() == "nguyễn thị hòa"
    assert len({source["organizationName"] for source in record["demographics"]["sources"]}) >= 2


async def test_every_section_answers(book):
    sections = " ".join(f"{_camel(section.name)} {{ __typename }}" for section in SECTIONS)
    answer = await book.ask(f"{{ healthRecord {{ {sections} }} }}", await book.token(book.citizens[0]))
    assert "errors" not in answer
    assert all(answer["data"]["healthRecord"][_camel(section.name)] is not None for section in SECTIONS)


async def test_a_section_outside_the_scope_is_null_with_an_error_and_the_rest_stays(book):
    token = await book.token(book.citizens[0], scope="record:demographics:read")
    answer = await book.ask("{ healthRecord { demographics { name } labs { nodes { display } } } }", token)
    assert answer["data"]["healthRecord"]["demographics"]["name"]
    assert answer["data"]["healthRecord"]["labs"] is None
    (error,) = answer["errors"]
    assert error["path"] == ["healthRecord", "labs"]
    assert error["extensions"] == {"code": "INSUFFICIENT_SCOPE", "scope": "record:labs:read"}


async def test_absent_and_not_yours_look_alike(book):
    """Abuse 1."""
    token = await book.token(book.citizens[0])
    query = "query ($id: ID) { healthRecord(patientId: $id) { demographics { name } } }"
    (other,) = await book.sql("select patient_id from access.citizen where id = $1", book.citizens[2])
    foreign = await book.ask(query, token, {"id": str(other["patient_id"])})
    absent = await book.ask(query, token, {"id": str(uuid.uuid4())})
    assert foreign == absent
    assert foreign["data"] == {"healthRecord": None}
    assert foreign["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_nothing_of_another_citizen_through_any_id(book):
    """Abuse 1. Every item of another's book, asked for by its own id, is as absent as one that never was."""
    mine, theirs = await book.token(book.citizens[0]), await book.token(book.citizens[1])
    lists = " ".join(
        f"{_camel(name)}(first: 3) {{ nodes {{ id }} }}" for name in ("labs", "encounters", "vitals", "prescriptions")
    )
    record = (await book.ask(f"{{ healthRecord {{ {lists} }} }}", theirs))["data"]["healthRecord"]
    ids = [node["id"] for connection in record.values() for node in connection["nodes"]]
    assert len(ids) >= 4
    for id_ in ids:
        query = "query ($id: ID!) { node(id: $id) { __typename id } }"
        assert (await book.ask(query, theirs, {"id": id_}))["data"]["node"]["id"] == id_
        assert (await book.ask(query, mine, {"id": id_}))["data"] == {"node": None}


async def test_a_mother_reads_her_childs_book_without_sensitive_items(book):
    mother = book.citizens[1]
    token = await book.token(mother)
    me = (await book.ask("{ me { patients { patientId relation } } }", token))["data"]["me"]
    children = [one["patientId"] for one in me["patients"] if one["relation"] == "parent"]
    assert children
    query = "query ($id: ID) { healthRecord(patientId: $id) { patientId demographics { birthDate } } }"
    answer = await book.ask(query, token, {"id": children[0]})
    assert answer["data"]["healthRecord"]["patientId"] == children[0]


async def test_a_revoked_grant_reads_nothing_more(book):
    token = await book.token(book.citizens[0])
    await book.ask(RECORD, token)
    await book.sql("update auth.token_grant set revoked_at = now(), revoke_reason = 'test'")
    for query in (RECORD, "{ me { id } }", "{ __typename }"):
        response = await book.post(query, token)
        assert response.status_code == 401
        assert 'error="invalid_token"' in response.headers["www-authenticate"]


async def test_a_suspended_client_reads_nothing_more(book):
    token = await book.token(book.citizens[0])
    await book.sql("update auth.client set status = 'suspended'")
    assert (await book.post(RECORD, token)).status_code == 401


async def test_every_read_leaves_a_log_entry_and_a_refusal_too(book):
    token = await book.token(book.citizens[0], scope="record:labs:read")
    await book.ask("{ healthRecord { labs { totalCount } vitals { totalCount } } }", token)
    query = "query ($id: ID) { healthRecord(patientId: $id) { labs { totalCount } } }"
    await book.ask(query, token, {"id": str(uuid.uuid4())})
    rows = await book.sql("select basis, sections, opened, outcome, purpose from access.access_log order by at")
    assert [tuple(row) for row in rows] == [
        ("self", ["labs", "vitals"], ["labs"], "ALLOWED", "PATRQT"),
        ("none", ["labs"], [], "REFUSED", "PATRQT"),
    ]


async def test_pages_join_to_the_whole_in_both_directions(book):
    token = await book.token(book.citizens[0])
    whole = (await book.ask("{ healthRecord { labs(first: 500) { totalCount nodes { id } } } }", token))["data"]
    ids = [node["id"] for node in whole["healthRecord"]["labs"]["nodes"]]
    assert whole["healthRecord"]["labs"]["totalCount"] == len(ids) > 50
    assert await _walk(book, token, "first", "after", "hasNextPage", "endCursor") == ids
    backwards = await _walk(book, token, "last", "before", "hasPreviousPage", "startCursor")
    assert sorted(backwards) == sorted(ids)


async def _walk(book, token, size, beyond, more, cursor):
    query = (
        f"query ($at: String) {{ healthRecord {{ labs({size}: 17, {beyond}: $at) "
        f"{{ nodes {{ id }} pageInfo {{ {more} {cursor} }} }} }} }}"
    )
    found, at = [], None
    while True:
        page = (await book.ask(query, token, {"at": at}))["data"]["healthRecord"]["labs"]
        found += [node["id"] for node in page["nodes"]]
        at = page["pageInfo"][cursor]
        if not page["pageInfo"][more]:
            return found


@pytest.mark.parametrize(
    ("query", "argument"),
    [
        ("{ healthRecord { labs(first: -1) { totalCount } } }", None),
        ("{ healthRecord { labs(first: -1) { nodes { id } } } }", "first"),
        ("{ healthRecord { labs(first: 501) { nodes { id } } } }", "first"),
        ("{ healthRecord { labs(first: 1, last: 1) { nodes { id } } } }", "last"),
        ('{ healthRecord { labs(after: "nonsense") { nodes { id } } } }', "after"),
        ('{ healthRecord(patientId: "nonsense") { patientId } }', "patientId"),
        ('{ node(id: "nonsense") { id } }', "id"),
        ('{ node(id: "") { id } }', "id"),
    ],
)
async def test_a_bad_argument_is_named(book, query, argument):
    answer = await book.ask(query, await book.token(book.citizens[0]))
    if argument is None:
        assert "errors" not in answer
        return
    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "INVALID", "argument": argument}
    assert list(answer["data"].values()) == [None]


async def test_hostile_text_in_arguments_is_an_error_and_never_a_fault(book):
    """Abuse 33 and 40."""
    token = await book.token(book.citizens[0])
    query = "query ($t: String) { healthRecord { labs(after: $t) { nodes { id } } } }"
    for text in ["\x00", "'; drop table book.labs; --", "𝕏" * 1000, base64.b64encode(b"\x00|\x00").decode()]:
        answer = await book.ask(query, token, {"t": text})
        assert answer["errors"][0]["extensions"]["code"] == "INVALID"
    organizations = await book.ask(
        "query ($t: [String!]) { organizations(codes: $t) { code } }", token, {"t": ["\x00"]}
    )
    assert organizations["errors"][0]["extensions"]["code"] == "INVALID"


async def test_a_report_names_its_own_sender_and_the_item_all(book):
    query = (
        "{ healthRecord { allergies { isContradicted sources { id } reports { verificationStatus sources { id } } } } }"
    )
    answer = await book.ask(query, await book.token(book.citizens[0]))
    (allergy,) = answer["data"]["healthRecord"]["allergies"]
    assert allergy["isContradicted"]
    own = [source["id"] for report in allergy["reports"] for source in report["sources"]]
    assert sorted(own) == sorted(source["id"] for source in allergy["sources"])
    assert len(own) == len(allergy["reports"]) == 2


async def test_facilities_have_names(book):
    token = await book.token(book.citizens[0])
    answer = await book.ask("{ organizations(first: 3) { code name kind } }", token)
    assert len(answer["data"]["organizations"]) == 3
    assert all(one["name"] for one in answer["data"]["organizations"])


async def test_the_schema_can_be_read_by_developers(book):
    """Abuse 4: it is published on purpose, and this server tells it to signed-in people only."""
    query = {"query": "{ __schema { queryType { name } } }"}
    answer = await book.ask(query["query"], await book.token(book.citizens[0]))
    assert answer["data"]["__schema"]["queryType"]["name"] == "Query"
    assert (await book.client.post("/graphql", json=query)).status_code == 401


async def test_nothing_is_suggested_where_a_name_is_wrong(book):
    """Abuse 4."""
    token = await book.token(book.citizens[0])
    for query in (
        "{ healthRecords { patientId } }",
        "{ healthRecord { lab { nodes { id } } } }",
        "{ nod(id: 1) { id } }",
    ):
        answer = await book.ask(query, token)
        assert answer["errors"]
        assert "Did you mean" not in str(answer)


async def test_a_document_asks_so_many_root_fields_and_no_more(book):
    """Abuse 2: guessing ids by aliases, wherever fragments bring them."""
    token = await book.token(book.citizens[0])

    def guesses(letter, number):
        return " ".join(f'{letter}{one}: node(id: "{uuid.uuid4()}") {{ id }}' for one in range(number))

    for wide in (
        f"{{ {guesses('a', 100)} }}",
        f"{{ {guesses('a', 26)} ...F }} fragment F on Query {{ {guesses('b', 25)} }}",
    ):
        answer = await book.ask(wide, token)
        assert ("data" in answer, answer["errors"][0]["extensions"]["code"]) == (False, "DOCUMENT_TOO_WIDE")
    assert len((await book.ask(f"{{ {guesses('a', 50)} }}", token))["data"]) == 50


@pytest.mark.parametrize("batch", [1, 2, 100])
async def test_a_batch_of_requests_is_none(book, batch):
    """Abuse 2."""
    headers = {"Authorization": f"Bearer {await book.token(book.citizens[0])}"}
    answer = await book.client.post("/graphql", json=[{"query": "{ me { id } }"}] * batch, headers=headers)
    assert answer.status_code == 400
    assert "data" not in answer.text


def _camel(name):
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (
            "{ healthRecord { labs { nodes { " + "reports { " * 6 + "nothing" + " }" * 6 + " } } } }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("{ healthRecord { labs { nodes { " + "reports { " * 20 + "id" + " }" * 20 + " } } } }", "DOCUMENT_TOO_DEEP"),
        (
            "{ healthRecord { labs { nodes { " + " ".join(f"a{n}: value" for n in range(51)) + " } } } }",
            "DOCUMENT_TOO_WIDE",
        ),
        ("{ " + "x" * 100_001 + " }", "DOCUMENT_TOO_LARGE"),
        ("{ " + "me { id } " * 3000 + "}", "DOCUMENT_TOO_LARGE"),
    ],
)
async def test_a_query_past_a_limit_is_refused_before_it_is_planned(book, query, code):
    """Abuse 3."""
    answer = await book.ask(query, await book.token(book.citizens[0]))
    assert "data" not in answer
    assert answer["errors"][0]["extensions"]["code"] == code


async def test_fragments_count_wherever_they_are_spread(book):
    """Abuse 3."""
    doubled = " ".join(f"fragment F{n} on Lab {{ ...F{n + 1} ...F{n + 1} }}" for n in range(12))
    query = f"{{ healthRecord {{ labs {{ nodes {{ ...F0 }} }} }} }} {doubled} fragment F12 on Lab {{ id value }}"
    answer = await book.ask(query, await book.token(book.citizens[0]))
    assert answer["errors"][0]["extensions"]["code"] == "DOCUMENT_TOO_WIDE"


@pytest.mark.parametrize(
    "body", [b"", b"7", b'"x"', b"[]", b"null", b"{", b'{"query": 7}', b'{"query": null}', b"\xff\xfe"]
)
async def test_a_body_that_is_no_request_is_a_client_error(book, body):
    headers = {"Authorization": f"Bearer {await book.token(book.citizens[0])}", "Content-Type": "application/json"}
    response = await book.client.post("/graphql", content=body, headers=headers)
    assert 400 <= response.status_code < 500


async def test_a_refusal_is_no_line_in_the_log(book, caplog):
    token = await book.token(book.citizens[0], scope="record:labs:read")
    answer = await book.ask("{ __typename healthRecord { vitals { totalCount } labs { totalCount } } }", token)
    assert answer["data"]["healthRecord"]["vitals"] is None
    assert not [record for record in caplog.records if record.levelname in {"ERROR", "WARNING"}]
