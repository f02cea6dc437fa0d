"""The connection that listens: lost, it comes back, and nobody has missed anything for good."""

import pytest

from api.subscriptions.hub import Hub
from api.subscriptions.news import News
from tests.api.consenting import citizen, clinic, terms
from tests.api.subscriptions.conftest import RECORD, Watch

KILL = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'healthbook-live-feed'"
KILL_ALL = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'healthbook-live%'"
LABS = "record:labs:read record:vitals:read"


@pytest.mark.parametrize("kill", [KILL, KILL_ALL])
async def test_after_a_reconnect_everybody_is_told_that_something_may_have_changed(line, kill):
    mine = await citizen(line.book, scope=LABS)
    async with line.phone(mine.token) as phone:
        id_, first = await phone.follow(RECORD)
        await line.book.sql(f"{kill} and datname = current_database()")
        assert await phone.next(id_) == first
        await line.change(mine.patient_id, 4, labs=[""])
        assert (await phone.next(id_))["revision"] == 4


async def test_abuse_25_a_right_lost_while_nobody_listened_ends_the_subscription_at_the_reconnect(line):
    mine, reader = await citizen(line.book), await clinic(line.book)
    await mine.grant(reader.reader, terms("labs"))
    async with line.phone(reader.token) as phone:
        id_, _ = await phone.follow(RECORD, id=str(mine.patient_id))
        await line.book.sql("update access.consent set withdrawn_at = now(), withdrawn_by = granted_by")
        watch = Watch()
        await line.book.sql(f"{KILL} and datname = current_database()")
        assert await phone.error(id_) == "CONSENT_REQUIRED"
        assert watch.passed < 1


@pytest.mark.parametrize(
    ("channel", "payload"),
    [
        ("record", "no json"),
        ("record", "[]"),
        ("record", "{}"),
        ("record", '{"patient": 7}'),
        ("record", '{"patient": [1]}'),
        ("rights", '{"patients": 7}'),
        ("rights", '{"patients": [[]]}'),
        ("unknown", "{}"),
        ("record", '{"patient": "x", "rows": 7, "revision": "y"}'),
        ("record", '{"patient": "x", "rows": [[], 7, "nothing:"]}'),
    ],
)
async def test_a_notification_that_is_none_of_ours_disturbs_nobody(channel, payload):
    hub, heard = Hub(decisions=None), []

    class Ear:
        channel = "record"

        def hear(self, told):
            news = News()
            news.add(told)
            heard.append(news.rows)

    hub.place(Ear(), [("patients", "x")])
    hub.hear(channel, payload)
    assert all(rows == set() for rows in heard)


class Away:
    """A database that does not answer."""

    async def fetchrow(self, *_arguments):
        raise ConnectionResetError


async def test_while_the_database_is_away_nothing_is_told_and_no_right_is_taken_for_granted(line, monkeypatch):
    """A check that cannot be made ends the subscription: BUSY, and the phone comes back."""
    mine = await citizen(line.book, scope=LABS)
    async with line.phone(mine.token) as phone:
        id_, _ = await phone.follow(RECORD)
        pool = line.hub._decisions._pool
        monkeypatch.setattr(line.hub._decisions, "_pool", Away())
        await line.book.sql("select pg_notify('rights', $1)", f'{{"patients": ["{mine.patient_id}"]}}')
        assert await phone.error(id_) == "BUSY"
        monkeypatch.setattr(line.hub._decisions, "_pool", pool)
        await phone.follow(RECORD)
