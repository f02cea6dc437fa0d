"""Every path of the authorization server."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth.clients import dynamic_registration
from auth.consent import AUTHORIZE, CONSENT, Consent
from auth.device import routes as device
from auth.pages import STYLE, STYLE_PATH
from auth.provider import Citizens, CodeSender, Provider
from auth.requests import Malformed, OAuthRequest, form_pairs
from auth.scopes import OWN, Localised
from auth.server import authorization_server, metadata
from auth.server.authorization_server import Reply, Server
from auth.server.logout import CONFIRM, LOGOUT, Logout
from auth.server.userinfo import USERINFO, Userinfo
from auth.settings import AuthSettings
from auth.sign_in import routes as sign_in_routes
from auth.signing.keys import PASS, RECEIPT, KeyStore, public_keys
from auth.smart import CONFIGURATION, FHIR, Aliases, configuration
from auth.tokens.bearer import Verifier

_PUBLIC = {"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}
_PRIVATE = {"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"}


def routes(
    settings: AuthSettings,
    sessions: async_sessionmaker[AsyncSession],
    citizens: Citizens,
    scopes: Mapping[str, Localised],
    code_sender: CodeSender | None = None,
    aliases: Aliases | None = None,
) -> list[Route]:
    """To be mounted at `/`. `scopes` are the record's, with words for the consent page; ours are added.

    `aliases` are the SMART names of the record's scopes (`auth.smart.aliases`).
    `code_sender` takes one-time codes to people; without one nobody signs in by code.
    """
    provider = Provider(
        settings, sessions, KeyStore(sessions, settings.kek), citizens, {**OWN, **scopes}, aliases or {}
    )
    machine = Machine(provider, KeyStore(sessions, settings.kek, use=PASS))
    consent, leaving = Consent(provider), Logout(provider)
    userinfo = Userinfo(provider, Verifier(settings, sessions))
    return [
        Route("/.well-known/openid-configuration", machine.metadata),
        Route("/.well-known/oauth-authorization-server", machine.metadata),
        Route(CONFIGURATION, machine.smart),
        Route(FHIR + CONFIGURATION, machine.smart),
        Route("/oauth/jwks", machine.jwks),
        Route("/oauth/token", machine.token, methods=["POST"]),
        Route("/oauth/par", machine.push, methods=["POST"]),
        Route(USERINFO, userinfo.tell, methods=["GET", "POST"]),
        Route("/oauth/revoke", machine.revoke, methods=["POST"]),
        Route("/oauth/introspect", machine.introspect, methods=["POST"]),
        Route("/oauth/receipt-jwks", machine.receipt_jwks),
        Route("/oauth/pass-jwks", machine.pass_jwks),
        *device.routes(provider),
        *dynamic_registration.routes(provider),
        Route(AUTHORIZE, consent.ask),
        Route(AUTHORIZE, consent.ask_by_form, methods=["POST"]),
        Route(CONSENT, consent.decide, methods=["POST"]),
        Route(LOGOUT, leaving.ask),
        Route(LOGOUT, leaving.ask_by_form, methods=["POST"]),
        Route(CONFIRM, leaving.confirm, methods=["POST"]),
        *sign_in_routes(provider, code_sender),
        Route(STYLE_PATH, style),
    ]


async def style(_request: Request) -> Response:
    return Response(STYLE, media_type="text/css", headers=_PUBLIC)


@dataclass(frozen=True, slots=True)
class Machine:
    """The endpoints that programs talk to: form in, JSON out."""

    provider: Provider
    pass_keys: KeyStore

    async def metadata(self, _request: Request) -> JSONResponse:
        document = metadata.document(self.provider.settings, self.provider.scopes)
        return JSONResponse(document, headers=_PUBLIC)

    async def jwks(self, _request: Request) -> JSONResponse:
        return JSONResponse((await self.provider.keys.ring()).jwks(), headers=_PUBLIC)

    async def receipt_jwks(self, _request: Request) -> JSONResponse:
        """Every key that ever signed a consent receipt: they are verified years later."""
        async with self.provider.sessions() as session:
            keys = await public_keys(session, RECEIPT)
        return JSONResponse({"keys": list(keys.values())}, headers=_PUBLIC)

    async def pass_jwks(self, _request: Request) -> JSONResponse:
        """The keys of check-in passes, the next one too; made where there are none, for clinics fetch them before."""
        return JSONResponse((await self.pass_keys.ring()).jwks(), headers=_PUBLIC)

    async def smart(self, _request: Request) -> JSONResponse:
        document = metadata.document(self.provider.settings, self.provider.scopes)
        return JSONResponse(configuration(document, self.provider.aliases), headers=_PUBLIC)

    async def push(self, request: Request) -> Response:
        return await self._answer(request, authorization_server.push)

    async def token(self, request: Request) -> Response:
        return await self._answer(request, authorization_server.issue_token)

    async def revoke(self, request: Request) -> Response:
        return await self._answer(request, authorization_server.revoke)

    async def introspect(self, request: Request) -> Response:
        return await self._answer(request, authorization_server.introspect)

    async def _answer(self, request: Request, work: Callable[[Server, OAuthRequest], Reply]) -> Response:
        try:
            pairs = await form_pairs(request)
        except Malformed as error:
            return JSONResponse({"error": "invalid_request", "error_description": str(error)}, 400, headers=_PRIVATE)
        uri = self.provider.settings.issuer + request.scope["path"]
        reply = await authorization_server.answer(
            self.provider, OAuthRequest("POST", uri, request.headers, pairs), work
        )
        return JSONResponse(reply.body, reply.status, headers={**reply.headers, **_PRIVATE})
