"""E-mail by SMTP: neutral words, always encrypted on the way (STARTTLS or TLS) but to a server on this machine.

`Message-ID` is the delivery's id, so that a second try is the same letter to whoever receives it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import aiosmtplib

from notifications.channels import Delivered, Message, Outcome, Rejected, Retry
from notifications.kinds import EMAIL
from notifications.texts import hint

LIMIT = timedelta(seconds=20)
SCHEMES = ("smtp", "smtps")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
PERMANENT = 500


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """`smtp://` speaks STARTTLS, `smtps://` TLS from the first byte; without either only to this machine."""

    host: str
    port: int
    sender: str
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str, sender: str) -> "SmtpSettings":
        """From `smtp://user:password@host:587`. ValueError never shows it."""
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES or not parts.hostname or "@" not in sender:
            raise ValueError("HEALTHBOOK_SMTP_URL must be smtp:// or smtps://, HEALTHBOOK_SMTP_FROM an address")
        tls = parts.scheme == "smtps"
        port = parts.port or (465 if tls else 587)
        username = unquote(parts.username) if parts.username else None
        return cls(parts.hostname, port, sender, tls, username, unquote(parts.password or "") or None)

    @property
    def is_local(self) -> bool:
        return self.host in LOOPBACK


class Email:
    """The channel `email`. One connection a batch."""

    name, most = EMAIL, 50

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        try:
            async with self._connection() as connection:
                for message in messages:
                    outcomes.append(await self._send(connection, message))  # noqa: PERF401 -- those sent before a break count
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as failure:
            outcomes += [Retry(reason=type(failure).__name__)] * (len(messages) - len(outcomes))
        return outcomes

    def _connection(self) -> aiosmtplib.SMTP:
        told = self._settings
        starts_tls = None if told.is_local else not told.tls
        return aiosmtplib.SMTP(
            hostname=told.host,
            port=told.port,
            username=told.username,
            password=told.password,
            use_tls=told.tls,
            start_tls=False if told.tls else starts_tls,
            timeout=LIMIT.total_seconds(),
        )

    async def _send(self, connection: aiosmtplib.SMTP, message: Message) -> Outcome:
        try:
            await connection.send_message(letter(message, self._settings.sender))
        except aiosmtplib.SMTPRecipientsRefused as refused:
            codes = [one.code for one in refused.recipients]
            return Rejected("address_refused") if min(codes) >= PERMANENT else Retry(reason="recipient_deferred")
        except aiosmtplib.SMTPResponseException as answer:
            return Rejected("refused") if answer.code >= PERMANENT else Retry(reason="deferred")
        return Delivered()

    async def close(self) -> None:
        """Nothing is kept open."""


def letter(message: Message, sender: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"] = sender, message.address
    made["Subject"] = hint("email.subject", message.language)
    made["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2].rstrip('>')}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834 5
    made["Content-Language"] = message.language
    made.set_content(hint("email.body", message.language))
    return made
