"""The three grant types: authorization_code with PKCE, refresh_token with rotation, client_credentials.

Rows are locked in one order (code or refresh token, then grant), so of parallel redemptions one wins and the
others find the row used. A row found used ends the whole family: RFC 6749 4.1.2 for codes, RFC 9700 4.14.2 for
refresh tokens. The caller commits after an OAuth error too, or these revocations would be lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from authlib.oauth2.rfc6749 import InvalidRequestError, InvalidScopeError, grants
from authlib.oauth2.rfc7636 import CodeChallenge
from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.opaque import digest, new_secret
from auth.scopes import narrow, split
from auth.tables import AuthorizationCode, OAuthClient, RefreshToken, TokenGrant
from auth.tokens import ACCESS_TOKEN_LIFE

CODE_LIFE = timedelta(seconds=60)
REFRESH_LIFE = timedelta(days=30)
"""Absolute: a chain of refresh tokens ends 30 days after its sign-in, however often it is used."""

_CHALLENGE_LENGTH = 43


@dataclass(frozen=True, slots=True)
class Approval:
    """A citizen said yes: who, how and when he signed in, and which of the asked scopes he left ticked."""

    citizen_id: UUID
    acr: str
    auth_time: datetime
    ticked: frozenset[str]


@dataclass(frozen=True, slots=True)
class Subject:
    """The citizen behind a grant, as Authlib's token code asks for him."""

    citizen_id: UUID

    def get_user_id(self) -> str:
        return str(self.citizen_id)


@dataclass(frozen=True, slots=True)
class Held:
    """A locked, unspent code or refresh token with its grant, answering what Authlib asks of one."""

    row: Any
    grant: TokenGrant
    code_challenge_method = "S256"

    @property
    def code_challenge(self) -> str:
        challenge: str = self.row.code_challenge
        return challenge

    @property
    def nonce(self) -> str | None:
        nonce: str | None = self.row.nonce
        return nonce

    def get_scope(self) -> str:
        return self.grant.scope

    def get_redirect_uri(self) -> str:
        uri: str = self.row.redirect_uri
        return uri

    def check_client(self, client: OAuthClient) -> bool:
        return self.grant.client_id == client.client_id


class S256Only(CodeChallenge):  # type: ignore[misc]  # Authlib is untyped
    """PKCE (RFC 7636) for every client, S256 and nothing else (RFC 9700 2.1.1)."""

    SUPPORTED_CODE_CHALLENGE_METHOD: Sequence[str] = ("S256",)

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        asked = grant.request.payload.data
        if asked.get("code_challenge_method") != "S256" or len(asked.get("code_challenge", "")) != _CHALLENGE_LENGTH:
            raise InvalidRequestError("PKCE is required, with code_challenge_method=S256.")
        super().validate_code_challenge(grant, redirect_uri)


class _OnSession:
    """What the grants share: the server's session and clock, and the way from a stored row to its grant."""

    TOKEN_ENDPOINT_AUTH_METHODS: Sequence[str] = ("none", "client_secret_basic", "private_key_jwt")
    request: Any
    server: Any

    def hold(self, row: AuthorizationCode | RefreshToken | None, replayed: str) -> Held | None:
        """The row with its grant, both locked; None if it is another client's, spent, expired or revoked.

        A spent row presented again revokes the grant, with `replayed` as the reason.
        """
        if row is None:
            return None
        now: datetime = self.server.now
        grant = self.server.db.get_one(TokenGrant, row.grant_id, with_for_update=True, populate_existing=True)
        if grant.client_id != self.request.client.client_id:
            return None
        if row.used_at is not None:
            grant.revoke(now, replayed)
            return None
        if row.expires_at <= now or not grant.is_alive(now):
            return None
        self.request.grant_row = grant
        return Held(row, grant)

    def authenticate_user(self, held: Held) -> Subject | None:
        return Subject(held.grant.citizen_id) if held.grant.citizen_id else None

    def save_token(self, token: dict[str, Any]) -> None:
        """Access tokens are not stored; of a refresh token its hash is, living as long as the grant."""
        if "refresh_token" not in token:
            return
        grant: TokenGrant = self.request.grant_row
        db: Session = self.server.db
        db.add(
            RefreshToken(
                token_hash=digest(token["refresh_token"]),
                grant_id=grant.id,
                issued_at=self.server.now,
                expires_at=grant.expires_at,
            )
        )


class CodeGrant(_OnSession, grants.AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib is untyped
    def generate_authorization_code(self) -> str:
        return new_secret()

    def save_authorization_code(self, code: str, request: Any) -> None:
        """The grant begins here, with the scope the citizen left; it lives on if the code is redeemed."""
        grant = self._begin(request.user, request)
        asked = request.payload.data
        self.server.db.add(
            AuthorizationCode(
                code_hash=digest(code),
                grant_id=grant.id,
                redirect_uri=asked["redirect_uri"],
                code_challenge=asked["code_challenge"],
                nonce=asked.get("nonce"),
                expires_at=self.server.now + CODE_LIFE,
            )
        )

    def _begin(self, approval: Approval, request: Any) -> TokenGrant:
        grant = TokenGrant(
            client_id=request.client.client_id,
            citizen_id=approval.citizen_id,
            scope=narrow(request.scope, approval.ticked),
            acr=approval.acr,
            auth_time=approval.auth_time,
            created_at=self.server.now,
            expires_at=self.server.now + CODE_LIFE,
        )
        self.server.db.add(grant)
        self.server.db.flush()
        return grant

    def query_authorization_code(self, code: str, client: OAuthClient) -> Held | None:
        """The code, spent from here on: whatever else the request gets wrong, there is no second try."""
        self.request.client = client
        query = select(AuthorizationCode).where(AuthorizationCode.code_hash == digest(code)).with_for_update()
        held = self.hold(self.server.db.scalar(query), "code_replay")
        if held is not None:
            held.row.used_at = self.server.now
        return held

    def generate_token(self, *, include_refresh_token: bool = False, **asked: Any) -> dict[str, Any]:
        """Sets how long the grant lives: with offline_access as long as its refresh tokens, else one token."""
        grant: TokenGrant = self.request.grant_row
        keeps = include_refresh_token and "offline_access" in split(grant.scope)
        grant.expires_at = self.server.now + (REFRESH_LIFE if keeps else ACCESS_TOKEN_LIFE)
        token: dict[str, Any] = super().generate_token(**asked, include_refresh_token=keeps)
        return token

    def delete_authorization_code(self, authorization_code: Held) -> None:
        """Kept, spent, until it is purged: so a replay is recognised."""


class RefreshGrant(_OnSession, grants.RefreshTokenGrant):  # type: ignore[misc]  # Authlib is untyped
    """A refresh may narrow the access token, never the chain: the next refresh has the grant's scope again."""

    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Held | None:
        query = select(RefreshToken).where(RefreshToken.token_hash == digest(refresh_token)).with_for_update()
        return self.hold(self.server.db.scalar(query), "refresh_reuse")

    def save_token(self, token: dict[str, Any]) -> None:
        super().save_token(token)
        self._child_hash = digest(token["refresh_token"])

    def revoke_old_credential(self, held: Held) -> None:
        held.row.used_at, held.row.child_hash = self.server.now, self._child_hash


class ClientCredentialsGrant(_OnSession, grants.ClientCredentialsGrant):  # type: ignore[misc]  # Authlib is untyped
    """Each token is a grant of its own, five minutes long; without a scope, all the client may have."""

    TOKEN_ENDPOINT_AUTH_METHODS: Sequence[str] = ("client_secret_basic", "private_key_jwt")

    def generate_token(self, *, scope: str | None = None, **asked: Any) -> dict[str, Any]:
        client: OAuthClient = self.request.client
        allowed = client.get_allowed_scope(scope or client.scope)
        if allowed is None:
            raise InvalidScopeError
        grant = TokenGrant(
            client_id=client.client_id,
            scope=allowed,
            created_at=self.server.now,
            expires_at=self.server.now + ACCESS_TOKEN_LIFE,
        )
        self.server.db.add(grant)
        self.request.grant_row = grant
        token: dict[str, Any] = super().generate_token(scope=allowed, **asked)
        return token
