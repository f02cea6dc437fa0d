"""Logging out at the request of an app (OpenID Connect RP-Initiated Logout 1.0), at `/oauth/logout`.

An id_token of ours as `id_token_hint` says who wants to leave which app: this browser's session ends, and of the
grants the one sign-in that the hint belongs to (`sid`). Without a hint, or with one of another citizen than the one
signed in here, anybody could have sent the browser: the citizen is asked first. He is sent on only to an address
registered for logging out, compared as text.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import jwt
from authlib.common.urls import add_params_to_uri
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from auth import web_sessions
from auth.clients.authentication import living_client
from auth.clients.redirects import form_action
from auth.pages import language, render
from auth.pages.words import WORDS
from auth.provider import Provider
from auth.requests import Malformed, Pairs, Payload, form_pairs, query_pairs
from auth.scopes import split
from auth.settings import AuthSettings
from auth.sign_in import trouble
from auth.signing.keys import ALGORITHM, KeyRing
from auth.tables import OAuthClient, TokenGrant
from auth.tokens.signed import session_id
from domain.values import utc_now

LOGOUT, CONFIRM = "/oauth/logout", "/oauth/logout/confirm"
_REQUIRED = ["iss", "sub", "aud", "iat", "sid"]


@dataclass(frozen=True, slots=True)
class Hint:
    """What an id_token says of the sign-in it was made for."""

    citizen_id: UUID
    client_id: str
    session_id: str


@dataclass(frozen=True, slots=True)
class Leaving:
    """A valid request: whose, from which app, and where to go afterwards."""

    hint: Hint | None
    client: OAuthClient | None
    address: str | None


def read_hint(settings: AuthSettings, ring: KeyRing, token: str) -> Hint:
    """Malformed unless it is an id_token that this server signed; expired ones count (RP-Initiated Logout 2)."""
    try:
        header = jwt.get_unverified_header(token)
        public = ring.public.get(header.get("kid", ""))
        if public is None or header.get("typ", "JWT") != "JWT":
            raise Malformed("The id_token_hint is not valid.")
        claims: dict[str, Any] = jwt.decode(
            token,
            jwt.PyJWK.from_dict(public).key,
            algorithms=[ALGORITHM],
            issuer=settings.issuer,
            options={"require": _REQUIRED, "verify_aud": False, "verify_exp": False},
        )
        (client_id,) = claims["aud"]
        return Hint(UUID(claims["sub"]), str(client_id), str(claims["sid"]))
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError):
        raise Malformed("The id_token_hint is not valid.") from None


@dataclass(frozen=True, slots=True)
class Logout:
    provider: Provider

    async def ask(self, request: Request) -> Response:
        """GET /oauth/logout: at once where the hint is of the citizen who is signed in here, else after a question."""
        lang = language(request)
        try:
            pairs = query_pairs(request)
            leaving = await self._leaving(pairs)
        except Malformed:
            return trouble(request, lang)
        async with self.provider.sessions() as session:
            signed_in = await web_sessions.signed_in(request, self.provider.settings, session)
            await session.commit()
        if signed_in and (leaving.hint is None or leaving.hint.citizen_id != signed_in.citizen_id):
            return self._question(request, lang, pairs, leaving)
        return await self._leave(request, lang, leaving)

    async def ask_by_form(self, request: Request) -> Response:
        """POST /oauth/logout: the same, continued as a GET, with which the browser sends its cookie."""
        try:
            pairs = await form_pairs(request)
        except Malformed:
            return trouble(request, language(request))
        return RedirectResponse(f"{LOGOUT}?{urlencode(pairs)}", 303, headers={"Cache-Control": "no-store"})

    async def confirm(self, request: Request) -> Response:
        """POST /oauth/logout/confirm: the request in the query, the citizen's yes in the form."""
        lang = language(request)
        try:
            leaving, form = await self._leaving(query_pairs(request)), await form_pairs(request)
        except Malformed:
            return trouble(request, lang)
        if not web_sessions.is_own_form(request, self.provider.settings, dict(form).get("form_token", "")):
            return trouble(request, lang, text="bad_form", status=403)
        return await self._leave(request, lang, leaving)

    async def _leaving(self, pairs: Pairs) -> Leaving:
        """Malformed for anything in the request that does not hold; nothing has happened then."""
        payload = Payload(pairs)
        asked = payload.data
        if payload.fault:
            raise Malformed(payload.fault)
        ring = await self.provider.keys.ring()
        hint = read_hint(self.provider.settings, ring, asked["id_token_hint"]) if "id_token_hint" in asked else None
        client_id = asked.get("client_id") or (hint.client_id if hint else None)
        if hint and client_id != hint.client_id:
            raise Malformed("The client_id is not the one of the id_token_hint.")
        async with self.provider.sessions() as session:
            client = await session.run_sync(living_client, client_id, utc_now()) if client_id else None
        return Leaving(hint, client, _address(asked, client))

    def _question(self, request: Request, lang: str, pairs: Pairs, leaving: Leaving) -> Response:
        query = urlencode([(name, value) for name, value in pairs if name != "lang"])
        cookie = web_sessions.cookie_of(request, self.provider.settings)
        return render(
            request,
            "logout.html",
            lang=lang,
            form_action=form_action(leaving.address) if leaving.address else "",
            client_name=leaving.client.name if leaving.client else "",
            action=f"{CONFIRM}?lang={lang}&{query}",
            form_token=web_sessions.form_token(cookie),
        )

    async def _leave(self, request: Request, lang: str, leaving: Leaving) -> Response:
        now = utc_now()
        async with self.provider.sessions() as session:
            await web_sessions.end(session, web_sessions.cookie_of(request, self.provider.settings), now)
            if leaving.hint:
                await session.run_sync(_end_sign_in, leaving.hint, now)
            await session.commit()
        response = _afterwards(request, lang, leaving.address)
        web_sessions.drop_cookie(response, self.provider.settings)
        return response


def _address(asked: dict[str, str], client: OAuthClient | None) -> str | None:
    """The registered address to go to, with the client's state; Malformed for any other (RP-Initiated Logout 3)."""
    address = asked.get("post_logout_redirect_uri")
    if address is None:
        return None
    if client is None or address not in client.post_logout_redirect_uris:
        raise Malformed("The post_logout_redirect_uri is not registered.")
    state = asked.get("state")
    return str(add_params_to_uri(address, [("state", state)])) if state else address


def _end_sign_in(db: Session, hint: Hint, now: datetime) -> None:
    """Revoke the grant that the hint's id_token belongs to; other sign-ins of the citizen at the app stay."""
    living = select(TokenGrant).where(
        TokenGrant.citizen_id == hint.citizen_id,
        TokenGrant.client_id == hint.client_id,
        TokenGrant.revoked_at.is_(None),
    )
    for grant in db.scalars(living.with_for_update()).all():
        if session_id(grant) == hint.session_id and "openid" in split(grant.scope):
            grant.revoke(now, "logout")


def _afterwards(request: Request, lang: str, address: str | None) -> Response:
    if address is None:
        words = WORDS[lang]
        return render(request, "message.html", lang=lang, title=words["signed_out"], text=words["signed_out_note"])
    headers = {"Location": address, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Response(status_code=303, headers=headers)
