"""Campaigns, reminders and news: each citizen told once, whatever is repeated, moved or cut off."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cli.reminding import BookedAppointments
from domain.errors import Conflict
from domain.values import utc_now
from notifications import campaigns, news
from notifications.reminders import Reminding
from notifications.retention import Retention
from tests.access.world import CITIZEN, CLINIC, PATIENT, World


async def sync(town, work, *arguments):
    async with AsyncSession(town.engine, expire_on_commit=False) as session:
        made = await session.run_sync(work, *arguments)
        await session.commit()
    return made


async def told(town):
    return [row[0] for row in await town.sql.fetch("select citizen_id from notify.inbox_item")]


async def test_a_campaign_goes_in_pages_can_be_paused_and_tells_everybody_once(town, monkeypatch):
    monkeypatch.setattr(campaigns, "PAGE", 50)
    await town.devices(240, each=2)
    campaign = await sync(town, campaigns.start, "dose_due", None, town.clock.now)
    page = campaigns.CampaignJob(town.engine, town.clock)
    await page({"campaign": str(campaign.id)})
    assert len(await told(town)) == 50
    await sync(town, campaigns.pause, campaign.id)
    await page({"campaign": str(campaign.id)})
    assert len(await told(town)) == 50
    await sync(town, campaigns.resume, campaign.id)
    with pytest.raises(Conflict):
        await sync(town, campaigns.resume, campaign.id)
    await asyncio.gather(*(page({"campaign": str(campaign.id)}) for _ in range(6)))
    citizens = await told(town)
    assert len(citizens) == len(set(citizens)) == 120
    ((state, counted),) = await town.sql.fetch("select state, told from notify.campaign")
    assert (state, counted) == ("done", 120)
    with pytest.raises(Conflict):
        await sync(town, campaigns.pause, campaign.id)


async def test_a_page_that_is_told_again_after_a_crash_tells_nobody_twice(town, monkeypatch):
    monkeypatch.setattr(campaigns, "PAGE", 5)
    await town.devices(12)
    campaign = await sync(town, campaigns.start, "dose_due", None, town.clock.now)
    await sync(town, campaigns.tell_page, campaign.id, town.clock.now)
    await town.sql.execute("update notify.campaign set cursor = null")
    for _ in range(4):
        await sync(town, campaigns.tell_page, campaign.id, town.clock.now)
    citizens = await told(town)
    assert len(citizens) == len(set(citizens)) == 12


BOOKING = """
insert into booking.booking (patient_id, id, organization_id, service_id, slot_id, starts_at, ends_at, status,
                             created_at, changed_at)
values ($1, $2, $4, uuidv7(), uuidv7(), $3, $3, 'booked', $5, $5)
"""


@pytest.fixture
async def bookings(town):
    """Appointments of one citizen; which clinic and slot they are at does not matter here."""
    town.patient, town.me = uuid4(), uuid4()
    await town.sql.execute("insert into access.citizen (id, patient_id) values ($1, $2)", town.me, town.patient)
    await town.sql.execute("set session_replication_role = replica")

    town.clinic = uuid4()

    async def book(starts_at):
        id_ = uuid4()
        await town.sql.execute(BOOKING, town.patient, id_, starts_at, town.clinic, town.clock.now)
        return id_

    town.remind = Reminding(town.engine, BookedAppointments(), town.clock)
    await town.remind()
    return book


async def reminders(town):
    return await town.sql.fetchval("select count(*) from notify.inbox_item where kind = 'reminder'")


async def test_a_booking_is_reminded_of_a_day_and_two_hours_before_once_each(town, bookings):
    await bookings(town.clock.now + timedelta(hours=30))
    given = []
    for _ in range(31):
        await asyncio.gather(town.remind(), town.remind())
        given.append(await reminders(town))
        town.clock.forward(hours=1)
    assert given == [0] * 6 + [1] * 22 + [2] * 3


async def test_a_moved_booking_is_reminded_of_at_its_new_time_only(town, bookings):
    booking = await bookings(town.clock.now + timedelta(hours=25))
    town.clock.forward(hours=2)
    await town.remind()
    assert await reminders(town) == 1
    await town.sql.execute(
        "update booking.booking set starts_at = starts_at + interval '7 days' where id = $1", booking
    )
    town.clock.forward(hours=22)
    await town.remind()
    assert await reminders(town) == 1, "nothing of the time before"
    town.clock.forward(days=6, hours=2)
    await town.remind()
    assert await reminders(town) == 2


async def test_a_cancelled_or_begun_booking_is_not_reminded_of(town, bookings):
    booking = await bookings(town.clock.now + timedelta(hours=3))
    await town.sql.execute("update booking.booking set status = 'cancelled' where id = $1", booking)
    await bookings(town.clock.now - timedelta(minutes=1))
    assert await town.remind() == 0


async def given_at(town, hours):
    """At which of the next hours reminders were given, and how many."""
    given = {}
    for hour in range(hours + 1):
        if made := await town.remind():
            given[hour] = made
        town.clock.forward(hours=1)
    return given


@pytest.mark.parametrize(("hours", "expected"), [(1, {}), (2, {0: 1}), (3, {1: 1}), (25, {1: 1, 23: 1})])
async def test_a_time_that_had_passed_when_it_was_booked_is_not_made_up_for(town, bookings, hours, expected):
    await bookings(town.clock.now + timedelta(hours=hours))
    assert await given_at(town, hours) == expected


async def test_moved_so_near_that_its_time_has_passed_it_is_not_reminded_of(town, bookings):
    booking = await bookings(town.clock.now + timedelta(days=9))
    town.clock.forward(minutes=1)
    await town.sql.execute(
        "update booking.booking set starts_at = $2, changed_at = $3 where id = $1",
        booking, town.clock.now + timedelta(hours=24, minutes=-1), town.clock.now,
    )  # fmt: skip
    assert await town.remind() == 0


async def test_a_worker_that_was_away_gives_only_the_last_one(town, bookings):
    await bookings(town.clock.now + timedelta(hours=25))
    town.clock.forward(hours=24)
    assert await town.remind() == 1
    rows = await town.sql.fetch("select before_s from notify.reminded")
    assert [row[0] for row in rows] == [7200]
    town.clock.forward(minutes=1)
    assert await town.remind() == 0


async def test_the_clinic_says_how_long_before(town, bookings):
    await town.sql.execute(POLICY, town.clinic, [14 * 1440, 90])
    await bookings(town.clock.now + timedelta(days=15))
    await bookings(town.clock.now + timedelta(hours=3, minutes=30))
    assert await given_at(town, 3) == {2: 1}
    town.clock.now += timedelta(hours=20)
    assert await town.remind() == 1


async def test_a_clinic_that_wants_none_and_a_citizen_who_wants_his_own(town, bookings):
    await town.sql.execute(POLICY, town.clinic, [])
    mother = await town.citizen()
    await town.sql.execute(
        """insert into access.related_person (id, citizen_id, patient_id, kind, can_manage, valid_from)
           values ($1, $1, $2, 'parent', true, $3)""",
        mother, town.patient, town.clock.now,
    )  # fmt: skip
    await wish(town, mother, [180, 60])
    await bookings(town.clock.now + timedelta(hours=5))
    assert await given_at(town, 5) == {2: 1, 4: 1}
    assert set(await told(town)) == {mother}


async def test_who_wants_no_reminders_has_none_and_others_have_the_clinics(town, bookings):
    mother = await town.citizen()
    await town.sql.execute(
        """insert into access.related_person (id, citizen_id, patient_id, kind, can_manage, valid_from)
           values ($1, $1, $2, 'parent', true, $3)""",
        mother, town.patient, town.clock.now,
    )  # fmt: skip
    await wish(town, town.me, [])
    await bookings(town.clock.now + timedelta(hours=5))
    assert await given_at(town, 5) == {3: 1}
    assert await told(town) == [mother]


async def test_many_at_once_are_read_a_page_at_a_time(town, bookings, monkeypatch):
    monkeypatch.setattr("cli.reminding.PAGE", 3)
    for minutes in (0, 0, 0, 0, 1, 2, 2):
        await bookings(town.clock.now + timedelta(hours=26, minutes=minutes))
    town.clock.forward(hours=2, minutes=2)
    assert await town.remind() == 7
    assert await town.remind() == 0


POLICY = """
insert into booking.policy (organization_id, time_zone, lead_minutes, horizon_days, cancel_minutes, no_shows,
                            no_show_months, keeps_holidays, version, reminder_minutes)
values ($1, 'Asia/Ho_Chi_Minh', 0, 60, 0, 0, 6, true, 1, $2)
"""


async def wish(town, citizen, minutes):
    await town.sql.execute(
        "insert into notify.wishes (citizen_id, reminder_minutes, updated_at) values ($1, $2, $3)",
        citizen, minutes, town.clock.now,
    )  # fmt: skip


@pytest.fixture
async def read(town):
    """A world in which a clinic reads a patient's book as often as it is told."""
    world = World(town.sql)
    await world.build()
    town.clock.now = utc_now()

    async def made(ago=timedelta(minutes=1), basis="consent", opened=("labs",), organization=CLINIC, outcome="ALLOWED"):
        await town.sql.execute(
            """insert into access.access_log (patient_id, at, grant_id, client_id, organization_id, basis, purpose,
                   sections, opened, outcome) values ($1, $2, $1, 'clinic', $3, $4, 'TREAT', $5, $5, $6)""",
            PATIENT, town.clock.now - ago, organization, basis, list(opened), outcome,
        )  # fmt: skip

    return made


async def test_a_facility_that_reads_is_told_of_once_a_day(town, read):
    for _ in range(3):
        await read()
    await sync(town, news.record_reads, town.clock.now)
    await read()
    await sync(town, news.record_reads, town.clock.now)
    rows = await town.sql.fetch("select citizen_id, kind, patient_id, subject_id from notify.inbox_item")
    assert [tuple(row) for row in rows] == [(CITIZEN, "record_read", PATIENT, CLINIC)]


async def test_what_opened_nothing_or_has_its_own_notice_is_not_told(town, read):
    await read(opened=())
    await read(outcome="REFUSED")
    await read(basis="emergency")
    await read(organization=None, basis="self")
    await read(ago=timedelta(seconds=1))  # may still have company under way; the next look sees it
    await sync(town, news.record_reads, town.clock.now)
    assert await told(town) == []
    town.clock.forward(minutes=1)
    await sync(town, news.record_reads, town.clock.now)
    assert await told(town) == [CITIZEN]


async def test_what_is_old_goes_and_the_key_stays(town):
    citizen = await town.citizen()
    await town.device(citizen)
    await town.post([citizen], "visit", key="once")
    await town.deliver()
    town.clock.forward(days=3 * 366)
    await Retention(town.engine, town.clock)()
    for table in ("inbox_item", "delivery"):
        assert await town.sql.fetchval(f"select count(*) from notify.{table}") == 0
    assert await town.post([citizen], "visit", key="once") == []


async def test_a_campaign_without_anybody_is_done_at_once(town):
    campaign = await sync(town, campaigns.start, "dose_due", None, town.clock.now)
    assert await sync(town, campaigns.tell_page, campaign.id, town.clock.now) == 0
    assert (await town.sql.fetchval("select state from notify.campaign")) == "done"
    assert isinstance(campaign.id, UUID)
