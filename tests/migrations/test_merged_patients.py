"""After a merge the rights that name the lesser patient open the kept one's book; after an unmerge, his own."""

from uuid import UUID

import asyncpg
import pytest

from tests.conftest import Database

KEPT, LESSER, CITIZEN, MOTHER = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
GRANTS = {CITIZEN: UUID(int=5), MOTHER: UUID(int=6)}
CLIENT = """insert into auth.client (client_id, name, kind, status, auth_method, grant_types, scope, created_at,
                                     redirect_uris)
            values ('app', 'App', 'first_party', 'active', 'none', '[]', '', now(), '[]')"""
GRANT = """insert into auth.token_grant (id, client_id, citizen_id, scope, created_at, expires_at)
           values ($1, 'app', $2, 'record:labs:read', now(), now() + interval '1 hour')"""


async def opened(connection: asyncpg.Connection, grant: UUID, patient: UUID | None) -> tuple[UUID, str, str]:
    begin = "select patient, outcome, opened from access.begin($1, $2, null, array['labs'], null)"
    return tuple(await connection.fetchrow(begin, grant, patient))


@pytest.mark.parametrize("asked", [None, LESSER, KEPT])
async def test_his_own_book(asked: UUID | None, database: Database) -> None:
    connection = await _merged(database)
    assert await opened(connection, GRANTS[CITIZEN], asked) == (KEPT, "ALLOWED", ",labs,")
    assert (await opened(connection, GRANTS[MOTHER], asked))[1] == ("REFUSED" if asked is None else "ALLOWED")
    await connection.close()


async def test_his_own_again_after_an_unmerge(database: Database) -> None:
    connection = await _merged(database)
    await connection.execute("delete from access.patient_redirect")
    assert await opened(connection, GRANTS[CITIZEN], None) == (LESSER, "ALLOWED", ",labs,")
    for grant in GRANTS.values():
        assert (await opened(connection, grant, KEPT))[1] == "REFUSED"
        assert (await opened(connection, grant, LESSER))[1] == "ALLOWED"
    await connection.close()


async def _merged(database: Database) -> asyncpg.Connection:
    """LESSER, who signs in as CITIZEN and whose mother may read, was merged into KEPT."""
    connection = await asyncpg.connect(database.owner)
    await connection.execute(CLIENT)
    await connection.executemany("insert into access.citizen (id, patient_id) values ($1, $2)", [(CITIZEN, LESSER)])
    await connection.execute("insert into access.citizen (id) values ($1)", MOTHER)
    represents = "insert into access.related_person (id, citizen_id, patient_id, kind) values ($1, $1, $2, 'parent')"
    await connection.execute(represents, MOTHER, LESSER)
    await connection.execute("insert into access.patient_redirect (old_id, patient_id) values ($1, $2)", LESSER, KEPT)
    await connection.executemany(GRANT, [(grant, citizen) for citizen, grant in GRANTS.items()])
    return connection
