"""The demo's outbox: codes that would go to a phone or a mailbox, shown on the demo's own pages instead."""

from collections import deque
from dataclasses import dataclass, field

from auth.sign_in.contacts import Contact, masked

KEPT = 10


@dataclass(frozen=True, slots=True)
class Sent:
    to: str
    code: str


@dataclass(slots=True)
class DemoOutbox:
    """A CodeSender that keeps the last few codes in memory, newest first."""

    sent: deque[Sent] = field(default_factory=lambda: deque(maxlen=KEPT))

    async def send(self, system: str, value: str, code: str, lang: str) -> None:
        del lang
        self.sent.appendleft(Sent(masked(Contact(system, value)), code))
