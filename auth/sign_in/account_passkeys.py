"""POST /account/passkeys and /account/passkeys/remove: which devices may sign the citizen in."""

from dataclasses import dataclass

import structlog
from starlette.requests import Request
from starlette.responses import Response

from auth.provider import Provider
from auth.sign_in import passkeys, state
from auth.sign_in.demo import not_configured
from auth.sign_in.devices import device_of
from auth.sign_in.passkeys import NotAccepted, Passkeys
from auth.sign_in.turns import Turn, Turns

ADD, REMOVE = "/account/passkeys", "/account/passkeys/remove"
log = structlog.get_logger("healthbook.sign_in")


@dataclass(frozen=True, slots=True)
class AccountPasskeys:
    provider: Provider
    passkeys: Passkeys | None

    async def add(self, request: Request) -> Response:
        return await Turns(self.provider).changed(request, self._add, "credential")

    async def remove(self, request: Request) -> Response:
        return await Turns(self.provider).changed(request, self._remove, "name")

    async def _add(self, turn: Turn) -> Response:
        if self.passkeys is None:
            return not_configured(turn.request, turn.lang)
        cookie = state.cookie_of(turn.request, self.provider.settings)
        label = device_of(turn.request.headers.get("user-agent", ""))
        citizen_id, answer = turn.signed_in.citizen_id, turn.form.get("credential", "")
        try:
            await self.passkeys.register(turn.session, cookie, citizen_id, answer, label=label, now=turn.now)
        except NotAccepted as refusal:
            log.warning("passkey_not_registered", reason=refusal.reason)
            return turn.told("passkey_not_added", 400)
        await self._warn(turn)
        return turn.back()

    async def _remove(self, turn: Turn) -> Response:
        if await passkeys.remove(turn.session, turn.signed_in.citizen_id, turn.form.get("name", ""), turn.now):
            await self._warn(turn)
        return turn.back()

    async def _warn(self, turn: Turn) -> None:
        await turn.session.run_sync(self.provider.citizens.warn, turn.signed_in.citizen_id, turn.now)
