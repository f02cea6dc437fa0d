"""The tables of appointments: whose rows each role sees and writes, asked of the catalog and tried."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from tests.conftest import Database
from tests.migrations.catalog import DECLARED, LOGIN_ROLES

APPOINTMENT = sorted(name for name, kind in DECLARED.items() if kind == "appointment")
CLINIC = sorted(name for name, kind in DECLARED.items() if kind == "clinic")
LOOKUPS = ["booking.check_in_pass", "booking.feed"]
OURS = [*APPOINTMENT, *CLINIC, *LOOKUPS]
FIRST_OF_KEY = """
select t from unnest($1::text[]) t
 where (select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
         where i.indrelid = t::regclass and i.indisprimary) <> $2"""


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.owner)
    yield connection
    await connection.close()


async def test_there_are_some(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch("select 'booking.' || tablename from pg_tables where schemaname = 'booking' order by 1")
    assert [row[0] for row in rows] == sorted(OURS)


async def test_keys_start_with_their_owner(owner: asyncpg.Connection) -> None:
    assert await owner.fetch(FIRST_OF_KEY, APPOINTMENT, "patient_id") == []
    assert await owner.fetch(FIRST_OF_KEY, CLINIC, "organization_id") == []


async def test_unique_rules_of_patients_start_with_patient_id(owner: asyncpg.Connection) -> None:
    broken = await owner.fetch(
        """select i.indexrelid::regclass::text from unnest($1::text[]) t
             join pg_index i on i.indrelid = t::regclass and i.indisunique
             join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
            where a.attname <> 'patient_id'""",
        APPOINTMENT,
    )
    assert broken == []


async def test_row_level_security_is_on_and_forced(owner: asyncpg.Connection) -> None:
    broken = await owner.fetch(
        """select t from unnest($1::text[]) t join pg_class c on c.oid = t::regclass
            where not (c.relrowsecurity and c.relforcerowsecurity)""",
        OURS,
    )
    assert broken == []


async def test_only_the_writing_login_has_rights_and_it_deletes_no_booking(owner: asyncpg.Connection) -> None:
    others = [role for role in LOGIN_ROLES if role != "healthbook_consent"] + ["healthbook_record", "healthbook_access"]
    rights = "select, insert, update, delete, truncate, references, trigger"
    broken = await owner.fetch(
        "select t, r from unnest($1::text[]) t, unnest($2::text[]) r where has_table_privilege(r, t, $3)",
        OURS, others, rights,
    )  # fmt: skip
    assert broken == []
    kept = "select t from unnest($1::text[]) t where has_table_privilege('healthbook_consent', t, 'delete, truncate')"
    assert await owner.fetch(kept, [*APPOINTMENT, *LOOKUPS]) == []


async def test_nobody_logs_in_as_the_keeper_of_places(owner: asyncpg.Connection) -> None:
    assert await owner.fetchval("select rolcanlogin from pg_roles where rolname = 'healthbook_booking'") is False


@pytest.mark.parametrize("table", [*APPOINTMENT, *LOOKUPS])
async def test_without_a_person_there_is_an_error_and_not_every_row(database: Database, table: str) -> None:
    owner = await asyncpg.connect(database.owner)
    await owner.execute("set session_replication_role = replica")
    columns = await owner.fetch(
        """select attname, format_type(atttypid, atttypmod) as kind from pg_attribute
            where attrelid = $1::regclass and attnum > 0 and attnotnull""",
        table,
    )
    sample = {
        "uuid": "gen_random_uuid()", "text": "'held'", "timestamp with time zone": "now()", "integer": "1",
        "boolean": "false", "bytea": r"'\x00'", "text[]": "'{}'",
    }  # fmt: skip
    values = {row["attname"]: sample[row["kind"]] for row in columns}
    values |= {"status": "'waiting'"} if table == "booking.waiting" else {}
    values |= {"latest": "now() + interval '1 day'"} if table == "booking.waiting" else {}
    values |= {"held_until": "now()"} if table == "booking.booking" else {}
    values |= {"expires_at": "now() + interval '1 hour'"} if table == "booking.check_in_pass" else {}
    await owner.execute(f"insert into {table} ({', '.join(values)}) values ({', '.join(values.values())})")
    assert await owner.fetchval(f"select count(*) from {table}") == 1
    await owner.close()
    service = await asyncpg.connect(database.consent)
    with pytest.raises(asyncpg.UndefinedObjectError):
        await service.fetchval(f"select count(*) from {table}")
    async with service.transaction():
        await service.execute("select set_config('app.persons', '', true), set_config('app.organization', '', true)")
        assert await service.fetchval(f"select count(*) from {table}") == 0
    await service.close()


PASS = """
insert into booking.check_in_pass (secret_hash, patient_id, booking_id, organization_id, starts_at, citizen_id,
                                   actor_role, acr, auth_time, sections, text_hash, made_at, valid_from, expires_at)
values ($1, $2, gen_random_uuid(), $3, now(), $2, 'self', 'demo', now(), '{labs}', '', now(), now(),
        now() + interval '1 hour')"""
WHO = "select set_config('app.persons', $1, true), set_config('app.organization', $2, true)"


async def test_a_pass_is_the_patients_to_make_and_its_one_clinics_to_see_and_nobodys_to_change(
    database: Database,
) -> None:
    patient, clinic, other = (UUID(int=number) for number in (1, 2, 3))
    service = await asyncpg.connect(database.consent)
    async with service.transaction():
        await service.execute(WHO, str(patient), "")
        await service.execute(PASS, b"a", patient, clinic)
    for persons, organization, sees in (("", clinic, 1), ("", other, 0), (other, "", 0), (patient, other, 1)):
        async with service.transaction():
            await service.execute(WHO, str(persons), str(organization))
            assert await service.fetchval("select count(*) from booking.check_in_pass") == sees
    for attempt in (
        (PASS, b"b", patient, clinic),
        ("update booking.check_in_pass set sections = '{}'",),
        ("delete from booking.check_in_pass",),
    ):
        transaction = service.transaction()
        await transaction.start()
        await service.execute(WHO, "", str(clinic))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await service.execute(*attempt)
        await transaction.rollback()
    await service.close()
