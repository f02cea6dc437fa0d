"""What the web process needs to know from outside; read once by the commands of `cli/`."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from api.budgets import Limits
from api.subscriptions.limits import Seats
from domain.emergency_reviews import Alarm

KEY_BYTES = 32
CONNECTIONS = 4
"""One process in Python keeps no more of PostgreSQL's busy, and each more is one more set of cold caches."""
SHORTEST_TOKEN = 16
_SEATS = re.compile(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})/([1-9][0-9]{0,5})", re.ASCII)
_ALARM = re.compile(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Four database logins with a right of their own each, and the key that identifiers are hashed with.

    `demo_token` opens GraphiQL and the list of demo citizens; only the demo command has one. `metrics_token` opens
    /metrics; without one only this machine sees it. `introspection`: whether callers may read the schema.
    """

    web_dsn: str = field(repr=False)
    intake_dsn: str = field(repr=False)
    auth_dsn: str = field(repr=False)
    consent_dsn: str = field(repr=False)
    identifier_key: bytes = field(repr=False)
    connections: int = CONNECTIONS
    demo_token: str | None = field(default=None, repr=False)
    metrics_token: str | None = field(default=None, repr=False)
    emergency_alarm: Alarm = field(default_factory=Alarm)
    introspection: bool = True
    seats: Seats = field(default_factory=Seats)
    budgets: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if len(self.identifier_key) != KEY_BYTES:
            raise ValueError("HEALTHBOOK_IDENTIFIER_KEY must be base64 of 32 bytes")
        if self.connections < 1:
            raise ValueError("HEALTHBOOK_CONNECTIONS must be at least 1")
        if self.metrics_token is not None and len(self.metrics_token) < SHORTEST_TOKEN:
            raise ValueError(f"HEALTHBOOK_METRICS_TOKEN must have at least {SHORTEST_TOKEN} characters")


def identifier_key(environ: Mapping[str, str]) -> bytes:
    """HEALTHBOOK_IDENTIFIER_KEY: base64 of 32 bytes. ValueError says what is wrong."""
    try:
        return base64.b64decode(environ.get("HEALTHBOOK_IDENTIFIER_KEY", ""), validate=True)
    except binascii.Error:
        raise ValueError("HEALTHBOOK_IDENTIFIER_KEY must be base64 of 32 bytes") from None


def connections(environ: Mapping[str, str]) -> int:
    """HEALTHBOOK_CONNECTIONS: how many records one process reads at a time; 4 unless told."""
    text = environ.get("HEALTHBOOK_CONNECTIONS") or str(CONNECTIONS)
    if not text.isdigit():
        raise ValueError("HEALTHBOOK_CONNECTIONS must be a number")
    return int(text)


def introspection(environ: Mapping[str, str]) -> bool:
    """HEALTHBOOK_INTROSPECTION: on or off; on unless told."""
    told = environ.get("HEALTHBOOK_INTROSPECTION") or "on"
    if told not in {"on", "off"}:
        raise ValueError("HEALTHBOOK_INTROSPECTION must be on or off")
    return told == "on"


def emergency_alarm(environ: Mapping[str, str]) -> Alarm:
    """HEALTHBOOK_EMERGENCY_ALARM: emergencies within 24 hours of one clinician / of one organization."""
    text = environ.get("HEALTHBOOK_EMERGENCY_ALARM")
    if not text:
        return Alarm()
    told = _ALARM.fullmatch(text)
    if told is None:
        raise ValueError("HEALTHBOOK_EMERGENCY_ALARM must be two numbers such as 5/20")
    return Alarm(of_practitioner=int(told[1]), of_organization=int(told[2]))


def seats(environ: Mapping[str, str]) -> Seats:
    """HEALTHBOOK_SUBSCRIBERS: open at once of one process / one client without a person / one citizen."""
    text = environ.get("HEALTHBOOK_SUBSCRIBERS")
    if not text:
        return Seats()
    told = _SEATS.fullmatch(text)
    if told is None:
        raise ValueError("HEALTHBOOK_SUBSCRIBERS must be three numbers such as 20000/200/10")
    return Seats(process=int(told[1]), client=int(told[2]), citizen=int(told[3]))


def budgets(environ: Mapping[str, str]) -> Limits:
    """HEALTHBOOK_BUDGETS: units of cost a minute, citizen/citizen of another app/that app/facility."""
    text = environ.get("HEALTHBOOK_BUDGETS")
    return Limits.of(text) if text else Limits()
