"""`access.begin` decides about a citizen's own book by a shorter way: it finds what the longer one would find."""

from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from domain.values import utc_now
from tests.access.world import CITIZEN, CLINIC, MOTHER, PATIENT, SCOPE, STRANGER, World

SETTINGS = ("patient", "sections", "undated", "windows", "sensitive")
ASKED = ["labs", "vitals", "documents"]
KEPT = UUID(int=3)
SITUATIONS = {
    "nothing special": "select",
    "the grant is revoked": "update auth.token_grant set revoked_at = now(), revoke_reason = 'x'",
    "the grant is over": "update auth.token_grant set created_at = now() - interval '2 h', expires_at = now()",
    "the client is suspended": "update auth.client set status = 'suspended'",
    "the client's time is over": "update auth.client set expires_at = now() - interval '1 s'",
    "the client's time lasts": "update auth.client set expires_at = now() + interval '1 h'",
    "the client is an organization's": f"update auth.client set organization_id = '{CLINIC}' where client_id = 'phone'",
    "that organization is suspended": f"""
        with o as (update registry.organization set status = 'suspended')
        update auth.client set organization_id = '{CLINIC}' where client_id = 'phone'""",
    "the citizen has no book": f"update access.citizen set patient_id = null where id = '{CITIZEN}'",
    "his id was merged": f"insert into access.patient_redirect (old_id, patient_id) values ('{PATIENT}', '{KEPT}')",
    "another was merged into his": f"""
        insert into access.patient_redirect (old_id, patient_id) values ('{STRANGER}', '{PATIENT}')""",
    "somebody acts for him": f"""
        insert into access.related_person (id, citizen_id, patient_id, kind)
        values (uuidv7(), '{MOTHER}', '{PATIENT}', 'parent')""",
}
GRANTS = (
    "phone",
    "phone for little",
    "diary",
    "clinic",
    "nobody's",
    "of a profile",
    "of his own profile",
    "made",
    "made of a dead one",
)


async def granted(world: World, kind: str) -> UUID:
    match kind:
        case "phone for little":
            return await world.grant("phone", CITIZEN, "record:vitals:read")
        case "diary" | "clinic":
            return await world.grant(kind, CITIZEN if kind == "diary" else None)
        case "nobody's":
            return await world.grant("phone")
        case "of a profile" | "of his own profile":
            return await world.grant("phone", CITIZEN, patient_id=PATIENT if "own" in kind else STRANGER)
        case "made" | "made of a dead one":
            ended = {"created_at": utc_now() - timedelta(hours=2), "expires_at": utc_now() - timedelta(hours=1)}
            parent = await world.grant("phone", CITIZEN, SCOPE, **(ended if "dead" in kind else {}))
            return await world.grant("phone", CITIZEN, parent_id=parent)
    return await world.grant(kind, CITIZEN)


async def found(world: World, function: str, *asked: object) -> tuple[object, ...]:
    """Everything that a decision leaves: its answer, the settings, and its line in the log."""
    sql = f"select patient, outcome, opened from access.{function}($1, $2, $3, $4, $5)"
    answer = tuple(await world.sql.fetchrow(sql, *asked, ASKED, UUID(int=9)))
    settings = [await world.setting(name) for name in SETTINGS]
    line = await world.log()
    return answer, settings, {name: line[name] for name in line if name not in ("at", "id")}


@pytest.mark.parametrize("situation", SITUATIONS.values(), ids=SITUATIONS)
@pytest.mark.parametrize("grant", GRANTS)
async def test_the_shorter_way_finds_what_the_longer_one_finds(grant: str, situation: str, world: World) -> None:
    made = await granted(world, grant)
    await world.sql.execute(situation)
    for patient in (None, PATIENT, STRANGER, KEPT):
        for purpose in (None, "PATRQT", "TREAT", ""):
            expected = await found(world, "decide", made, patient, purpose)
            await world.sql.execute("delete from access.access_log")
            assert await found(world, "begin", made, patient, purpose) == expected, (patient, purpose)


async def test_an_unknown_grant_finds_nothing_on_either(world: World) -> None:
    asked = (UUID(int=77), PATIENT, None)
    assert await found(world, "begin", *asked) == await found(world, "decide", *asked)


async def test_the_shorter_way_is_taken(world: World) -> None:
    """Without the longer one, which is gone here, a citizen still reads his own book, and nobody else anything."""
    own, other = await world.grant("phone", CITIZEN), await world.grant("clinic")
    await world.sql.execute("drop function access.decide(uuid, uuid, text, text[], uuid)")
    assert (await world.begin(own))[0] == "ALLOWED"
    with pytest.raises(asyncpg.UndefinedFunctionError):
        await world.begin(other)
