"""What citizens are told of, and how each kind travels. Data: a new kind is a line here, words in the catalogues and
a value in the check of `notify.inbox_item`.

`urgent` kinds ignore quiet hours and digests and may not be switched off on every channel. `ttl`: how long a push or
message is still worth delivering. `fallback`: the channels tried in turn where the item is unread after `FALLBACK`.
"""

from dataclasses import dataclass
from datetime import timedelta

PUSH, EMAIL, SMS, WEBHOOK = "push", "email", "sms", "webhook"
CHANNELS = (PUSH, EMAIL, SMS)
"""Those a citizen chooses between; a webhook belongs to a partner's app."""
FALLBACK = timedelta(hours=3)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    ttl: timedelta = DAY
    urgent: bool = False
    fallback: tuple[str, ...] = ()
    partners: bool = False
    """Whether apps that the citizen connected are told by webhook that there is something new."""


_ALL = (
    Kind("appointment_booked", partners=True),
    Kind("appointment_moved", fallback=(SMS, EMAIL), partners=True),
    Kind("appointment_cancelled", fallback=(SMS, EMAIL), partners=True),
    Kind("reminder", ttl=6 * HOUR, fallback=(SMS,)),
    Kind("queue_call", ttl=timedelta(minutes=15), urgent=True),
    Kind("waiting_list_offer", ttl=HOUR),
    Kind("consent_request", ttl=3 * DAY, fallback=(EMAIL,)),
    Kind("consent_changed"),
    Kind("delegation", fallback=(EMAIL,)),
    Kind("visit"),
    Kind("record_read"),
    Kind("new_result", ttl=3 * DAY, fallback=(EMAIL,), partners=True),
    Kind("emergency_access", urgent=True, fallback=(SMS, EMAIL)),
    Kind("dose_due", ttl=3 * DAY, fallback=(SMS,)),
    Kind("security", urgent=True, fallback=(EMAIL, SMS)),
)
KINDS = {kind.name: kind for kind in _ALL}
