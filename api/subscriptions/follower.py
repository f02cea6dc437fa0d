"""One subscription: decided before it begins and before each push, ended the moment its right does."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import suppress
from typing import Any

from api.errors import SCOPES
from api.errors import refusal as section_refusal
from api.subscriptions.decisions import Question, Standing, TokenExpired, loss, refusal
from api.subscriptions.hub import Hub, Topic, topic
from api.subscriptions.limits import PACE_S
from api.subscriptions.metrics import ENDED, PUSHES, SUBSCRIPTIONS
from api.subscriptions.news import EVERYTHING, News
from auth.tokens.bearer import Caller
from domain.errors import Busy, HealthbookError, Unauthenticated

MARGIN_S = 0.01
"""After the moment at which a decision changes by the clock: by then it has."""
LONGEST_TIMER_S = 24 * 3600.0


class Follower:
    """`interrupt` is called when the right ends while a push is on its way: it is not to be sent any more."""

    def __init__(
        self, hub: Hub, caller: Caller, question: Question, channel: str, interrupt: Callable[[], None]
    ) -> None:
        self.channel = channel
        self._hub, self._caller, self._question, self._interrupt = hub, caller, question, interrupt
        self._news = News()
        self._woken = asyncio.Event()
        self._lost: HealthbookError | None = None
        self._had: frozenset[str] = frozenset()
        self._timer: asyncio.TimerHandle | None = None

    async def pushes(self) -> AsyncGenerator[tuple[Standing, News], None]:
        """What is to be told: the first at once, so that from it on nothing is missed. Raises why it ends."""
        field, reason = self._question.action, "client"
        SUBSCRIPTIONS.labels(field).inc()
        try:
            yield await self._begun(), News(may_have_missed=True)
            while True:
                news = await self._taken()
                standing = await self._hub.ask(self._question, "PUSH", news.rows)
                self._stands(standing)
                if standing.told or self._question.sections is None:
                    PUSHES.labels(field).inc()
                    yield standing, news
                    await self._pause()
        except HealthbookError as error:
            reason = _reason(error, has_begun=bool(self._timer))
            raise
        finally:
            self._left()
            ENDED.labels(reason).inc()
            SUBSCRIPTIONS.labels(field).dec()

    def hear(self, payload: dict[str, Any]) -> None:
        self._news.add(payload)
        self._woken.set()

    def miss(self) -> None:
        self._news.miss()
        self._woken.set()

    async def check(self) -> None:
        """Look again; ends the subscription where its right is not what it was, or nobody can say."""
        try:
            self._stands(await self._hub.ask(self._question, "CHECK"))
        except HealthbookError as lost:
            self.lose(lost)

    def lose(self, why: HealthbookError) -> None:
        if self._lost is None:
            self._lost = why
            self._woken.set()
            self._interrupt()

    async def _begun(self) -> Standing:
        """The first decision. What was told while it was made may have come too late for it, and is looked at again."""
        self._hub.place(self, self._always())
        heard = self._hub.heard
        standing = await self._hub.ask(self._question, "START", EVERYTHING)
        refused = refusal(standing.outcome, self._question.scope)
        if refused is None and self._question.sections is not None and not standing.opened:
            refused = _nothing_open(self._question.sections, self._caller.scopes)
        if refused is not None:
            raise refused
        self._had = standing.opened
        if self._question.sections is not None:
            self._question = _of(self._question, standing)
        self._stands(standing)
        if self._hub.concerned_since(heard, self):
            self._hub.doubt(self)
            self.miss()
        return standing

    def _stands(self, standing: Standing) -> None:
        """Raises where something is lost; else places it by what it may and sets the clock."""
        is_less = standing.outcome == "ALLOWED" and not self._had <= standing.opened
        lost = loss("REFUSED" if is_less else standing.outcome)
        if lost is not None:
            raise lost
        patients = (topic("patients", one) for one in standing.persons)
        citizens = [topic("citizens", standing.citizen)] if standing.citizen else []
        organizations = [topic("organizations", standing.organization)] if standing.organization else []
        self._hub.place(self, [*self._always(), *patients, *citizens, *organizations])
        self._set_timer(standing.seconds)

    def _always(self) -> Iterable[Topic]:
        yield topic("grants", self._caller.grant_id)
        yield topic("clients", self._caller.client_id)
        if self._caller.subject is not None:
            yield topic("citizens", self._caller.subject)

    def _set_timer(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        left = self._caller.expires_at - time.time()
        delay = max(0.0, min(left, LONGEST_TIMER_S, left if seconds is None else seconds)) + MARGIN_S
        self._timer = asyncio.get_running_loop().call_later(delay, self._time_has_come)

    def _time_has_come(self) -> None:
        if time.time() >= self._caller.expires_at:
            self.lose(TokenExpired("The access token expired."))
        else:
            self._hub.doubt(self)

    async def _taken(self) -> News:
        """Waits for news and takes it all. Raises why it ended."""
        while self._lost is None and not self._news.is_any:
            self._woken.clear()
            await self._woken.wait()
        if self._lost is not None:
            raise self._lost
        news, self._news = self._news, News()
        return news

    async def _pause(self) -> None:
        """For the pace, unless the right is lost meanwhile."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PACE_S):
                while self._lost is None:
                    self._woken.clear()
                    await self._woken.wait()

    def _left(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._hub.leave(self)


def _nothing_open(sections: tuple[str, ...], scopes: frozenset[str]) -> HealthbookError:
    """The token reaches none of them, or nobody allowed those that it reaches."""
    return section_refusal(next((name for name in sections if SCOPES[name] in scopes), sections[0]), scopes)


def _of(question: Question, standing: Standing) -> Question:
    """From now on it asks for what it has, of the patient that was found."""
    return Question(
        question.grant_id,
        standing.patient,
        question.action,
        question.request,
        purpose=question.purpose,
        sections=tuple(sorted(standing.opened)),
    )


def _reason(error: HealthbookError, *, has_begun: bool) -> str:
    match error:
        case Busy():
            return "busy"
        case TokenExpired():
            return "expired"
        case Unauthenticated():
            return "signed_out"
        case _:
            return "right" if has_begun else "refused"
