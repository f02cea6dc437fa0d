"""Answers that a phone may keep: a tag on what was read, 304 where none of it has changed, and nothing else kept."""

import pytest

from api.http.etags import condition
from api.http.media import GRAPHQL, JSON

READ = "{ healthRecord { patientId demographics { name } labs(first: 40) { nodes { id display value } } } }"
LESS = "{ healthRecord { patientId } }"
VARY = "authorization, accept, accept-encoding"


@pytest.fixture
async def door(book):
    """Sends anything to /graphql."""
    token = await book.token(book.citizens[0])

    async def send(query=READ, method="GET", token=token, **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        how = {"json": {"query": query}} if method == "POST" else {"params": {"query": query}}
        return await book.client.request(method, "/graphql", headers={"Authorization": f"Bearer {token}"} | sent, **how)

    return send


async def patient_of(book):
    return (await book.sql("select patient_id from access.citizen where id = $1", book.citizens[0]))[0][0]


async def test_a_change_of_the_book_is_a_new_answer(book, door):
    first = await door()
    await book.sql("update book.patient set revision = revision + 1 where patient_id <> $1", await patient_of(book))
    assert (await door(If_None_Match=first.headers["etag"])).status_code == 304
    await book.sql("update book.patient set revision = revision + 1 where patient_id = $1", await patient_of(book))
    again = await door(If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["etag"] != first.headers["etag"]


async def test_what_is_not_sent_again_is_in_the_log_all_the_same(book, door):
    first = await door()
    count = "select count(*) from access.access_log where outcome = 'ALLOWED' and 'labs' = any (opened)"
    before = (await book.sql(count))[0][0]
    assert (await door(If_None_Match=first.headers["etag"])).status_code == 304
    assert (await book.sql(count))[0][0] == before + 1


async def test_another_decision_is_another_answer(book, door):
    """The same data, seen by another right: the tag of one is nothing to the other."""
    first = await door()
    narrow = await book.token(book.citizens[0], scope="record:demographics:read")
    again = await door(token=narrow, If_None_Match=first.headers["etag"])
    assert again.status_code == 200
    assert again.json()["data"]["healthRecord"]["labs"] is None


async def test_what_was_got_is_not_sent_again(door):
    first = await door()
    assert first.status_code == 200
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["vary"].lower() == f"{VARY}, origin"
    again = await door(If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "cache-control", "vary"):
        assert again.headers[name] == first.headers[name]
    assert "content-type" not in again.headers
    assert "content-encoding" not in again.headers


@pytest.mark.parametrize("form", ["{}", '"other", {}', '{}, W/"x"', "*", '"a-b",{} , "c"'])
async def test_a_list_of_tags_and_a_star_are_understood(door, form):
    tag = (await door()).headers["etag"]
    for one in (tag, tag.removeprefix("W/")):
        assert (await door(If_None_Match=form.format(one))).status_code == 304


async def test_the_second_of_two_known_tags_counts(door):
    tag = (await door()).headers["etag"]
    older = f'W/"{"0" * 32}-{tag.rpartition("-")[2]}'
    assert (await door(If_None_Match=f"{older}, {tag}")).status_code == 304


@pytest.mark.parametrize("given", ["", "x", '"', '"x', "W/", '"\u00e9"', "," * 3000, '"x"' * 3000, '"", ""'])
async def test_a_header_that_is_no_list_of_tags_is_as_none(door, given):
    answer = await door(If_None_Match=given.encode())
    assert (answer.status_code, "etag" in answer.headers) == (200, True)


async def test_a_tag_is_of_one_question_one_type_one_reader_and_one_scope(door, book):
    tag = (await door(Accept=JSON)).headers["etag"]
    assert (await door(LESS, If_None_Match=tag)).status_code == 200
    assert (await door(Accept=GRAPHQL, If_None_Match=tag)).status_code == 200
    other = await book.token(book.citizens[1])
    assert (await door(token=other, If_None_Match=tag)).status_code == 200
    narrow = await book.token(book.citizens[0], scope="record:labs:read")
    answer = await door(token=narrow, If_None_Match=tag)
    assert (answer.status_code, answer.json()["data"]["healthRecord"]["demographics"]) == (200, None)


async def test_a_revoked_grant_learns_nothing_from_a_tag(door, book):
    tag = (await door()).headers["etag"]
    await book.sql("update auth.token_grant set revoked_at = now(), revoke_reason = 'test'")
    for given in (tag, "*"):
        assert (await door(If_None_Match=given)).status_code == 401


async def test_a_refused_section_is_part_of_what_is_kept(door, book):
    narrow = await book.token(book.citizens[0], scope="record:labs:read")
    first = await door(token=narrow)
    assert [error["extensions"]["code"] for error in first.json()["errors"]] == ["INSUFFICIENT_SCOPE"]
    assert (await door(token=narrow, If_None_Match=first.headers["etag"])).status_code == 304


async def test_head_has_the_tag_of_get(door):
    got, head = await door(), await door(method="HEAD")
    assert head.headers["etag"] == got.headers["etag"]
    assert (await door(method="HEAD", If_None_Match=got.headers["etag"])).status_code == 304


async def test_compressed_and_plain_answers_share_a_weak_tag(door):
    tags = set()
    for coding in ("identity", "gzip", "br", "zstd"):
        answer = await door(Accept_Encoding=coding)
        assert answer.headers.get("content-encoding", "identity") == coding
        assert answer.headers["vary"].lower() == f"{VARY}, origin"
        tags.add(answer.headers["etag"])
    (tag,) = tags
    assert tag.startswith('W/"')
    assert (await door(Accept_Encoding="gzip", If_None_Match=tag)).status_code == 304


@pytest.mark.parametrize(
    "query", ["{ __typename healthRecord { patientId } }", "{ nothing }", '{ node(id: "x") { id } }']
)
async def test_errors_and_what_python_executes_are_kept_by_nobody(door, query):
    answer = await door(query, If_None_Match="*")
    assert answer.status_code != 304
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers


async def test_answers_to_post_are_kept_by_nobody(door):
    tag = (await door()).headers["etag"]
    answer = await door(method="POST", If_None_Match=tag)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert "etag" not in answer.headers


def test_a_tag_of_another_statement_is_not_asked_for():
    given = condition([], "p_1", JSON, {"a"}).etag("x")
    assert condition([given], "p_1", JSON, {"a"}).asked == "x"
    for plan, media, scopes in (("p_2", JSON, {"a"}), ("p_1", GRAPHQL, {"a"}), ("p_1", JSON, {"b"})):
        assert condition([given], plan, media, scopes).asked == ""
