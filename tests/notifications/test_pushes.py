"""From an inbox item to the phone: what leaves, what every answer of FCM leads to, and that nobody is told twice."""

import asyncio
import json
from datetime import timedelta

import pytest

from cli.demo_push import (
    INTERNAL,
    OK,
    PAGE,
    SENDER_ID_MISMATCH,
    TOO_MANY,
    UNAVAILABLE,
    UNREGISTERED,
    Behaviour,
)
from notifications.kinds import KINDS
from tests.notifications.town import NOON, PAGE_OK, RESET


async def test_a_notice_arrives_on_every_phone_of_its_citizen_once(town):
    citizen = await town.citizen()
    tokens = [await town.device(citizen), await town.device(citizen)]
    await town.post([citizen])
    assert await town.deliver() == 2
    assert [town.shown(token) for token in tokens] == [(1, 1), (1, 1)]
    assert await town.deliver() == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_a_push_says_nothing_but_that_there_is_something(town, kind):
    citizen = await town.citizen()
    await town.device(citizen)
    (item,) = await town.post([citizen], kind)
    await town.deliver()
    (message,) = town.phones.messages
    told = json.dumps(message, ensure_ascii=False)
    assert message["notification"] == {"title": "Sổ sức khỏe: có tin mới"}
    assert message["data"] == {
        "id": str(item),
        "message": str(await town.sql.fetchval("select id from notify.delivery")),
        "link": f"healthbook://inbox/{item}",
    }
    assert message["android"]["collapse_key"] == message["android"]["notification"]["tag"] == str(item)
    assert message["android"]["priority"] == ("high" if KINDS[kind].urgent else "normal")
    assert message["android"]["ttl"] == f"{int(KINDS[kind].ttl.total_seconds())}s"
    assert kind not in told
    assert str(citizen) not in told


@pytest.mark.parametrize("platform", ["ios", "web"])
async def test_each_platform_is_told_what_it_replaces_and_how_long_it_is_good(town, platform):
    citizen = await town.citizen()
    token = await town.device(citizen)
    await town.sql.execute("update notify.device set platform = $1", platform)
    (item,) = await town.post([citizen], "emergency_access")
    await town.deliver()
    (message,) = town.phones.messages
    told = message["apns"]["headers"] if platform == "ios" else message["webpush"]["headers"]
    assert message["data"]["message"] in told.values() or told["Topic"] == item.hex
    assert told.get("apns-priority", told.get("Urgency")) in {"10", "high"}
    assert town.phones.phones[token].shown.keys() == {str(item)}


async def test_the_phones_language_decides(town):
    citizen = await town.citizen()
    await town.device(citizen, locale="en")
    await town.post([citizen])
    await town.deliver()
    assert town.phones.messages[0]["notification"]["title"] == "Health book: something new"


@pytest.mark.parametrize(
    ("answer", "reason"), [(UNREGISTERED, "unregistered"), (SENDER_ID_MISMATCH, "sender_mismatch")], ids=str
)
async def test_a_dead_token_is_forgotten_and_the_other_phone_still_told(town, answer, reason):
    citizen = await town.citizen()
    dead, living = await town.device(citizen), await town.device(citizen)
    town.phones.script(dead, [answer])
    await town.post([citizen])
    await town.deliver()
    rows = await town.sql.fetch("select end_reason, token_key, token_sealed from notify.device order by created_at, id")
    assert [tuple(row) for row in rows if row["end_reason"]] == [(reason, None, None)]
    assert sorted(await town.states()) == ["accepted", "gone"]
    await town.post([citizen])
    await town.deliver()
    assert (town.phones.attempts[dead], town.shown(living)) == (1, (2, 2))


@pytest.mark.parametrize("answer", [INTERNAL, UNAVAILABLE, TOO_MANY, PAGE, PAGE_OK, RESET], ids=str)
async def test_what_may_pass_is_tried_again_once_a_try_of_ours_and_rings_once(town, answer):
    citizen = await town.citizen()
    token = await town.device(citizen)
    town.phones.script(token, [answer, answer])
    await town.post([citizen])
    assert await town.deliver() == 1
    assert town.phones.attempts[token] == 1, "the library's own retries would multiply ours"
    assert await town.deliver() == 0, "not at once"
    for _ in range(2):
        town.clock.forward(minutes=2)
        assert await town.deliver() == 1
    assert (await town.states(), town.phones.attempts[token]) == (["accepted"], 3)
    assert town.shown(token) == (1, 1)


async def test_an_answer_that_was_lost_rings_no_second_time(town):
    """The phone shows it, the worker never hears: the same message id under the same tag is sent again."""
    citizen = await town.citizen()
    token = await town.device(citizen)
    (item,) = await town.post([citizen])
    await town.deliver()
    await town.sql.execute("update notify.delivery set state = 'sending'")
    town.clock.forward(minutes=5)
    await town.sql.execute("update notify.delivery set next_at = $1", town.clock.now)
    assert await town.deliver() == 1
    assert town.phones.attempts[token] == 2
    assert town.phones.phones[token].shown.keys() == {str(item)}
    assert town.shown(token) == (1, 1)


@pytest.mark.parametrize(("value", "least"), [("300", 300), ("Sat, 21 Nov 2076 12:00:00 GMT", 6 * 3600), ("soon", 5)])
async def test_retry_after_is_respected_and_bounded(town, value, least):
    citizen = await town.citizen()
    token = await town.device(citizen)
    town.phones.script(token, [Behaviour(429, "QUOTA_EXCEEDED", retry_after=value)])
    await town.post([citizen], "new_result")
    await town.deliver()
    ((at,),) = await town.sql.fetch("select next_at from notify.delivery")
    waits = (at - town.clock.now).total_seconds()
    assert least <= waits <= least + 3
    town.clock.forward(seconds=least - 1)
    assert await town.deliver() == 0


async def test_a_bad_answer_spoils_no_other_message_of_the_batch(town):
    citizen = await town.citizen()
    tokens = [await town.device(citizen) for _ in range(12)]
    for token, answer in zip(tokens, [PAGE_OK, RESET, UNREGISTERED, INTERNAL, Behaviour(delay_s=0.1)], strict=False):
        town.phones.script(token, [answer])
    await town.post([citizen])
    await town.deliver()
    assert sorted(await town.states()) == ["accepted"] * 8 + ["due"] * 3 + ["gone"]
    town.clock.forward(minutes=1)
    await town.deliver()
    assert sorted(await town.states()) == ["accepted"] * 11 + ["gone"]
    assert {town.shown(token) for token in tokens if token != tokens[2]} == {(1, 1)}


async def test_after_an_hour_without_fcm_nothing_is_lost_and_nobody_told_twice(town):
    tokens = await town.devices(40)
    citizens = [row["citizen_id"] for row in await town.sql.fetch("select citizen_id from notify.device")]
    town.phones.down = UNAVAILABLE
    await town.post(citizens)
    for _ in range(60):
        await town.deliver()
        town.clock.forward(minutes=1)
    assert set(await town.states()) == {"due"}
    assert max(town.phones.attempts.values()) < 15, "the pauses grow"
    town.phones.down = None
    town.clock.forward(hours=2)
    await town.deliver()
    assert set(await town.states()) == {"accepted"}
    assert {town.shown(token) for token in tokens} == {(1, 1)}


async def test_what_is_too_old_is_not_sent(town):
    citizen = await town.citizen()
    token = await town.device(citizen)
    await town.post([citizen], "queue_call")
    await town.plan()
    town.clock.forward(minutes=16)
    await town.deliver()
    assert (await town.states(), town.phones.attempts[token]) == (["expired"], 0)


async def test_what_was_read_meanwhile_is_not_sent(town):
    citizen = await town.citizen()
    token = await town.device(citizen)
    await town.post([citizen])
    await town.plan()
    await town.sql.execute("update notify.inbox_item set read_at = $1", NOON)
    await town.deliver()
    assert (await town.states(), town.phones.attempts[token]) == (["skipped"], 0)


async def test_two_workers_send_each_message_once(town):
    tokens = await town.devices(300)
    citizens = [row["citizen_id"] for row in await town.sql.fetch("select citizen_id from notify.device")]
    await town.post(citizens)
    await town.plan()
    senders = [town.notifier.sender() for _ in range(4)]
    await asyncio.gather(*(_drain(sender, most=20) for sender in senders))
    assert [town.phones.attempts[token] for token in tokens] == [1] * 300


async def _drain(sender, most):
    while await sender.send_due(most):
        pass


async def test_a_token_is_not_in_the_database(town):
    token = await town.device(await town.citizen(), "a-token-that-nobody-may-see")
    ((row,),) = await town.sql.fetch("select d::text from notify.device d")
    assert token not in row
    assert token.encode().hex() not in row


async def test_a_behaviour_that_is_well_needs_no_script(town):
    assert town.phones.behaviour_of("any") is OK


async def test_the_lease_is_longer_than_a_batch_may_take(town):
    from notifications.channels import fcm
    from notifications.sending import LEASE

    assert -(-fcm.BATCH // fcm.AT_ONCE) * fcm.TIMEOUT + timedelta(seconds=30) < LEASE


async def test_who_was_taken_for_dead_does_not_overwrite_what_another_wrote(town):
    """The slow worker's outcome comes after its lease; the message was sent again and accepted meanwhile."""
    from dataclasses import dataclass

    from notifications.channels import Rejected

    @dataclass
    class Slow:
        """A channel that answers when it is told to."""

        go: asyncio.Event
        begun: asyncio.Event
        name: str = "push"
        most: int = 10

        async def send(self, messages):
            self.begun.set()
            await self.go.wait()
            return [Rejected("late") for _ in messages]

        async def close(self):
            pass

    citizen = await town.citizen()
    token = await town.device(citizen)
    await town.post([citizen])
    await town.plan()
    slow = Slow(asyncio.Event(), asyncio.Event())
    quick, town.channels = town.channels, {"push": slow}
    late = asyncio.create_task(town.notifier.sender().send_due())
    await slow.begun.wait()
    town.channels = quick
    town.clock.forward(minutes=10)
    assert await town.deliver() == 1
    slow.go.set()
    await late
    assert (await town.states(), town.shown(token)) == (["accepted"], (1, 1))
