"""Automatic persisted queries, as Apollo's clients speak them."""

import json

import pytest

from api.documents.automatic import OVERHEAD, AutomaticQueries, digest
from api.http.media import GRAPHQL, JSON

QUERY = "{ healthRecord { patientId } }"


def hashed(text, version=1):
    return {"persistedQuery": {"version": version, "sha256Hash": digest(text)}}


@pytest.mark.parametrize("accept", [JSON, f"{GRAPHQL}, {JSON};q=0.9", f"{GRAPHQL},{JSON}", "*/*"])
async def test_the_text_is_brought_once_and_named_from_then_on(shelf, accept):
    shelf.headers["Accept"] = accept
    first = await shelf.get(extensions=json.dumps(hashed(QUERY)))
    (error,) = first.json()["errors"]
    assert (first.status_code, error["message"]) == (200, "PersistedQueryNotFound")
    assert error["extensions"] == {"code": "PERSISTED_QUERY_NOT_FOUND"}
    assert first.headers["content-type"].startswith(JSON)
    assert first.headers["cache-control"] == "no-store"
    brought = await shelf.post(query=QUERY, extensions=hashed(QUERY))
    assert brought.json()["data"]["healthRecord"]["patientId"]
    for answer in (await shelf.get(extensions=json.dumps(hashed(QUERY))), await shelf.post(extensions=hashed(QUERY))):
        assert answer.json() == brought.json()


async def test_who_takes_nothing_but_graphql_is_told_with_400(shelf):
    answer = await shelf.post(extensions=hashed(QUERY))
    assert (answer.status_code, answer.headers["content-type"]) == (400, f"{GRAPHQL}; charset=utf-8")


async def test_another_hash_than_the_texts_is_refused_and_not_remembered(shelf):
    answer = await shelf.post(query=QUERY + " ", extensions=hashed(QUERY))
    assert (answer.status_code, _code(answer)) == (400, "PERSISTED_QUERY_HASH_MISMATCH")
    assert _code(await shelf.post(extensions=hashed(QUERY))) == "PERSISTED_QUERY_NOT_FOUND"


async def test_one_client_cannot_use_what_another_brought(shelf, book):
    await shelf.post(query=QUERY, extensions=hashed(QUERY))
    ((patient,),) = await book.sql("select patient_id from access.citizen where id = $1", book.citizens[0])
    assert (await shelf.post(extensions=hashed(QUERY))).json()["data"]["healthRecord"]["patientId"] == str(patient)
    await book.sql(
        """insert into auth.client select (jsonb_populate_record(c, '{"client_id": "other"}')).*
             from auth.client c where client_id = 'healthbook-phone'"""
    )
    shelf.token = await book.token(book.citizens[0], client_id="other")
    assert _code(await shelf.post(extensions=hashed(QUERY))) == "PERSISTED_QUERY_NOT_FOUND"


async def test_what_cannot_be_executed_is_not_remembered(shelf):
    for text in ("{", "{ nothing }", "query A { __typename } query B { __typename }"):
        await shelf.post(query=text, extensions=hashed(text))
        assert _code(await shelf.post(extensions=hashed(text))) == "PERSISTED_QUERY_NOT_FOUND"


async def test_a_mutation_by_its_hash_goes_by_post_only(shelf):
    text = "mutation { __typename }"
    await shelf.post(query=text, extensions=hashed(text))
    assert (await shelf.get(extensions=json.dumps(hashed(text)))).status_code == 405
    assert (await shelf.post(extensions=hashed(text))).json()["data"] == {"__typename": "Mutation"}


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (hashed(QUERY, 2), "PERSISTED_QUERY_NOT_SUPPORTED"),
        (hashed(QUERY, True), "PERSISTED_QUERY_NOT_SUPPORTED"),
        (hashed(QUERY, "1"), "PERSISTED_QUERY_NOT_SUPPORTED"),
        ({"persistedQuery": "x"}, "PERSISTED_QUERY_NOT_SUPPORTED"),
        ({"persistedQuery": []}, "PERSISTED_QUERY_NOT_SUPPORTED"),
        ({"persistedQuery": {"version": 1}}, "INVALID"),
        ({"persistedQuery": {"version": 1, "sha256Hash": 7}}, "INVALID"),
        ({"persistedQuery": {"version": 1, "sha256Hash": "x" * 64}}, "INVALID"),
        ({"persistedQuery": {"version": 1, "sha256Hash": "A" * 64}}, "INVALID"),
        ({"persistedQuery": {"version": 1, "sha256Hash": "0" * 100_000}}, "EXTENSIONS_TOO_LARGE"),
    ],
)
async def test_what_is_no_hash_of_this_protocol_is_refused(shelf, told, code):
    for body in ({"extensions": told}, {"query": QUERY, "extensions": told}):
        answer = await shelf.post(**body)
        assert (answer.status_code, _code(answer)) == (400, code)


async def test_no_persisted_query_at_all_is_a_missing_document(shelf):
    assert _code(await shelf.post(extensions={"persistedQuery": None})) == "INVALID"


def test_what_is_remembered_is_bounded_and_the_least_used_goes_first():
    queries = AutomaticQueries(capacity=3 * (OVERHEAD + 10))
    for name in "abc":
        queries.remember("app", name, name * 10)
    assert queries.find("app", "a") == "a" * 10
    queries.remember("app", "d", "d" * 10)
    assert [queries.find("app", name) is not None for name in "abcd"] == [True, False, True, True]
    queries.remember("app", "huge", "x" * 10_000)
    assert not any(queries.find("app", name) for name in ("a", "b", "c", "d", "huge"))
    queries.remember("app", "a", "a" * 10)
    assert queries.find("app", "a")


def _code(answer):
    (error,) = answer.json()["errors"]
    return error["extensions"]["code"]
