"""Ways out of the house, as one port. A channel is given messages and says of each what became of it.

What leaves: the ids in `Message`, a neutral text of the catalogue, the address. Never a kind, a name or a health word.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol
from uuid import UUID

LINK = "healthbook://inbox"


@dataclass(frozen=True, slots=True)
class Message:
    """`id` names the message and never changes, `about` the item (or a day's digest): shown again it replaces itself.

    `address`: an FCM token, an e-mail address, a phone in E.164 or a URL. `secret` signs a webhook's message.
    """

    id: UUID
    about: UUID
    address: str = field(repr=False)
    ttl: timedelta
    language: str = "vi"
    platform: str = "android"
    urgent: bool = False
    is_digest: bool = False
    secret: str | None = field(default=None, repr=False)

    @property
    def link(self) -> str:
        return LINK if self.is_digest else f"{LINK}/{self.about}"


@dataclass(frozen=True, slots=True)
class Delivered:
    """The provider took it over."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The address is dead and is to be forgotten: `unregistered` or `sender_mismatch`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Retry:
    """Later; `after` is the least that the provider asked for."""

    after: timedelta | None = None
    reason: str = "unavailable"


@dataclass(frozen=True, slots=True)
class Rejected:
    """Will never be taken."""

    reason: str


Outcome = Delivered | Gone | Retry | Rejected


class Channel(Protocol):
    """One way out. `name` is a channel of `notifications.kinds`, `most` how many messages it takes at a time."""

    name: str
    most: int

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """An outcome for each message, in order. It never raises for what a provider does."""
        ...

    async def close(self) -> None: ...


FIRST, LONGEST = timedelta(seconds=5), timedelta(hours=1)


def backoff(attempts: int, least: timedelta | None = None) -> timedelta:
    """The pause after so many tries: min(1 h, 2^n * 5 s) plus up to half of it by chance; never less than asked."""
    pause: timedelta = min(LONGEST, FIRST * 2 ** min(attempts - 1, 12))
    return max(pause, least or pause) + pause * random.random() / 2  # noqa: S311 -- a pause, not a secret
