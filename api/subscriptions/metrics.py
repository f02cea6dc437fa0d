"""What an operator can count of subscriptions; labels are words of ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge

SOCKETS = Gauge(
    "healthbook_subscription_sockets",
    "Open connections of subscribers: waiting (a websocket that has not said who it is), websocket, stream (SSE).",
    ["state"],
)
SUBSCRIPTIONS = Gauge("healthbook_subscriptions", "Living subscriptions, by field of the schema.", ["field"])
PUSHES = Counter("healthbook_subscription_pushes_total", "Events told to subscribers, by field.", ["field"])
ENDED = Counter(
    "healthbook_subscriptions_ended_total",
    "Subscriptions that ended: client (it left), right (a right was lost), signed_out (the grant, client or facility), "
    "expired (the token), busy (no decision could be had), refused (never began).",
    ["reason"],
)
FEED_LOST = Counter("healthbook_subscription_feed_lost_total", "Times that the connection which listens was lost.")


@contextmanager
def counted(state: str) -> Iterator[None]:
    """One open connection of this state, for the length of the block."""
    SOCKETS.labels(state).inc()
    try:
        yield
    finally:
        SOCKETS.labels(state).dec()
