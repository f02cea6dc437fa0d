"""The second wall: each role sees and writes what the transaction's settings open, in every table a patient owns.

The cases come from the catalog, so a table that is added tomorrow is tested tomorrow. Every table has rows of two
patients first, which the owner counts; otherwise the tests would prove nothing.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from domain.sections import SECTIONS
from tests.conftest import Database
from tests.migrations.catalog import PATIENT_TABLES, SCHEMAS
from tests.postgres import Databases

MINE, OTHERS = UUID(int=1), UUID(int=2)
DAY = "2025-03-14"
SECTION_OF = {model.table().fullname: section.name for section in SECTIONS for model in section.models}
SECTION_OF["book.removal"] = "labs"  # as its seeded row says; its policy reads the row's own section
ITEM_TABLES = sorted(SECTION_OF)
COLUMNS = """
select a.attname as name, format_type(a.atttypid, a.atttypmod) as type
  from pg_attribute a where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped
"""
SAMPLES: dict[str, Any] = {
    "uuid": "'00000000-0000-0000-0000-0000000000aa'",
    "text": "'x'",
    "boolean": "false",
    "jsonb": "'[]'",
    "timestamp with time zone": "'2025-03-14T00:00:00Z'",
    "integer": "1",
    "bigint": "1",
    "smallint": "1",
    "double precision": "1",
    "numeric": "1",
    "bytea": r"'\x00'",
    "date": "'2025-03-14'",
}


async def seed(connection: asyncpg.Connection) -> None:
    """One row of each of two patients in every table, made from its columns; keys between tables hold."""
    await connection.execute("set session_replication_role = replica")  # rows come in any order, keys are checked below
    for table in PATIENT_TABLES:
        columns = await connection.fetch(COLUMNS, table)
        for patient in (MINE, OTHERS):
            values = {column["name"]: _sample(column, patient) for column in columns}
            await connection.execute(f"insert into {table} ({', '.join(values)}) values ({', '.join(values.values())})")
    await connection.execute("set session_replication_role = default")


def _sample(column: asyncpg.Record, patient: UUID) -> str:
    fixed = {"patient_id": f"'{patient}'", "sensitivity": "''", "occurred": f"'{DAY}'", "shown": "true"}
    fixed["section"] = f"'{SECTION_OF['book.removal']}'"
    return fixed.get(column["name"], SAMPLES[column["type"].split("(")[0]])


@pytest.fixture(scope="module")
async def seeded(databases: Databases, migrated: str) -> AsyncIterator[Database]:
    dsn = await databases.clone(migrated)
    found = Database(dsn.split("?")[0].rsplit("/", 1)[1])
    connection = await asyncpg.connect(found.owner)
    await seed(connection)
    await connection.close()
    yield found
    await databases.drop(dsn)


@asynccontextmanager
async def role(seeded: Database, name: str, **settings: str) -> AsyncIterator[asyncpg.Connection]:
    """A transaction as the role, with some settings, that leaves nothing behind."""
    connection = await asyncpg.connect(seeded.owner)
    transaction = connection.transaction()
    await transaction.start()
    try:
        for setting, value in settings.items():
            await connection.execute("select set_config($1, $2, true)", f"app.{setting}", value)
        await connection.execute(f"set local role {name}")
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()


def opened(table: str, **changes: str) -> dict[str, str]:
    """What `access.begin` sets when it opens the table's section of MINE."""
    return {
        "patient": str(MINE),
        "sections": f",{SECTION_OF.get(table, '')},",
        "sensitive": ",",
        "undated": f",{SECTION_OF.get(table, '')},",
        "windows": ",",
        **changes,
    }


def dated(table: str, first: str, last: str) -> dict[str, str]:
    """The same, within some days; a section without limits beside it changes nothing."""
    section = SECTION_OF[table]
    return opened(table, undated=",x,", windows=f",x:1900-01-012200-01-01~,{section}:{first}{last}~,")


async def seen(connection: asyncpg.Connection, table: str) -> list[UUID]:
    return [row[0] for row in await connection.fetch(f"select patient_id from {table}")]


async def labelled(seeded: Database, table: str, label: str, **changes: str) -> list[UUID]:
    """What the reading role sees of rows that bear a label."""
    connection = await asyncpg.connect(seeded.owner)
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(f"update {table} set sensitivity = $1", label)
        for setting, value in opened(table, **changes).items():
            await connection.execute("select set_config($1, $2, true)", f"app.{setting}", value)
        await connection.execute("set local role healthbook_record")
        return await seen(connection, table)
    finally:
        await transaction.rollback()
        await connection.close()


@pytest.mark.parametrize("table", PATIENT_TABLES)
async def test_the_owner_counts_two_patients(table: str, seeded: Database) -> None:
    connection = await asyncpg.connect(seeded.owner)
    assert sorted(await seen(connection, table)) == [MINE, OTHERS]
    await connection.close()


@pytest.mark.parametrize("table", PATIENT_TABLES)
class TestReading:
    async def test_without_a_decision_is_an_error(self, table: str, seeded: Database) -> None:
        async with role(seeded, "healthbook_record") as connection:
            with pytest.raises(asyncpg.UndefinedObjectError):
                await seen(connection, table)

    async def test_after_an_earlier_decision_too(self, table: str, seeded: Database) -> None:
        """A setting that was local to a transaction is empty afterwards, not absent."""
        empty = dict.fromkeys(opened(table), "")
        async with role(seeded, "healthbook_record", **empty) as connection:
            with pytest.raises(asyncpg.InvalidTextRepresentationError):
                await seen(connection, table)

    @pytest.mark.parametrize("missing", ["patient", "sensitive", "undated", "windows"])
    async def test_with_half_a_decision_too(self, table: str, missing: str, seeded: Database) -> None:
        if table not in SECTION_OF and missing != "patient":
            return
        if missing in {"sensitive", "windows"}:  # asked only of rows that bear a label, or where there are limits
            async with role(seeded, "healthbook_record", **opened(table, **{missing: ""})) as connection:
                assert await seen(connection, table) == [MINE]
            return
        settings = opened(table)
        del settings[missing]
        async with role(seeded, "healthbook_record", **settings) as connection:
            with pytest.raises(asyncpg.UndefinedObjectError):
                await seen(connection, table)

    async def test_one_sees_his_own_rows(self, table: str, seeded: Database) -> None:
        async with role(seeded, "healthbook_record", **opened(table)) as connection:
            assert await seen(connection, table) == [MINE]

    async def test_nobody_elses(self, table: str, seeded: Database) -> None:
        async with role(seeded, "healthbook_record", **opened(table, patient=str(UUID(int=3)))) as connection:
            assert await seen(connection, table) == []

    async def test_writes_nothing(self, table: str, seeded: Database) -> None:
        for statement in (f"update {table} set patient_id = patient_id", f"delete from {table}", f"truncate {table}"):
            async with role(seeded, "healthbook_record", **opened(table)) as connection:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)


@pytest.mark.parametrize("table", ITEM_TABLES)
class TestSections:
    async def test_a_closed_section_is_empty(self, table: str, seeded: Database) -> None:
        others = "," + ",".join(s.name for s in SECTIONS if s.name != SECTION_OF[table]) + ","
        for open_ in (others, ",", "", f",x{SECTION_OF[table]},", SECTION_OF[table]):
            async with role(seeded, "healthbook_record", **opened(table, undated=open_)) as connection:
                assert await seen(connection, table) == []

    async def test_a_label_that_is_not_listed_hides_the_row(self, table: str, seeded: Database) -> None:
        section = SECTION_OF[table]
        other = next(one.name for one in SECTIONS if one.name != section)
        for sensitive in (
            ",",
            "",
            f",{section}:MENTAL,",
            f"{section}:HIV",
            f",{section}:HIVX,",
            f",{other}:HIV,",
            "*,",
        ):
            assert await labelled(seeded, table, "HIV", sensitive=sensitive) == []
        assert await labelled(seeded, table, "HIV", sensitive=f",{other}:MENTAL,{section}:HIV,") == [MINE]
        assert await labelled(seeded, table, "HIV", sensitive="*") == [MINE]

    async def test_a_label_opens_nothing_that_its_day_closes(self, table: str, seeded: Database) -> None:
        section = SECTION_OF[table]
        for sensitive in (f",{section}:HIV,", "*"):
            for first, expected in ((DAY, [MINE]), ("2025-03-15", [])):
                told = dated(table, first, "2025-12-31") | {"sensitive": sensitive}
                assert await labelled(seeded, table, "HIV", **told) == expected
            assert await labelled(seeded, table, "HIV", sensitive=sensitive, undated=",") == []

    @pytest.mark.parametrize(
        ("first", "last", "expected"),
        [
            ("2025-01-01", "2025-12-31", [MINE]),
            (DAY, DAY, [MINE]),
            ("2025-03-15", "2025-12-31", []),
            ("2025-01-01", "2025-03-13", []),
        ],
    )
    async def test_only_the_days_allowed(
        self, table: str, first: str, last: str, expected: list[UUID], seeded: Database
    ) -> None:
        window = dated(table, first, last)
        async with role(seeded, "healthbook_record", **window) as connection:
            assert await seen(connection, table) == expected

    async def test_what_has_no_date_is_outside_every_window(self, table: str, seeded: Database) -> None:
        window = dated(table, "1850-01-01", "2200-01-01")
        connection = await asyncpg.connect(seeded.owner)
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(f"update {table} set occurred = null")
        for setting, value in window.items():
            await connection.execute("select set_config($1, $2, true)", f"app.{setting}", value)
        await connection.execute("set local role healthbook_record")
        assert await seen(connection, table) == []
        await transaction.rollback()
        await connection.close()

    @pytest.mark.parametrize(
        "windows", ["", ",", ",x:1900-01-012200-01-01~,", "{s}:1900-01-012200-01-01~", ",{s}:,", ",{s}:1900-01-01,"]
    )
    async def test_limits_that_were_not_told_hide_everything(self, table: str, windows: str, seeded: Database) -> None:
        told = windows.replace("{s}", SECTION_OF[table])
        async with role(seeded, "healthbook_record", **opened(table, undated=",", windows=told)) as connection:
            assert await seen(connection, table) == []


@pytest.mark.parametrize("table", PATIENT_TABLES)
class TestWriting:
    async def test_without_naming_patients_is_an_error(self, table: str, seeded: Database) -> None:
        async with role(seeded, "healthbook_intake") as connection:
            with pytest.raises(asyncpg.UndefinedObjectError):
                await seen(connection, table)

    async def test_only_the_patients_named_are_seen_and_touched(self, table: str, seeded: Database) -> None:
        async with role(seeded, "healthbook_intake", patients="{" + str(MINE) + "}") as connection:
            assert await seen(connection, table) == [MINE]
            assert await connection.execute(f"update {table} set patient_id = patient_id") == "UPDATE 1"
        async with role(seeded, "healthbook_intake", patients="{}") as connection:
            assert await connection.execute(f"update {table} set patient_id = patient_id") == "UPDATE 0"

    async def test_no_row_is_given_to_anybody_else(self, table: str, seeded: Database) -> None:
        async with role(seeded, "healthbook_intake", patients="{" + str(MINE) + "}") as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                await connection.execute(f"update {table} set patient_id = $1", OTHERS)

    async def test_no_row_is_made_for_anybody_else(self, table: str, seeded: Database) -> None:
        async with role(seeded, "healthbook_intake", patients="{" + str(MINE) + "}") as connection:
            columns = {row["name"]: _sample(row, UUID(int=3)) for row in await connection.fetch(COLUMNS, table)}
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                await connection.execute(
                    f"insert into {table} ({', '.join(columns)}) values ({', '.join(columns.values())})"
                )

    async def test_nothing_is_deleted(self, table: str, seeded: Database) -> None:
        for statement in (f"delete from {table}", f"truncate {table}"):
            async with role(seeded, "healthbook_intake", patients="{" + str(MINE) + "}") as connection:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)


async def test_the_web_role_reads_no_table_of_ours(seeded: Database) -> None:
    """Abuse 40. Over a connection of its own, as an attacker with its password would have."""
    owner, web = await asyncpg.connect(seeded.owner), await asyncpg.connect(seeded.web)
    ours = "select schemaname || '.' || tablename from pg_tables where schemaname = any($1::text[])"
    tables = [row[0] for row in await owner.fetch(ours, sorted(SCHEMAS))]
    assert len(tables) > len(PATIENT_TABLES)
    for setting, value in opened("").items():
        await web.execute("select set_config($1, $2, false)", f"app.{setting}", value)
    for table in tables:
        for statement in (f"select from {table}", f"delete from {table}", f"truncate {table}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await web.execute(statement)
    await owner.close()
    await web.close()


@pytest.mark.parametrize("login", ["web", "intake", "auth"])
@pytest.mark.parametrize("wanted", ["healthbook_record", "healthbook_access", "postgres"])
async def test_no_login_becomes_another_role(login: str, wanted: str, seeded: Database) -> None:
    connection = await asyncpg.connect(getattr(seeded, login))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(f"set role {wanted}")
    await connection.close()


async def test_the_web_role_does_not_decide_for_itself(seeded: Database) -> None:
    """Abuse 40."""
    connection = await asyncpg.connect(seeded.web)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("select access.begin($1, $2, 'PATRQT', '{}', null)", MINE, MINE)
    await connection.close()
