"""`/device`: where a citizen types the code of a device, sees who asks from where, and decides (RFC 8628 3.3).

Nothing is ever approved by following a link: a code in the address (3.3.1) is only filled in, and the citizen is told
to compare it (5.4, remote phishing). Sign-in comes first, so tries are counted for somebody.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from auth import web_sessions
from auth.device import approvals, codes
from auth.device.grant import PAGE
from auth.device.words import WORDS
from auth.flow_tables import DeviceAuthorization
from auth.grants import Approval
from auth.network import address_of, counted, network_of
from auth.pages import language, render
from auth.provider import Provider
from auth.requests import Malformed, Pairs, form_pairs, query_pairs
from auth.scopes import ALWAYS, split
from auth.sign_in import trouble
from auth.tables import OAuthClient
from auth.web_sessions import SignedIn
from domain.values import utc_now


@dataclass(frozen=True, slots=True)
class DevicePage:
    provider: Provider

    async def show(self, request: Request) -> Response:
        """GET /device, with or without a `user_code`."""
        lang = language(request)
        try:
            code = codes.typed(dict(query_pairs(request)).get("user_code", ""))
        except Malformed:
            return trouble(request, lang)
        if await self._signed_in(request) is None:
            return _to_sign_in(lang, code)
        return self._ask_for_code(request, lang, code)

    async def post(self, request: Request) -> Response:
        """POST /device: a code, and on the second page the answer too."""
        lang = language(request)
        try:
            form = await form_pairs(request)
        except Malformed:
            return trouble(request, lang)
        signed_in = await self._signed_in(request)
        token = dict(form).get("form_token", "")
        if signed_in is None or not web_sessions.is_own_form(request, self.provider.settings, token):
            return trouble(request, lang, text="bad_form", status=403)
        return await self._with_code(request, lang, form, signed_in)

    async def _with_code(self, request: Request, lang: str, form: Pairs, signed_in: SignedIn) -> Response:
        """One transaction, committed whatever the code was: a wrong one stays counted."""
        code = codes.typed(dict(form).get("user_code", ""))
        guess = self._guess(request, code, signed_in)
        async with self.provider.sessions() as session:
            try:
                found = await approvals.find(session, guess)
            except approvals.Locked:
                response = _message(request, lang, "locked", status=429)
            else:
                decisions = [value for name, value in form if name == "decision"]
                if found is None:
                    response = self._ask_for_code(request, lang, "", is_wrong=True)
                elif not decisions:
                    response = self._ask_for_consent(request, lang, code, *found)
                else:
                    approval = _approval(signed_in, form) if decisions == ["allow"] else None
                    allowed = await approvals.answer(session, found[0], approval, guess.now)
                    response = _message(request, lang, _outcome(found[1], allowed=allowed))
            await session.commit()
        return response

    def _guess(self, request: Request, code: str, signed_in: SignedIn) -> approvals.Guess:
        return approvals.Guess(
            user_code_hash=codes.keyed(self.provider.settings.kek, code),
            citizen_id=str(signed_in.citizen_id),
            address=counted(address_of(request)),
            now=utc_now(),
        )

    def _ask_for_code(self, request: Request, lang: str, code: str, *, is_wrong: bool = False) -> Response:
        shown = codes.shown(code) if code else ""
        return self._render(request, lang, 400 if is_wrong else 200, client_name="", user_code=shown, is_wrong=is_wrong)

    def _ask_for_consent(
        self, request: Request, lang: str, code: str, device: DeviceAuthorization, client: OAuthClient
    ) -> Response:
        words = {name: self.provider.scopes[name][lang] for name in split(device.scope) if name in self.provider.scopes}
        place = device.place or ""
        return self._render(
            request,
            lang,
            200,
            client_name=client.name,
            is_unreviewed=client.kind == "sandbox",
            user_code=codes.shown(code),
            place=place,
            is_near=network_of(place) == network_of(address_of(request)),
            sections={name: text for name, text in words.items() if name not in ALWAYS},
            others=[text for name, text in words.items() if name in ALWAYS],
        )

    def _render(self, request: Request, lang: str, status: int, **values: Any) -> Response:
        return render(
            request,
            "device.html",
            lang=lang,
            status=status,
            say=WORDS[lang],
            action=f"{PAGE}?lang={lang}",
            form_token=web_sessions.form_token(web_sessions.cookie_of(request, self.provider.settings)),
            **values,
        )

    async def _signed_in(self, request: Request) -> SignedIn | None:
        cookie = web_sessions.cookie_of(request, self.provider.settings)
        async with self.provider.sessions() as session:
            signed_in = await web_sessions.current(session, cookie, utc_now())
            await session.commit()
        if signed_in is None or not await self.provider.citizens.exists(signed_in.citizen_id):
            return None
        return signed_in


def _approval(signed_in: SignedIn, form: Pairs) -> Approval:
    ticked = frozenset(value for name, value in form if name == "scope")
    return Approval(signed_in.citizen_id, signed_in.acr, signed_in.auth_time, ticked)


def _outcome(client: OAuthClient, *, allowed: bool) -> str:
    """Tokens of somebody else's app are a ceiling: what it reads, a consent says, and there may be none yet."""
    if not allowed:
        return "denied"
    return "allowed" if client.kind == "first_party" else "connected"


def _message(request: Request, lang: str, name: str, *, status: int = 200) -> Response:
    say = WORDS[lang]
    return render(request, "message.html", lang=lang, status=status, title=say[name], text=say[f"{name}_note"])


def _to_sign_in(lang: str, code: str) -> RedirectResponse:
    query = {"lang": lang, **({"user_code": codes.shown(code)} if code else {})}
    following = f"{PAGE}?{urlencode(query)}"
    return RedirectResponse(
        "/login?" + urlencode({"lang": lang, "next": following}), 303, headers={"Cache-Control": "no-store"}
    )
