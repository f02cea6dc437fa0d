"""`/account`: the citizen's own sessions, passkeys and contacts. Ending a session works on its next request."""

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from auth import web_sessions
from auth.pages import render
from auth.pages.words import WORDS
from auth.provider import Provider
from auth.sign_in import contacts, passkeys, state
from auth.sign_in.passkeys import Passkeys
from auth.sign_in.script import SCRIPT_PATH
from auth.sign_in.turns import Turn, Turns
from domain.values import VIETNAM

SESSIONS = "/account/sessions"


@dataclass(frozen=True, slots=True)
class Account:
    """`has_codes`: one-time codes can be sent, so contacts can be verified."""

    provider: Provider
    passkeys: Passkeys | None
    has_codes: bool

    async def page(self, request: Request) -> Response:
        """GET /account"""
        return await Turns(self.provider).seen(request, self._page)

    async def end_session(self, request: Request) -> Response:
        """POST /account/sessions: `name` of one, or `all`."""
        return await Turns(self.provider).posted(request, _end_session, "name", "all")

    async def _page(self, turn: Turn) -> Response:
        settings, citizen_id = self.provider.settings, turn.signed_in.citizen_id
        cookie = web_sessions.cookie_of(turn.request, settings)
        under_way = state.own_cookie(turn.request, settings)
        step_up = await Turns(self.provider).step_up(turn)
        response = render(
            turn.request,
            "account.html",
            lang=turn.lang,
            script=f"{settings.issuer}{SCRIPT_PATH}" if self.passkeys else "",
            form_token=web_sessions.form_token(cookie),
            step_up=step_up,
            when=_when,
            sessions=await web_sessions.living(turn.session, citizen_id, cookie, turn.now),
            passkeys=await passkeys.listed(turn.session, citizen_id),
            contacts=await contacts.listed(turn.session, settings.kek, citizen_id),
            has_codes=self.has_codes,
            passkey_options="" if step_up else await self._options(turn, under_way),
        )
        state.set_cookie(response, settings, under_way)
        return response

    async def _options(self, turn: Turn, cookie: str) -> str:
        if self.passkeys is None:
            return ""
        book = WORDS[turn.lang]["book"]
        return await self.passkeys.registration_options(turn.session, cookie, turn.signed_in.citizen_id, book, turn.now)


async def _end_session(turn: Turn) -> Response:
    citizen_id = turn.signed_in.citizen_id
    if turn.form.get("all"):
        await web_sessions.end_all(turn.session, citizen_id, turn.now)
    else:
        await web_sessions.end_named(turn.session, citizen_id, turn.form.get("name", ""), turn.now)
    return turn.back()


def _when(moment: datetime) -> str:
    """Vietnam's time, as both languages write it."""
    return moment.astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M")
