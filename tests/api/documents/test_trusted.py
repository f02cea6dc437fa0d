"""Trusted documents at the door: named by id, published and withdrawn while it serves, and nothing else where asked."""

import asyncio
import time

import asyncpg
import httpx
import pytest

from api.app import create_app
from api.documents.automatic import digest
from api.http.media import JSON
from api.planner.read import RecordReader
from domain import trusted_documents
from domain.errors import Conflict
from tests.api.conftest import AUTH

HOME = "query Home($first: Int = 3) { healthRecord { labs(first: $first) { nodes { id } } } }"
TWO = "query A { healthRecord { patientId } } query B { me { id } } mutation C { __typename }"


def code(answer, status=400):
    assert answer.status_code == status, answer.text
    (error,) = answer.json()["errors"]
    assert set(answer.json()) == {"errors"}
    return error["extensions"]["code"]


async def test_a_published_document_is_asked_for_by_its_id(shelf):
    id_ = await shelf.publish(HOME)
    sent = (await shelf.post(query=HOME)).json()
    for name in (id_, id_.removeprefix("sha256:")):
        assert (await shelf.post(documentId=name)).json() == sent
        assert (await shelf.get(documentId=name)).json() == sent
    one = await shelf.get(documentId=id_, variables='{"first":1}')
    assert len(one.json()["data"]["healthRecord"]["labs"]["nodes"]) == 1


async def test_operations_are_chosen_by_name_and_a_mutation_goes_by_post_only(shelf):
    id_ = await shelf.publish(TWO)
    assert (await shelf.get(documentId=id_, operationName="B")).json()["data"]["me"]["id"]
    assert (await shelf.post(documentId=id_, operationName="C")).json()["data"] == {"__typename": "Mutation"}
    refused = await shelf.get(documentId=id_, operationName="C")
    assert (code(refused, 405), refused.headers["allow"]) == ("METHOD_NOT_ALLOWED", "POST")
    for name in (None, "D", "x" * 255):
        assert code(await shelf.post(documentId=id_, operationName=name)) == "OPERATION_RESOLUTION_FAILURE"


@pytest.mark.parametrize(
    "id_",
    [
        "",
        "x",
        "sha256:",
        "sha256:" + "0" * 63,
        "sha256:" + "0" * 64,
        "md5:" + "0" * 32,
        "0" * 64,
        "\x00",
        "A" * 64,
        "x" * 9999,
    ],
)
async def test_an_unknown_id_is_one_clear_error(shelf, id_):
    assert code(await shelf.post(documentId=id_)) == "PERSISTED_DOCUMENT_NOT_FOUND"
    shelf.headers["Accept"] = JSON
    assert code(await shelf.post(documentId=id_), 200) == "PERSISTED_DOCUMENT_NOT_FOUND"


async def test_a_document_of_another_client_is_unknown(shelf):
    id_ = await shelf.publish(HOME, "somebody-else")
    assert code(await shelf.post(documentId=id_)) == "PERSISTED_DOCUMENT_NOT_FOUND"
    await shelf.publish(HOME, "healthbook-phone")
    assert (await shelf.post(documentId=id_)).status_code == 200


async def test_a_withdrawn_document_is_unknown_soon_and_comes_back(shelf):
    id_ = await shelf.publish(HOME)
    assert (await shelf.post(documentId=id_)).status_code == 200
    assert await shelf.withdraw(id_)
    assert not await shelf.withdraw(id_)
    await shelf.looked()
    assert code(await shelf.post(documentId=id_)) == "PERSISTED_DOCUMENT_NOT_FOUND"
    await shelf.publish(HOME)
    assert (await shelf.post(documentId=id_)).status_code == 200


async def test_a_document_gives_no_right(shelf, book):
    """What may be read is decided for each request, by whatever name its document goes."""
    id_ = await shelf.publish("query ($of: ID) { healthRecord(patientId: $of) { patientId } }")
    ((other,),) = await book.sql("select patient_id from access.citizen where id = $1", book.citizens[2])
    answer = await shelf.post(documentId=id_, variables={"of": str(other)})
    assert answer.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert answer.json()["data"] == {"healthRecord": None}


async def test_documents_are_planned_when_the_server_starts(shelf, book, monkeypatch):
    id_ = await shelf.publish(HOME)
    app = create_app(book.database.api_settings(), AUTH)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=AUTH.issuer)
    async with app.router.lifespan_context(app), client:
        monkeypatch.setattr("api.limits.parse", None)
        monkeypatch.setattr("api.limits.validate", None)
        monkeypatch.setattr("api.planner.documents.compile_root", None)
        headers = {"Authorization": f"Bearer {shelf.token}"}
        for variables in ({}, {"first": 2}):
            answer = await client.post("/graphql", json={"documentId": id_, "variables": variables}, headers=headers)
            assert "errors" not in answer.json()


async def test_a_flood_of_unknown_ids_asks_the_database_once_a_second(book, monkeypatch):
    asked = []
    value = RecordReader.value

    async def counted(self, sql, *arguments):
        asked.extend([sql] if "trusted" in sql else [])
        return await value(self, sql, *arguments)

    monkeypatch.setattr(RecordReader, "value", counted)
    headers = {"Authorization": f"Bearer {await book.token(book.citizens[0])}"}
    started = time.monotonic()
    for n in range(50):
        await book.client.post("/graphql", json={"documentId": f"{n:064}"}, headers=headers)
    assert len(asked) <= 2 * (time.monotonic() - started) + 2


async def test_what_the_database_cannot_tell_stays_as_it_was(shelf, book):
    id_ = await shelf.publish(HOME)
    assert (await shelf.post(documentId=id_)).status_code == 200
    await book.sql("alter function access.trusted_documents rename to were_documents")
    assert code(await shelf.post(documentId="0" * 64)) == "PERSISTED_DOCUMENT_NOT_FOUND"
    assert (await shelf.post(documentId=id_)).status_code == 200


async def test_a_document_that_no_longer_fits_the_schema_is_told_to_its_client_only(shelf, book):
    text = "{ thisWasAField }"
    await book.sql(
        """insert into registry.trusted_document (id, sha256, name, body, published_at)
           values (gen_random_uuid(), encode(sha256(convert_to($1, 'UTF8')), 'hex'), '', $1, now())""",
        text,
    )
    assert code(await shelf.post(documentId=digest(text))) == "GRAPHQL_VALIDATION_FAILED"
    assert (await shelf.post(documentId=await shelf.publish(HOME))).status_code == 200


class TestTrustedOnly:
    @pytest.fixture
    async def restricted(self, shelf):
        await shelf.publish(HOME)
        await shelf.restrict()
        await shelf.looked()
        return shelf

    async def test_refuses_every_other_document(self, restricted):
        for query in ("{ __typename }", "{ me { id } }", HOME + " ", "{", "mutation { __typename }"):
            assert code(await restricted.post(query=query), 403) == "DOCUMENT_NOT_TRUSTED"
            assert code(await restricted.get(query=query), 403) == "DOCUMENT_NOT_TRUSTED"
            brought = {"persistedQuery": {"version": 1, "sha256Hash": digest(query)}}
            assert code(await restricted.post(query=query, extensions=brought), 403) == "DOCUMENT_NOT_TRUSTED"
            assert code(await restricted.post(extensions=brought), 403) == "DOCUMENT_NOT_TRUSTED"

    async def test_tells_clients_of_json_with_200(self, restricted):
        restricted.headers["Accept"] = JSON
        assert code(await restricted.post(query="{ me { id } }"), 200) == "DOCUMENT_NOT_TRUSTED"

    async def test_answers_trusted_ones_in_every_form(self, restricted):
        hashed = {"persistedQuery": {"version": 1, "sha256Hash": digest(HOME)}}
        for body in (
            {"documentId": digest(HOME)},
            {"query": HOME},
            {"extensions": hashed},
            {"query": HOME, "extensions": hashed},
        ):
            assert (await restricted.post(**body)).json()["data"]["healthRecord"]["labs"]["nodes"]

    async def test_ends_when_the_client_is_released(self, restricted):
        assert await restricted.as_owner(trusted_documents.restricted) == ["healthbook-phone"]
        assert await restricted.as_owner(trusted_documents.release, "healthbook-phone")
        assert not await restricted.as_owner(trusted_documents.release, "healthbook-phone")
        await restricted.looked()
        assert (await restricted.post(query="{ __typename }")).status_code == 200

    async def test_leaves_other_clients_alone(self, shelf):
        await shelf.restrict("somebody-else")
        await shelf.looked()
        assert (await shelf.post(query="{ __typename }")).status_code == 200


async def test_the_process_looks_by_itself(shelf, book, monkeypatch):
    """Nobody names the document meanwhile: it is withdrawn, and gone after a few looks."""
    id_ = await shelf.publish(HOME)
    monkeypatch.setattr("api.documents.published.LOOK_EVERY_S", 0.01)
    monkeypatch.setattr("api.documents.published.LOOK_AGAIN_S", float("inf"))
    app = create_app(book.database.api_settings(), AUTH)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=AUTH.issuer)
    headers = {"Authorization": f"Bearer {shelf.token}"}
    async with app.router.lifespan_context(app), client, asyncio.timeout(30):
        assert "data" in (await client.post("/graphql", json={"documentId": id_}, headers=headers)).json()
        await shelf.withdraw(id_)
        while "data" in (await client.post("/graphql", json={"documentId": id_}, headers=headers)).json():
            continue


@pytest.mark.parametrize("client_id", [None, "healthbook-phone"])
async def test_of_many_who_publish_at_once_one_does(shelf, book, client_id):
    for _ in range(2):
        done = await asyncio.gather(*(shelf.published_now(HOME, client_id) for _ in range(8)))
        assert sorted(done) == [False] * 7 + [True]
        assert len(await book.sql("select from registry.trusted_document")) == 1
        assert await shelf.withdraw(digest(HOME), client_id)


async def test_no_more_is_published_than_every_process_can_keep(shelf, monkeypatch):
    await shelf.publish(HOME)
    monkeypatch.setattr(trusted_documents, "MOST_CHARACTERS", len(HOME) + 10)
    with pytest.raises(Conflict):
        await shelf.publish(TWO)
    assert [one.body for one in await shelf.as_owner(trusted_documents.published)] == [HOME]


async def test_the_web_login_cannot_read_or_write_the_tables(book):
    connection = await asyncpg.connect(book.database.web)
    try:
        for statement in ("select from registry.trusted_document", "delete from registry.trusted_only"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_text_under_another_name_cannot_be_stored(book):
    with pytest.raises(asyncpg.CheckViolationError):
        await book.sql(
            """insert into registry.trusted_document (id, sha256, name, body, published_at)
               values (gen_random_uuid(), repeat('0', 64), '', '{ me { id } }', now())"""
        )
