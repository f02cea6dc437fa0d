"""What a citizen wishes, as rules: may this be sent by this channel, and when. Pure; clock times in his own zone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from notifications.kinds import Kind
from notifications.tables import Preference, Wishes

ZONE, LANGUAGE, DIGEST_AT = "Asia/Ho_Chi_Minh", "vi", "18:00"
QUIET = ("22:00", "06:00")
"""Nobody's phone rings at night unless he says so or the kind is urgent."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How one citizen is told. `quiet` is None where he wants to be told at any hour."""

    language: str | None = None
    timezone: str | None = None
    quiet: tuple[str, str] | None = QUIET
    digest_at: str = DIGEST_AT

    @classmethod
    def of(cls, wishes: Wishes | None) -> "Manner":
        if wishes is None:
            return cls()
        quiet = None if wishes.quiet_from is None or wishes.quiet_to is None else (wishes.quiet_from, wishes.quiet_to)
        return cls(wishes.language, wishes.timezone, quiet, wishes.digest_at or DIGEST_AT)

    def not_before(self, now: datetime, kind: Kind, device_zone: str | None = None) -> datetime:
        """Now, or the end of the quiet hours that it falls into."""
        if kind.urgent or self.quiet is None:
            return now
        return quiet_until(now, zone_of(self.timezone or device_zone), *self.quiet)

    def next_digest(self, now: datetime, device_zone: str | None = None) -> datetime:
        return next_at(now, zone_of(self.timezone or device_zone), self.digest_at)


def zone_of(name: str | None) -> ZoneInfo:
    """The zone of an IANA name; Vietnam's for one that this machine does not know."""
    try:
        return ZoneInfo(name or ZONE)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(ZONE)


def mode_of(preferences: Iterable[Preference], kind: str, channel: str, patient_id: UUID | None) -> str | None:
    """on, off or digest as the most exact wish says, None where there is none.

    Exact in this order: this kind about this patient, this kind, this patient, everything.
    """
    fitting = [
        one
        for one in preferences
        if one.channel == channel and one.kind in (None, kind) and one.patient_id in (None, patient_id)
    ]
    fitting.sort(key=lambda one: (one.kind is not None, one.patient_id is not None))
    return fitting[-1].mode if fitting else None


def quiet_until(now: datetime, zone: ZoneInfo, begin: str, end: str) -> datetime:
    """`now` outside the quiet hours, else the instant they end; over midnight where `end` is not after `begin`."""
    clock, from_, to = now.astimezone(zone).time(), _clock(begin), _clock(end)
    within = from_ <= clock < to if from_ < to else clock >= from_ or clock < to
    return next_at(now, zone, end) if within else now


def next_at(now: datetime, zone: ZoneInfo, clock: str) -> datetime:
    """The next instant after `now` at which it is `clock` there.

    A time that a change of clocks leaves out is taken at the offset before it; one that comes twice, the first time.
    """
    today = now.astimezone(zone).date()
    for days in range(3):
        wall = datetime.combine(today + timedelta(days=days), _clock(clock), tzinfo=zone)
        moment = datetime.fromtimestamp(wall.timestamp(), tz=now.tzinfo)
        if moment > now:
            return moment
    raise AssertionError("a clock time comes every day")


def _clock(text: str) -> time:
    return time.fromisoformat(text)
