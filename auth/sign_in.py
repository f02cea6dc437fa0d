"""Signing in at this server: `/login` and `/logout`.

Today there is one way, the demo's list of invented citizens, and only where the demo command switched it on. The
page is bound to its browser by a cookie before anybody is signed in, so nobody can be signed in by a stranger's form.
"""

import re
from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from auth import web_sessions
from auth.opaque import new_secret
from auth.pages import language, render
from auth.pages.words import WORDS
from auth.provider import Provider
from auth.requests import Malformed, form_pairs, query_pairs
from domain.values import utc_now

DEMO_ACR = "demo"
_OWN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")


def own_path(address: str) -> str:
    """The address if it is a path of this server, else `/`: no scheme, `//host`, backslash or control character."""
    return address if _OWN_PATH.fullmatch(address) else "/"


def trouble(request: Request, lang: str, *, text: str = "bad_request", status: int = 400) -> HTMLResponse:
    """The local error page: where there is no client address worth trusting."""
    words = WORDS[lang]
    return render(request, "message.html", lang=lang, status=status, title=words["trouble"], text=words[text])


@dataclass(frozen=True, slots=True)
class SignIn:
    provider: Provider

    async def page(self, request: Request) -> Response:
        """GET /login"""
        lang = language(request)
        if not self.provider.settings.demo_sign_in:
            return self._not_configured(request, lang)
        try:
            asked = dict(query_pairs(request))
        except Malformed:
            return trouble(request, lang)
        cookie = web_sessions.cookie_of(request, self.provider.settings) or new_secret()
        response = render(
            request,
            "sign_in.html",
            lang=lang,
            form_token=web_sessions.form_token(cookie),
            next=own_path(asked.get("next", "/")),
            citizens=await self.provider.citizens.list_demo(),
        )
        web_sessions.set_cookie(response, self.provider.settings, cookie)
        return response

    async def choose(self, request: Request) -> Response:
        """POST /login: the demo citizen was chosen."""
        lang = language(request)
        if not self.provider.settings.demo_sign_in:
            return self._not_configured(request, lang)
        try:
            form = dict(await form_pairs(request))
        except Malformed:
            return trouble(request, lang)
        if not web_sessions.is_own_form(request, self.provider.settings, form.get("form_token", "")):
            return trouble(request, lang, text="bad_form", status=403)
        chosen = [one.id for one in await self.provider.citizens.list_demo() if str(one.id) == form.get("citizen")]
        if not chosen:
            return trouble(request, lang)
        return await self._begin(chosen[0], web_sessions.cookie_of(request, self.provider.settings), form)

    async def _begin(self, citizen_id: UUID, old_cookie: str, form: dict[str, str]) -> Response:
        now = utc_now()
        async with self.provider.sessions() as session:
            await web_sessions.end(session, old_cookie, now)
            cookie = await web_sessions.begin(session, citizen_id, acr=DEMO_ACR, now=now)
            await session.commit()
        response = _see_other(own_path(form.get("next", "/")))
        web_sessions.set_cookie(response, self.provider.settings, cookie)
        return response

    async def sign_out(self, request: Request) -> Response:
        """POST /logout"""
        lang = language(request)
        try:
            form = dict(await form_pairs(request))
        except Malformed:
            return trouble(request, lang)
        if not web_sessions.is_own_form(request, self.provider.settings, form.get("form_token", "")):
            return trouble(request, lang, text="bad_form", status=403)
        async with self.provider.sessions() as session:
            await web_sessions.end(session, web_sessions.cookie_of(request, self.provider.settings), utc_now())
            await session.commit()
        response = _see_other(own_path(form.get("next", "/")))
        web_sessions.drop_cookie(response, self.provider.settings)
        return response

    def _not_configured(self, request: Request, lang: str) -> HTMLResponse:
        words = WORDS[lang]
        return render(
            request, "message.html", lang=lang, status=503, title=words["no_sign_in"], text=words["no_sign_in_note"]
        )


def _see_other(address: str) -> RedirectResponse:
    return RedirectResponse(address, 303, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
