"""Parents: what they read of a growing child, what ends by itself, and what the child shares."""

from uuid import uuid4

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.representation.notices import came_of_age
from domain.database import open_engine
from domain.values import utc_now
from tests.api.families import code_of, family_of, quoted

REPRESENTATIONS = """
query ($patient: ID, $ended: Boolean! = false) { representations(patientId: $patient, includeEnded: $ended) {
  ofPatient { id citizenId isMine relation sections sensitive canManage privateFrom validUntil endedAt }
  mine { id patientId relation canManage } } }"""
SHARE = """mutation ($id: ID!, $sensitive: [String!]!) { shareWithRepresentative(id: $id, sensitive: $sensitive) {
  id sensitive privateFrom validUntil canManage } }"""
END = "mutation ($id: ID!) { endRepresentation(id: $id) { id endedAt isMine } }"


@pytest.fixture
async def family(book):
    return await family_of(book)


async def listed(family, token, **variables):
    return (await family.book.ask(REPRESENTATIONS, token, variables or None))["data"]["representations"]


async def parents_id(family, token):
    """The mother's right as the API names it."""
    found = await listed(family, token, patient=str(family.child))
    return next(one["id"] for one in found["ofPatient"] if one["citizenId"] == str(family.mother))


async def test_a_parent_reads_the_young_childs_book_but_not_of_a_violent_home(family):
    await family.label("HIV")
    await family.label("VIOLENCE")
    assert await family.labels(await family.of(family.mother)) == ["", "HIV"]


async def test_on_the_fifteenth_birthday_the_private_categories_close(family):
    await family.label("HIV")
    mother = await family.of(family.mother)
    assert await family.labels(mother) == ["", "HIV"]
    await family.grown(15)
    assert await family.labels(mother) == [""]


async def test_abuse_37_on_the_eighteenth_birthday_the_same_token_reads_nothing(family):
    mother = await family.of(family.mother)
    exchanged = await exchanged_for_the_child(family)
    assert await family.labels(mother) is not None
    assert await family.labels(exchanged) is not None
    child = await family.grown(18)
    assert await family.labels(mother) is None
    assert await family.labels(exchanged) is None
    ended = await family.book.ask(REPRESENTATIONS, mother, {"patient": str(family.child)})
    assert code_of(ended) == "NOT_FOUND"
    assert await family.labels(await family.of(child)) is not None


async def exchanged_for_the_child(family):
    """A token whose profile is the child, as a token exchange makes it (RFC 8693)."""
    token = await family.of(family.mother)
    await family.book.sql(
        "update auth.token_grant set patient_id = $1 "
        "where id = (select id from auth.token_grant order by created_at desc limit 1)",
        family.child,
    )
    return token


async def test_both_are_told_once_that_the_child_came_of_age(family):
    child = await family.grown(18)
    engine = open_engine(family.book.database.owner)
    async with AsyncSession(engine) as session:
        counts = [await session.run_sync(came_of_age, utc_now()) for _ in range(2)]
        await session.commit()
    await engine.dispose()
    assert counts == [1, 0]
    assert await family.inbox(family.mother) == await family.inbox(child) == [family.right]
    [row] = await family.book.sql(
        "select revoked_at, valid_until from access.related_person where id = $1", family.right
    )
    assert row["revoked_at"] == row["valid_until"]


async def test_a_patient_sees_who_acts_for_him_and_a_parent_for_whom_he_acts(family):
    child = await family.grown(16)
    seen = await listed(family, await family.of(child))
    assert [(one["relation"], one["isMine"], one["sensitive"]) for one in seen["ofPatient"]] == [("PARENT", False, [])]
    assert seen["mine"] == []
    hers = await listed(family, await family.of(family.mother))
    assert len(hers["mine"]) == 3
    assert hers["ofPatient"] == []
    assert str(family.child) in {one["patientId"] for one in hers["mine"]}


async def test_a_stranger_learns_nothing_of_who_acts_for_whom(family):
    stranger = await family.of(await family.citizen())
    for patient in (family.child, uuid4()):
        answer = await family.book.ask(REPRESENTATIONS, stranger, {"patient": str(patient)})
        assert (answer["data"], code_of(answer)) == ({"representations": None}, "NOT_FOUND")


async def test_from_fifteen_on_a_child_shares_what_he_likes_and_takes_it_back(family):
    await family.label("HIV")
    await family.label("MENTAL")
    child = await family.of(await family.grown(15))
    mother = await family.of(family.mother)
    right = await parents_id(family, child)
    shared = await family.book.ask(SHARE, child, {"id": right, "sensitive": ["HIV"]})
    assert shared["data"]["shareWithRepresentative"]["sensitive"] == ["HIV"]
    assert await family.labels(mother) == ["", "HIV"]
    again = shared["data"]["shareWithRepresentative"]["id"]
    await family.book.ask(SHARE, child, {"id": again, "sensitive": []})
    assert await family.labels(mother) == [""]
    history = (await listed(family, child, ended=True))["ofPatient"]
    assert [one["sensitive"] for one in history] == [[], ["HIV"], []]
    assert len(await family.inbox(family.mother)) == 2


async def test_sharing_does_not_outlive_the_childs_majority(family):
    child = await family.of(await family.grown(17))
    right = await parents_id(family, child)
    await family.book.ask(SHARE, child, {"id": right, "sensitive": ["HIV"]})
    mother = await family.of(family.mother)
    assert await family.labels(mother) is not None
    await family.book.sql("update access.related_person set valid_from = valid_from - interval '1 year', "
                          "valid_until = now() where patient_id = $1 and revoked_at is null", family.child)  # fmt: skip
    assert await family.labels(mother) is None


async def test_a_younger_child_cannot_share_nor_the_parent_for_him(family):
    child = await family.of(await family.grown(14))
    right = await parents_id(family, child)
    for token in (child, await family.of(family.mother)):
        answer = await family.book.ask(SHARE, token, {"id": right, "sensitive": ["VIOLENCE"]})
        assert code_of(answer) == "FORBIDDEN"
    assert await family.logged("shareWithRepresentative") == [("self", "ALLOWED"), ("parent", "ALLOWED")]


async def test_sharing_needs_a_fresh_strong_sign_in(family):
    citizen = await family.grown(15)
    right = await parents_id(family, await family.of(citizen))
    answer = await family.book.ask(SHARE, await family.of(citizen, acr=None), {"id": right, "sensitive": ["HIV"]})
    assert code_of(answer) == "STEP_UP_REQUIRED"


async def test_abuse_37_no_parent_and_no_child_ends_the_right_that_the_law_gave(family):
    father = await family.citizen()
    await family.book.sql(
        """insert into access.related_person (id, citizen_id, patient_id, kind, can_manage, evidence)
           values ($1, $1, $2, 'guardian', true, 'paper')""", father, family.child,
    )  # fmt: skip
    child = await family.grown(12)
    mothers = await parents_id(family, await family.of(family.mother))
    for citizen in (father, child):
        answer = await family.book.ask(END, await family.of(citizen), {"id": mothers})
        assert code_of(answer) == "FORBIDDEN"
    assert await family.labels(await family.of(family.mother)) is not None


async def test_a_guardian_gives_his_own_right_back_and_the_next_request_reads_nothing(family):
    mother = await family.of(family.mother)
    ended = await family.book.ask(END, mother, {"id": await parents_id(family, mother)})
    assert ended["data"]["endRepresentation"]["endedAt"] is not None
    assert await family.labels(mother) is None
    assert family.right in await family.inbox(family.mother)


@pytest.mark.parametrize("hostile", ["", "x", "é", "A" * 10_000, "\u0000", "'; drop table x; --"])
async def test_abuse_33_an_id_that_is_none_is_invalid(family, hostile):
    token = await family.of(family.mother)
    assert code_of(await family.book.ask(END, token, {"id": hostile})) == "INVALID"
    assert code_of(await family.book.ask(REPRESENTATIONS, token, {"patient": hostile})) == "INVALID"


async def test_abuse_33_half_a_character_is_no_500(family):
    token = await family.of(family.mother)
    body = orjson.dumps({"query": END, "variables": {"id": "SURROGATE"}}).replace(b"SURROGATE", rb"\ud800")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = await family.book.client.post("/graphql", content=body, headers=headers)
    assert answer.status_code == 400 or code_of(answer.json()) == "INVALID"


async def test_the_id_of_a_right_is_not_the_id_of_something_else(family):
    mother = await family.of(family.mother)
    right = await parents_id(family, mother)
    answer = await family.book.ask(f"{{ node(id: {quoted(right)}) {{ id }} }}", mother)
    assert code_of(answer) == "INVALID"
