"""What has to be known of some citizens to tell them something: devices, wishes, addresses. A statement each."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from notifications.contacts import Contacts, Reach
from notifications.tables import Device, Preference, Wishes
from notifications.wishes import LANGUAGE, Manner

MOST_ADDRESSES = 1
"""Of each kind: who has two e-mail addresses is written to at the first."""


@dataclass(slots=True)
class Person:
    """One citizen, as far as telling him goes."""

    manner: Manner = field(default_factory=Manner)
    devices: list[Device] = field(default_factory=list)
    preferences: list[Preference] = field(default_factory=list)
    reaches: list[Reach] = field(default_factory=list)

    @property
    def language(self) -> str:
        """His own choice, else his first phone's, else Vietnamese."""
        if self.manner.language:
            return self.manner.language
        return self.devices[0].locale if self.devices else LANGUAGE

    @property
    def zone(self) -> str | None:
        return self.devices[0].timezone if self.devices else None

    def reached_by(self, channel: str) -> list[Reach]:
        return [one for one in self.reaches if one.channel == channel][:MOST_ADDRESSES]


async def of_citizens(session: AsyncSession, contacts: Contacts, citizens: Collection[UUID]) -> Mapping[UUID, Person]:
    """Everybody asked for has an entry; the devices are the living ones, oldest first."""
    found: defaultdict[UUID, Person] = defaultdict(Person)
    asked = list(citizens)
    living = select(Device).where(Device.citizen_id.in_(asked), Device.ended_at.is_(None))
    for device in await session.scalars(living.order_by(Device.created_at, Device.id)):
        found[device.citizen_id].devices.append(device)
    for wishes in await session.scalars(select(Wishes).where(Wishes.citizen_id.in_(asked))):
        found[wishes.citizen_id].manner = Manner.of(wishes)
    for one in await session.scalars(select(Preference).where(Preference.citizen_id.in_(asked))):
        found[one.citizen_id].preferences.append(one)
    for citizen, reaches in (await contacts.of(session, asked)).items():
        found[citizen].reaches = reaches
    return {citizen: found[citizen] for citizen in asked}
