"""The three grant types: authorization_code with PKCE, refresh_token with rotation, client_credentials.

The grant is locked before its codes and tokens are read, so of parallel redemptions one wins and the others find the
row used. A row found used ends the whole family: RFC 6749 4.1.2 for codes, RFC 9700 4.14.2 for refresh tokens. The
caller commits after an OAuth error too, or these revocations would be lost.

One exception: an answer lost on the way must not log a phone out. Within 20 seconds a refresh token that is bound to a
key, used again with that key, gets a new successor, as long as the first one was not used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError, InvalidScopeError, grants
from authlib.oauth2.rfc7636 import CodeChallenge
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from auth.opaque import digest, new_secret
from auth.scopes import OWN, WITHOUT_A_PERSON, narrow, split
from auth.smart import granted_aliases
from auth.tables import AuthorizationCode, OAuthClient, RefreshToken, TokenGrant
from auth.tokens.signed import ACCESS_TOKEN_LIFE

CODE_LIFE = timedelta(seconds=60)
REFRESH_LIFE = timedelta(days=30)
"""Absolute: a chain of refresh tokens ends 30 days after its sign-in, however often it is used."""
CLINICIAN_LIFE = timedelta(hours=12)
"""A clinician signs in anew for each shift."""
REUSE_GRACE = timedelta(seconds=20)

_CHALLENGE_LENGTH = 43
log = structlog.get_logger("healthbook.grants")


@dataclass(frozen=True, slots=True)
class Approval:
    """A citizen said yes: who, how and when he signed in, which of the asked scopes he ticked, until when at most."""

    citizen_id: UUID
    acr: str
    auth_time: datetime
    ticked: frozenset[str]
    until: datetime | None = None


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

    def hold(self, query: Select[TokenGrant, Any], replayed: str) -> Held | None:
        """The one row of a query for a TokenGrant and its code or refresh token, locked in this order.

        None if there is none, or it is another client's, spent, expired or revoked. A spent row presented again ends
        the grant, with `replayed` as the reason.
        """
        db: Session = self.server.db
        found = db.execute(query.with_for_update().execution_options(populate_existing=True)).first()
        if found is None:
            return None
        grant, row = found
        if grant.client_id != self.request.client.client_id:
            return None
        now: datetime = self.server.now
        if row.used_at is not None and not self.is_forgiven(row, grant):
            self.end_stolen(grant, replayed)
            return None
        if row.expires_at <= now or not grant.is_alive(now):
            return None
        self.request.grant_row = grant
        return Held(row, grant)

    def end_stolen(self, grant: TokenGrant, replayed: str) -> None:
        """Somebody holds a copy of what was used: the family ends, and its citizen and the operator hear of it, once.

        A grant that ended before is left as it is.
        """
        if grant.revoked_at is not None:
            return
        now: datetime = self.server.now
        grant.revoke(now, replayed)
        if grant.citizen_id is not None:
            self.server.citizens.warn(self.server.db, grant.citizen_id, now)
        log.warning("reused", reason=replayed, grant_id=str(grant.id), client_id=grant.client_id)

    def is_forgiven(self, _row: Any, _grant: TokenGrant) -> bool:
        """Whether a spent row may be used again."""
        return False

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


def ends(now: datetime, life: timedelta, *, keeps: bool, until: datetime | None) -> datetime:
    """When a grant ends whose tokens are issued now: as long as its refresh tokens if it keeps any, else one token.

    Never later than the consent that was given with it (`until`).
    """
    own = now + (life if keeps else ACCESS_TOKEN_LIFE)
    return min(own, until or own)


class CodeGrant(_OnSession, grants.AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib is untyped
    def generate_authorization_code(self) -> str:
        return new_secret()

    def save_authorization_code(self, code: str, request: Any) -> None:
        """The grant begins here, with the scope the citizen left; it lives on if the code is redeemed."""
        grant = request.grant_row = self._begin(request.user, request)
        asked = request.payload.data
        self.server.db.add(
            AuthorizationCode(
                code_hash=digest(code),
                grant_id=grant.id,
                redirect_uri=asked["redirect_uri"],
                code_challenge=asked["code_challenge"],
                nonce=asked.get("nonce"),
                jkt=request.bound_to,
                expires_at=self.server.now + CODE_LIFE,
                grant_until=request.user.until,
            )
        )

    def _begin(self, approval: Approval, request: Any) -> TokenGrant:
        grant = TokenGrant(
            client_id=request.client.client_id,
            citizen_id=approval.citizen_id,
            scope=self._granted(request, approval),
            acr=approval.acr,
            auth_time=approval.auth_time,
            created_at=self.server.now,
            expires_at=self.server.now + CODE_LIFE,
        )
        self.server.db.add(grant)
        self.server.db.flush()
        return grant

    def _granted(self, request: Any, approval: Approval) -> str:
        """What was ticked, and after it the SMART names it was asked by: the client will look for them."""
        names = split(narrow(request.scope, approval.ticked))
        return " ".join([*names, *granted_aliases(names, request.aliases, self.server.aliases)])

    def query_authorization_code(self, code: str, client: OAuthClient) -> Held | None:
        """The code, spent from here on: whatever else the request gets wrong, there is no second try."""
        self.request.client = client
        query = select(TokenGrant, AuthorizationCode).join(
            AuthorizationCode, AuthorizationCode.grant_id == TokenGrant.id
        )
        held = self.hold(query.where(AuthorizationCode.code_hash == digest(code)), "code_replay")
        if held is None:
            return None
        held.row.used_at = self.server.now
        if held.row.jkt is not None and held.row.jkt != self.request.jkt:
            raise InvalidGrantError("The code is bound to another key.")
        return held

    def generate_token(self, *, include_refresh_token: bool = False, **asked: Any) -> dict[str, Any]:
        """Sets how long the grant lives; only offline_access brings refresh tokens."""
        grant: TokenGrant = self.request.grant_row
        keeps = include_refresh_token and "offline_access" in split(grant.scope)
        life = CLINICIAN_LIFE if self.request.client.kind == "clinician" else REFRESH_LIFE
        until: datetime | None = self.request.authorization_code.row.grant_until
        grant.expires_at = ends(self.server.now, life, keeps=keeps, until=until)
        token: dict[str, Any] = super().generate_token(**asked, include_refresh_token=keeps)
        return token

    def delete_authorization_code(self, authorization_code: Held) -> None:
        """Kept, spent, until it is purged: so a replay is recognised."""


class RefreshGrant(_OnSession, grants.RefreshTokenGrant):  # type: ignore[misc]  # Authlib is untyped
    """A refresh may narrow the access token, never the chain: the next refresh has the grant's scope again."""

    INCLUDE_NEW_REFRESH_TOKEN = True
    _lost: RefreshToken | None = None

    def authenticate_refresh_token(self, refresh_token: str) -> Held | None:
        query = select(TokenGrant, RefreshToken).join(RefreshToken, RefreshToken.grant_id == TokenGrant.id)
        held = self.hold(query.where(RefreshToken.token_hash == digest(refresh_token)), "refresh_reuse")
        if held is not None:
            self.server.translate(self.request, split(held.grant.scope))
        return held

    def is_forgiven(self, row: RefreshToken, grant: TokenGrant) -> bool:
        """A public client's phone that proves the grant's key and lost the answer a moment ago."""
        now: datetime = self.server.now
        if (
            grant.jkt is None
            or grant.jkt != self.request.jkt
            or row.used_at is None
            or row.used_at + REUSE_GRACE <= now
        ):
            return False
        child = self.server.db.get(RefreshToken, row.child_hash) if row.child_hash else None
        if child is None or child.used_at is not None:
            return False
        self._lost = child
        return True

    def save_token(self, token: dict[str, Any]) -> None:
        super().save_token(token)
        self._child_hash = digest(token["refresh_token"])

    def revoke_old_credential(self, held: Held) -> None:
        """The successor that was lost is spent too, so that the chain has one end."""
        held.row.used_at = held.row.used_at or self.server.now
        held.row.child_hash = self._child_hash
        if self._lost is not None:
            self._lost.used_at, self._lost.child_hash = self.server.now, self._child_hash


class ClientCredentialsGrant(_OnSession, grants.ClientCredentialsGrant):  # type: ignore[misc]  # Authlib is untyped
    """Each token is a grant of its own, five minutes long; without a scope, all the client may have."""

    TOKEN_ENDPOINT_AUTH_METHODS: Sequence[str] = ("client_secret_basic", "private_key_jwt")

    def generate_token(self, *, scope: str | None = None, **asked: Any) -> dict[str, Any]:
        client: OAuthClient = self.request.client
        allowed = client.get_allowed_scope(scope or _unaided(client.scope))
        if allowed is None or allowed != _unaided(allowed):
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


def _unaided(scope: str) -> str:
    """What of a scope makes sense without a person who signed in."""
    return " ".join(name for name in split(scope) if name not in OWN or name in WITHOUT_A_PERSON)
