"""`healthbook audit` on a database of its own: sealed, signed, proved, tampered with, disputed and answered."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import jwt
import pytest
from typer.testing import CliRunner

from auth.signing.keys import ensure
from cli.main import app
from cli.sessions import auth_session
from cli.signing import ROOT_TYPE, Signing, root_checker
from cli.worker import expire
from domain.values import utc_now
from tests.access.world import CITIZEN, World

KEK = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="  # 32 bytes
ISSUER = "https://book.example.vn"
OLD = datetime.now(UTC) - timedelta(days=3)
ENTRY = """
insert into access.access_log (patient_id, at, id, grant_id, client_id, basis, purpose, sections, opened, outcome)
values ($1, $2, $3, $3, 'phone', 'self', 'PATRQT', '{labs}', '{labs}', 'ALLOWED')
"""


class Operator:
    def __init__(self, database, folder, **more):
        self.database = database
        self.environment = {
            "HEALTHBOOK_DATABASE_URL": database.owner,
            "HEALTHBOOK_DATA": str(folder),
            "HEALTHBOOK_ISSUER": ISSUER,
            "HEALTHBOOK_KEK": KEK,
            **more,
        }

    async def __call__(self, *words, code=0):
        runner = CliRunner(env=self.environment)
        done = await asyncio.to_thread(runner.invoke, app, ["audit", *words], catch_exceptions=False)
        assert done.exit_code == code, done.output
        return done.output

    async def sql(self, statement, *arguments):
        connection = await asyncpg.connect(self.database.owner)
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()


@pytest.fixture
async def audit(database, tmp_path):
    made = Operator(database, tmp_path)
    signing = Signing.of(database.addresses, made.environment)
    async with auth_session(database.addresses) as session:
        await ensure(session, signing.kek, utc_now())
        await session.commit()
    for number in range(1, 6):
        await made.sql(ENTRY, UUID(int=1), OLD + timedelta(minutes=number), UUID(int=number))
    return made


async def test_seals_signs_and_proves(audit):
    told = await audit("seal")
    assert told.startswith("sealed: 5 entries in 5 seals\nsigned: ")
    assert await audit("seal") == "sealed: 0 entries in 0 seals\nsigned: 0 days\n"
    told = await audit("verify")
    assert told.startswith("proved: 5 entries in 5 seals until ")
    day = (OLD + timedelta(days=1)).date().isoformat()
    assert "0 entries in 0 seals" in await audit("verify", "--from", day)


async def test_names_a_break_with_exit_code_1(audit):
    await audit("seal")
    await audit.sql("delete from access.access_log where id = $1", UUID(int=3))
    assert await audit("verify", code=1) == ("broken: missing entry, seal 3, place 1\nproved: 0 events of consents\n")


async def test_histories_of_consents_are_proved_and_a_change_is_named(audit):
    connection = await asyncpg.connect(audit.database.owner)
    world = World(connection)
    await world.build()
    past = utc_now() - timedelta(hours=1)
    for minutes in (1, 2):
        await world.consent(valid_from=past, valid_until=past + timedelta(minutes=minutes), granted_by=CITIZEN)
    await connection.close()
    assert await expire(Signing.of(audit.database.addresses, audit.environment)) == 2
    assert (await audit("verify")).endswith("proved: 2 events of consents\n")
    ((id_,),) = await audit.sql("update access.consent_event set kind = 'withdrawn' where place = 2 returning id")
    assert (await audit("verify", code=1)).endswith(f"broken: the history of consents at event {id_}\n")
    await audit.sql("delete from access.consent_event where place = 1")
    assert (await audit("verify", code=1)).endswith(f"broken: the history of consents at event {id_}\n")


async def test_a_signature_that_was_changed_is_wrong(audit):
    await audit("seal")
    ((day, signed),) = await audit.sql("select day, signed from access.day_root order by day limit 1")
    header, payload, signature = signed.split(".")
    other = ("B" if signature[0] == "A" else "A") + signature[1:]
    await audit.sql("update access.day_root set signed = $1 where day = $2", f"{header}.{payload}.{other}", day)
    assert (await audit("verify", code=1)).startswith(f"broken: wrong signature, day {day}, seal ")


async def test_a_receipt_is_no_root_of_a_day(audit):
    """Signed by the very key, but as something else. RFC 8725 3.11."""
    signing = Signing.of(audit.database.addresses, audit.environment)
    check = await root_checker(audit.database.addresses)
    assert check((await signing.signer(ROOT_TYPE))({"day": "x"}))["day"] == "x"
    assert check((await signing.signer())({"day": "x"})) is None
    for signed in ("", "a.b.c", "x", jwt.encode({"day": "x"}, "k" * 32, "HS256", {"typ": ROOT_TYPE, "kid": "x"})):
        assert check(signed) is None


async def test_roots_are_lines_that_anybody_verifies(audit):
    await audit("seal")
    lines = [json.loads(line) for line in (await audit("roots")).splitlines()]
    assert [line["day"] for line in lines] == sorted(line["day"] for line in lines)
    check = await root_checker(audit.database.addresses)
    for line in lines:
        claims = check(line["signed"])
        assert {name: claims[name] for name in ("day", "seal", "hash")} == {n: line[n] for n in ("day", "seal", "hash")}
        assert claims["iss"] == ISSUER
    assert len((await audit("roots", "--after", lines[0]["day"])).splitlines()) == len(lines) - 1


async def test_without_the_means_to_sign_it_seals(database, tmp_path, audit):
    plain = Operator(database, tmp_path, HEALTHBOOK_KEK="")
    assert "not signed" in await plain("seal")
    assert "days that are over and not signed" not in await plain("verify")


@pytest.fixture
async def dispute(audit):
    id_, citizen = uuid4(), uuid4()
    await audit.sql(
        """insert into access.dispute (patient_id, id, entry_id, entry_at, reason, raised_by, raised_at)
           values ($1, $2, $3, $4, E'Không phải tôi.\nXem lại', $5, now())""",
        UUID(int=1), id_, UUID(int=2), OLD + timedelta(minutes=2), citizen,
    )  # fmt: skip
    return id_, citizen


async def test_a_dispute_is_listed_and_answered_once_and_the_citizen_told(audit, dispute):
    id_, citizen = dispute
    heading, line = (await audit("disputes", "list")).splitlines()
    assert heading.split()[0] == "DISPUTE"
    assert line.startswith(str(id_))
    assert "PATRQT" in line
    assert line.endswith("Không phải tôi. Xem lại")
    assert await audit("disputes", "answer", str(id_), "upheld") == "answered: upheld\n"
    assert "no such open dispute" in await audit("disputes", "answer", str(id_), "explained", code=1)
    assert len((await audit("disputes", "list")).splitlines()) == 1
    assert len((await audit("disputes", "list", "--status", "upheld")).splitlines()) == 2
    ((to, kind, subject),) = await audit.sql("select citizen_id, kind, subject_id from notify.inbox_item")
    assert (to, kind, subject) == (citizen, "record_read", id_)


@pytest.mark.parametrize("words", [("x", "upheld"), (str(uuid4()), "upheld"), (str(uuid4()), "denied")])
async def test_what_cannot_be_answered_is_refused(audit, words):
    await audit("disputes", "answer", *words, code=1)
