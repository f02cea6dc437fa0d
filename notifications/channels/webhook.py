"""News for partners' apps: a signed POST (Standard Webhooks 1.0) that says only that there is something to fetch.

    {"type": "notice.created", "timestamp": "...", "data": {"id": "..."}}

`webhook-id` is the delivery's id and stays the same over every try, so a receiver drops what it had before.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import orjson
from standardwebhooks import Webhook

from domain.values import utc_now
from notifications.channels import Delivered, Message, Outcome, Rejected, Retry
from notifications.channels.egress import Answer, Egress, Refused, Unreachable
from notifications.kinds import WEBHOOK

TYPE = "notice.created"
AT_ONCE = 20
GONE, TOO_MANY = 410, 429


def signed(message_id: str, body: bytes, secret: str, now: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks 1.0 for a body."""
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, body.decode()),
    }


class Webhooks:
    """The channel `webhook`."""

    name, most = WEBHOOK, 100

    def __init__(self, egress: Egress | None = None, clock: Callable[[], datetime] = utc_now) -> None:
        self._egress, self._clock = egress or Egress(), clock
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        return list(await asyncio.gather(*(self._send(message) for message in messages)))

    async def _send(self, message: Message) -> Outcome:
        now = self._clock()
        body = orjson.dumps({"type": TYPE, "timestamp": now.isoformat(), "data": {"id": str(message.about)}})
        headers = signed(str(message.id), body, message.secret or "", now)
        async with self._turns:
            try:
                return outcome_of(await self._egress.post(message.address, body, headers))
            except Refused:
                return Rejected("address_refused")
            except Unreachable:
                return Retry(reason="unreachable")

    async def close(self) -> None:
        """Nothing is kept open."""


def outcome_of(answer: Answer) -> Outcome:
    """2xx is taken; 410 says for good (Standard Webhooks 1.0); everything else is tried again for days."""
    if 200 <= answer.status < 300:  # noqa: PLR2004 -- RFC 9110 15.3
        return Delivered()
    if answer.status == GONE:
        return Rejected("gone")
    return Retry(answer.retry_after, f"http_{answer.status // 100}xx")
