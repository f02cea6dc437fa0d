"""GET /login: the ways to sign in that this server has and that are strong enough for what is asked; POST /logout.

The page is bound to its browser by a cookie before anybody is signed in, so nobody can be signed in by a stranger's
form.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from auth import web_sessions
from auth.opaque import new_secret
from auth.pages import language, render
from auth.provider import CodeSender, Provider
from auth.requests import Malformed, query_pairs
from auth.sign_in import state
from auth.sign_in.asking import Asking, own_path, single
from auth.sign_in.demo import not_configured
from auth.sign_in.entry import own_form, see_other, trouble
from auth.sign_in.levels import WEAK
from auth.sign_in.national import START
from auth.sign_in.outbox import DemoOutbox
from auth.sign_in.passkeys import Passkeys
from auth.sign_in.script import SCRIPT_PATH
from domain.values import utc_now


@dataclass(frozen=True, slots=True)
class Ways:
    """The way in is off where its part is None; the demo's list is on only in a demo."""

    provider: Provider
    sender: CodeSender | None
    passkeys: Passkeys | None

    async def page(self, request: Request) -> Response:
        lang = language(request)
        if not self._has_any:
            return not_configured(request, lang)
        try:
            asking = Asking.of(query_pairs(request))
        except Malformed:
            return trouble(request, lang)
        settings = self.provider.settings
        cookie = web_sessions.cookie_of(request, settings) or new_secret()
        under_way = state.own_cookie(request, settings)
        response = render(
            request,
            "sign_in.html",
            lang=lang,
            script=f"{settings.issuer}{SCRIPT_PATH}" if self.passkeys else "",
            form_token=web_sessions.form_token(cookie),
            asking=asking,
            passkey_options=await self._options(under_way),
            **await self._shown(asking, lang),
        )
        web_sessions.set_cookie(response, settings, cookie)
        if self.passkeys:
            state.set_cookie(response, settings, under_way)
        return response

    @property
    def _has_any(self) -> bool:
        settings = self.provider.settings
        return bool(settings.demo_sign_in or settings.national or self.sender or self.passkeys)

    async def _shown(self, asking: Asking, lang: str) -> dict[str, Any]:
        """The other ways, where they reach the asked level."""
        settings = self.provider.settings
        outbox = self.sender.sent if isinstance(self.sender, DemoOutbox) else ()
        return {
            "national": f"{START}?{urlencode({'lang': lang, **asking.fields})}" if settings.national else "",
            "codes": self.sender is not None and asking.level <= WEAK,
            "demo": settings.demo_sign_in,
            "citizens": await self.provider.citizens.list_demo() if settings.demo_sign_in else (),
            "outbox": list(outbox),
        }

    async def _options(self, cookie: str) -> str:
        if self.passkeys is None:
            return ""
        async with self.provider.sessions() as session:
            options = await self.passkeys.sign_in_options(session, cookie, utc_now())
            await session.commit()
        return options

    async def sign_out(self, request: Request) -> Response:
        """POST /logout"""
        lang = language(request)
        pairs = await own_form(self.provider, request, lang)
        if isinstance(pairs, Response):
            return pairs
        try:
            form = single(pairs, "next")
        except Malformed:
            return trouble(request, lang)
        settings = self.provider.settings
        async with self.provider.sessions() as session:
            await web_sessions.end(session, web_sessions.cookie_of(request, settings), utc_now())
            await session.commit()
        response = see_other(own_path(form.get("next", "/")))
        web_sessions.drop_cookie(response, settings)
        return response
