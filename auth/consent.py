"""The authorization endpoint (RFC 6749 3.1): who asks, the citizen's answer, and the way back to the client.

The page is shown for every new authorization: a public client's address can be imitated, so a citizen must see who
asks (RFC 8252 8.6). The form posts to `/oauth/consent` with the same query as the request, and everything is
validated again there; a tick can only remove what was asked.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from auth import web_sessions
from auth.grants import Approval
from auth.pages import language, render
from auth.provider import Provider
from auth.redirects import form_action
from auth.requests import Malformed, OAuthRequest, Pairs, form_pairs, query_pairs
from auth.scopes import ALWAYS, narrow, split
from auth.server import Reply, Server, answer
from auth.sign_in import trouble
from auth.web_sessions import SignedIn
from domain.values import utc_now

AUTHORIZE, CONSENT = "/oauth/authorize", "/oauth/consent"
_PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_MAX_AGE_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Asked:
    """A valid authorization request: what the page shows, and whether the citizen must sign in first."""

    client_name: str
    scopes: list[str]
    redirect_uri: str
    needs_sign_in: bool


@dataclass(frozen=True, slots=True)
class Consent:
    provider: Provider

    async def ask(self, request: Request) -> Response:
        """GET /oauth/authorize"""
        try:
            pairs = query_pairs(request)
        except Malformed:
            return trouble(request, language(request))
        lang = language(request, dict(pairs).get("ui_locales", ""))
        signed_in = await self._signed_in(request)
        asked = await answer(self.provider, self._oauth(pairs), lambda server, oauth: _asked(server, oauth, signed_in))
        if isinstance(asked, Reply):
            return _returned(request, lang, asked)
        if signed_in is None or asked.needs_sign_in:
            return _to_sign_in(pairs)
        return await self._page(request, lang, pairs, asked, signed_in)

    async def ask_by_form(self, request: Request) -> Response:
        """POST /oauth/authorize (OpenID Connect Core 3.1.2.1): the same request, continued as a GET."""
        try:
            pairs = await form_pairs(request)
        except Malformed:
            return trouble(request, language(request))
        return RedirectResponse(f"{AUTHORIZE}?{urlencode(pairs)}", 303, headers={"Cache-Control": "no-store"})

    async def decide(self, request: Request) -> Response:
        """POST /oauth/consent: the request in the query, the citizen's answer in the form."""
        lang = language(request)
        try:
            pairs, form = query_pairs(request), await form_pairs(request)
        except Malformed:
            return trouble(request, lang)
        signed_in = await self._signed_in(request)
        token = dict(form).get("form_token", "")
        if signed_in is None or not web_sessions.is_own_form(request, self.provider.settings, token):
            return trouble(request, lang, text="bad_form", status=403)
        approval = _approval(signed_in, form)
        reply = await answer(self.provider, self._oauth(pairs), lambda server, oauth: _decided(server, oauth, approval))
        return _returned(request, lang, reply)

    async def _page(self, request: Request, lang: str, pairs: Pairs, asked: Asked, signed_in: SignedIn) -> Response:
        query = urlencode([(name, value) for name, value in pairs if name != "lang"])
        words = {name: self.provider.scopes[name][lang] for name in asked.scopes}
        cookie = web_sessions.cookie_of(request, self.provider.settings)
        return render(
            request,
            "consent.html",
            lang=lang,
            form_action=form_action(asked.redirect_uri),
            client_name=asked.client_name,
            citizen_label=await self._label(signed_in),
            sections={name: text for name, text in words.items() if name not in ALWAYS},
            others=[text for name, text in words.items() if name in ALWAYS],
            action=f"{CONSENT}?lang={lang}&{query}",
            next=f"{AUTHORIZE}?lang={lang}&{query}",
            form_token=web_sessions.form_token(cookie),
        )

    async def _label(self, signed_in: SignedIn) -> str:
        people = await self.provider.citizens.list_demo() if self.provider.settings.demo_sign_in else ()
        return next((citizen.label for citizen in people if citizen.id == signed_in.citizen_id), "")

    async def _signed_in(self, request: Request) -> SignedIn | None:
        cookie = web_sessions.cookie_of(request, self.provider.settings)
        async with self.provider.sessions() as session:
            signed_in = await web_sessions.current(session, cookie, utc_now())
            await session.commit()
        if signed_in is None or not await self.provider.citizens.exists(signed_in.citizen_id):
            return None
        return signed_in

    def _oauth(self, pairs: Pairs) -> OAuthRequest:
        """Always as a GET of the authorization endpoint, whichever page carries the request."""
        return OAuthRequest.of("GET", self.provider.settings.issuer + AUTHORIZE, pairs)


def _asked(server: Server, oauth: OAuthRequest, signed_in: SignedIn | None) -> Asked:
    grant = server.get_consent_grant(oauth)
    prompts = _prompts(oauth, grant.redirect_uri)
    if "none" in prompts:
        error = "consent_required" if signed_in else "login_required"
        raise OAuth2Error(error=error, redirect_uri=grant.redirect_uri)
    return Asked(
        client_name=oauth.client.name,
        scopes=split(oauth.scope),
        redirect_uri=grant.redirect_uri,
        needs_sign_in=bool({"login", "select_account"} & prompts) or _too_old(oauth, grant.redirect_uri, signed_in),
    )


def _prompts(oauth: OAuthRequest, redirect_uri: str) -> set[str]:
    """OpenID Connect Core 3.1.2.1: known values, and none only alone."""
    prompts = set(split(oauth.payload.data.get("prompt")))
    if not prompts <= _PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise InvalidRequestError("Invalid prompt parameter.", redirect_uri=redirect_uri)
    return prompts


def _too_old(oauth: OAuthRequest, redirect_uri: str, signed_in: SignedIn | None) -> bool:
    """The sign-in is older than `max_age` seconds; the sign-in page makes a fresh one."""
    max_age = oauth.payload.data.get("max_age", "")
    if not max_age:
        return False
    if not max_age.isdecimal() or len(max_age) > _MAX_AGE_DIGITS:
        raise InvalidRequestError("Invalid max_age parameter.", redirect_uri=redirect_uri)
    return signed_in is None or utc_now() - signed_in.auth_time > timedelta(seconds=int(max_age))


def _approval(signed_in: SignedIn, form: Pairs) -> Approval | None:
    """None unless the form says allow, once and in so many words."""
    if [value for name, value in form if name == "decision"] != ["allow"]:
        return None
    ticked = frozenset(value for name, value in form if name == "scope")
    return Approval(signed_in.citizen_id, signed_in.acr, signed_in.auth_time, ticked)


def _decided(server: Server, oauth: OAuthRequest, approval: Approval | None) -> Reply:
    """A code for what was asked and ticked; access_denied if that is nothing."""
    grant: Any = server.get_consent_grant(oauth)
    granted = approval if approval and narrow(oauth.scope, approval.ticked) else None
    reply: Reply = server.create_authorization_response(oauth, grant_user=granted, grant=grant)
    return reply


def _to_sign_in(pairs: Pairs) -> RedirectResponse:
    """To /login and back; a fresh sign-in satisfies prompt and max_age, so they do not travel on."""
    lang = [(name, value) for name, value in pairs if name == "lang"]
    rest = urlencode([(name, value) for name, value in pairs if name not in {"prompt", "max_age"}])
    return RedirectResponse(
        "/login?" + urlencode([*lang, ("next", f"{AUTHORIZE}?{rest}")]), 303, headers={"Cache-Control": "no-store"}
    )


def _returned(request: Request, lang: str, reply: Reply) -> Response:
    """To the client, if the reply has a validated address; else the reason stays on a page here."""
    if reply.location is None:
        return trouble(request, lang)
    headers = {"Location": reply.location, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Response(status_code=reply.status, headers=headers)
