"""`/device`: where a citizen types the code of a device, sees who asks from where, and decides (RFC 8628 3.3).

Nothing is ever approved by following a link: a code in the address (3.3.1) is only filled in, and the citizen is told
to compare it (5.4, remote phishing). Sign-in comes first, so tries are counted for somebody.
"""

from datetime import datetime
from typing import Any, cast
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from auth import web_sessions
from auth.consent.asking import Asked
from auth.consent.pages import Pages, Visit
from auth.device import approvals, codes
from auth.device.answering import Choose, Done, Next, Read, Said, Stop, Tick, Turn, step
from auth.device.grant import PAGE
from auth.device.words import WORDS
from auth.flow_tables import DeviceAuthorization
from auth.network import address_of, counted, network_of
from auth.pages import language, render
from auth.provider import Provider
from auth.requests import Malformed, Pairs, form_pairs, query_pairs
from auth.sign_in import trouble
from auth.signing.receipts import Receipts
from auth.tables import OAuthClient
from auth.web_sessions import SignedIn
from domain.consents.texts import Language
from domain.values import utc_now


class DevicePage:
    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self._pages = Pages(provider)
        self._receipts = Receipts.of(provider)

    async def show(self, request: Request) -> Response:
        """GET /device, with or without a `user_code`."""
        lang = _language(request)
        try:
            code = codes.typed(dict(query_pairs(request)).get("user_code", ""))
        except Malformed:
            return trouble(request, lang)
        if await self._signed_in(request) is None:
            return _to_sign_in(lang, code)
        return self._ask_for_code(request, lang, code)

    async def post(self, request: Request) -> Response:
        """POST /device: a code, and on the second page the answer too."""
        lang = _language(request)
        try:
            form = await form_pairs(request)
        except Malformed:
            return trouble(request, lang)
        signed_in = await self._signed_in(request)
        token = dict(form).get("form_token", "")
        if signed_in is None or not web_sessions.is_own_form(request, self.provider.settings, token):
            return trouble(request, lang, text="bad_form", status=403)
        return await self._with_code(request, lang, form, signed_in)

    async def _with_code(self, request: Request, lang: Language, form: Pairs, signed_in: SignedIn) -> Response:
        """One transaction, committed whatever the code was: a wrong one stays counted."""
        code = codes.typed(dict(form).get("user_code", ""))
        guess, said = self._guess(request, code, signed_in), Said(signed_in, lang, form, await self._receipts.signer())
        async with self.provider.sessions() as session:
            try:
                found = await approvals.find(session, guess)
                following = await session.run_sync(self._step, found, said, guess.now) if found else None
            except Malformed:
                return trouble(request, lang)
            except approvals.Locked:
                await session.commit()
                return _message(request, lang, "locked", status=429)
            await session.commit()
        if following is None:
            return self._ask_for_code(request, lang, "", is_wrong=True)
        return await self._shown(request, code, said, following)

    def _step(self, db: Session, found: tuple[DeviceAuthorization, OAuthClient], said: Said, now: datetime) -> Next:
        return step(Turn(db, self.provider.citizens, now), *found, said)

    def _guess(self, request: Request, code: str, signed_in: SignedIn) -> approvals.Guess:
        return approvals.Guess(
            user_code_hash=codes.keyed(self.provider.settings.kek, code),
            citizen_id=str(signed_in.citizen_id),
            address=counted(address_of(request)),
            now=utc_now(),
        )

    def _ask_for_code(self, request: Request, lang: Language, code: str, *, is_wrong: bool = False) -> Response:
        shown = codes.shown(code) if code else ""
        return self._render(request, lang, 400 if is_wrong else 200, device=None, user_code=shown, is_wrong=is_wrong)

    async def _shown(self, request: Request, code: str, said: Said, following: Next) -> Response:
        asked, page, visit = following.asked, following.page, _visit(request, code, said, following)
        match page:
            case Choose():
                return await self._pages.choose(visit, asked, page.choice, page.wrong)
            case Read():
                unread = page.unread
                return await self._pages.review(visit, asked, page.choice, unread.text, is_new=unread.is_new)
            case Stop():
                return await self._pages.stop(visit, asked, page.reason)
            case Tick():
                return self._ask_to_tick(visit, asked)
            case Done():
                return _message(request, said.language, page.outcome)

    def _ask_to_tick(self, visit: Visit, asked: Asked) -> Response:
        known = self.provider.scopes
        words = {name: known[name][visit.lang] for name in asked.scopes if name in known}
        return self._render(
            visit.request,
            visit.lang,
            200,
            device=visit.device,
            is_unreviewed=asked.is_unreviewed,
            sections={name: words[name] for name in asked.sections if name in words},
            others=[text for name, text in words.items() if name not in asked.sections],
        )

    def _render(self, request: Request, lang: Language, status: int, **values: Any) -> Response:
        return render(
            request,
            "device.html",
            lang=lang,
            status=status,
            say=WORDS[lang],
            action=_action(lang),
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


def _visit(request: Request, code: str, said: Said, following: Next) -> Visit:
    """The code stays in the forms, beside what was chosen; the citizen sees where the device is on the first page."""
    lang, shown, place = said.language, codes.shown(code), following.place
    device = {
        "say": WORDS[lang],
        "client_name": following.asked.client_name,
        "user_code": shown,
        "place": place,
        "is_near": network_of(place) == network_of(address_of(request)),
    }
    return Visit(
        request=request,
        lang=lang,
        signed_in=said.signed_in,
        address=_address(lang, code),
        action=_action(lang),
        carried=[("user_code", shown)],
        device=device,
    )


def _action(lang: str) -> str:
    return f"{PAGE}?lang={lang}"


def _address(lang: str, code: str) -> str:
    return f"{PAGE}?{urlencode({'lang': lang, **({'user_code': codes.shown(code)} if code else {})})}"


def _language(request: Request) -> Language:
    return cast("Language", language(request))


def _message(request: Request, lang: str, name: str, *, status: int = 200) -> Response:
    say = WORDS[lang]
    return render(request, "message.html", lang=lang, status=status, title=say[name], text=say[f"{name}_note"])


def _to_sign_in(lang: str, code: str) -> RedirectResponse:
    return RedirectResponse(
        "/login?" + urlencode({"lang": lang, "next": _address(lang, code)}),
        303,
        headers={"Cache-Control": "no-store"},
    )
