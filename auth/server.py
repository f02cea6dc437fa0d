"""The one door to Authlib. Its server is synchronous; `answer` runs it on the synchronous face of an AsyncSession.

One server object per request (a few microseconds), one connection, one transaction. The transaction is committed
after an OAuth error as well, because what a replay revoked must stay revoked.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import AuthorizationServer, OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from sqlalchemy.orm import Session

from auth.client_authentication import authenticate
from auth.endpoints import Introspection, Revocation
from auth.grants import ClientCredentialsGrant, CodeGrant, RefreshGrant, S256Only
from auth.keys import KeyRing
from auth.opaque import new_secret
from auth.provider import Provider
from auth.requests import OAuthRequest, Payload
from auth.scopes import split
from auth.tables import OAuthClient
from auth.tokens import ACCESS_TOKEN_LIFE, IdToken, access_token
from domain.values import utc_now

T = TypeVar("T")

# At DEBUG Authlib writes issued tokens into the log.
logging.getLogger("authlib").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer in the making: a JSON object, or a redirect to the client where `location` is set."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]
    location: str | None = None


class Server(AuthorizationServer):  # type: ignore[misc]  # Authlib is untyped
    def __init__(self, db: Session, provider: Provider, ring: KeyRing, now: datetime) -> None:
        super().__init__(scopes_supported=list(provider.scopes))
        self.db = db
        self.settings = provider.settings
        self.ring = ring
        self.now = now
        self.request: OAuthRequest | None = None
        id_token = IdToken(ring.signing, provider.settings, now)
        self.register_grant(CodeGrant, [S256Only(required=True), id_token])
        self.register_grant(RefreshGrant, [id_token])
        self.register_grant(ClientCredentialsGrant)
        self.register_endpoint(Revocation)
        self.register_endpoint(Introspection)

    def query_client(self, client_id: str) -> OAuthClient | None:
        client = self.db.get(OAuthClient, client_id)
        return client if client and client.status == "active" else None

    def authenticate_client(
        self, request: OAuthRequest, methods: Sequence[str], endpoint: str = "token"
    ) -> OAuthClient:
        del endpoint
        client = authenticate(self.db, self.settings, request, methods, self.now)
        request.client = client
        return client

    def get_authorization_grant(self, request: OAuthRequest) -> Any:
        """Authlib's, after what it does not check; an error returns to the client only at a registered address."""
        error = _refused(request.payload)
        if error is not None:
            error.redirect_uri = self._return_address(request.payload)
            raise error
        return super().get_authorization_grant(request)

    def _return_address(self, payload: Payload) -> str | None:
        client = self.query_client(payload.client_id or "")
        address: str | None = payload.redirect_uri
        return address if client and address and client.check_redirect_uri(address) else None

    def generate_token(
        self, *, scope: str | None = None, include_refresh_token: bool = True, **_asked: Any
    ) -> dict[str, Any]:
        """The token answer of RFC 6749 5.1, for the grant that the request led to."""
        grant = self._current().grant_row
        names = " ".join(split(scope) or split(grant.scope))
        token: dict[str, Any] = {
            "token_type": "Bearer",
            "access_token": access_token(
                self.ring.signing, self.settings, grant, scope=names, now=self.now, life=ACCESS_TOKEN_LIFE
            ),
            "expires_in": int(ACCESS_TOKEN_LIFE.total_seconds()),
            "scope": names,
        }
        return {**token, "refresh_token": new_secret()} if include_refresh_token else token

    def create_oauth2_request(self, request: OAuthRequest) -> OAuthRequest:
        self.request = request
        return request

    def _current(self) -> OAuthRequest:
        if self.request is None:
            raise RuntimeError("a token is generated outside a request")
        return self.request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Reply:
        """Every redirect to a client, error or not, says who answers (RFC 9207 2) and is a 303 (RFC 9700 4.12)."""
        named = dict(headers)
        location = named.pop("Location", None)
        if location is None:
            return Reply(status, body, named)
        return Reply(303, {}, named, add_params_to_uri(location, [("iss", self.settings.issuer)]))

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """No listeners."""


def _refused(payload: Payload) -> OAuth2Error | None:
    """What of an authorization request is malformed or asks for a mode this server does not have."""
    asked = payload.data
    if payload.fault:
        return InvalidRequestError(payload.fault)
    if "request" in asked:
        return OAuth2Error(error="request_not_supported")
    if "request_uri" in asked:
        return OAuth2Error(error="request_uri_not_supported")
    if asked.get("response_mode", "query") != "query":
        return InvalidRequestError("The only response_mode is query.")
    return None if "response_type" in asked else InvalidRequestError("Missing response_type in request.")


async def answer(provider: Provider, request: OAuthRequest, work: Callable[[Server, OAuthRequest], T]) -> T | Reply:
    """Run `work` in one transaction; an OAuth error becomes the Reply that tells it."""
    ring = await provider.keys.ring()
    now = utc_now()
    async with provider.sessions() as session:
        reply = await session.run_sync(lambda db: _work(Server(db, provider, ring, now), request, work))
        await session.commit()
    return reply


def _work(server: Server, request: OAuthRequest, work: Callable[[Server, OAuthRequest], T]) -> T | Reply:
    try:
        return work(server, request)
    except OAuth2Error as error:
        error.state = request.payload.state
        reply: Reply = server.handle_error_response(request, error)
        return reply


def issue_token(server: Server, request: OAuthRequest) -> Reply:
    """The token endpoint (RFC 6749 3.2)."""
    _whole(request)
    if "grant_type" not in request.form:
        raise InvalidRequestError("Missing grant_type in request.")
    reply: Reply = server.create_token_response(request)
    return reply


def revoke(server: Server, request: OAuthRequest) -> Reply:
    _whole(request)
    reply: Reply = server.create_endpoint_response(Revocation.ENDPOINT_NAME, request)
    return reply


def introspect(server: Server, request: OAuthRequest) -> Reply:
    _whole(request)
    reply: Reply = server.create_endpoint_response(Introspection.ENDPOINT_NAME, request)
    return reply


def _whole(request: OAuthRequest) -> None:
    if request.payload.fault:
        raise InvalidRequestError(request.payload.fault)
