"""The rules of an emergency where no clinician is looking: words, the review, what the database itself refuses."""

from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain import emergency_reviews
from domain.database import open_engine
from domain.emergencies import FIRST_SECTIONS, LONGEST, REASONS
from domain.emergency_rules import LONGEST_REASON, SECTION_NAMES, SHORTEST_REASON, Reason, checked_words
from domain.errors import Conflict, Invalid, NotFound
from domain.values import utc_now

PATIENT, DOCTOR, CLINIC = UUID(int=1), UUID(int=2), UUID(int=3)


@given(st.text())
def test_a_reason_is_one_line_of_bounded_length_or_invalid(words):
    with suppress(Invalid):
        told = checked_words(words)
        assert SHORTEST_REASON <= len(told) <= LONGEST_REASON
        assert (told.isprintable(), checked_words(told)) == (True, told)


def test_a_reason_needs_a_known_code():
    with pytest.raises(Invalid):
        Reason("curious", "Bất tỉnh tại nhà riêng").checked()
    assert {Reason(code, "Bất tỉnh tại nhà riêng").checked().code for code in REASONS} == set(REASONS)


def test_the_emergency_set_is_made_of_sections():
    assert set(FIRST_SECTIONS) < set(SECTION_NAMES)


@pytest.fixture
async def owner(database):
    connection = await asyncpg.connect(database.owner)
    await connection.execute(
        "insert into registry.organization (id, code, status) values ($1, '01001', 'active')", CLINIC
    )
    yield connection
    await connection.close()


@pytest.fixture
async def session(database, owner):
    engine = open_engine(database.owner)
    async with AsyncSession(engine, expire_on_commit=False) as made:
        yield made
    await engine.dispose()


async def emergency(owner, **changes):
    now = utc_now()
    values = {
        "patient_id": PATIENT,
        "id": uuid4(),
        "practitioner_id": DOCTOR,
        "organization_id": CLINIC,
        "grant_id": uuid4(),
        "reason_code": "unconscious",
        "reason": "Bất tỉnh tại nhà riêng",
        "sections": ["allergies"],
        "sensitive": False,
        "opened_at": now,
        "expires_at": now + LONGEST,
        "closed_at": now,
        "review": "waiting",
    } | changes
    places = ", ".join(f"${n}" for n in range(1, len(values) + 1))
    await owner.execute(
        f"insert into access.emergency_access ({', '.join(values)}) values ({places})", *values.values()
    )
    return values["id"]


async def reviewed(session, id_, outcome="justified", by="Phòng KHTH"):
    return await session.run_sync(
        lambda db: emergency_reviews.review(db, emergency_id=id_, outcome=outcome, by=by, now=utc_now())
    )


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"expires_at": utc_now() + timedelta(hours=3)}, "an_hour"),
        ({"sensitive": True}, "sensitive_needs_second_reason"),
        ({"widened_at": utc_now()}, "widened_for_a_reason"),
        ({"reason_code": "curious"}, "reason_code"),
    ],
)
async def test_the_database_refuses_what_the_rules_forbid(owner, changes, rule):
    with pytest.raises(asyncpg.CheckViolationError, match=rule):
        await emergency(owner, **changes)


async def test_one_is_open_at_a_time(owner):
    await emergency(owner, closed_at=None)
    await emergency(owner)
    with pytest.raises(asyncpg.UniqueViolationError):
        await emergency(owner, closed_at=None)


async def test_the_queue_is_the_oldest_first_until_somebody_looked(owner, session):
    new = await emergency(owner)
    before = utc_now() - timedelta(days=2)
    old = await emergency(owner, opened_at=before, expires_at=before + LONGEST)
    waiting = await session.run_sync(lambda db: emergency_reviews.waiting(db, first=10))
    assert [one.emergency.id for one in waiting] == [old, new]
    assert [one.organization.code for one in waiting] == ["01001"] * 2
    done = await reviewed(session, old, "unjustified")
    assert (done.review, done.reviewed_by) == ("unjustified", "Phòng KHTH")
    waiting = await session.run_sync(lambda db: emergency_reviews.waiting(db, first=10))
    assert [one.emergency.id for one in waiting] == [new]


async def test_an_emergency_is_reviewed_once(owner, session):
    id_ = await emergency(owner)
    await reviewed(session, id_)
    with pytest.raises(Conflict):
        await reviewed(session, id_, "unjustified")


async def test_a_review_that_is_none_is_refused(owner, session):
    id_ = await emergency(owner)
    for told in ({"outcome": "waiting"}, {"by": ""}, {"by": "x" * 101}, {"by": "a\x00"}):
        with pytest.raises(Invalid):
            await reviewed(session, id_, **told)
    with pytest.raises(NotFound):
        await reviewed(session, uuid4())


async def test_an_owner_who_is_no_superuser_reviews_too(owner, session):
    """He has what the roles that `migrate` made may do, and row-level security is forced on him."""
    id_, role = await emergency(owner), f"reviewer_{uuid4().hex}"
    await owner.execute(f"create role {role} nologin; grant healthbook_access, healthbook_consent to {role}")
    try:
        await session.execute(text(f"set local role {role}"))
        waiting = await session.run_sync(lambda db: emergency_reviews.waiting(db, first=10))
        assert [one.emergency.id for one in waiting] == [id_]
        assert (await reviewed(session, id_)).review == "justified"
        await session.rollback()
    finally:
        await owner.execute(f"drop role {role}")
