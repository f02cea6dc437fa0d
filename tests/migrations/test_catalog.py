"""The rules of the schema, asked of the catalog of a migrated database; the questions find what breaks them."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.conftest import Database
from tests.migrations.catalog import PATIENT_TABLES, ROLES, breaches, undeclared


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.owner)
    yield connection
    await connection.close()


async def test_every_table_has_a_declared_class(owner: asyncpg.Connection) -> None:
    assert await undeclared(owner) == []


async def test_every_rule_holds(owner: asyncpg.Connection) -> None:
    assert await breaches(owner) == {}


async def test_all_of_the_book_is_the_patients(owner: asyncpg.Connection) -> None:
    book = await owner.fetch(
        "select schemaname || '.' || tablename from pg_tables where schemaname = 'book' order by 1"
    )
    assert [row[0] for row in book] == PATIENT_TABLES


async def test_all_roles_exist(owner: asyncpg.Connection) -> None:
    assert await owner.fetchval("select count(*) from pg_roles where rolname = any($1::text[])", list(ROLES)) == len(
        ROLES
    )


async def test_a_forgotten_table_is_found(owner: asyncpg.Connection) -> None:
    await owner.execute("create table book.forgotten (id bigint generated always as identity primary key, name text)")
    assert await undeclared(owner) == ["book.forgotten"]
    await owner.execute("grant select on book.forgotten to healthbook_record, healthbook_web, public")
    found = await breaches(owner, ["book.forgotten"])
    assert {
        "the key starts with patient_id",
        "every index starts with patient_id",
        "no sequences and no identity",
        "row-level security is on and forced",
        "every role with a right has a policy",
        "nobody else has any right",
        "nothing of ours is PUBLIC's",
        "the web role has no right to any table, view or sequence",
    } <= found.keys()


PLANTED = {
    "row-level security is on and forced": "alter table book.labs no force row level security",
    "no policy is simply true": "create policy p on book.labs for select to healthbook_record using (true)",
    "no policy for PUBLIC": "create policy p on book.labs using (patient_id = current_setting('app.patient')::uuid)",
    "no policy has a sub-select": """create policy p on book.labs for select to healthbook_record
        using (patient_id = (select current_setting('app.patient')::uuid))""",
    "every policy compares patient_id with a strict setting": """create policy p on book.labs for select
        to healthbook_record using (patient_id = current_setting('app.patient', true)::uuid)""",
    "writing is checked like reading": """create policy p on book.labs for update to healthbook_intake
        using (patient_id = current_setting('app.patient')::uuid) with check (true)""",
    "every index starts with patient_id": "create index x on book.labs (received_at)",
    "foreign keys contain patient_id, first on both sides": """alter table book.labs
        add foreign key (organization_id) references registry.organization (id)""",
    "no foreign key from outside leads to a patient's rows": """alter table access.citizen
        add foreign key (patient_id) references book.patient (patient_id)""",
    "no ON DELETE or ON UPDATE SET NULL or SET DEFAULT": """alter table book.prescription_items
        add foreign key (patient_id, prescription_id) references book.prescriptions (patient_id, id)
        on delete set null""",
    "no triggers of ours": """create function access.t() returns trigger language plpgsql as 'begin return new; end';
        create trigger t before update on book.labs for each row execute function access.t()""",
    "no sequences and no identity": "alter table book.labs add column n bigserial",
    "a function with its owner's rights fixes its search path": """create function access.f() returns int
        language sql security definer as 'select 1'""",
    "no function of ours is PUBLIC's": "create function access.f() returns int language sql as 'select 1'",
    "nothing of ours is PUBLIC's": "grant select on registry.organization to public",
    "the web role has no right to any table, view or sequence": "grant select (id) on book.labs to healthbook_web",
    "nobody else has any right": "grant select (id) on book.labs to healthbook_access",
    "the reading role only reads": "grant update (shown) on book.labs to healthbook_record",
    "the writing role deletes nothing": "grant delete on book.labs to healthbook_intake",
    "views see with the rights of who asks": "create view book.v as select * from book.labs",
    "no materialised views": "create materialized view book.v as select * from book.labs",
    "roles own no table and no schema": "alter table book.labs owner to healthbook_access",
    "roles create nothing": "grant create on schema public to healthbook_auth",
    "what was received is never rewritten": "grant update on intake.source_record to healthbook_intake",
    "the log is only added to": "grant delete on access.access_log to healthbook_access",
    "partitions of the log are reached through it alone": """grant select
        on access.access_log_default to healthbook_auth""",
}


@pytest.mark.parametrize("rule", PLANTED)
async def test_a_planted_breach_is_found(rule: str, owner: asyncpg.Connection) -> None:
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute(PLANTED[rule])
    assert rule in await breaches(owner)
    await transaction.rollback()
