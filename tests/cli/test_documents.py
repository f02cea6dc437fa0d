"""`healthbook documents`: what is checked, published, listed, withdrawn and restricted, and said of it."""

import asyncio
import hashlib
import json

import asyncpg
import pytest
from typer.testing import CliRunner

from cli.main import app

HOME = "query Home { healthRecord { patientId } }"
NAMES = "query A { me { id } } query B { __typename }"


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
async def owner(database):
    connection = await asyncpg.connect(database.owner)
    await connection.execute(
        """insert into auth.client (client_id, name, kind, status, auth_method, grant_types, scope, created_at,
                                    redirect_uris)
           values ('phone', 'Sổ', 'first_party', 'active', 'none', '[]', 'openid', now(), '[]')"""
    )
    yield connection
    await connection.close()


@pytest.fixture
def documents(database, tmp_path, owner):
    async def run(*words):
        """In a thread: the command has an event loop of its own."""
        runner = CliRunner(env={"HEALTHBOOK_DATABASE_URL": database.owner, "HEALTHBOOK_DATA": str(tmp_path / "data")})
        words = ["documents", *map(str, words)]
        return await asyncio.to_thread(runner.invoke, app, words, catch_exceptions=False)

    def file(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    run.file = file
    return run


async def test_files_of_both_kinds_are_published_once(documents, owner):
    plain = documents.file("home.graphql", HOME)
    made = {hashlib.md5(HOME.encode()).hexdigest(): HOME, sha256(NAMES): NAMES, f"sha256:{sha256(HOME)}": HOME}
    persisted = documents.file("persisted.json", json.dumps(made))
    first = await documents("publish", plain, persisted)
    assert first.exit_code == 0, first.output
    assert first.output.splitlines() == [
        f"sha256:{sha256(HOME)}  published  Home",
        f"sha256:{sha256(NAMES)}  published  A B",
    ]
    again = await documents("publish", plain, persisted)
    assert again.output == first.output.replace("  published  ", "  unchanged  ")
    rows = await owner.fetch("select sha256, client_id, body from registry.trusted_document")
    assert {tuple(row) for row in rows} == {(sha256(text), None, text) for text in (HOME, NAMES)}


async def test_a_document_is_for_one_client_or_for_all(documents, owner):
    path = documents.file("home.graphql", HOME)
    for words in ((), ("--client", "phone")):
        assert " published " in (await documents("publish", path, *words)).output
    listed = (await documents("list")).output.splitlines()
    assert [line.split()[1] for line in listed] == ["CLIENT", "phone", "all"]
    refused = await documents("publish", path, "--client", "nobody")
    assert (refused.exit_code, "no such client" in refused.output) == (1, True)
    assert await owner.fetchval("select count(*) from registry.trusted_document") == 2


async def test_a_withdrawn_document_is_gone_until_it_is_published_again(documents):
    path = documents.file("home.graphql", HOME)
    await documents("publish", path)
    wrong = await documents("withdraw", f"sha256:{sha256(HOME)}", "--client", "phone")
    assert wrong.exit_code == 1
    assert (await documents("withdraw", f"sha256:{sha256(HOME)}")).exit_code == 0
    assert (await documents("withdraw", sha256(HOME))).exit_code == 1
    assert sha256(HOME) not in (await documents("list")).output
    assert " published " in (await documents("publish", path)).output
    assert sha256(HOME) in (await documents("list")).output


async def test_a_client_is_restricted_and_released(documents):
    assert (await documents("restrict", "nobody")).exit_code == 1
    for _ in range(2):
        assert (await documents("restrict", "phone")).exit_code == 0
    assert "only published documents: phone" in (await documents("list")).output
    assert (await documents("release", "phone")).output == "phone may send documents of its own.\n"
    assert (await documents("release", "phone")).output == "phone was not restricted.\n"
    assert "only published documents" not in (await documents("list")).output


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.graphql", "{", "Syntax Error"),
        ("a.graphql", "", "Syntax Error"),
        ("a.graphql", "{ nothing }", "Cannot query field"),
        ("a.graphql", "fragment F on Query { __typename }", "never used"),
        ("a.graphql", 'query Q { organizations(codes: "\\u0000") { code } }', "NUL"),
        ("a.graphql", "{ " + "me { id } " * 3000 + "}", "3000 are allowed"),
        ("a.graphql", "query A { __typename } query A { me { id } }", "only one operation named"),
        ("a.graphql", b"\xff\xfe", "UTF-8"),
        ("a.json", "{", "UTF-8"),
        ("a.json", "[]", "object of texts"),
        ("a.json", '{"x": 7}', "object of texts"),
        ("a.json", "[" * 100_000, "UTF-8"),
        ("a.json", json.dumps({"0" * 64: HOME}), "not the SHA-256"),
        ("a.json", json.dumps({"x\x1b[2J": "{ nothing }"}), "Cannot query field"),
    ],
)
async def test_what_no_client_could_use_is_refused_and_nothing_is_published(documents, owner, name, content, why):
    refused = await documents("publish", documents.file("good.graphql", HOME), documents.file(name, content))
    assert refused.exit_code == 1
    assert why in refused.output
    assert name in refused.output
    assert "\x1b" not in refused.output
    assert await owner.fetchval("select count(*) from registry.trusted_document") == 0
