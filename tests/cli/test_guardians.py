"""`healthbook guardians` and `emergencies`, and the worker's notice of rights that ended."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.representation import tell_of_rights_that_ended
from domain.emergencies import LONGEST
from domain.values import utc_now

MOTHER, CHILD, PATIENT, CLINIC = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
PAPER = ("--evidence", "Giấy khai sinh 12/2017")
BORN = ("--born", str(utc_now().year - 5))

EMERGENCY = """insert into access.emergency_access (
    patient_id, id, practitioner_id, organization_id, grant_id, reason_code, reason, sections, sensitive, opened_at,
    expires_at, review)
  values ($1, $2, $2, $3, $2, 'unconscious', 'Bất tỉnh tại nhà', '{labs}', false, $4, $5, 'waiting')"""


@pytest.fixture
async def owner(database):
    connection = await asyncpg.connect(database.owner)
    await connection.execute("insert into book.patient (patient_id) values ($1)", PATIENT)
    await connection.execute(
        "insert into access.citizen (id, patient_id) values ($1, null), ($2, $3)", MOTHER, CHILD, PATIENT
    )
    yield connection
    await connection.close()


@pytest.fixture
def healthbook(database, tmp_path, owner):
    async def run(*words):
        """In a thread: the command has an event loop of its own."""
        runner = CliRunner(env={"HEALTHBOOK_DATABASE_URL": database.owner, "HEALTHBOOK_DATA": str(tmp_path)})
        return await asyncio.to_thread(runner.invoke, app, [str(word) for word in words], catch_exceptions=False)

    return run


def add(*more):
    return ("guardians", "add", "--citizen", MOTHER, "--patient", PATIENT, *PAPER, *more)


async def told(owner, kind):
    rows = await owner.fetch("select citizen_id from notify.inbox_item where kind = $1 order by citizen_id", kind)
    return [row["citizen_id"] for row in rows]


async def test_a_parent_is_recorded_listed_and_ended_and_both_are_told(healthbook, owner):
    added = await healthbook(*add("--kind", "parent", *BORN))
    assert added.exit_code == 0, added.output
    [row] = await owner.fetch("select * from access.related_person")
    assert str(row["id"]) in added.output
    assert f"{utc_now().year + 13}-01-01T00:00+07:00" in added.output
    assert (row["can_manage"], row["evidence"], row["granted_by"]) == (True, PAPER[1], None)
    assert await told(owner, "delegation") == [MOTHER, CHILD]
    listed = await healthbook("guardians", "list", PATIENT)
    assert str(row["id"]) in listed.output
    ended = await healthbook("guardians", "end", row["id"], "--evidence", "Bản án 7/2026")
    assert ended.output == "ended: 1\n"
    assert str(row["id"]) not in (await healthbook("guardians", "list", PATIENT)).output
    assert await told(owner, "delegation") == [MOTHER, MOTHER, CHILD, CHILD]


async def test_a_guardian_until_a_day_has_that_whole_day(healthbook, owner):
    day = (utc_now() + timedelta(days=40)).date()
    assert (await healthbook(*add("--kind", "guardian", "--until", day))).exit_code == 0
    [row] = await owner.fetch("select valid_until at time zone 'Asia/Ho_Chi_Minh' as ends from access.related_person")
    assert row["ends"].isoformat() == f"{day + timedelta(days=1)}T00:00:00"


@pytest.mark.parametrize(
    "words",
    [
        add("--kind", "parent"),
        add("--kind", "delegate"),
        add("--kind", "parent", "--born", "1990"),
        add("--kind", "parent", "--born", "yesterday"),
        add("--kind", "guardian", "--until", "2020-01-01"),
        add("--kind", "guardian", "--until", "soon"),
        ("guardians", "add", "--citizen", "x", "--patient", PATIENT, *PAPER, "--kind", "guardian"),
        ("guardians", "add", "--citizen", uuid4(), "--patient", PATIENT, *PAPER, "--kind", "guardian"),
        ("guardians", "add", "--citizen", MOTHER, "--patient", uuid4(), *PAPER, "--kind", "guardian"),
        ("guardians", "end", uuid4(), *PAPER),
        ("guardians", "end", "x", *PAPER),
        ("guardians", "list", "x"),
        ("emergencies", "review", uuid4(), "justified", "--by", "QA"),
        ("emergencies", "review", "x", "justified", "--by", "QA"),
    ],
)
async def test_what_cannot_be_done_is_said_and_nothing_changes(healthbook, owner, words):
    refused = await healthbook(*words)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("healthbook: ")
    assert await owner.fetchval("select count(*) from access.related_person") == 0


async def test_an_emergency_is_listed_until_it_is_reviewed_and_the_citizen_is_told(healthbook, owner):
    id_, opened = uuid4(), utc_now() - timedelta(days=2)
    await owner.execute(EMERGENCY, PATIENT, id_, CLINIC, opened, opened + LONGEST)
    listed = (await healthbook("emergencies", "list")).output
    assert all(word in listed for word in (str(id_), "LATE", "Bất tỉnh tại nhà"))
    assert (await healthbook("emergencies", "review", id_, "justified", "--by", "QA")).output == "reviewed: justified\n"
    assert str(id_) not in (await healthbook("emergencies", "list")).output
    assert await told(owner, "emergency_access") == [CHILD]
    assert (await healthbook("emergencies", "review", id_, "justified", "--by", "QA")).exit_code == 1


async def test_an_owner_who_is_no_superuser_reviews_and_tells(database, tmp_path, owner):
    """Row-level security is forced on him: what he has is what the roles that `migrate` made may do."""
    role, id_, now = f"owner_{uuid4().hex}", uuid4(), utc_now()
    await owner.execute(f"create role {role} login; grant healthbook_access, healthbook_consent to {role}")
    try:
        await owner.execute(EMERGENCY, PATIENT, id_, CLINIC, now, now + LONGEST)
        runner = CliRunner(env={"HEALTHBOOK_DATABASE_URL": database.dsn(role), "HEALTHBOOK_DATA": str(tmp_path)})

        async def healthbook(*words):
            return await asyncio.to_thread(runner.invoke, app, ["emergencies", *words], catch_exceptions=False)

        assert str(id_) in (await healthbook("list")).output
        done = await healthbook("review", str(id_), "unjustified", "--by", "QA")
        assert (done.exit_code, done.output) == (0, "reviewed: unjustified\n")
    finally:
        await owner.execute(f"drop role {role}")
    assert await owner.fetchval("select review from access.emergency_access") == "unjustified"
    assert await told(owner, "emergency_access") == [CHILD]


async def test_the_worker_tells_both_sides_once_of_a_right_whose_time_is_over(database, owner):
    await owner.execute(
        """insert into access.related_person (id, citizen_id, patient_id, kind, can_manage, valid_from, valid_until)
           values ($1, $1, $2, 'parent', true, now() - interval '18 years', now() - interval '1 second')""",
        MOTHER, PATIENT,
    )  # fmt: skip
    assert [await tell_of_rights_that_ended(database.addresses) for _ in range(2)] == [1, 0]
    assert await told(owner, "delegation") == [MOTHER, CHILD]
