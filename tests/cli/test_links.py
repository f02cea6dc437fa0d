"""`healthbook links`: an operator finds out why a source is in a book, moves it, and takes a merge back."""

import asyncio
from uuid import UUID

import pytest
from typer.testing import CliRunner

from cli.main import app
from domain.intake.links import merge
from tests.conftest import NOW
from tests.domain.intake.invariants import assert_sound
from tests.domain.intake.people_and_visits import LAM, dump, patient_of, send, source_of, told

NOBODY, NOBODY_ELSE = UUID(int=1), UUID(int=2)
SAID = ("--by", "clerk-1", "--reason", "seen the card")


@pytest.fixture
async def patients(database, importer):
    """Two people with a visit each."""
    await send(importer, told("A1"), told("B1", LAM))
    return await patient_of(database.owner, "A1"), await patient_of(database.owner, "B1")


@pytest.fixture
def healthbook(database, tmp_path):
    async def run(*words):
        """In a thread: the command has an event loop of its own."""
        runner = CliRunner(env={"HEALTHBOOK_DATABASE_URL": database.owner, "HEALTHBOOK_DATA": str(tmp_path)})
        words = ["links", *(str(word) for word in words)]
        return await asyncio.to_thread(runner.invoke, app, words, catch_exceptions=False)

    return run


async def test_a_source_is_moved_and_its_history_tells_by_whom_and_why(database, healthbook, patients):
    first, second = patients
    source = await source_of(database.owner, "A1")
    done = await healthbook("relink", source, "--patient", second, *SAID)
    assert (done.exit_code, done.output) == (0, f"patient: {second}\n")
    heading, before, now = (await healthbook("explain", source)).output.splitlines()
    assert heading.split() == ["PATIENT", "RULE", "REASONS", "BY", "SINCE", "UNTIL"]
    assert before.startswith(str(first))
    assert before.endswith("by clerk-1")
    assert now.split()[:2] == [str(second), "relink"]
    assert "seen the card" in now
    assert now.endswith("holds")
    await assert_sound(database.owner)


async def test_without_a_patient_a_source_founds_a_new_one(database, healthbook, patients):
    source = await source_of(database.owner, "A1")
    done = await healthbook("relink", source, *SAID)
    assert done.exit_code == 0
    assert done.output == f"patient: {await patient_of(database.owner, 'A1')}\n"
    assert done.output.split()[1] not in {str(one) for one in patients}


async def test_a_merge_is_taken_back_whole(database, importer, healthbook, patients):
    first, second = patients
    async with importer.engine.begin() as connection:
        await merge(connection, first, second, by="clerk-1", reason="one person", now=NOW)
    assert await patient_of(database.owner, "B1") == first
    done = await healthbook("unmerge", first, second, *SAID)
    assert (done.exit_code, done.output) == (0, "unmerged\n")
    assert await patient_of(database.owner, "B1") == second
    await assert_sound(database.owner)
    again = await healthbook("unmerge", first, second, *SAID)
    assert again.exit_code == 1
    assert again.stderr == "healthbook: The one patient is not merged directly into the other.\n"


@pytest.mark.parametrize(
    "words",
    [
        ("explain", "x"),
        ("explain", NOBODY),
        ("relink", "x", *SAID),
        ("relink", NOBODY, *SAID),
        ("relink", "A1", "--patient", "x", *SAID),
        ("relink", "A1", "--patient", NOBODY, *SAID),
        ("relink", "A1", "--by", " ", "--reason", "seen"),
        ("relink", "A1", "--by", "clerk-1", "--reason", "x" * 201),
        ("relink", "A1", "--by", "clerk-1", "--reason", "two\nlines"),
        ("unmerge", NOBODY, NOBODY_ELSE, *SAID),
        ("unmerge", "x", NOBODY, *SAID),
    ],
    ids=lambda words: " ".join(str(word)[:8] for word in words).encode("unicode_escape").decode(),
)
async def test_what_cannot_be_done_is_said_and_nothing_moves(database, healthbook, patients, words):
    source = await source_of(database.owner, "A1")
    before = await dump(database.owner)
    refused = await healthbook(*(source if word == "A1" else word for word in words))
    assert refused.exit_code == 1
    assert refused.stderr.startswith("healthbook: ")
    assert await dump(database.owner) == before
