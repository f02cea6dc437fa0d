"""The last step of every way to sign in: a new session in this browser, and on to where the citizen was going."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from auth import web_sessions
from auth.pages import render
from auth.pages.words import WORDS
from auth.provider import Provider
from auth.requests import Malformed, Pairs, form_pairs
from auth.sign_in.asking import own_path
from auth.sign_in.devices import device_of
from domain import attempts
from domain.values import utc_now

REMEMBERED = timedelta(days=730)
"""After this time a device is new again."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Who proved to be whom, how strongly (`levels`), and when that was."""

    citizen_id: UUID
    acr: str
    auth_time: datetime


async def enter(provider: Provider, session: AsyncSession, request: Request, proof: Proof, after: str) -> Response:
    """The session before ends and a new one with a new id begins (no fixation), in the caller's transaction.

    A citizen who never used such a device before is told of it.
    """
    now, device = utc_now(), device_of(request.headers.get("user-agent", ""))
    await web_sessions.end(session, web_sessions.cookie_of(request, provider.settings), now)
    cookie = await web_sessions.begin(
        session,
        proof.citizen_id,
        acr=proof.acr,
        now=now,
        auth_time=proof.auth_time,
        device=device,
    )
    if await _is_new(session, proof.citizen_id, device, now):
        await session.run_sync(provider.citizens.warn, proof.citizen_id, now)
    response = see_other(own_path(after))
    web_sessions.set_cookie(response, provider.settings, cookie)
    return response


async def _is_new(session: AsyncSession, citizen_id: UUID, device: str, now: datetime) -> bool:
    """Sessions are purged after a day, so what was seen is kept as a counter, a hash: of two at once one is new."""
    seen = await attempts.count(session, "device", f"{citizen_id} {device}", window=REMEMBERED, now=now)
    return seen == 1


def see_other(address: str) -> RedirectResponse:
    return RedirectResponse(address, 303, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


def trouble(request: Request, lang: str, *, text: str = "bad_request", status: int = 400) -> HTMLResponse:
    """The local error page: where there is no client address worth trusting."""
    return told(request, lang, title="trouble", text=text, status=status)


def told(request: Request, lang: str, *, title: str, text: str, status: int) -> HTMLResponse:
    words = WORDS[lang]
    return render(request, "message.html", lang=lang, status=status, title=words[title], text=words[text])


async def own_form(provider: Provider, request: Request, lang: str) -> Pairs | HTMLResponse:
    """The form that this server rendered for this browser, or the page that refuses it (login CSRF)."""
    try:
        pairs = await form_pairs(request)
    except Malformed:
        return trouble(request, lang)
    if not web_sessions.is_own_form(request, provider.settings, dict(pairs).get("form_token", "")):
        return trouble(request, lang, text="bad_form", status=403)
    return pairs
