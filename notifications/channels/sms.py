"""Text messages through an operator's gateway: one JSON POST a message, signed like a webhook.

    {"id": "...", "to": "+84...", "text": "..."}

The gateway keeps `id` for a day and sends an id it has sent before not again.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from domain.values import utc_now
from notifications.channels import Message, Outcome, Rejected, Retry
from notifications.channels.egress import Answer, Egress, Refused, Unreachable
from notifications.channels.webhook import outcome_of, signed
from notifications.kinds import SMS
from notifications.texts import hint

AT_ONCE = 20
BAD_NUMBER = frozenset({400, 404, 410, 422})


@dataclass(frozen=True, slots=True)
class SmsSettings:
    url: str
    secret: str = field(repr=False)


class Sms:
    """The channel `sms`."""

    name, most = SMS, 100

    def __init__(self, settings: SmsSettings, clock: Callable[[], datetime] = utc_now) -> None:
        self._settings, self._clock = settings, clock
        self._egress, self._turns = Egress("any"), asyncio.Semaphore(AT_ONCE)

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        return list(await asyncio.gather(*(self._send(message) for message in messages)))

    async def _send(self, message: Message) -> Outcome:
        told = {"id": str(message.id), "to": message.address, "text": hint("sms", message.language)}
        body = orjson.dumps(told)
        headers = signed(str(message.id), body, self._settings.secret, self._clock())
        async with self._turns:
            try:
                return _outcome_of(await self._egress.post(self._settings.url, body, headers))
            except (Refused, Unreachable):
                return Retry(reason="unreachable")

    async def close(self) -> None:
        """Nothing is kept open."""


def _outcome_of(answer: Answer) -> Outcome:
    return Rejected("number_refused") if answer.status in BAD_NUMBER else outcome_of(answer)
