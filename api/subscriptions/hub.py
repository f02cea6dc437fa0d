"""Who listens to what in this process, and the one place where a notification becomes somebody's news or doubt.

A right that may have ended is looked at at once by workers of its own, whatever else is going on; what may be pushed is
asked by each subscription itself, a few at a time.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Collection, Iterable
from typing import Any, Protocol
from uuid import UUID

import orjson
import structlog

from api.subscriptions.decisions import Decisions, Occasion, Question, Standing
from domain.changes_feed import RIGHTS

log = structlog.get_logger("healthbook.live")

Topic = tuple[str, str]
"""A kind of `domain.changes_feed` and an id."""
CHECKERS, ASKERS = 2, 2
REMEMBERED = 500
CONNECTIONS = CHECKERS + ASKERS
KINDS = ("patients", "citizens", "grants", "clients", "organizations")


class Listener(Protocol):
    """What the hub knows of a subscription. `channel` is the one its news come from."""

    channel: str

    def hear(self, payload: dict[str, Any]) -> None: ...

    def miss(self) -> None: ...

    async def check(self) -> None: ...


def topic(kind: str, id_: UUID | str) -> Topic:
    return kind, str(id_)


class Hub:
    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions
        self._asking = asyncio.Semaphore(ASKERS)
        self._listeners: defaultdict[Topic, set[Listener]] = defaultdict(set)
        self._topics: dict[Listener, frozenset[Topic]] = {}
        self._doubted: asyncio.Queue[Listener] = asyncio.Queue()
        self._in_doubt: set[Listener] = set()
        self.heard = 0
        """How many notifications came."""
        self._lately: deque[frozenset[Topic]] = deque(maxlen=REMEMBERED)

    @property
    def topics(self) -> Collection[Topic]:
        return self._listeners.keys()

    async def ask(self, question: Question, occasion: Occasion, rows: Iterable[str] = ()) -> Standing:
        """Busy where the database does not answer. Only checks pass those who wait to push."""
        if occasion == "CHECK":
            return await self._decisions.ask(question, occasion)
        async with self._asking:
            return await self._decisions.ask(question, occasion, sorted(rows))

    def place(self, listener: Listener, topics: Iterable[Topic]) -> None:
        """It hears of these from now on, and of no others."""
        wanted = frozenset(topics)
        before = self._topics.get(listener, frozenset())
        self._topics[listener] = wanted
        for one in wanted - before:
            self._listeners[one].add(listener)
        self._drop(listener, before - wanted)

    def leave(self, listener: Listener) -> None:
        self._drop(listener, self._topics.pop(listener, frozenset()))

    def _drop(self, listener: Listener, topics: Iterable[Topic]) -> None:
        for one in topics:
            self._listeners[one].discard(listener)
            if not self._listeners[one]:
                del self._listeners[one]

    def hear(self, channel: str, text: str) -> None:
        """A notification. One that is none of ours is worth a line in the log and nothing else."""
        try:
            payload = orjson.loads(text)
            named = _named(channel, payload)
        except (orjson.JSONDecodeError, AttributeError, TypeError, KeyError):
            log.warning("unknown_notification", channel=channel)
            return
        self._note(named)
        for listener in {one for name in named for one in self._listeners.get(name, ())}:
            if channel == RIGHTS:
                self.doubt(listener)
            elif listener.channel == channel:
                listener.hear(payload)

    def miss(self) -> None:
        """Notifications may have been lost: everybody is told that something may have changed, by a new decision."""
        self._note(self._listeners)
        for listener in list(self._topics):
            listener.miss()

    def _note(self, topics: Iterable[Topic]) -> None:
        self.heard += 1
        self._lately.append(frozenset(topics))

    def concerned_since(self, heard: int, listener: Listener) -> bool:
        """Whether one of its topics was named after so many notifications; of too many that is taken for granted."""
        missed = self.heard - heard
        if missed > len(self._lately):
            return True
        mine = self._topics.get(listener, frozenset())
        return any(mine & self._lately[-place] for place in range(1, missed + 1))

    def doubt(self, listener: Listener) -> None:
        """Its right may have ended."""
        if listener not in self._in_doubt and listener in self._topics:
            self._in_doubt.add(listener)
            self._doubted.put_nowait(listener)

    async def run(self) -> None:
        """Looks at what is in doubt, until cancelled."""
        async with asyncio.TaskGroup() as checkers:
            for _ in range(CHECKERS):
                checkers.create_task(self._check())

    async def _check(self) -> None:
        while True:
            listener = await self._doubted.get()
            self._in_doubt.discard(listener)  # before it is looked at: what is told meanwhile is a doubt of its own
            if listener in self._topics:
                await listener.check()


def _named(channel: str, payload: dict[str, Any]) -> list[Topic]:
    match channel:
        case "record":
            return [topic("patients", payload["patient"])]
        case "consent" | "inbox" | "rights":
            return [topic(kind, one) for kind in KINDS for one in payload.get(kind, ())]
        case _:
            raise KeyError(channel)
