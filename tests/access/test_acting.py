"""The writing door, `access.act`: who may act for somebody else."""

from uuid import UUID

import pytest

from tests.access.world import CITIZEN, CLINIC, MOTHER, PATIENT, World

ACT = "select outcome from access.act($1, $2, 'consents', 'consent:read', null)"
OPENED = "select current_setting('app.persons'), current_setting('app.organization')"


async def test_a_representative_acts_until_the_right_ends(world: World) -> None:
    await world.represent()
    grant = await world.grant("phone", MOTHER, "consent:read")
    assert await world.sql.fetchval(ACT, grant, PATIENT) == "ALLOWED"
    await world.sql.execute("update access.related_person set revoked_at = now()")
    assert await world.sql.fetchval(ACT, grant, PATIENT) == "REFUSED"


async def test_an_app_does_not_act_by_the_right_of_who_uses_it(world: World) -> None:
    await world.represent()
    grant = await world.grant("diary", MOTHER, "consent:read")
    assert await world.sql.fetchval(ACT, grant, PATIENT) == "REFUSED"


@pytest.mark.parametrize(("client", "who"), [("phone", MOTHER), ("clinic", None)])
async def test_a_refusal_opens_nobodys_rows(world: World, client: str, who: UUID | None) -> None:
    """What row-level security is written against stays empty: a caller who overlooks the outcome finds nothing."""
    grant = await world.grant(client, who, "record:labs:read")
    for outcome, scope in (("SCOPE", "consent:read"), ("ALLOWED" if who is None else "REFUSED", "record:labs:read")):
        async with world.sql.transaction():
            assert await world.sql.fetchval(ACT.replace("consent:read", scope), grant, PATIENT) == outcome
            persons, organization = await world.sql.fetchrow(OPENED)
            assert bool(persons) == (outcome == "ALLOWED")
            assert bool(organization) == (outcome == "ALLOWED")


async def test_an_organization_that_publishes_an_app_does_not_act_in_it(world: World) -> None:
    await world.sql.execute("update auth.client set organization_id = $1 where client_id = 'phone'", CLINIC)
    grant = await world.grant("phone", CITIZEN, "consent:read")
    async with world.sql.transaction():
        assert await world.sql.fetchval(ACT, grant, PATIENT) == "ALLOWED"
        assert await world.sql.fetchrow(OPENED) == (str(PATIENT), "")
