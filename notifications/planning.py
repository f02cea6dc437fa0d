"""From an inbox item to the messages about it: which targets, by which channel, when. Planned once, whatever happens.

`plan` is pure; `plan_items` reads, asks it and writes. Deliveries are unique by citizen, item, channel and target, so
planning again after a crash adds nothing.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from sqlalchemy import select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.values import new_id
from notifications.circumstances import Person, of_citizens
from notifications.contacts import Contacts
from notifications.kinds import CHANNELS, DAY, FALLBACK, KINDS, PUSH, WEBHOOK, Kind
from notifications.tables import Delivery, InboxItem
from notifications.wishes import mode_of, zone_of

WEBHOOK_FOR = 3 * DAY
"""How long a partner's server may be down before its webhook is held."""
DIGEST = "digest"
WEBHOOKS_OF = text("select patient, w from unnest(cast(:patients as uuid[])) patient, notify.webhooks_of(patient) w")


@dataclass(frozen=True, slots=True)
class Planner:
    """`channels`: those that are configured; nothing is planned for another."""

    channels: frozenset[str]
    contacts: Contacts

    async def plan_items(self, session: AsyncSession, keys: Collection[tuple[UUID, UUID]], now: datetime) -> None:
        """Write the deliveries of these items (citizen, id)."""
        query = select(InboxItem).where(tuple_(InboxItem.citizen_id, InboxItem.id).in_(list(keys)))
        items = (await session.scalars(query)).all()
        people = await of_citizens(session, self.contacts, {item.citizen_id for item in items})
        partners = await self._partners(session, items)
        rows = [
            row
            for item in items
            for row in plan(
                item,
                people[item.citizen_id],
                self.channels,
                partners.get(item.patient_id, []) if item.patient_id else [],
                now,
            )
        ]
        if rows:
            connection = await session.connection()
            await connection.execute(insert(Delivery).on_conflict_do_nothing(), rows)

    async def _partners(self, session: AsyncSession, items: Sequence[InboxItem]) -> Mapping[UUID, list[UUID]]:
        """Webhooks by patient, of the kinds that partners hear of."""
        patients = sorted({item.patient_id for item in items if item.patient_id and KINDS[item.kind].partners})
        if not patients or WEBHOOK not in self.channels:
            return {}
        found: dict[UUID, list[UUID]] = {}
        for patient, webhook in await session.execute(WEBHOOKS_OF, {"patients": patients}):
            found.setdefault(patient, []).append(webhook)
        return found


def plan(
    item: InboxItem, person: Person, channels: frozenset[str], webhooks: Sequence[UUID], now: datetime
) -> Iterator[dict[str, Any]]:
    """The rows of `Delivery` for one item."""
    told = _Told(item, KINDS[item.kind], person, channels, now)
    yield from told.at_once()
    yield from told.fallbacks()
    for webhook in webhooks:
        yield told.row(WEBHOOK, webhook, now, expires=now + WEBHOOK_FOR)


@dataclass(slots=True)
class _Told:
    """One item on its way to one person."""

    item: InboxItem
    kind: Kind
    person: Person
    channels: frozenset[str]
    now: datetime
    used: set[str] = field(default_factory=set)

    def mode(self, channel: str) -> str | None:
        wish = mode_of(self.person.preferences, self.item.kind, channel, self.item.patient_id)
        return "on" if wish == DIGEST and self.kind.urgent else wish

    def targets(self, channel: str) -> list[tuple[UUID, str | None]]:
        """Ids of devices or addresses, with the zone each is in."""
        if channel not in self.channels:
            return []
        if channel == PUSH:
            return [(device.id, device.timezone) for device in self.person.devices]
        return [(reach.target_id, self.person.zone) for reach in self.person.reached_by(channel)]

    def at_once(self) -> Iterator[dict[str, Any]]:
        """Push unless it was switched off; other channels where they were switched on."""
        for channel in CHANNELS:
            mode = self.mode(channel) or ("on" if channel == PUSH else None)
            if mode in {"on", DIGEST}:
                for target, zone in self.targets(channel):
                    self.used.add(channel)
                    yield self.digest(channel, target, zone) if mode == DIGEST else self.single(channel, target, zone)

    def fallbacks(self) -> Iterator[dict[str, Any]]:
        """The next channels in turn, three hours apart; the first one at once where nothing else reaches him."""
        open_ = [one for one in self.kind.fallback if one not in self.used and self.mode(one) != "off"]
        steps = 1 if self.used else 0
        for channel in open_:
            targets = self.targets(channel)
            for target, zone in targets:
                yield self.single(channel, target, zone, after=FALLBACK * steps, unless_read=True)
            steps += bool(targets)

    def single(
        self,
        channel: str,
        target: UUID,
        zone: str | None,
        after: timedelta = timedelta(0),
        *,
        unless_read: bool = False,
    ) -> dict[str, Any]:
        at = self.person.manner.not_before(self.now + after, self.kind, zone)
        expires = self.item.created_at + self.kind.ttl + after
        return self.row(channel, target, at, expires=expires) | {"unless_read": unless_read}

    def digest(self, channel: str, target: UUID, zone: str | None) -> dict[str, Any]:
        at = self.person.manner.next_digest(self.now, zone)
        day = at.astimezone(zone_of(self.person.manner.timezone or zone)).date()
        about = uuid5(NAMESPACE_OID, f"{self.item.citizen_id} {day.isoformat()}")
        return self.row(channel, target, at, expires=at + DAY) | {"about": about, "is_digest": True, "kind": DIGEST}

    def row(self, channel: str, target: UUID, at: datetime, *, expires: datetime) -> dict[str, Any]:
        return {
            "id": new_id(),
            "citizen_id": self.item.citizen_id,
            "about": self.item.id,
            "is_digest": False,
            "kind": self.item.kind,
            "channel": channel,
            "target_id": target,
            "state": "due",
            "attempts": 0,
            "unless_read": False,
            "next_at": at,
            "expires_at": expires,
            "created_at": self.now,
        }
