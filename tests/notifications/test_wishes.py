"""When and how: quiet hours over midnight and changes of clocks, digests, preferences, fallback to the next channel."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.channels import Delivered, Rejected
from notifications.contacts import Reach
from notifications.kinds import KINDS
from notifications.tables import Preference
from notifications.wishes import Manner, mode_of, next_at, quiet_until, zone_of
from tests.notifications.town import NOON, Contacts

HANOI, BERLIN = ZoneInfo("Asia/Ho_Chi_Minh"), ZoneInfo("Europe/Berlin")
CLOCKS = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
ZONES = st.sampled_from(
    ["Asia/Ho_Chi_Minh", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"]
)
MOMENTS = st.integers(0, 2 * 365 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


def at(text, zone=HANOI):
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-21T21:59", "2026-11-21T21:59"),
        ("2026-11-21T22:00", "2026-11-22T06:00"),
        ("2026-11-21T23:59", "2026-11-22T06:00"),
        ("2026-11-22T00:00", "2026-11-22T06:00"),
        ("2026-11-22T05:59", "2026-11-22T06:00"),
        ("2026-11-22T06:00", "2026-11-22T06:00"),
    ],
)
def test_quiet_hours_go_over_midnight(now, until):
    assert quiet_until(at(now), HANOI, "22:00", "06:00") == at(until)


@pytest.mark.parametrize(
    ("now", "end", "until"),
    [
        ("2026-03-29T00:30+01:00", "02:30", "2026-03-29T03:30+02:00"),  # 02:30 is left out
        ("2026-10-25T00:30+02:00", "02:30", "2026-10-25T02:30+02:00"),  # 02:30 comes twice
        ("2026-03-28T23:00+01:00", "06:00", "2026-03-29T06:00+02:00"),
        ("2026-10-24T23:00+02:00", "06:00", "2026-10-25T06:00+01:00"),
    ],
)
def test_changes_of_clocks(now, end, until):
    ended = quiet_until(datetime.fromisoformat(now), BERLIN, "22:00", end)
    assert ended == datetime.fromisoformat(until)


@given(MOMENTS, ZONES, CLOCKS, CLOCKS)
def test_quiet_hours_end_within_a_day_and_then_it_is_not_quiet(now, zone, begin, end):
    if begin == end:
        return
    ended = quiet_until(now, ZoneInfo(zone), begin, end)
    assert now <= ended <= now + timedelta(hours=25)
    if ended != now:
        assert ended == next_at(now, ZoneInfo(zone), end)


@given(MOMENTS, ZONES, CLOCKS)
def test_the_next_time_of_a_clock_comes_within_a_day(now, zone, clock):
    assert now < next_at(now, ZoneInfo(zone), clock) <= now + timedelta(hours=25)


@pytest.mark.parametrize("name", [None, "", "Nowhere/Land", "../../etc/passwd", "x" * 5000])
def test_an_unknown_zone_is_vietnams(name):
    assert zone_of(name).key == "Asia/Ho_Chi_Minh"


def test_urgent_kinds_ring_at_night():
    night = at("2026-11-22T02:00")
    urgent = {kind.name for kind in KINDS.values() if Manner().not_before(night, kind) == night}
    assert urgent == {"security", "emergency_access", "queue_call"}


def wish(mode, kind=None, patient=None, channel="push"):
    return Preference(
        citizen_id=UUID(int=1), patient_id=patient, kind=kind, channel=channel, mode=mode, updated_at=NOON
    )


def test_the_most_exact_wish_counts():
    child = UUID(int=7)
    told = [wish("off"), wish("digest", patient=child), wish("on", "visit"), wish("off", "visit", child)]
    assert mode_of(told, "dose_due", "push", None) == "off"
    assert mode_of(told, "dose_due", "push", child) == "digest"
    assert mode_of(told, "visit", "push", None) == "on"
    assert mode_of(told, "visit", "push", child) == "off"
    assert mode_of(told, "visit", "sms", child) is None


class Kept:
    """A channel that keeps what it is given: the port over a list."""

    most = 10

    def __init__(self, name, outcome=None):
        self.name, self.sent, self.outcome = name, [], outcome or Delivered()

    async def send(self, messages):
        self.sent += messages
        return [self.outcome for _ in messages]

    async def close(self):
        pass


@pytest.fixture
async def reached(town):
    """Who can be reached by everything, with e-mail and text messages that are kept."""
    citizen = await town.citizen()
    town.token = await town.device(citizen)
    known = [Reach(citizen, "email", uuid4(), "a@example.vn"), Reach(citizen, "sms", uuid4(), "+84900000001")]
    town.contacts = Contacts({citizen: known})
    town.channels |= {"email": Kept("email"), "sms": Kept("sms")}
    return citizen


async def test_unread_for_three_hours_it_goes_by_the_next_channel(town, reached):
    await town.post([reached], "appointment_moved")
    await town.deliver()
    town.clock.forward(hours=2, minutes=59)
    await town.deliver()
    assert town.channels["sms"].sent == []
    town.clock.forward(minutes=1)
    await town.deliver()
    assert [one.address for one in town.channels["sms"].sent] == ["+84900000001"]
    town.clock.forward(hours=3)
    await town.deliver()
    assert [one.address for one in town.channels["email"].sent] == ["a@example.vn"]
    assert len(town.channels["sms"].sent) == 1


async def test_read_in_time_it_stays_at_the_push(town, reached):
    await town.post([reached], "appointment_moved")
    await town.deliver()
    await town.sql.execute("update notify.inbox_item set read_at = $1", town.clock.now)
    town.clock.forward(hours=7)
    await town.deliver()
    assert town.channels["sms"].sent == town.channels["email"].sent == []
    assert await town.states("sms") == ["skipped"]


async def test_without_a_phone_the_next_channel_does_not_wait(town, reached):
    await town.sql.execute(
        "update notify.device set token_key = null, token_sealed = null, ended_at = now(), end_reason = 'removed'"
    )
    await town.post([reached], "appointment_moved")
    await town.deliver()
    assert len(town.channels["sms"].sent) == 1
    assert town.channels["email"].sent == []


async def test_where_the_only_phone_turns_out_dead_it_does_not_either(town, reached):
    from cli.demo_push import UNREGISTERED

    town.phones.script(town.token, [UNREGISTERED])
    await town.post([reached], "appointment_moved")
    await town.deliver()
    assert len(town.channels["sms"].sent) == 1
    assert town.channels["email"].sent == [], "one after the other"


async def test_a_number_that_is_refused_gives_way_to_the_next(town, reached):
    town.channels["sms"] = Kept("sms", Rejected("number_refused"))
    await town.post([reached], "appointment_moved")
    await town.deliver()
    town.clock.forward(hours=3)
    await town.deliver()
    assert (len(town.channels["sms"].sent), len(town.channels["email"].sent)) == (1, 0)
    assert await town.states("sms") == ["rejected"]


async def prefer(town, citizen, mode, channel="push", kind=None):
    await town.sql.execute(
        """insert into notify.preference (id, citizen_id, kind, channel, mode, updated_at)
           values ($1, $2, $3, $4, $5, now())""",
        uuid4(), citizen, kind, channel, mode,
    )  # fmt: skip


async def test_what_was_switched_off_stays_in_the_inbox_and_is_sent_by_nothing(town, reached):
    for channel in ("push", "email", "sms"):
        await prefer(town, reached, "off", channel)
    await town.post([reached], "security")
    town.clock.forward(hours=9)
    assert await town.deliver() == 0
    assert await town.sql.fetchval("select count(*) from notify.inbox_item") == 1


async def test_at_night_it_waits_for_the_morning_and_urgent_does_not(town, reached):
    town.clock.now = at("2026-11-21T23:30").astimezone(UTC)
    await town.post([reached], "new_result")
    await town.post([reached], "emergency_access")
    assert await town.deliver() == 1
    town.clock.now = at("2026-11-22T05:59").astimezone(UTC)
    await town.sql.execute("update notify.delivery set state = 'skipped' where channel <> 'push'")
    assert await town.deliver() == 0
    town.clock.now = at("2026-11-22T06:00").astimezone(UTC)
    assert await town.deliver() == 1
    assert town.shown(town.token) == (2, 2)


async def test_a_retry_that_falls_into_the_night_waits_too(town, reached):
    from cli.demo_push import Behaviour

    town.clock.now = at("2026-11-21T21:55").astimezone(UTC)
    town.phones.script(town.token, [Behaviour(503, "UNAVAILABLE", retry_after="600")])
    await town.post([reached], "consent_changed")
    await town.deliver()
    town.clock.now = at("2026-11-21T22:30").astimezone(UTC)
    await town.deliver()
    assert town.phones.attempts[town.token] == 1
    town.clock.now = at("2026-11-22T06:00").astimezone(UTC)
    await town.deliver()
    assert town.shown(town.token) == (1, 1)


async def test_a_digest_is_one_push_a_day(town, reached):
    await prefer(town, reached, "digest")
    for kind in ("new_result", "visit", "record_read"):
        await town.post([reached], kind)
    await town.post([reached], "queue_call")
    assert await town.deliver() == 1, "the urgent one"
    town.clock.now = at("2026-11-21T18:00").astimezone(UTC)
    await town.deliver()
    assert town.phones.messages[-1]["notification"]["title"] == "Sổ sức khỏe: tin trong ngày"
    assert town.phones.messages[-1]["data"]["link"] == "healthbook://inbox"
    assert town.shown(town.token) == (2, 2)
    await town.post([reached], "visit")
    assert await town.deliver() == 0
    town.clock.now = at("2026-11-22T18:00").astimezone(UTC)
    await town.deliver()
    assert town.shown(town.token) == (3, 3)


async def test_no_digest_of_what_was_read(town, reached):
    await prefer(town, reached, "digest")
    await town.post([reached], "visit")
    await town.deliver()
    await town.sql.execute("update notify.inbox_item set read_at = $1", town.clock.now)
    town.clock.forward(days=1)
    await town.deliver()
    assert town.phones.attempts[town.token] == 0
