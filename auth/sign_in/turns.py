"""One request of a signed-in citizen at his own pages: who he is, what the form says, one transaction.

Everybody signed in sees his lists and ends sessions. Who can sign in as him is changed only after a fresh sign-in, as
strong as this citizen can sign in: with a code alone nobody adds a passkey beside an existing one.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from auth import web_sessions
from auth.pages import language, render
from auth.provider import Provider
from auth.requests import Malformed
from auth.sign_in import passkeys
from auth.sign_in.asking import ACCOUNT, address, single
from auth.sign_in.entry import own_form, see_other, trouble
from auth.sign_in.levels import STRONG, WEAK, level_of
from auth.web_sessions import SignedIn
from domain.values import utc_now


@dataclass(frozen=True, slots=True)
class Turn:
    """`form` is empty for a GET."""

    request: Request
    session: AsyncSession
    signed_in: SignedIn
    form: Mapping[str, str]
    lang: str
    now: datetime

    def back(self) -> Response:
        return see_other(f"{ACCOUNT}?lang={self.lang}")

    def told(self, text: str, status: int) -> HTMLResponse:
        again = f"{ACCOUNT}?lang={self.lang}"
        return render(self.request, "sign_in_message.html", lang=self.lang, status=status, text=text, again=again)


Work = Callable[[Turn], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Turns:
    provider: Provider

    async def seen(self, request: Request, work: Work) -> Response:
        """A GET."""
        return await self._turn(request, {}, work)

    async def posted(self, request: Request, work: Work, *names: str) -> Response:
        """A POST of this browser's own form, with at most these fields."""
        lang = language(request)
        pairs = await own_form(self.provider, request, lang)
        if isinstance(pairs, Response):
            return pairs
        try:
            form = single(pairs, *names)
        except Malformed:
            return trouble(request, lang)
        return await self._turn(request, form, work)

    async def changed(self, request: Request, work: Work, *names: str) -> Response:
        """A POST that changes who can sign in: to the sign-in page first, unless this one is strong and fresh."""

        async def checked(turn: Turn) -> Response:
            ahead = await self.step_up(turn)
            return see_other(ahead) if ahead else await work(turn)

        return await self.posted(request, checked, *names)

    async def step_up(self, turn: Turn) -> str:
        """The address of the sign-in that a change needs first; empty if this one will do."""
        settings = self.provider.settings
        level = await self._level(turn)
        reached = level_of(turn.signed_in.acr, demo=settings.demo_sign_in)
        if reached >= level and turn.now - turn.signed_in.auth_time <= settings.fresh_sign_in:
            return ""
        fresh_s = int(settings.fresh_sign_in.total_seconds())
        return address(ACCOUNT, level=level, max_age=fresh_s, lang=turn.lang)

    async def _level(self, turn: Turn) -> int:
        """Level 2 as soon as this citizen could: the server has a national provider, or he has a passkey."""
        if self.provider.settings.national:
            return STRONG
        return STRONG if await passkeys.listed(turn.session, turn.signed_in.citizen_id) else WEAK

    async def _turn(self, request: Request, form: Mapping[str, str], work: Work) -> Response:
        lang = language(request)
        async with self.provider.sessions() as session:
            signed_in = await web_sessions.signed_in(request, self.provider.settings, session)
            if signed_in is None or not await self.provider.citizens.exists(signed_in.citizen_id):
                return see_other(address(ACCOUNT, lang=lang))
            response = await work(Turn(request, session, signed_in, form, lang, utc_now()))
            await session.commit()
        return response
