"""POST /account/contacts, /check and /remove: where one-time codes go. A contact is somebody's once a code arrived."""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any, Literal

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from auth import web_sessions
from auth.pages import render
from auth.provider import Provider
from auth.sign_in import contacts, state
from auth.sign_in.asking import ACCOUNT
from auth.sign_in.code_pages import Posting, typed
from auth.sign_in.contacts import Contact
from auth.sign_in.demo import not_configured
from auth.sign_in.limits import subnet
from auth.sign_in.turns import Turn, Turns

ADD, CHECK, REMOVE = "/account/contacts", "/account/contacts/check", "/account/contacts/remove"
_KIND: Literal["contact"] = "contact"


@dataclass(frozen=True, slots=True)
class AccountContacts:
    provider: Provider
    posting: Posting | None

    async def add(self, request: Request) -> Response:
        return await Turns(self.provider).changed(request, self._add, "contact")

    async def check(self, request: Request) -> Response:
        return await Turns(self.provider).changed(request, self._check, "code")

    async def remove(self, request: Request) -> Response:
        return await Turns(self.provider).changed(request, _remove, "name")

    async def _add(self, turn: Turn) -> Response:
        if self.posting is None:
            return not_configured(turn.request, turn.lang)
        contact, citizen_id = contacts.read(turn.form.get("contact", "")), turn.signed_in.citizen_id
        if contact is None:
            return turn.told("contact_invalid", 400)
        posted = await self.posting.post(turn.session, turn.request, contact, _KIND, citizen_id)
        if posted is None:
            return turn.told("code_wait", 429)
        cookie, sending = posted
        await state.keep(turn.session, cookie, _KIND, self._sealed(contact, turn), turn.now)
        response = self._enter_code(turn, sending)
        state.set_cookie(response, self.provider.settings, cookie)
        return response

    async def _check(self, turn: Turn) -> Response:
        if self.posting is None:
            return not_configured(turn.request, turn.lang)
        settings, citizen_id = self.provider.settings, turn.signed_in.citizen_id
        cookie, code = state.cookie_of(turn.request, settings), typed(turn.form.get("code", ""))
        owner = await self.posting.codes.check(turn.session, cookie, _KIND, code, subnet(turn.request), turn.now)
        if owner != citizen_id:
            return self._enter_code(turn, None)
        contact = self._unsealed(await state.take(turn.session, cookie, _KIND, turn.now), turn)
        if contact is None or not await contacts.add(turn.session, settings.kek, citizen_id, contact, turn.now):
            return turn.told("contact_not_added", 400)
        return turn.back()

    def _sealed(self, contact: Contact, turn: Turn) -> dict[str, str]:
        sealed = b64encode(contacts.seal(self.provider.settings.kek, contact)).decode()
        return {"citizen": str(turn.signed_in.citizen_id), "system": contact.system, "sealed": sealed}

    def _unsealed(self, kept: dict[str, Any] | None, turn: Turn) -> Contact | None:
        if kept is None or kept["citizen"] != str(turn.signed_in.citizen_id):
            return None
        return contacts.unseal(self.provider.settings.kek, kept["system"], b64decode(kept["sealed"]))

    def _enter_code(self, turn: Turn, sending: BackgroundTask | None) -> HTMLResponse:
        """The page to enter the code; without `sending`, once more after a wrong one."""
        cookie = web_sessions.cookie_of(turn.request, self.provider.settings)
        response = render(
            turn.request,
            "sign_in_code.html",
            lang=turn.lang,
            status=200 if sending else 400,
            action=CHECK,
            sent="contact_sent",
            form_token=web_sessions.form_token(cookie),
            fields={},
            is_wrong=sending is None,
            demo=self.provider.settings.demo_sign_in,
            again=f"{ACCOUNT}?lang={turn.lang}",
        )
        response.background = sending
        return response


async def _remove(turn: Turn) -> Response:
    await contacts.remove(turn.session, turn.signed_in.citizen_id, turn.form.get("name", ""))
    return turn.back()
