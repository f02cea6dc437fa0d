"""What operators record of parents and guardians, and what ending a right takes with it."""

from datetime import timedelta

import pytest

from domain.errors import Conflict, Forbidden, Invalid, NotFound
from domain.related_persons import RelatedPerson
from domain.representation import guardians, rights
from domain.representation.guardians import Guardianship
from domain.representation.people import power_of, those_who_decide
from domain.values import PartialDate, new_id, utc_now
from tests.domain.representation.conftest import CHILD, FATHER, FRIEND, MOTHER, OLD_ID, PATIENT

BORN = PartialDate(f"{utc_now().year - 9}-05-03")
PARENT = Guardianship("parent", "giấy khai sinh 12/2017, UBND", BORN)
PERSONS = [PATIENT, OLD_ID]


def record(db, citizen=MOTHER, told=PARENT, patient=PATIENT):
    return guardians.record(db, citizen_id=citizen, patient_id=patient, told=told, now=utc_now())


async def test_a_second_guardian_never_removes_the_first(world):
    first = await world.do(record)
    second = await world.do(record, FATHER)
    assert await world.do(those_who_decide, PERSONS, utc_now()) == {CHILD, MOTHER, FATHER}
    rows = await world.sql("select id, revoked_at from access.related_person")
    assert {row["id"] for row in rows} == {first.id, second.id}
    assert all(row["revoked_at"] is None for row in rows)


async def test_a_right_is_recorded_under_the_kept_id_with_its_ends(world):
    right = await world.do(record, MOTHER, PARENT, OLD_ID)
    assert right.patient_id == PATIENT
    assert (right.can_manage, right.evidence) == (True, PARENT.evidence)
    assert right.private_from.year == int(BORN[:4]) + 15
    assert right.valid_until.year == int(BORN[:4]) + 18


async def test_a_guardian_of_an_adult_holds_until_the_day_the_court_said(world):
    until = utc_now() + timedelta(days=30)
    right = await world.do(record, MOTHER, Guardianship("legal_representative", "QĐ 4/2026/TA", until=until))
    assert right.valid_until == until
    assert right.private_from is None


@pytest.mark.parametrize(
    "told",
    [
        Guardianship("delegate", "paper"),
        Guardianship("parent", "paper"),
        Guardianship("guardian", "   "),
        Guardianship("guardian", "a\x00b"),
        Guardianship("guardian", "x" * 201),
        Guardianship("parent", "paper", PartialDate("1990")),
        Guardianship("guardian", "paper", until=utc_now() - timedelta(days=1)),
    ],
)
async def test_what_the_evidence_cannot_say_is_refused(world, told):
    with pytest.raises(Invalid):
        await world.do(record, MOTHER, told)


async def test_nobody_unknown_and_nobody_twice(world):
    await world.do(record)
    with pytest.raises(Conflict):
        await world.do(record)
    with pytest.raises(Conflict):
        await world.do(record, CHILD)
    with pytest.raises(NotFound):
        await world.do(record, new_id())
    with pytest.raises(NotFound):
        await world.do(record, MOTHER, PARENT, new_id())


async def test_the_dead_are_represented_by_nobody_by_default(world):
    await world.sql("set session_replication_role = replica")
    await world.sql(
        """insert into book.demographics (patient_id, id, source_id, organization_id, document, received_at, fact_key,
                                          content_key, sources, is_temporary_name, is_deceased)
           values ($1, $1, $1, $1, '', now(), '', '', '[]', false, true)""",
        PATIENT,
    )
    with pytest.raises(Forbidden):
        await world.do(record)
    told = Guardianship("legal_representative", "QĐ 4/2026/TA", until=utc_now() + timedelta(days=9), for_deceased=True)
    assert (await world.do(record, MOTHER, told)).can_manage


def given(db, by, citizen=FRIEND):
    delegate = RelatedPerson(
        citizen_id=citizen,
        patient_id=PATIENT,
        kind="delegate",
        sections=["labs"],
        granted_by=by,
        valid_until=utc_now() + timedelta(days=9),
    )
    db.add(delegate)
    db.flush()
    return delegate


def revoke(db, right):
    return guardians.revoke(db, right_id=right.id, evidence="bản án 7/2026", now=utc_now())


async def test_an_ended_guardian_takes_his_delegates_with_him_and_nobody_elses(world):
    mother, father = await world.do(record), await world.do(record, FATHER)
    hers, his = await world.do(given, MOTHER), await world.do(given, FATHER, CHILD)
    ended = await world.do(revoke, mother)
    assert {one.id for one in ended} == {mother.id, hers.id}
    assert "bản án 7/2026" in ended[0].evidence
    left = await world.do(rights.for_patient, PERSONS, utc_now(), ended=False)
    assert {one.id for one in left} == {father.id, his.id}
    assert await world.do(revoke, mother) == []


async def test_what_a_child_shared_a_parent_cannot_hand_on(world):
    mother = await world.do(record)
    now = mother.private_from + timedelta(days=1)
    assert (await world.do(power_of, MOTHER, PERSONS, now)).shown(now) == frozenset()

    def share(db):
        return rights.share(db, right_id=mother.id, persons=PERSONS, by=CHILD, sensitive=["HIV"], now=now)

    shared = await world.do(share)
    assert (shared.sensitive, shared.private_from, shared.valid_until) == (["HIV"], None, mother.valid_until)
    later = now + timedelta(hours=1)
    assert (await world.do(power_of, MOTHER, PERSONS, later)).shown(later) == frozenset()


async def test_a_young_child_does_not_decide_alone(world):
    mother = await world.do(record)
    assert await world.do(power_of, CHILD, PERSONS, utc_now()) is None
    assert await world.do(power_of, CHILD, PERSONS, mother.private_from + timedelta(seconds=1)) is not None
