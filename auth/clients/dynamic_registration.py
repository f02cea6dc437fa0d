"""Dynamic registration of sandbox clients (RFC 7591) and their management by who registered them (RFC 7592).

A developer gets an initial access token from an operator; what he registers with it is a sandbox client that ends
after 90 days. The registration token of a client is told once and kept as a hash.
"""

import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth.clients.metadata import KIND, LIMIT_BYTES, Metadata, Refused, parse, read
from auth.clients.names import is_plain_text
from auth.clients.profiles import CODE, PROFILES
from auth.clients.registration import register
from auth.flow_tables import ClientManagement, RegistrationToken
from auth.network import address_of, counted
from auth.opaque import digest, new_secret
from auth.provider import Provider
from auth.tables import OAuthClient, TokenGrant
from domain import attempts
from domain.errors import Invalid
from domain.values import utc_now

REGISTER = "/oauth/register"
CLIENT_LIFE = timedelta(days=90)
TOKEN_LIFE, TOKEN_USES = timedelta(days=30), 10
TRIES, WINDOW = 20, timedelta(hours=1)

_NOT_TO_BE_SENT = (
    "registration_access_token", "registration_client_uri", "client_secret", "client_secret_expires_at",
    "client_id_issued_at",
)  # fmt: skip
_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9_-]{43})")
_MAX_DEVELOPER = 200
_PRIVATE = {"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"}
Handler = Callable[[Request], Awaitable[Response]]


async def issue_registration_token(
    session: AsyncSession, developer: str, now: datetime, *, uses: int = TOKEN_USES
) -> str:
    """An initial access token for 30 days and some registrations, told here once. Invalid for an unreadable name."""
    if not is_plain_text(developer) or not 0 < len(developer) <= _MAX_DEVELOPER or uses < 1:
        raise Invalid("developer", f"1 to {_MAX_DEVELOPER} readable characters, and at least one use")
    token = new_secret()
    session.add(
        RegistrationToken(
            token_hash=digest(token), developer=developer, uses_left=uses, created_at=now, expires_at=now + TOKEN_LIFE
        )
    )
    await session.flush()
    return token


def routes(provider: Provider) -> list[Route]:
    registration = Registration(provider)
    one = REGISTER + "/{client_id}"
    return [
        Route(REGISTER, _told(registration.register), methods=["POST"]),
        Route(one, _told(registration.show)),
        Route(one, _told(registration.change), methods=["PUT"]),
        Route(one, _told(registration.end), methods=["DELETE"]),
    ]


def _told(handler: Handler) -> Handler:
    """What was refused, as the RFCs say it."""

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            body = {"error": refused.error, "error_description": str(refused)}
            return JSONResponse(body, refused.status, headers={**_PRIVATE, **_extra(refused.status)})

    return answered


def _extra(status: int) -> dict[str, str]:
    if status == 401:  # noqa: PLR2004 - the status is the name
        return {"WWW-Authenticate": 'Bearer realm="healthbook", error="invalid_token"'}
    return {"Retry-After": str(int(WINDOW.total_seconds()))} if status == 429 else {}  # noqa: PLR2004 - likewise


@dataclass(frozen=True, slots=True)
class Registration:
    provider: Provider

    async def register(self, request: Request) -> Response:
        """POST /oauth/register (RFC 7591 3). A registration that is refused does not use the token up."""
        now = utc_now()
        await self._count(request, now)
        body, management = await _body(request), new_secret()
        async with self.provider.sessions() as session:
            await _spend(session, _token(request), now)
            client_id = await _add(session, parse(read(body), self.provider.scopes), now)
            session.add(ClientManagement(client_id=client_id, token_hash=digest(management), created_at=now))
            told = self._information(await session.get_one(OAuthClient, client_id), management)
            await session.commit()
        return JSONResponse(told, 201, headers=_PRIVATE)

    async def show(self, request: Request) -> Response:
        """GET (RFC 7592 2.1)"""
        async with self.provider.sessions() as session:
            told = self._information(await _managed(session, request), _token(request))
        return JSONResponse(told, headers=_PRIVATE)

    async def change(self, request: Request) -> Response:
        """PUT (RFC 7592 2.2): the whole registration anew, under the same id."""
        body = await _body(request)
        async with self.provider.sessions() as session:
            client = await _managed(session, request)
            asked = read(body)
            if asked.get("client_id") != client.client_id or any(name in asked for name in _NOT_TO_BE_SENT):
                raise Refused(400, "invalid_request", "The client_id must be this one, and what we issued left out.")
            _apply(client, parse(asked, self.provider.scopes))
            told = self._information(client, _token(request))
            await session.commit()
        return JSONResponse(told, headers=_PRIVATE)

    async def end(self, request: Request) -> Response:
        """DELETE (RFC 7592 2.3): its tokens die with it; the row stays, because the access log names it."""
        now = utc_now()
        async with self.provider.sessions() as session:
            client = await _managed(session, request)
            client.status, client.expires_at = "suspended", now
            await session.execute(delete(ClientManagement).where(ClientManagement.client_id == client.client_id))
            living = (TokenGrant.client_id == client.client_id, TokenGrant.revoked_at.is_(None))
            ended = {"revoked_at": now, "revoke_reason": "client_deleted"}
            await session.execute(update(TokenGrant).where(*living).values(ended))
            await session.commit()
        return Response(status_code=204, headers=_PRIVATE)

    async def _count(self, request: Request, now: datetime) -> None:
        async with self.provider.sessions() as session:
            address = counted(address_of(request))
            tries = await attempts.count(session, "client_registration", address, window=WINDOW, now=now)
            await session.commit()
        if tries > TRIES:
            raise Refused(429, "temporarily_unavailable", "Too many registrations. Try again later.")

    def _information(self, client: OAuthClient, token: str) -> dict[str, Any]:
        """RFC 7591 3.2.1 and RFC 7592 3: all that is registered, substituted values too."""
        told = {
            "client_id": client.client_id,
            "client_id_issued_at": int(client.created_at.timestamp()),
            "client_id_expires_at": int(client.expires_at.timestamp()) if client.expires_at else 0,
            "client_name": client.name,
            "redirect_uris": client.redirect_uris,
            "post_logout_redirect_uris": client.post_logout_redirect_uris,
            "grant_types": client.grant_types,
            "response_types": ["code"] if CODE in client.grant_types else [],
            "token_endpoint_auth_method": client.auth_method,
            "scope": client.scope,
            "require_pushed_authorization_requests": client.requires_par,
            "registration_access_token": token,
            "registration_client_uri": f"{self.provider.settings.issuer}{REGISTER}/{client.client_id}",
        }
        return {**told, "jwks": client.jwks} if client.jwks else told


async def _body(request: Request) -> bytes:
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise Refused(400, "invalid_client_metadata", "The body must be application/json.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LIMIT_BYTES:
            break
    return body


def _token(request: Request) -> str:
    headers = request.headers.getlist("authorization")
    found = _BEARER.fullmatch(headers[0].strip()) if len(headers) == 1 else None
    if found is None:
        raise _unknown_token()
    return found[1]


def _unknown_token() -> Refused:
    return Refused(401, "invalid_token", "The token is not valid.")


async def _spend(session: AsyncSession, token: str, now: datetime) -> None:
    """One use of an initial access token; of several requests at once no more succeed than it has uses."""
    valid = (
        RegistrationToken.token_hash == digest(token),
        RegistrationToken.uses_left > 0,
        RegistrationToken.expires_at > now,
    )
    spent = update(RegistrationToken).where(*valid).values(uses_left=RegistrationToken.uses_left - 1)
    if (await session.execute(spent.returning(RegistrationToken.uses_left))).first() is None:
        raise _unknown_token()


async def _add(session: AsyncSession, metadata: Metadata, now: datetime) -> str:
    registered = await register(
        session,
        name=metadata.name,
        kind=KIND,
        auth_method=metadata.auth_method,
        grant_types=metadata.grant_types,
        scope=metadata.scope,
        redirect_uris=metadata.redirect_uris,
        post_logout_redirect_uris=metadata.post_logout_redirect_uris,
        jwks=metadata.jwks,
        expires_at=now + CLIENT_LIFE,
    )
    return registered.client_id


def _apply(client: OAuthClient, metadata: Metadata) -> None:
    client.name = metadata.name
    client.auth_method, client.jwks = metadata.auth_method, metadata.jwks
    client.grant_types, client.scope = metadata.grant_types, metadata.scope
    client.redirect_uris = metadata.redirect_uris
    client.post_logout_redirect_uris = metadata.post_logout_redirect_uris
    client.requires_par = PROFILES[KIND].requires_par(metadata.auth_method)


async def _managed(session: AsyncSession, request: Request) -> OAuthClient:
    """The client of this address, its row locked, for the holder of its token; an absent one looks like a wrong token.

    One that an operator suspended may be neither read nor changed (RFC 7592 2.1: 403).
    """
    offered = digest(_token(request))
    client_id = request.path_params["client_id"]
    query = (
        select(OAuthClient, ClientManagement.token_hash)
        .join(ClientManagement, ClientManagement.client_id == OAuthClient.client_id)
        .where(OAuthClient.client_id == client_id)
        .with_for_update(of=OAuthClient)
    )
    row = (await session.execute(query)).one_or_none() if client_id.isprintable() else None
    if row is None or not hmac.compare_digest(row[1], offered):
        raise _unknown_token()
    client: OAuthClient = row[0]
    if client.expires_at is None or client.expires_at <= utc_now():
        raise _unknown_token()
    if client.status != "active":
        raise Refused(403, "access_denied", "The client is suspended.")
    return client
