"""The addresses of the device flow; its tokens come from the token endpoint like all others."""

from dataclasses import dataclass

from authlib.oauth2.rfc6749 import InvalidRequestError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth.device.grant import PAGE, DeviceEndpoint, DeviceRequest
from auth.device.page import DevicePage
from auth.network import address_of
from auth.provider import Provider
from auth.requests import Malformed, OAuthRequest, form_pairs
from auth.server.authorization_server import Reply, Server, answer

ASK = "/oauth/device"
_PRIVATE = {"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"}


def routes(provider: Provider) -> list[Route]:
    page = DevicePage(provider)
    return [
        Route(ASK, Asking(provider).ask, methods=["POST"]),
        Route(PAGE, page.show),
        Route(PAGE, page.post, methods=["POST"]),
    ]


@dataclass(frozen=True, slots=True)
class Asking:
    provider: Provider

    async def ask(self, request: Request) -> Response:
        """POST /oauth/device (RFC 8628 3.1)"""
        try:
            pairs = await form_pairs(request)
        except Malformed as error:
            return JSONResponse({"error": "invalid_request", "error_description": str(error)}, 400, headers=_PRIVATE)
        oauth = DeviceRequest("POST", self.provider.settings.issuer + ASK, request.headers, pairs)
        oauth.place = address_of(request)
        reply = await answer(self.provider, oauth, _asked)
        return JSONResponse(reply.body, reply.status, headers={**reply.headers, **_PRIVATE})


def _asked(server: Server, request: OAuthRequest) -> Reply:
    if request.payload.fault:
        raise InvalidRequestError(request.payload.fault)
    reply: Reply = server.create_endpoint_response(DeviceEndpoint.ENDPOINT_NAME, request)
    return reply
