"""Schema `auth`: clients, grants, and the hashes of everything they were given.

A grant is the family of one sign-in: the code, every refresh token and every access token that grew from it
name its id (claim `gid`), so revoking one row ends them all. Nothing here is a secret: codes, tokens, session
ids and client secrets are stored as SHA-256, signing keys encrypted.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, text, update
from sqlalchemy.orm import Mapped, mapped_column, object_session

from auth.clients.redirects import is_registered
from auth.scopes import split
from domain.changes_feed import Tells, Told, right_of, tell_rights
from domain.database import Base

SCHEMA = "auth"
OPTIONS = {"schema": SCHEMA, "info": {"class": "local"}}
KINDS = ("first_party", "facility", "third_party", "clinician", "sandbox")
STATUSES = ("active", "suspended", "pending")
AUTH_METHODS = ("none", "client_secret_basic", "private_key_jwt")
KEY_STATES = ("next", "active", "retired")


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class OAuthClient(Tells, Base):
    """An application that asks (RFC 6749 1.1). The methods are the questions Authlib puts to a client."""

    __tablename__ = "client"
    __table_args__ = (
        _one_of("kind", KINDS),
        _one_of("status", STATUSES),
        _one_of("auth_method", AUTH_METHODS),
        CheckConstraint("(auth_method = 'client_secret_basic') = (secret_hash IS NOT NULL)", name="secret"),
        CheckConstraint("(auth_method = 'private_key_jwt') = (jwks IS NOT NULL)", name="jwks"),
        CheckConstraint(
            "kind NOT IN ('facility', 'clinician') OR auth_method <> 'none'", name="facility_is_confidential"
        ),
        CheckConstraint(
            "kind NOT IN ('facility', 'clinician') OR organization_id IS NOT NULL", name="facility_has_organization"
        ),
        Index(None, "organization_id", postgresql_where=text("organization_id IS NOT NULL")),
        OPTIONS,
    )

    client_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    status: Mapped[str]
    auth_method: Mapped[str]
    grant_types: Mapped[list[str]]
    scope: Mapped[str]
    created_at: Mapped[datetime]
    redirect_uris: Mapped[list[str]] = mapped_column(default_factory=list)
    post_logout_redirect_uris: Mapped[list[str]] = mapped_column(default_factory=list, server_default=text("'[]'"))
    requires_par: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    requires_dpop: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    expires_at: Mapped[datetime | None] = mapped_column(default=None)
    organization_id: Mapped[UUID | None] = mapped_column(default=None)
    secret_hash: Mapped[bytes | None] = mapped_column(default=None)
    jwks: Mapped[dict[str, Any] | None] = mapped_column(default=None)

    def is_active(self, now: datetime) -> bool:
        """Reviewed, not suspended, and (a sandbox client) not past its end."""
        return self.status == "active" and (self.expires_at is None or now < self.expires_at)

    def tells(self) -> Iterable[Told]:
        return () if self.status == "active" and self.expires_at is None else right_of("clients", self.client_id)

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        """None: every request names its redirect_uri, also of a client with only one (RFC 9700 4.1)."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """The asked scope if the client may ask for all of it, else None (Authlib then answers invalid_scope)."""
        asked = split(scope)
        return " ".join(asked) if asked and set(asked) <= set(split(self.scope)) else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return is_registered(redirect_uri, self.redirect_uris)

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and "authorization_code" in self.grant_types

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grant_types


class TokenGrant(Tells, Base):
    """One sign-in of a citizen at a client, or one client_credentials token. The random id is its only name.

    `citizen_id` is who signed in (None for client_credentials). After a token exchange `patient_id` is the one patient
    for whom he acts (RFC 8693 4.1: `sub` is then the patient, `act.sub` the citizen). `jkt` is the SHA-256 thumbprint
    of the key that tokens and refresh tokens are bound to (RFC 9449 6.1). A grant lives no longer than its `parent_id`,
    the grant whose token was exchanged for it.
    """

    __tablename__ = "token_grant"
    __table_args__ = (
        CheckConstraint("expires_at > created_at", name="period"),
        CheckConstraint("(revoked_at IS NULL) = (revoke_reason IS NULL)", name="revoked_for_a_reason"),
        Index(None, "client_id"),
        Index(None, "citizen_id", "client_id", postgresql_where=text("citizen_id IS NOT NULL")),
        Index(None, "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        OPTIONS,
    )

    client_id: Mapped[str] = mapped_column(ForeignKey(f"{SCHEMA}.client.client_id"))
    scope: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    citizen_id: Mapped[UUID | None] = mapped_column(default=None)
    patient_id: Mapped[UUID | None] = mapped_column(default=None)
    parent_id: Mapped[UUID | None] = mapped_column(default=None)
    jkt: Mapped[str | None] = mapped_column(default=None)
    acr: Mapped[str | None] = mapped_column(default=None)
    auth_time: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    revoke_reason: Mapped[str | None] = mapped_column(default=None)
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid4)

    def is_alive(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at

    def revoke(self, now: datetime, reason: str) -> None:
        """Ends this grant and, in the same transaction, those exchanged for its tokens. The first reason stays.

        To be called inside `run_sync`. The row of the parent is written first: an exchange under way holds it, so its
        child is there to be found by the time the lock is ours.
        """
        if self.revoked_at is not None:
            return
        self.revoked_at, self.revoke_reason = now, reason
        session = object_session(self)
        if session is not None:
            session.flush()
            children = update(TokenGrant).where(TokenGrant.parent_id == self.id, TokenGrant.revoked_at.is_(None))
            ended = children.values(revoked_at=now, revoke_reason=reason).returning(TokenGrant.id)
            tell_rights(session, grants=session.scalars(ended).all())

    def tells(self) -> Iterable[Told]:
        return () if self.revoked_at is None else right_of("grants", self.id)


class AuthorizationCode(Base):
    """A code of 60 seconds (RFC 6749 4.1.2), bound to redirect_uri and challenge; used once, right or wrong.

    `grant_until`: the grant ends then at the latest, with the consent that was given beside it.
    """

    __tablename__ = "authorization_code"
    __table_args__ = (Index(None, "grant_id"), Index(None, "expires_at"), OPTIONS)

    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    grant_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.token_grant.id", ondelete="CASCADE"))
    redirect_uri: Mapped[str]
    code_challenge: Mapped[str]
    expires_at: Mapped[datetime]
    nonce: Mapped[str | None] = mapped_column(default=None)
    jkt: Mapped[str | None] = mapped_column(default=None)
    grant_until: Mapped[datetime | None] = mapped_column(default=None)
    used_at: Mapped[datetime | None] = mapped_column(default=None)


class RefreshToken(Base):
    """One link of a rotation chain (RFC 9700 4.14): `child_hash` is the token that replaced it."""

    __tablename__ = "refresh_token"
    __table_args__ = (Index(None, "grant_id"), Index(None, "expires_at"), OPTIONS)

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    grant_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.token_grant.id", ondelete="CASCADE"))
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)
    child_hash: Mapped[bytes | None] = mapped_column(default=None)


class WebSession(Base):
    """A browser in which a citizen signed in at this server; the cookie holds the id, the row its hash."""

    __tablename__ = "web_session"
    __table_args__ = (Index(None, "citizen_id"), Index(None, "expires_at"), OPTIONS)

    id_hash: Mapped[bytes] = mapped_column(primary_key=True)
    citizen_id: Mapped[UUID]
    acr: Mapped[str]
    auth_time: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    device: Mapped[str] = mapped_column(default="", server_default="")
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)


class SigningKey(Base):
    """An ES256 key: next (published, not yet used), active (signs), retired (still verifies).

    `use` keeps keys of different purposes apart: `token` signs access and id tokens, `receipt` consent receipts,
    `pass` check-in passes.
    `private_key` is nonce and ciphertext of AES-256-GCM over the private JWK, bound to the kid.
    """

    __tablename__ = "signing_key"
    __table_args__ = (
        _one_of("state", KEY_STATES),
        Index("uq_signing_key_active", "use", unique=True, postgresql_where=text("state = 'active'")),
        Index("uq_signing_key_next", "use", unique=True, postgresql_where=text("state = 'next'")),
        OPTIONS,
    )

    kid: Mapped[str] = mapped_column(primary_key=True)
    use: Mapped[str]
    state: Mapped[str]
    public_jwk: Mapped[dict[str, Any]]
    private_key: Mapped[bytes]
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None] = mapped_column(default=None)


class Once(Base):
    """What may be said only once until `expires_at`: the jti of a client assertion (RFC 7523 3, item 7)."""

    __tablename__ = "once"
    __table_args__ = (Index(None, "expires_at"), OPTIONS)

    kind: Mapped[str] = mapped_column(primary_key=True)
    key_hash: Mapped[bytes] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime]
