"""`healthbook clients`, `organizations` and `keys` on a database of their own: what is done, said and answered."""

import asyncio
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from typer.testing import CliRunner

from auth.flow_tables import RegistrationToken
from auth.opaque import digest
from auth.tables import OAuthClient, SigningKey
from cli.main import app
from domain.database import open_engine
from tests.auth.tokens.test_bearer import JWK
from tests.conftest import Database

APP = ("--name", "Ứng dụng Cam", "--scope", "openid record:labs:read", "--grant-type", "authorization_code")
CAM = ("--redirect-uri", "https://cam.example.vn/cb")
FACILITY = {"code": "01001", "name": "Bệnh viện Vàng", "kind": "hospital", "address": "Số 1 phố Vàng"}


@dataclass(frozen=True)
class Operator:
    database: Database
    folder: Path

    async def __call__(self, *words: object):
        """In a thread: the command has an event loop of its own."""
        environment = {"HEALTHBOOK_DATABASE_URL": self.database.owner, "HEALTHBOOK_DATA": str(self.folder / "data")}
        runner = CliRunner(env=environment)
        return await asyncio.to_thread(runner.invoke, app, [str(word) for word in words], catch_exceptions=False)

    def file(self, name: str, content: object) -> Path:
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False))
        return path

    async def rows(self, table):
        engine = open_engine(self.database.owner)
        try:
            async with AsyncSession(engine) as session:
                return list((await session.scalars(select(table))).all())
        finally:
            await engine.dispose()

    async def with_facility(self):
        assert (await self("organizations", "save", self.file("facilities.json", [FACILITY]))).exit_code == 0


@pytest.fixture
def healthbook(database: Database, tmp_path: Path) -> Operator:
    return Operator(database, tmp_path)


def told(result, name):
    return dict(line.split(": ", 1) for line in result.stdout.splitlines())[name]


async def test_a_third_party_is_registered_reviewed_and_suspended(healthbook):
    made = await healthbook("clients", "register", "--kind", "third_party", *APP, *CAM)
    assert made.exit_code == 0, made.output
    client_id = told(made, "client_id")
    assert told(made, "status") == "pending"
    assert (await healthbook("clients", "activate", client_id)).exit_code == 0
    assert told(await healthbook("clients", "show", client_id), "status") == "active"
    assert (await healthbook("clients", "suspend", client_id)).stdout == f"{client_id} is suspended.\n"
    listed = (await healthbook("clients", "list", "--status", "suspended")).stdout.splitlines()
    assert listed[0].split() == ["CLIENT", "KIND", "STATUS", "NAME"]
    assert listed[1].split(maxsplit=3) == [client_id, "third_party", "suspended", "Ứng dụng Cam"]
    assert len((await healthbook("clients", "list", "--status", "active")).stdout.splitlines()) == 1


async def test_a_facility_gets_a_secret_that_is_told_once_and_logged_never(healthbook, caplog):
    caplog.set_level(logging.DEBUG)
    await healthbook.with_facility()
    words = ("--grant-type", "client_credentials", "--auth-method", "client_secret_basic", "--organization", "01001")
    named = ("--kind", "facility", "--name", "Vàng", "--scope", "record:submit", "--client-id", "vang")
    made = await healthbook("clients", "register", *named, *words)
    first = told(made, "client_secret")
    second = told(await healthbook("clients", "rotate-secret", "vang"), "client_secret")
    assert first != second
    (client,) = await healthbook.rows(OAuthClient)
    assert client.secret_hash == digest(second)
    shown = (await healthbook("clients", "show", "vang")).stdout
    for secret in (first, second):
        assert secret not in shown
        assert secret not in caplog.text


async def test_keys_of_a_client_are_read_from_a_file_and_replaced(healthbook):
    await healthbook.with_facility()
    keys, others = (
        healthbook.file("a.json", {"keys": [JWK]}),
        healthbook.file("b.json", {"keys": [{**JWK, "kid": "k2"}]}),
    )
    words = ("--auth-method", "private_key_jwt", "--organization", "01001", "--client-id", "khoa", "--jwks", keys)
    made = await healthbook("clients", "register", "--kind", "clinician", *APP, *CAM, *words)
    assert made.exit_code == 0, made.output
    assert "client_secret" not in made.stdout
    assert (await healthbook("clients", "rotate-secret", "khoa", "--jwks", others)).exit_code == 0
    assert told(await healthbook("clients", "show", "khoa"), "keys") == "k2"
    assert (await healthbook("clients", "rotate-secret", "khoa")).exit_code == 1


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--kind", "admin", *CAM), "kind: "),
        (("--kind", "third_party"), "redirect_uris: "),
        (("--kind", "third_party", "--redirect-uri", "http://cam.example.vn/"), "redirect_uris: "),
        (("--kind", "third_party", *CAM, "--scope", "consent:manage"), "scope: "),
        (("--kind", "clinician", *CAM, "--organization", "99999"), "no such organization"),
        (("--kind", "third_party", *CAM, "--client-id", "a b"), "client_id: "),
        (("--kind", "third_party", *CAM, "--name", "Cam\u202e"), "name: "),
    ],
)
async def test_what_is_refused_is_said_and_exits_with_1(healthbook, words, complaint):
    refused = await healthbook("clients", "register", *APP, *words)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"healthbook: {complaint}")
    assert await healthbook.rows(OAuthClient) == []


async def test_a_client_is_not_registered_over_another(healthbook):
    words = ("clients", "register", "--kind", "third_party", *APP, *CAM, "--client-id", "cam")
    assert [(await healthbook(*words)).exit_code for _ in range(2)] == [0, 1]


@pytest.mark.parametrize("command", ["show", "suspend", "activate", "rotate-secret"])
async def test_a_client_that_is_not_there_exits_with_1(healthbook, command):
    refused = await healthbook("clients", command, "unknown")
    assert (refused.exit_code, refused.stderr) == (1, "healthbook: no such client\n")


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000, {"keys": [{**JWK, "d": "x"}]}])
async def test_a_file_that_holds_no_public_keys_is_refused(healthbook, content):
    words = ("--auth-method", "private_key_jwt", "--jwks", healthbook.file("keys.json", content))
    refused = await healthbook("clients", "register", "--kind", "third_party", *APP, *CAM, *words)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("healthbook: jwks: ")


async def test_a_developer_gets_a_registration_token(healthbook):
    made = await healthbook("clients", "registration-token", "--developer", "Nhóm Cam", "--uses", "3")
    assert made.exit_code == 0, made.output
    (row,) = await healthbook.rows(RegistrationToken)
    assert (row.developer, row.uses_left) == ("Nhóm Cam", 3)
    assert row.token_hash == digest(made.stdout.splitlines()[0].removeprefix("registration_token: "))


async def test_a_sandbox_client_of_an_operator_ends_too(healthbook):
    await healthbook("clients", "register", "--kind", "sandbox", *APP, *CAM)
    (client,) = await healthbook.rows(OAuthClient)
    assert client.expires_at is not None


async def test_facilities_are_saved_shown_and_suspended(healthbook):
    await healthbook.with_facility()
    assert (await healthbook("organizations", "suspend", "01001")).stdout == "01001 is suspended.\n"
    listed = (await healthbook("organizations", "list", "--status", "suspended")).stdout.splitlines()
    assert [line.split() for line in listed] == [
        ["CODE", "STATUS", "KIND", "NAME"],
        ["01001", "suspended", "hospital", "Bệnh", "viện", "Vàng"],
    ]
    renamed = healthbook.file("again.json", [FACILITY | {"name": "Bệnh viện Tím"}])
    assert (await healthbook("organizations", "save", renamed)).stdout == "1 facilities saved.\n"
    shown = await healthbook("organizations", "show", "01001")
    assert (told(shown, "name"), told(shown, "status")) == ("Bệnh viện Tím", "suspended")
    assert (await healthbook("organizations", "activate", "01001")).exit_code == 0
    assert told(await healthbook("organizations", "show", "01001"), "status") == "active"


@pytest.mark.parametrize(
    "content",
    [
        "", "{}", "[", "[7]", [{}], [{"code": 7}], [{"code": ""}], [{"code": "a b"}], [{"code": "x" * 21}],
        [{"code": "1", "kind": "palace"}], [{"code": "1", "kind": ["hospital"]}], [{"code": "1", "name": 7}],
        [{"code": "1", "name": "a\x00b"}],
        [FACILITY, {"code": "2", "name": "x" * 501}],
    ],
)  # fmt: skip
async def test_a_file_that_holds_no_facilities_is_refused(healthbook, content):
    refused = await healthbook("organizations", "save", healthbook.file("facilities.json", content))
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert len((await healthbook("organizations", "list")).stdout.splitlines()) == 1


@pytest.mark.parametrize("command", ["show", "suspend", "activate"])
async def test_a_facility_that_is_not_there_exits_with_1(healthbook, command):
    refused = await healthbook("organizations", command, "99999")
    assert (refused.exit_code, refused.stderr) == (1, "healthbook: no such organization\n")


async def keys_of(healthbook):
    lines = (await healthbook("keys", "list")).stdout.splitlines()[1:]
    return sorted((use, state, kid) for kid, use, state, _created in (line.split() for line in lines))


async def test_keys_are_made_rotated_and_dropped(healthbook):
    assert await keys_of(healthbook) == []
    assert (await healthbook("keys", "rotate")).exit_code == 0
    first = await keys_of(healthbook)
    assert [key[:2] for key in first] == [
        (use, state) for use in ("pass", "receipt", "token") for state in ("active", "next")
    ]
    assert (await healthbook("keys", "rotate", "--use", "receipt")).exit_code == 0
    rotated = await keys_of(healthbook)
    assert ("receipt", "retired", first[2][2]) in rotated
    assert (rotated[:2], rotated[-2:]) == (first[:2], first[-2:])
    dropped = await healthbook("keys", "drop", first[4][2])
    assert dropped.exit_code == 0, dropped.output
    after = await keys_of(healthbook)
    assert first[4][2] not in {kid for _use, _state, kid in after}
    assert ("token", "active", first[5][2]) in after
    private = [key.private_key for key in await healthbook.rows(SigningKey)]
    assert all(private)


@pytest.mark.parametrize("words", [("rotate", "--use", "cookie"), ("drop", "unknown")])
async def test_a_key_that_is_not_there_exits_with_1(healthbook, words):
    assert (await healthbook("keys", *words)).exit_code == 1


def test_help_of_the_commands_is_quick_to_read():
    for group in ("clients", "organizations", "keys"):
        assert CliRunner().invoke(app, [group, "--help"]).exit_code == 0
