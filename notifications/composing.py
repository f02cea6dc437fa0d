"""From a claimed delivery to a message, or to why there is none: read by then, phone gone, quiet hours, too late."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from notifications.channels import Message
from notifications.circumstances import Person, of_citizens
from notifications.contacts import Contacts
from notifications.kinds import KINDS, PUSH, WEBHOOK, Kind
from notifications.seals import Seals
from notifications.tables import Webhook

TOKEN, SECRET = "token", "webhook"
UNREAD = text(
    """select i.citizen_id, i.id from notify.inbox_item i
        where i.citizen_id = any(cast(:citizens as uuid[])) and i.id = any(cast(:items as uuid[]))
          and i.read_at is null"""
)
HAS_UNREAD = text(
    """select c.id from unnest(cast(:citizens as uuid[])) c(id)
        where exists (select from notify.inbox_item i
                       where i.citizen_id = c.id and i.read_at is null and i.archived_at is null)"""
)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Not sent, ever: `read`, `expired`, `no_target` or `channel_off`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """Not now: quiet hours, or a webhook that is held."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Composer:
    contacts: Contacts
    seals: Seals
    channels: frozenset[str]

    async def compose(
        self, session: AsyncSession, claimed: Sequence[Row[Any]], now: datetime
    ) -> Mapping[UUID, Message | Skipped | Postponed]:
        """By delivery. Four statements or five for all of them."""
        citizens = sorted({row.citizen_id for row in claimed})
        people = await of_citizens(session, self.contacts, citizens)
        known = {"citizens": citizens, "items": [row.about for row in claimed if not row.is_digest]}
        unread = {row.id for row in await session.execute(UNREAD, known)}
        digests = {row.citizen_id for row in claimed if row.is_digest}
        waiting = set(await session.scalars(HAS_UNREAD, {"citizens": sorted(digests)})) if digests else set()
        webhooks = await _webhooks(session, [row.target_id for row in claimed if row.channel == WEBHOOK])
        made: dict[UUID, Message | Skipped | Postponed] = {}
        for row in claimed:
            is_unread = row.citizen_id in waiting if row.is_digest else row.about in unread
            made[row.id] = self._one(row, people[row.citizen_id], webhooks.get(row.target_id), now, is_unread=is_unread)
        return made

    def _one(
        self, row: Row[Any], person: Person, webhook: Webhook | None, now: datetime, *, is_unread: bool
    ) -> Message | Skipped | Postponed:
        if row.channel not in self.channels:
            return Skipped("channel_off")
        if row.expires_at <= now:
            return Skipped("expired")
        if row.channel == WEBHOOK:
            return self._to_partner(row, webhook, now)
        if not is_unread:
            return Skipped("read")
        kind = KINDS.get(row.kind, Kind(row.kind))
        until = person.manner.not_before(now, kind, person.zone)
        return Postponed(until) if until > now and not row.is_digest else self._to_person(row, person, kind, now)

    def _to_person(self, row: Row[Any], person: Person, kind: Kind, now: datetime) -> Message | Skipped:
        address, language, platform = self._address(row, person)
        if address is None:
            return Skipped("no_target")
        return Message(
            id=row.id,
            about=row.about,
            address=address,
            ttl=row.expires_at - now,
            language=person.manner.language or language,
            platform=platform,
            urgent=kind.urgent,
            is_digest=row.is_digest,
        )

    def _address(self, row: Row[Any], person: Person) -> tuple[str | None, str, str]:
        """Address, language and platform."""
        if row.channel != PUSH:
            reach = next((one for one in person.reaches if one.target_id == row.target_id), None)
            return (reach.address if reach else None), person.language, ""
        device = next((one for one in person.devices if one.id == row.target_id), None)
        if device is None or device.token_sealed is None:
            return None, person.language, ""
        return self.seals.unseal(TOKEN, device.token_sealed), device.locale, device.platform

    def _to_partner(self, row: Row[Any], webhook: Webhook | None, now: datetime) -> Message | Skipped | Postponed:
        if webhook is None or webhook.ended_at is not None:
            return Skipped("no_target")
        if webhook.held_at is not None:
            return Postponed(row.expires_at)
        secret = self.seals.unseal(SECRET, webhook.secret_sealed)
        return Message(id=row.id, about=row.about, address=webhook.url, ttl=row.expires_at - now, secret=secret)


async def _webhooks(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, Webhook]:
    if not ids:
        return {}
    return {one.id: one for one in await session.scalars(select(Webhook).where(Webhook.id.in_(ids)))}
