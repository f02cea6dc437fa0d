"""Every path of the authorization server."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth import metadata, server
from auth.consent import AUTHORIZE, CONSENT, Consent
from auth.keys import KeyStore
from auth.pages import STYLE, STYLE_PATH
from auth.provider import Citizens, Provider
from auth.requests import Malformed, OAuthRequest, form_pairs
from auth.scopes import OWN, Localised
from auth.server import Reply, Server
from auth.settings import AuthSettings
from auth.sign_in import SignIn

_PUBLIC = {"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}
_PRIVATE = {"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"}


def routes(
    settings: AuthSettings,
    sessions: async_sessionmaker[AsyncSession],
    citizens: Citizens,
    scopes: Mapping[str, Localised],
) -> list[Route]:
    """To be mounted at `/`. `scopes` are the record's, with words for the consent page; ours are added."""
    provider = Provider(settings, sessions, KeyStore(sessions, settings.kek), citizens, {**OWN, **scopes})
    sign_in, consent, machine = SignIn(provider), Consent(provider), Machine(provider)
    return [
        Route("/.well-known/openid-configuration", machine.metadata),
        Route("/.well-known/oauth-authorization-server", machine.metadata),
        Route("/oauth/jwks", machine.jwks),
        Route("/oauth/token", machine.token, methods=["POST"]),
        Route("/oauth/revoke", machine.revoke, methods=["POST"]),
        Route("/oauth/introspect", machine.introspect, methods=["POST"]),
        Route(AUTHORIZE, consent.ask),
        Route(AUTHORIZE, consent.ask_by_form, methods=["POST"]),
        Route(CONSENT, consent.decide, methods=["POST"]),
        Route("/login", sign_in.page),
        Route("/login", sign_in.choose, methods=["POST"]),
        Route("/logout", sign_in.sign_out, methods=["POST"]),
        Route(STYLE_PATH, style),
    ]


async def style(_request: Request) -> Response:
    return Response(STYLE, media_type="text/css", headers=_PUBLIC)


@dataclass(frozen=True, slots=True)
class Machine:
    """The endpoints that programs talk to: form in, JSON out."""

    provider: Provider

    async def metadata(self, _request: Request) -> JSONResponse:
        document = metadata.document(self.provider.settings, self.provider.scopes)
        return JSONResponse(document, headers=_PUBLIC)

    async def jwks(self, _request: Request) -> JSONResponse:
        return JSONResponse((await self.provider.keys.ring()).jwks(), headers=_PUBLIC)

    async def token(self, request: Request) -> Response:
        return await self._answer(request, server.issue_token)

    async def revoke(self, request: Request) -> Response:
        return await self._answer(request, server.revoke)

    async def introspect(self, request: Request) -> Response:
        return await self._answer(request, server.introspect)

    async def _answer(self, request: Request, work: Callable[[Server, OAuthRequest], Reply]) -> Response:
        try:
            pairs = await form_pairs(request)
        except Malformed as error:
            return JSONResponse({"error": "invalid_request", "error_description": str(error)}, 400, headers=_PRIVATE)
        uri = self.provider.settings.issuer + request.scope["path"]
        reply = await server.answer(self.provider, OAuthRequest("POST", uri, request.headers, pairs), work)
        return JSONResponse(reply.body, reply.status, headers={**reply.headers, **_PRIVATE})
