"""POST /login: the demo's list of invented citizens; only where the demo command switched it on."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from auth.pages import language
from auth.provider import Provider
from auth.requests import Malformed
from auth.sign_in.asking import single
from auth.sign_in.entry import Proof, enter, own_form, told, trouble
from auth.sign_in.levels import DEMO_ACR
from domain.values import utc_now


@dataclass(frozen=True, slots=True)
class DemoList:
    provider: Provider

    async def choose(self, request: Request) -> Response:
        lang = language(request)
        if not self.provider.settings.demo_sign_in:
            return not_configured(request, lang)
        pairs = await own_form(self.provider, request, lang)
        if isinstance(pairs, Response):
            return pairs
        try:
            form = single(pairs, "citizen", "next")
        except Malformed:
            return trouble(request, lang)
        chosen = [one.id for one in await self.provider.citizens.list_demo() if str(one.id) == form.get("citizen")]
        if not chosen:
            return trouble(request, lang)
        proof = Proof(chosen[0], DEMO_ACR, utc_now())
        async with self.provider.sessions() as session:
            response = await enter(self.provider, session, request, proof, form.get("next", "/"))
            await session.commit()
        return response


def not_configured(request: Request, lang: str) -> HTMLResponse:
    return told(request, lang, title="no_sign_in", text="no_sign_in_note", status=503)
