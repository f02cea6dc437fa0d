"""Delegates: a code from hand to hand, a few sections for a time, and no way to more."""

import asyncio
from datetime import timedelta

import pytest

from domain.values import utc_now
from tests.api.families import code_of, family_of

INVITE = """
mutation ($patient: ID, $sections: [String!]!, $until: Instant!, $sensitive: [String!], $agrees: Boolean! = false) {
  inviteDelegate(patientId: $patient, sections: $sections, validUntil: $until, sensitive: $sensitive,
                 childAgrees: $agrees) {
    code expiresAt } }"""
ACCEPT = """mutation ($code: String!) { acceptDelegation(code: $code) {
  ... on Representation { id patientId relation sections sensitive canManage validUntil isMine privateFrom }
  ... on DelegationRefused { code } } }"""
END = "mutation ($id: ID!) { endRepresentation(id: $id) { endedAt } }"
LISTED = "query ($patient: ID) { representations(patientId: $patient) { ofPatient { id citizenId relation } } }"
READ = '{ healthRecord(patientId: "%s") { labs { totalCount } vitals { totalCount } conditions { totalCount } } }'
UNKNOWN = {"code": "CODE_UNKNOWN"}


@pytest.fixture
async def family(book):
    return await family_of(book)


class Invitation:
    """The mother lets somebody see her own labs and vitals for a month, unless told otherwise."""

    def __init__(self, family):
        self.family = family

    async def ask(self, token, **changes):
        wish = {"sections": ["labs", "vitals"], "until": in_days(30)} | changes
        return await self.family.book.ask(INVITE, token, wish)

    async def code(self, token=None, **changes):
        answer = await self.ask(token or await self.family.of(self.family.mother), **changes)
        return answer["data"]["inviteDelegate"]["code"]

    async def accepted(self, token, code):
        return (await self.family.book.ask(ACCEPT, token, {"code": code}))["data"]["acceptDelegation"]

    async def own(self):
        """The mother's own patient id."""
        rows = await self.family.book.sql("select patient_id from access.citizen where id = $1", self.family.mother)
        return rows[0]["patient_id"]


@pytest.fixture
def invitation(family):
    return Invitation(family)


def in_days(days):
    return (utc_now() + timedelta(days=days)).isoformat()


async def reads(family, token, patient):
    """The sections that the token reads of the three asked for."""
    record = (await family.book.ask(READ % patient, token))["data"]["healthRecord"]
    return sorted(name for name, found in (record or {}).items() if found is not None)


async def test_a_delegate_reads_the_sections_he_was_given_and_decides_nothing(family, invitation):
    friend = await family.citizen()
    token, mother = await family.of(friend), await invitation.own()
    assert await reads(family, token, mother) == []
    made = await invitation.accepted(token, await invitation.code())
    assert (made["relation"], made["sections"], made["sensitive"]) == ("DELEGATE", ["labs", "vitals"], [])
    assert (made["canManage"], made["isMine"], made["patientId"]) == (False, True, str(mother))
    assert await reads(family, token, mother) == ["labs", "vitals"]
    assert code_of(await invitation.ask(token, patient=str(mother))) == "FORBIDDEN"
    assert len(await family.inbox(family.mother)) == len(await family.inbox(friend)) == 1


async def test_a_delegate_sees_no_sensitive_row_that_was_not_named(family, invitation):
    friend, mother = await family.of(await family.citizen()), await invitation.own()
    wish = {"sections": ["conditions"]}
    await invitation.accepted(friend, await invitation.code(**wish))
    assert await family.labels(friend, mother) == [""]
    await invitation.accepted(friend, await invitation.code(**wish, sensitive=["REPRODUCTIVE"]))
    assert await family.labels(friend, mother) == ["", "REPRODUCTIVE"]


async def test_ended_by_the_patient_or_the_delegate_the_next_request_reads_nothing(family, invitation):
    mother, own = await family.of(family.mother), await invitation.own()
    for ender_is_patient in (True, False):
        friend = await family.of(await family.citizen())
        made = await invitation.accepted(friend, await invitation.code())
        assert await reads(family, friend, own) == ["labs", "vitals"]
        ended = await family.book.ask(END, mother if ender_is_patient else friend, {"id": made["id"]})
        assert ended["data"]["endRepresentation"]["endedAt"] is not None
        assert await reads(family, friend, own) == []
    assert len(await family.inbox(family.mother)) == 4


async def test_a_manager_ends_a_delegates_right_of_his_child(family, invitation):
    mother = await family.of(family.mother)
    wish = {"patient": str(family.child), "agrees": True}
    friend = await family.of(await family.citizen())
    made = await invitation.accepted(friend, await invitation.code(**wish))
    assert await reads(family, friend, family.child) == ["labs", "vitals"]
    await family.book.ask(END, mother, {"id": made["id"]})
    assert await reads(family, friend, family.child) == []


async def test_abuse_37_a_delegate_cannot_extend_himself(family, invitation):
    friend, own = await family.of(await family.citizen()), await invitation.own()
    made = await invitation.accepted(friend, await invitation.code(until=in_days(1)))
    for patient in (str(own), str(family.child)):
        assert code_of(await invitation.ask(friend, patient=patient)) in {"FORBIDDEN", "NOT_FOUND"}
    await family.book.sql(
        "update access.related_person set valid_from = now() - interval '9 days', valid_until = now() "
        "where kind = 'delegate'"
    )
    assert await reads(family, friend, own) == []
    assert code_of(await family.book.ask(END, friend, {"id": made["id"]})) == "NOT_FOUND"


async def test_abuse_37_a_delegates_right_is_never_more_than_the_inviters(family, invitation):
    await family.book.sql(
        "update access.related_person set sections = '{labs}', valid_until = now() + interval '9 days' where id = $1",
        family.right,
    )
    wish = {"patient": str(family.child), "agrees": True, "until": in_days(5)}
    mother = await family.of(family.mother)
    assert code_of(await invitation.ask(mother, **wish)) == "INVALID"
    assert code_of(await invitation.ask(mother, **wish | {"sections": ["labs"], "until": in_days(10)})) == "INVALID"
    violence = wish | {"sections": ["labs"], "sensitive": ["VIOLENCE"]}
    assert code_of(await invitation.ask(mother, **violence)) == "INVALID"
    code = await invitation.code(**wish | {"sections": ["labs"]})
    await family.book.sql("update access.related_person set valid_until = now() + interval '2 days'")
    made = await invitation.accepted(await family.of(await family.citizen()), code)
    [row] = await family.book.sql("select valid_until from access.related_person where id = $1", family.right)
    assert made["validUntil"] == row["valid_until"].isoformat()


async def test_abuse_37_a_code_of_a_guardian_who_lost_his_right_is_void(family, invitation):
    code = await invitation.code(patient=str(family.child), agrees=True)
    await family.book.sql("update access.related_person set revoked_at = now() where id = $1", family.right)
    assert await invitation.accepted(await family.of(await family.citizen()), code) == UNKNOWN


async def test_a_delegates_private_categories_close_with_the_parents(family, invitation):
    await family.label("HIV")
    wish = {"patient": str(family.child), "agrees": True, "sections": ["conditions"], "sensitive": ["HIV"]}
    friend = await family.of(await family.citizen())
    made = await invitation.accepted(friend, await invitation.code(**wish))
    [row] = await family.book.sql("select private_from from access.related_person where id = $1", family.right)
    assert made["privateFrom"] == row["private_from"].isoformat()
    assert await family.labels(friend) == ["", "HIV"]
    await family.book.sql("update access.related_person set private_from = now() where patient_id = $1", family.child)
    assert await family.labels(friend) == [""]


@pytest.mark.parametrize(
    "changes",
    [
        {"sections": []},
        {"sections": ["everything"]},
        {"sections": ["labs\x00"]},
        {"sensitive": ["SHAME"]},
        {"until": "2026"},
        {"until": "tomorrow"},
        {"until": "2027-01-01T00:00:00"},
        {"until": "0001-01-01T00:00:00+14:00"},
        {"until": "9999-12-31T23:59:59-14:00"},
        {"until": in_days(-1)},
        {"until": in_days(366)},
    ],
)
async def test_a_wish_that_is_none_is_invalid(family, invitation, changes):
    assert code_of(await invitation.ask(await family.of(family.mother), **changes)) == "INVALID"


async def test_inviting_needs_a_fresh_strong_sign_in_and_the_scope(family, invitation):
    weak = await family.of(family.mother, acr=None)
    assert code_of(await invitation.ask(weak)) == "STEP_UP_REQUIRED"
    stale = await family.of(family.mother, auth_time=utc_now() - timedelta(minutes=6))
    assert code_of(await invitation.ask(stale)) == "STEP_UP_REQUIRED"
    narrow = await family.book.token(family.mother, acr="demo")
    assert code_of(await invitation.ask(narrow)) == "INSUFFICIENT_SCOPE"


async def test_a_child_from_seven_on_is_asked_and_below_sixteen_not_alone(family, invitation):
    child = await family.of(await family.grown(10))
    mother = await family.of(family.mother)
    assert code_of(await invitation.ask(mother, patient=str(family.child))) == "FORBIDDEN"
    assert code_of(await invitation.ask(child)) == "FORBIDDEN"
    assert (await invitation.ask(mother, patient=str(family.child), agrees=True))["data"]
    child = await family.of(await family.citizen())
    assert code_of(await invitation.ask(child)) == "FORBIDDEN"  # a citizen without a book has nothing to share


async def test_a_code_works_once_and_for_one_of_two_at_once(family, invitation):
    code = await invitation.code()
    tokens = [await family.of(await family.citizen()) for _ in range(4)]
    answers = await asyncio.gather(*(invitation.accepted(token, code) for token in tokens))
    assert sorted("relation" in answer for answer in answers) == [False, False, False, True]
    assert [answer for answer in answers if "relation" not in answer] == [UNKNOWN] * 3
    [row] = await family.book.sql("select count(*) from access.related_person where kind = 'delegate'")
    assert row["count"] == 1


async def test_a_code_is_void_after_a_quarter_of_an_hour(family, invitation):
    code = await invitation.code()
    await family.book.sql("update access.delegation_invite set expires_at = now()")
    assert await invitation.accepted(await family.of(await family.citizen()), code) == UNKNOWN


async def test_a_code_is_kept_as_a_hash_and_typed_in_any_way(family, invitation):
    code = await invitation.code()
    [row] = await family.book.sql("select code_hash, expires_at - now() as life from access.delegation_invite")
    assert code.replace("-", "").encode() not in row["code_hash"]
    assert row["life"] <= timedelta(minutes=15)
    typed = f" {code.replace('-', '').lower()} "
    assert "relation" in await invitation.accepted(await family.of(await family.citizen()), typed)


async def test_abuse_26_five_wrong_codes_and_the_right_one_is_not_looked_at(family, invitation):
    code, friend = await invitation.code(), await family.of(await family.citizen())
    wrong = ["0000-0000-0000", "x", "", "\x01", "9" * 500]
    assert [await invitation.accepted(friend, one) for one in wrong] == [UNKNOWN] * 5
    assert await invitation.accepted(friend, code) == {"code": "TOO_MANY_TRIES"}
    other = await family.of(await family.citizen())
    assert "relation" in await invitation.accepted(other, code)


async def test_abuse_26_many_guesses_at_once_are_many(family, invitation):
    code, friend = await invitation.code(), await family.of(await family.citizen())
    await asyncio.gather(*(invitation.accepted(friend, f"0000-0000-000{n}") for n in range(8)))
    assert await invitation.accepted(friend, code) == {"code": "TOO_MANY_TRIES"}


async def test_nobody_becomes_the_delegate_of_his_own_book_and_the_code_still_works(family, invitation):
    code = await invitation.code()
    assert await invitation.accepted(await family.of(family.mother), code) == {"code": "ALREADY_OPEN"}
    assert "relation" in await invitation.accepted(await family.of(await family.citizen()), code)


async def test_a_new_delegation_takes_the_place_of_the_old_one(family, invitation):
    friend, own = await family.of(await family.citizen()), await invitation.own()
    await invitation.accepted(friend, await invitation.code())
    await invitation.accepted(friend, await invitation.code(sections=["conditions"]))
    assert await reads(family, friend, own) == ["conditions"]
    listed = await family.book.ask(LISTED, await family.of(family.mother))
    assert [one["relation"] for one in listed["data"]["representations"]["ofPatient"]] == ["DELEGATE"]


async def test_a_delegate_sees_of_the_others_nothing(family, invitation):
    own = await invitation.own()
    first, second = await family.citizen(), await family.citizen()
    for citizen in (first, second):
        await invitation.accepted(await family.of(citizen), await invitation.code())
    listed = await family.book.ask(LISTED, await family.of(first), {"patient": str(own)})
    assert [one["citizenId"] for one in listed["data"]["representations"]["ofPatient"]] == [str(first)]


async def test_a_delegate_ends_no_other_delegates_right(family, invitation):
    made = [await invitation.accepted(await family.of(one), await invitation.code())
            for one in (await family.citizen(), await family.citizen())]  # fmt: skip
    third = await family.citizen()
    await invitation.accepted(await family.of(third), await invitation.code())
    answers = [await family.book.ask(END, await family.of(third), {"id": one["id"]}) for one in made]
    assert [code_of(answer) for answer in answers] == ["NOT_FOUND", "NOT_FOUND"]
    assert await family.logged("endRepresentation") == [("delegate", "ALLOWED")] * 2
