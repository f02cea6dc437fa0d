"""A town of citizens with phones, on a database of its own, and a clock that is set instead of waited for."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from cli.demo_push import Behaviour, PushServer
from domain.database import open_engine
from domain.values import new_id
from notifications import notices
from notifications.channels.fcm import Fcm, FcmSettings
from notifications.composing import TOKEN
from notifications.contacts import NoContacts, Reach
from notifications.kinds import PUSH
from notifications.planning import Planner
from notifications.seals import Seals
from notifications.worker import Notifier
from tests.conftest import Database

PAGE_OK = Behaviour(200, page="<html><body>Please sign in</body></html>")
RESET = Behaviour(resets=True)
"""What stands between here and FCM may say anything, or nothing."""
SEALS = Seals.of(b"k" * 32)
NOON = datetime.fromisoformat("2026-11-21T12:00:00+07:00")


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self):
        return self.now

    def forward(self, **by):
        self.now += timedelta(**by)


@dataclass
class Contacts:
    """The port over a dictionary: what sign-in would know."""

    known: dict[UUID, list[Reach]] = field(default_factory=dict)

    async def of(self, session, citizens):
        return {citizen: self.known[citizen] for citizen in citizens if citizen in self.known}


@dataclass
class Town:
    database: Database
    sql: asyncpg.Connection
    engine: AsyncEngine
    phones: PushServer
    clock: Clock = field(default_factory=Clock)
    channels: dict = field(default_factory=dict)
    contacts: object = field(default_factory=NoContacts)

    @property
    def notifier(self):
        return Notifier(
            self.database.worker, self.engine, self.channels, self.contacts, SEALS, self.clock, timedelta(minutes=2)
        )

    async def citizen(self):
        id_ = uuid4()
        await self.sql.execute("insert into access.citizen (id) values ($1)", id_)
        return id_

    async def device(self, citizen, token=None, *, locale="vi", timezone="Asia/Ho_Chi_Minh"):
        """The token of a phone."""
        token = token or f"token-{uuid4().hex}"
        await self.sql.execute(
            """insert into notify.device (id, citizen_id, client_id, platform, name, locale, timezone, token_key,
                                          token_sealed, created_at, seen_at)
               values ($1, $2, 'phone', 'android', 'Máy của tôi', $3, $4, $5, $6, $7, $7)""",
            new_id(), citizen, locale, timezone, SEALS.key_of(token), SEALS.seal(TOKEN, token), self.clock.now,
        )  # fmt: skip
        return token

    async def devices(self, number, each=1):
        """Tokens of many phones, `each` a citizen."""
        rows = []
        for person in range(number // each):
            citizen = UUID(int=person + 1)
            for phone in range(each):
                token = f"token-{person:06}-{phone:02}-{uuid4().hex[:8]}"
                rows.append((citizen, new_id(), token))
        await self.sql.executemany(
            """insert into notify.device (id, citizen_id, client_id, platform, name, locale, timezone, token_key,
                                          token_sealed, created_at, seen_at)
               values ($1, $2, 'phone', 'android', 'Máy', 'vi', 'Asia/Ho_Chi_Minh', $3, $4, $5, $5)""",
            [
                (device, citizen, SEALS.key_of(token), SEALS.seal(TOKEN, token), self.clock.now)
                for citizen, device, token in rows
            ],
        )
        return [token for _, _, token in rows]

    async def post(self, citizens, kind="new_result", *, key=None, patient=None, subject=None, role="consent"):
        """Ids of the items, posted as a login of the service would."""
        engine = open_engine(getattr(self.database, role))
        try:
            async with AsyncSession(engine) as session:
                told = {"kind": kind, "citizen_ids": citizens, "patient_id": patient, "subject_id": subject}
                made = await session.run_sync(lambda db: notices.post(db, **told, now=self.clock.now, key=key))
                await session.commit()
            return made
        finally:
            await engine.dispose()

    async def plan(self):
        """What the waiting jobs would plan."""
        rows = await self.sql.fetch("delete from jobs.pgqueuer where entrypoint = 'deliver' returning payload")
        planner = Planner(frozenset(self.channels), self.contacts)
        for row in rows:
            keys = [(UUID(citizen), UUID(item)) for citizen, item in json.loads(row["payload"])["items"]]
            async with AsyncSession(self.engine) as session:
                await planner.plan_items(session, keys, self.clock.now)
                await session.commit()

    async def deliver(self):
        """Plan and send whatever is due now."""
        await self.plan()
        return await self.notifier.sender().drain()

    async def states(self, channel=PUSH):
        rows = await self.sql.fetch("select state from notify.delivery where channel = $1 order by id", channel)
        return [row["state"] for row in rows]

    def shown(self, token):
        """What a phone shows, and how often it rang, in all."""
        phone = self.phones.phones.get(token)
        return (len(phone.shown), sum(phone.rang.values())) if phone else (0, 0)


async def until(condition, longest=60.0):
    """Waits for a process of its own to have done something; by looking, as there is nothing to wait on."""
    async with asyncio.timeout(longest):
        while not await condition():  # noqa: ASYNC110 -- it is another process
            await asyncio.sleep(0.02)


def fcm(phones):
    return Fcm(FcmSettings("demo", endpoint=phones.origin))
