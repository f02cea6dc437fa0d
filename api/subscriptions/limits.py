"""How many may listen at once, and for how much of this process' memory and time one of them may ask."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from auth.tokens.bearer import Caller
from domain.errors import Conflict

INIT_S = 10.0
"""A socket that has not said who it is by then is closed (4408)."""
SEND_S = 10.0
"""Somebody who takes nothing for so long is gone."""
PACE_S = 1.0
"""Between two pushes of one subscription; what comes in between is told in one."""
HEARTBEAT_S = 20.0
LARGEST_MESSAGE = 32 * 1024
"""Bytes of one message, and of the body that opens a stream."""
LONGEST_ID = 128
MOST_SUBSCRIPTIONS = 16
"""Of one socket at a time."""
MOST_MESSAGES, MESSAGES_WINDOW_S = 240, 60.0
"""Of one socket in a window; a well-behaved phone sends two a minute."""


class Full(Conflict):
    """There is no seat for one more."""

    code = "TOO_MANY_SUBSCRIBERS"


@dataclass(frozen=True, slots=True)
class Seats:
    """Sockets and streams at once: of a process, of a client that acts for no citizen (a facility's), of a citizen.

    The first number holds once for those who have not said who they are, and once for those who have, so that nobody
    can take a citizen's place without a token.
    """

    process: int = 20_000
    client: int = 200
    citizen: int = 10


class Room:
    """The seats that are taken."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._taken: Counter[str] = Counter()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """A socket from its handshake on. Full."""
        with self._taking({"waiting": self._seats.process}):
            yield

    @contextmanager
    def taken(self, caller: Caller) -> Iterator[None]:
        """Somebody known, for as long as he listens. Full."""
        if caller.subject is None:
            own = {f"client {caller.client_id}": self._seats.client}
        else:
            own = {f"citizen {caller.subject}": self._seats.citizen}
        with self._taking({"known": self._seats.process} | own):
            yield

    @contextmanager
    def _taking(self, wanted: dict[str, int]) -> Iterator[None]:
        if any(self._taken[name] >= most for name, most in wanted.items()):
            raise Full("There are too many subscribers. Close one, or try again shortly.")
        self._taken.update(wanted.keys())
        try:
            yield
        finally:
            self._taken.subtract(wanted.keys())
            for name in wanted.keys() - {"waiting", "known"}:
                if not self._taken[name]:
                    del self._taken[name]

    def __getitem__(self, name: str) -> int:
        return self._taken[name]
