"""The pages of this flow, rendered. Each carries what was asked: in the address its forms post to, or in the forms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse

from auth import web_sessions
from auth.clients.redirects import form_action
from auth.consent import screen
from auth.consent.asking import Asked
from auth.consent.choice import Choice
from auth.consent.words import WORDS
from auth.pages import render
from auth.provider import Provider
from auth.requests import Pairs
from auth.sign_in import address
from auth.sign_in.levels import STRONG
from auth.web_sessions import SignedIn
from domain.consents.texts import Language, Text
from domain.values import VIETNAM, utc_now

AUTHORIZE, CONSENT = "/oauth/authorize", "/oauth/consent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request from a citizen's browser: in which language, signed in as whom, with which authorization request.

    `address` is where the page is found again after another sign-in, `action` where its forms go, with `carried` in
    them. `device`: what the page says of a device that asks (device_where.html).
    """

    request: Request
    lang: Language
    signed_in: SignedIn
    address: str
    action: str
    pairs: Pairs = field(default_factory=list)
    carried: Pairs = field(default_factory=list)
    device: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, request: Request, lang: Language, pairs: Pairs, signed_in: SignedIn) -> "Visit":
        """With an authorization request."""
        query = urlencode([("lang", lang), *((name, value) for name, value in pairs if name != "lang")])
        address, action = f"{AUTHORIZE}?{query}", f"{CONSENT}?{query}"
        return cls(request=request, lang=lang, signed_in=signed_in, address=address, action=action, pairs=pairs)


@dataclass(frozen=True, slots=True)
class Pages:
    provider: Provider

    async def choose(
        self, visit: Visit, asked: Asked, choice: Choice, problems: Sequence[tuple[str, str]] = ()
    ) -> HTMLResponse:
        """Nothing ticked that the citizen did not tick; with problems, what he chose and typed is still there."""
        today = utc_now().astimezone(VIETNAM).date()
        values = screen.choosing(asked, choice, visit.lang, today, self.provider.scopes, problems)
        return await self._page(visit, asked, "consent.html", values, status=400 if problems else 200)

    async def review(self, visit: Visit, asked: Asked, choice: Choice, text: Text, *, is_new: bool) -> HTMLResponse:
        values = screen.reviewing(asked, choice, text, visit.lang, is_new=is_new)
        return await self._page(visit, asked, "consent_review.html", values)

    async def work(self, visit: Visit, asked: Asked) -> HTMLResponse:
        return await self._page(
            visit, asked, "consent_work.html", screen.working(asked, visit.lang, self.provider.scopes)
        )

    async def stop(self, visit: Visit, asked: Asked, reason: str) -> HTMLResponse:
        """Why it cannot go on, and the way back to the client, which is told access_denied."""
        say = WORDS[visit.lang]
        elsewhere = address(visit.address, level=STRONG, lang=visit.lang)
        organization = asked.organization.get(visit.lang) or say["this_organization"]
        values = {
            **screen.who(asked, visit.lang),
            "title": say[reason],
            "text": say[f"{reason}_note"].format(organization=organization),
            "stronger": elsewhere if reason == "weak" else "",
        }
        return await self._page(visit, asked, "consent_stop.html", values, status=403)

    async def _page(
        self, visit: Visit, asked: Asked, template: str, values: dict[str, Any], *, status: int = 200
    ) -> HTMLResponse:
        cookie = web_sessions.cookie_of(visit.request, self.provider.settings)
        return render(
            visit.request,
            template,
            lang=visit.lang,
            status=status,
            form_action=form_action(asked.redirect_uri) if asked.redirect_uri else "",
            citizen_label=await self._label(visit.signed_in),
            action=visit.action,
            next=visit.address,
            carried=visit.carried,
            form_token=web_sessions.form_token(cookie),
            device=visit.device,
            **values,
        )

    async def _label(self, signed_in: SignedIn) -> str:
        """Who is signed in, where several people share a list: the demo."""
        people = await self.provider.citizens.list_demo() if self.provider.settings.demo_sign_in else ()
        return next((citizen.label for citizen in people if citizen.id == signed_in.citizen_id), "")
