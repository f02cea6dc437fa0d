"""POST /login/code and /login/code/check: ask for a code by phone or e-mail, and enter it.

Off without a CodeSender. The page after the first form is the same for known and unknown contacts, in text and in time.
"""

from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from auth import web_sessions
from auth.pages import language, render
from auth.provider import CodeSender, Provider
from auth.requests import Malformed
from auth.sign_in import contacts, state
from auth.sign_in.asking import Asking, address, single
from auth.sign_in.codes import Codes, Purpose
from auth.sign_in.contacts import Contact
from auth.sign_in.demo import not_configured
from auth.sign_in.entry import Proof, enter, own_form, trouble
from auth.sign_in.levels import CODE_ACR
from auth.sign_in.limits import subnet
from domain.values import utc_now

ASK, CHECK = "/login/code", "/login/code/check"
log = structlog.get_logger("healthbook.sign_in")


@dataclass(frozen=True, slots=True)
class Posting:
    """Sending codes, for signing in and for verifying a contact."""

    provider: Provider
    sender: CodeSender

    @property
    def codes(self) -> Codes:
        return Codes(self.provider.settings.kek)

    async def post(
        self, session: AsyncSession, request: Request, contact: Contact, purpose: Purpose, citizen_id: UUID | None
    ) -> tuple[str, BackgroundTask | None] | None:
        """The browser's cookie, and what to do once the answer has gone; None if it was asked too often."""
        now = utc_now()
        if not await self.codes.may_send(session, contact, subnet(request), now):
            return None
        cookie = state.own_cookie(request, self.provider.settings)
        code = await self.codes.issue(session, cookie, purpose, citizen_id, now)
        lang = language(request)
        return cookie, BackgroundTask(self._send, contact, code, lang) if citizen_id else None

    async def _send(self, contact: Contact, code: str, lang: str) -> None:
        try:
            await self.sender.send(contact.system, contact.value, code, lang)
        except Exception as error:  # noqa: BLE001 - the answer has gone; a sender's fault is only noted
            log.error("code_not_sent", kind=type(error).__name__)  # noqa: TRY400 - a traceback may hold the contact


@dataclass(frozen=True, slots=True)
class CodePages:
    provider: Provider
    posting: Posting | None

    async def ask(self, request: Request) -> Response:
        """POST /login/code"""
        lang = language(request)
        if self.posting is None:
            return not_configured(request, lang)
        pairs = await own_form(self.provider, request, lang)
        if isinstance(pairs, Response):
            return pairs
        try:
            asking, form = Asking.of(pairs), single(pairs, "contact")
        except Malformed:
            return trouble(request, lang)
        contact = contacts.read(form.get("contact", ""))
        if contact is None:
            return self._again(request, lang, asking, "contact_invalid", 400)
        return await self._asked(request, lang, asking, contact, self.posting)

    async def _asked(
        self, request: Request, lang: str, asking: Asking, contact: Contact, posting: Posting
    ) -> HTMLResponse:
        async with self.provider.sessions() as session:
            citizen_id = await contacts.owner(session, self.provider.settings.kek, contact)
            posted = await posting.post(session, request, contact, "sign-in", citizen_id)
            await session.commit()
        if posted is None:
            return self._again(request, lang, asking, "code_wait", 429)
        cookie, sending = posted
        response = self._enter_code(request, lang, asking)
        response.background = sending
        state.set_cookie(response, self.provider.settings, cookie)
        return response

    async def check(self, request: Request) -> Response:
        """POST /login/code/check"""
        lang = language(request)
        if self.posting is None:
            return not_configured(request, lang)
        pairs = await own_form(self.provider, request, lang)
        if isinstance(pairs, Response):
            return pairs
        try:
            asking, form = Asking.of(pairs), single(pairs, "code")
        except Malformed:
            return trouble(request, lang)
        return await self._checked(request, lang, asking, form.get("code", ""), self.posting.codes)

    async def _checked(self, request: Request, lang: str, asking: Asking, code: str, codes: Codes) -> Response:
        cookie, now = state.cookie_of(request, self.provider.settings), utc_now()
        async with self.provider.sessions() as session:
            citizen_id = await codes.check(session, cookie, "sign-in", typed(code), subnet(request), now)
            if citizen_id is None:
                response: Response = self._enter_code(request, lang, asking, status=400)
            else:
                proof = Proof(citizen_id, CODE_ACR, now)
                response = await enter(self.provider, session, request, proof, asking.next)
            await session.commit()
        return response

    def _enter_code(self, request: Request, lang: str, asking: Asking, *, status: int = 200) -> HTMLResponse:
        settings = self.provider.settings
        return render(
            request,
            "sign_in_code.html",
            lang=lang,
            status=status,
            action=CHECK,
            sent="code_sent",
            form_token=web_sessions.form_token(web_sessions.cookie_of(request, settings)),
            fields=asking.fields,
            is_wrong=status != 200,  # noqa: PLR2004 - the page of a first try
            demo=settings.demo_sign_in,
            again=address(asking.next, level=asking.level, max_age=asking.max_age, lang=lang),
        )

    def _again(self, request: Request, lang: str, asking: Asking, text: str, status: int) -> HTMLResponse:
        again = address(asking.next, level=asking.level, max_age=asking.max_age, lang=lang)
        return render(request, "sign_in_message.html", lang=lang, status=status, text=text, again=again)


def typed(code: str) -> str:
    """As people type it from a message: spaces and dashes do not count."""
    return code.replace(" ", "").replace("-", "")
