"""POST /login/passkey: the device's answer, in the form that the sign-in page's script filled in."""

from dataclasses import dataclass

import structlog
from starlette.requests import Request
from starlette.responses import Response

from auth.pages import language, render
from auth.provider import Provider
from auth.requests import Malformed
from auth.sign_in import state
from auth.sign_in.asking import Asking, address, single
from auth.sign_in.demo import not_configured
from auth.sign_in.entry import Proof, enter, own_form, trouble
from auth.sign_in.levels import STRONG_ACR
from auth.sign_in.passkeys import NotAccepted, Passkeys
from domain.values import utc_now

PATH = "/login/passkey"
log = structlog.get_logger("healthbook.sign_in")


@dataclass(frozen=True, slots=True)
class PasskeyPage:
    provider: Provider
    passkeys: Passkeys | None

    async def answer(self, request: Request) -> Response:
        lang = language(request)
        if self.passkeys is None:
            return not_configured(request, lang)
        pairs = await own_form(self.provider, request, lang)
        if isinstance(pairs, Response):
            return pairs
        try:
            asking, form = Asking.of(pairs), single(pairs, "credential")
        except Malformed:
            return trouble(request, lang)
        return await self._answered(request, lang, asking, form.get("credential", ""), self.passkeys)

    async def _answered(self, request: Request, lang: str, asking: Asking, answer: str, passkeys: Passkeys) -> Response:
        now, settings = utc_now(), self.provider.settings
        async with self.provider.sessions() as session:
            try:
                citizen_id = await passkeys.signed_in(session, state.cookie_of(request, settings), answer, now)
            except NotAccepted as refusal:
                response = self._refused(request, lang, asking, refusal)
            else:
                response = await enter(self.provider, session, request, Proof(citizen_id, STRONG_ACR, now), asking.next)
            await session.commit()  # a challenge is spent by a wrong answer too
        return response

    def _refused(self, request: Request, lang: str, asking: Asking, refusal: NotAccepted) -> Response:
        log.warning("passkey_refused", reason=refusal.reason)
        again = address(asking.next, level=asking.level, max_age=asking.max_age, lang=lang)
        return render(request, "sign_in_message.html", lang=lang, status=403, text="passkey_refused", again=again)
