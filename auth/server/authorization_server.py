"""The one door to Authlib. Its server is synchronous; `answer` runs it on the synchronous face of an AsyncSession.

One server object per request (a few microseconds), one connection, one transaction. The transaction is committed
after an OAuth error as well, because what a replay revoked must stay revoked.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import AuthorizationServer, OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError, InvalidScopeError
from sqlalchemy.orm import Session

from auth import smart
from auth.clients.authentication import authenticate, living_client
from auth.device.grant import DeviceEndpoint, DeviceGrant
from auth.grants import issuing
from auth.grants.exchange import ExchangeGrant
from auth.grants.grant_types import ClientCredentialsGrant, CodeGrant, RefreshGrant, S256Only
from auth.opaque import new_secret
from auth.provider import Provider
from auth.requests import OAuthRequest, Payload
from auth.scopes import OWN, scopes_allowed, split
from auth.server import pushed_requests
from auth.server.authorization_requests import Asked, Unmet, is_strong_enough
from auth.signing.keys import KeyRing
from auth.tables import OAuthClient, TokenGrant
from auth.tokens import dpop
from auth.tokens.endpoints import Introspection, Revocation
from auth.tokens.signed import ACCESS_TOKEN_LIFE, IdToken, access_token
from domain.values import utc_now

T = TypeVar("T")

PUSHING = ("none", "client_secret_basic", "private_key_jwt")

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
        self.aliases = provider.aliases
        self.citizens = provider.citizens
        self.ring = ring
        self.now = now
        self.request: OAuthRequest | None = None
        id_token = IdToken(ring.signing, provider.settings, now, self.fhir_user)
        self.register_grant(CodeGrant, [S256Only(required=True), Asked(provider.settings), id_token])
        self.register_grant(RefreshGrant, [id_token])
        self.register_grant(ClientCredentialsGrant)
        self.register_grant(DeviceGrant, [id_token])
        self.register_grant(ExchangeGrant)
        self.register_endpoint(DeviceEndpoint)
        self.register_endpoint(Revocation)
        self.register_endpoint(Introspection)

    def query_client(self, client_id: str) -> OAuthClient | None:
        return living_client(self.db, client_id, self.now)

    def authenticate_client(
        self, request: OAuthRequest, methods: Sequence[str], endpoint: str = "token"
    ) -> OAuthClient:
        """The client that proved itself; its scope is in our words from here on (`translate`)."""
        client = authenticate(self.db, self.settings, request, methods, self.now)
        request.client = client
        if endpoint == "token" and client.requires_dpop and request.jkt is None:
            raise issuing.InvalidProofError("A DPoP proof is needed.")
        self.translate(request, split(client.scope))
        self.refuse_beyond(client, split(request.payload.scope))
        return client

    def translate(self, request: OAuthRequest, allowed: Collection[str]) -> None:
        """SMART names in the asked scope become those of ours that are `allowed`; InvalidScopeError if none is."""
        if request.asked is None:
            return
        try:
            told = smart.translate(split(request.asked), self.aliases, allowed)
        except smart.NothingAllowed:
            raise InvalidScopeError from None
        request.payload.data["scope"], request.aliases = " ".join(told.names), told.aliases

    def refuse_beyond(self, client: OAuthClient, names: Collection[str]) -> None:
        """Whatever a client was registered with, some scopes are of no use to its kind."""
        if (set(names) & OWN.keys()) - scopes_allowed(client.kind):
            raise InvalidScopeError

    def prove(self, request: OAuthRequest) -> None:
        """Take the key of a DPoP proof, if there is one; a proof that does not hold is an error (RFC 9449 5)."""
        proofs = request.headers.getlist("dpop")
        if not proofs:
            return
        try:
            proof = dpop.check(proofs, method=request.method, url=request.uri, now=self.now)
        except dpop.InvalidProof as error:
            raise issuing.InvalidProofError(str(error)) from None
        if self.db.execute(proof.first_use()).first() is None:
            raise issuing.InvalidProofError("The DPoP proof was used before.")
        request.jkt = proof.jkt

    def get_authorization_grant(self, request: OAuthRequest) -> Any:
        """Authlib's, after what it does not check; an error returns to the client only at a registered address.

        Its parameters are the pushed ones where the request only refers to them.
        """
        if "request_uri" in request.payload.data:
            pushed_requests.load(self.db, request, self.now)
        client = self.query_client(request.payload.client_id or "")
        try:
            self._prepare(request, client)
        except OAuth2Error as error:
            address: str | None = request.payload.redirect_uri
            error.redirect_uri = address if client and address and client.check_redirect_uri(address) else None
            raise
        return super().get_authorization_grant(request)

    def _prepare(self, request: OAuthRequest, client: OAuthClient | None) -> None:
        error = _refused(request.payload)
        if error is not None:
            raise error
        if client is None:
            return
        if client.requires_par and request.pushed is None and request.method == "GET":
            raise InvalidRequestError("This client must push its requests (RFC 9126).")
        request.bound_to = pushed_requests.bound_key(request)
        self.translate(request, split(client.scope))
        self.refuse_beyond(client, split(request.payload.scope))

    def create_authorization_response(self, request: OAuthRequest, grant_user: Any = None, grant: Any = None) -> Any:
        """The one answer to a request: a pushed one is spent by it. A sign-in weaker than asked gets no code."""
        if grant_user is not None and not is_strong_enough(self.settings, request, grant_user.acr):
            raise Unmet(redirect_uri=grant.redirect_uri)
        pushed_requests.spend(self.db, request, self.now)
        return super().create_authorization_response(request, grant_user=grant_user, grant=grant)

    def generate_token(
        self, *, scope: str | None = None, include_refresh_token: bool = True, **_asked: Any
    ) -> dict[str, Any]:
        """The token answer of RFC 6749 5.1, for the grant that the request led to.

        The token has our scope names alone; the answer has the SMART names that were asked for and granted, too.
        """
        request = self._current()
        grant, client = request.grant_row, request.client
        jkt = issuing.bind(client, grant, request)
        issuing.bound(client, grant)
        issuing.check_post(self.db, client, grant)
        held = split(grant.scope)
        names = [name for name in split(scope) or held if name not in self.aliases]
        spoken = request.aliases or [name for name in held if name in self.aliases]
        told = [*names, *smart.granted_aliases(names, spoken, self.aliases)]
        signed = access_token(
            self.ring.signing,
            self.settings,
            grant,
            scope=" ".join(names),
            now=self.now,
            life=ACCESS_TOKEN_LIFE,
            jkt=jkt,
        )
        token: dict[str, Any] = {
            "token_type": "DPoP" if jkt else "Bearer",
            "access_token": signed,
            "expires_in": int(ACCESS_TOKEN_LIFE.total_seconds()),
            "scope": " ".join(told),
        }
        patient = self._patient_of(grant) if smart.is_about_a_patient(told) else None
        token = issuing.answered(token, patient)
        return {**token, "refresh_token": new_secret()} if include_refresh_token else token

    def fhir_user(self, grant: TokenGrant) -> str:
        return issuing.fhir_user(self.settings, self._current().client, grant, self._own_patient(grant))

    def _patient_of(self, grant: TokenGrant) -> UUID | None:
        return grant.patient_id or self._own_patient(grant)

    def _own_patient(self, grant: TokenGrant) -> UUID | None:
        return self.citizens.patient_of(self.db, grant.citizen_id) if grant.citizen_id else None

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
        if error.redirect_uri:
            pushed_requests.spend(server.db, request, server.now)
        reply: Reply = server.handle_error_response(request, error)
        return reply


def issue_token(server: Server, request: OAuthRequest) -> Reply:
    """The token endpoint (RFC 6749 3.2)."""
    _whole(request)
    server.prove(request)
    if "grant_type" not in request.form:
        raise InvalidRequestError("Missing grant_type in request.")
    reply: Reply = server.create_token_response(request)
    return reply


def push(server: Server, request: OAuthRequest) -> Reply:
    """RFC 9126 2: a whole authorization request, from a client that proves itself; errors stay between the two."""
    _whole(request)
    if "request_uri" in request.form:
        raise InvalidRequestError("A pushed request holds no request_uri.")
    server.prove(request)
    client = server.authenticate_client(request, PUSHING, "pushed_authorization_request")
    request.payload.data.setdefault("client_id", client.client_id)
    try:
        server.get_consent_grant(request)
    except OAuth2Error as error:
        error.redirect_uri = None
        raise
    return Reply(201, pushed_requests.keep(server.db, client, request, server.now), {})


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
