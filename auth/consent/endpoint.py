"""GET and POST /oauth/authorize show a request, POST /oauth/consent takes the answer, with the request in its query.

For somebody else's app there are two pages: one to choose on, one with the consent's whole text to say yes to. The
citizen's own app and a clinicians' application have one. Every button posts a `decision`; only `allow` grants anything.
"""

from typing import cast
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from auth import web_sessions
from auth.consent.asking import Asked, asked
from auth.consent.choice import ALLOW, DENY, GO_ON, Choice, decision_of, problems
from auth.consent.deciding import Unread, Yes, allow, refuse
from auth.consent.pages import AUTHORIZE, Pages, Visit
from auth.pages import language
from auth.provider import Provider
from auth.requests import Malformed, OAuthRequest, Pairs, form_pairs, query_pairs
from auth.server.authorization_server import Reply, answer
from auth.sign_in import address, trouble
from auth.signing.receipts import Receipts
from auth.web_sessions import SignedIn
from domain.consents.texts import Language
from domain.values import utc_now


class Consent:
    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self._pages = Pages(provider)
        self._receipts = Receipts.of(provider)

    async def ask(self, request: Request) -> Response:
        """GET /oauth/authorize"""
        try:
            pairs = query_pairs(request)
        except Malformed:
            return trouble(request, language(request))
        signed_in = await self._signed_in(request)
        found = await self._asked(pairs, signed_in)
        if isinstance(found, Reply):
            return _returned(request, language(request), found)
        lang = _language(request, found.ui_locales)
        if signed_in is None or found.needs_sign_in:
            return _to_sign_in(pairs, lang, found)
        return await self._shown(Visit.of(request, lang, pairs, signed_in), found)

    async def ask_by_form(self, request: Request) -> Response:
        """POST /oauth/authorize (OpenID Connect Core 3.1.2.1): the same request, continued as a GET."""
        try:
            pairs = await form_pairs(request)
        except Malformed:
            return trouble(request, language(request))
        return RedirectResponse(f"{AUTHORIZE}?{urlencode(pairs)}", 303, headers={"Cache-Control": "no-store"})

    async def decide(self, request: Request) -> Response:
        """POST /oauth/consent"""
        lang = _language(request)
        try:
            pairs, form = query_pairs(request), await form_pairs(request)
        except Malformed:
            return trouble(request, lang)
        if not web_sessions.is_own_form(request, self.provider.settings, dict(form).get("form_token", "")):
            return trouble(request, lang, text="bad_form", status=403)
        signed_in = await self._signed_in(request)
        found = await self._asked(pairs, signed_in)
        if isinstance(found, Reply):
            return _returned(request, lang, found)
        if signed_in is None or found.needs_sign_in:
            return _to_sign_in(pairs, lang, found)
        return await self._decided(Visit.of(request, lang, pairs, signed_in), found, form)

    async def _shown(self, visit: Visit, found: Asked) -> Response:
        obstacle = await self._obstacle(visit, found)
        if obstacle:
            return await self._pages.stop(visit, found, obstacle)
        if found.is_for_work:
            return await self._pages.work(visit, found)
        return await self._pages.choose(visit, found, Choice())

    async def _decided(self, visit: Visit, found: Asked, form: Pairs) -> Response:
        try:
            decision, choice = decision_of(form), Choice.of(form, found)
        except Malformed:
            return trouble(visit.request, visit.lang)
        if decision == DENY:
            reply = await answer(self.provider, self._oauth(visit.pairs), refuse)
            return _returned(visit.request, visit.lang, reply)
        if await self._obstacle(visit, found) or (found.is_for_work and decision != ALLOW):
            return await self._shown(visit, found)
        if decision == ALLOW or (decision == GO_ON and found.needs_consent):
            return await self._allowed(visit, found, choice, form if decision == ALLOW else [])
        return await self._pages.choose(visit, found, choice.after(decision, found))

    async def _allowed(self, visit: Visit, found: Asked, choice: Choice, form: Pairs) -> Response:
        """To the client with a code; or to the page that corrects the choice, or to the one with its text."""
        wrong = () if found.is_for_work else problems(choice, found)
        if wrong:
            return await self._pages.choose(visit, found, choice, wrong)
        shown, sign = dict(form).get("shown", ""), await self._receipts.signer()
        yes = Yes(visit.signed_in, choice, visit.lang, shown, sign)
        reply = await answer(self.provider, self._oauth(visit.pairs), lambda server, oauth: allow(server, oauth, yes))
        if isinstance(reply, Unread):
            return await self._pages.review(visit, found, choice, reply.text, is_new=reply.is_new)
        return _returned(visit.request, visit.lang, reply)

    async def _obstacle(self, visit: Visit, found: Asked) -> str | None:
        """The word for what keeps this citizen from going on."""
        if not found.is_for_work or found.organization_id is None:
            return found.obstacle
        if not await self.provider.citizens.works_at(visit.signed_in.citizen_id, found.organization_id):
            return "no_work"
        return None if found.is_strong else "weak"

    async def _asked(self, pairs: Pairs, signed_in: SignedIn | None) -> Asked | Reply:
        return await answer(self.provider, self._oauth(pairs), lambda server, oauth: asked(server, oauth, signed_in))

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


def _language(request: Request, ui_locales: str = "") -> Language:
    return cast("Language", language(request, ui_locales))


def _to_sign_in(pairs: Pairs, lang: str, found: Asked) -> RedirectResponse:
    """To /login and back; a fresh sign-in satisfies prompt and max_age, so they do not travel on."""
    rest = urlencode([(name, value) for name, value in pairs if name not in {"prompt", "max_age"}])
    there = address(f"{AUTHORIZE}?{rest}", level=found.level, max_age=found.max_age, lang=lang)
    return RedirectResponse(there, 303, headers={"Cache-Control": "no-store"})


def _returned(request: Request, lang: str, reply: Reply) -> Response:
    """To the client, if the reply has a validated address; else the reason stays on a page here."""
    if reply.location is None:
        return trouble(request, lang)
    headers = {"Location": reply.location, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Response(status_code=reply.status, headers=headers)
