"""The models say what the migrations make, and the migrations are safe to run beside traffic."""

import asyncio
import io
import json
import re
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from cli.migrations import config
from domain.database import REVISION
from tests.conftest import Database

NOT_FOR_US = (
    "require-lock-timeout",  # migrations/env.py sets it on the connection
    "require-statement-timeout",  # likewise
    "prefer-text-field",  # the version column is Alembic's
    "prefer-bigint-over-int",  # ages, doses and version numbers; no ids
    "prefer-identity",  # the job queue's sequences are its library's own
)


async def test_the_models_are_what_the_migrations_make(database: Database) -> None:
    await asyncio.to_thread(command.check, _config(database))


async def test_a_model_without_a_migration_is_found(database: Database) -> None:
    connection = await asyncpg.connect(database.owner)
    await connection.execute("alter table book.labs drop column note")
    await connection.close()
    with pytest.raises(Exception, match="New upgrade operations detected"):
        await asyncio.to_thread(command.check, _config(database))


async def test_indexes_whose_making_was_cut_short_are_made(database: Database) -> None:
    """As after a lock that could not be had: one half made, one not yet, one not yet in the place of the old one."""
    connection = await asyncpg.connect(database.owner)
    state = "select indexrelid from pg_index where indisvalid and indexrelid::regclass::text like 'book.ix\\_%\\_page'"
    ready = {row[0] for row in await connection.fetch(state)}
    kept = await connection.fetchval("select 'book.ix_encounters_page'::regclass::oid")
    await connection.execute("""
        update pg_index set indisvalid = false where indexrelid = 'book.ix_labs_page'::regclass;
        drop index book.ix_vitals_page;
        create index ix_imaging_shown on book.imaging (patient_id, occurred, id) where shown;
        update registry.alembic_version set version_num = '0020'
    """)
    await asyncio.to_thread(command.upgrade, _config(database), "head")
    made = {row[0] for row in await connection.fetch(state)}
    assert len(made) == len(ready) == 17
    assert kept in made & ready
    assert await connection.fetchval("select to_regclass('book.ix_imaging_shown')") is None
    await connection.close()
    await asyncio.to_thread(command.check, _config(database))


def test_the_code_asks_for_the_newest_revision() -> None:
    assert ScriptDirectory.from_config(config()).get_heads() == [REVISION]


def test_revisions_are_one_line() -> None:
    scripts = list(ScriptDirectory.from_config(config()).walk_revisions())
    assert [script.down_revision for script in scripts] == [*(script.revision for script in scripts[1:]), None]


def _config(database: Database) -> Config:
    return config(url=database.owner.replace("postgresql://", "postgresql+asyncpg://", 1))


@pytest.fixture(scope="module")
def script() -> str:
    """What the migrations would run, as SQL."""
    told = io.StringIO()
    with redirect_stdout(told):
        command.upgrade(config(url=None), "head", sql=True)
    return told.getvalue()


def test_the_migrations_can_be_read_as_sql(script: str) -> None:
    forced = re.findall(r"alter table book\.\w+ force row level security", script)
    assert script.count("CREATE TABLE book.") == len(forced) > 15
    assert "\\:" not in script


def test_squawk_finds_nothing_dangerous(script: str, tmp_path: Path) -> None:
    assert _squawk(script, tmp_path) == []


def test_squawk_would(tmp_path: Path) -> None:
    found = _squawk("alter table book.labs alter column value type int using 1; drop table book.labs;", tmp_path)
    assert {"changing-column-type", "ban-drop-table"} <= {one["rule_name"] for one in found}


def _squawk(sql: str, folder: Path) -> list[dict[str, Any]]:
    file = folder / "migrations.sql"
    file.write_text(sql)
    excluded = [f"--exclude={rule}" for rule in NOT_FOR_US]
    command_ = [Path(sys.executable).with_name("squawk"), "--reporter=json", "--pg-version=18.0", *excluded, file]
    done = subprocess.run(command_, capture_output=True, text=True, timeout=60)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found
