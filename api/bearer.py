"""The door of every resource: an access token in the Authorization header, or 401 before anything else happens."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from auth.tokens.bearer import InvalidToken, Verifier
from auth.tokens.resource import offered, refusal


class Bearer:
    """Lets a request with a valid token in, with `request.state.caller`; answers others by RFC 6750 3, RFC 9449 7.

    `refuse` writes that answer's body as the route's clients expect it.
    """

    def __init__(
        self,
        app: ASGIApp,
        verifier: Verifier,
        refuse: Callable[[Request, InvalidToken], Response] = lambda _, refused: refusal(refused),
    ) -> None:
        self.app, self.verifier, self._refuse = app, verifier, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._refuse_socket(scope, receive, send)
            return
        request = Request(scope)
        try:
            request.state.caller = await self.verifier.caller(offered(request, self.verifier.issuer))
        except InvalidToken as refused:
            await self._refuse(request, refused)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    @staticmethod
    async def _refuse_socket(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4401})
        del scope
