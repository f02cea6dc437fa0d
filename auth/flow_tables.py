"""What a flow remembers between two requests, and the ways a person proves who he is.

Secrets are kept as SHA-256, one-time codes as HMAC. Rows past `expires_at` are purged.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from auth.tables import OPTIONS, SCHEMA
from domain.database import Base


class PushedRequest(Base, kw_only=True):
    """An authorization request sent ahead by its client (RFC 9126): bound to it, opened in a minute, used once."""

    __tablename__ = "pushed_request"
    __table_args__ = (Index(None, "expires_at"), OPTIONS)

    reference_hash: Mapped[bytes] = mapped_column(primary_key=True)
    client_id: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    jkt: Mapped[str | None] = mapped_column(default=None)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)


class DeviceAuthorization(Base, kw_only=True):
    """A device without a browser waits (RFC 8628): pending, then approved or denied; its code is used once.

    `grant_until`: the grant ends then at the latest, with the consent that was given beside it.
    """

    __tablename__ = "device_authorization"
    __table_args__ = (
        CheckConstraint("status in ('pending', 'approved', 'denied')", name="status"),
        Index("uq_device_authorization_user_code", "user_code_hash", unique=True),
        Index(None, "expires_at"),
        OPTIONS,
    )

    device_code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_code_hash: Mapped[bytes]
    client_id: Mapped[str]
    scope: Mapped[str]
    status: Mapped[str] = mapped_column(default="pending")
    grant_id: Mapped[UUID | None] = mapped_column(default=None)
    grant_until: Mapped[datetime | None] = mapped_column(default=None)
    place: Mapped[str | None] = mapped_column(default=None)
    created_at: Mapped[datetime]
    last_polled_at: Mapped[datetime | None] = mapped_column(default=None)
    interval_s: Mapped[int] = mapped_column(default=5)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)


class SignInState(Base, kw_only=True):
    """What a sign-in under way remembers: state, nonce and verifier towards a provider, a passkey's challenge.

    Found by the hash of a cookie of its own that lives ten minutes; never the cookie of a signed-in session.
    """

    __tablename__ = "sign_in_state"
    __table_args__ = (Index(None, "expires_at"), OPTIONS)

    cookie_hash: Mapped[bytes] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    data: Mapped[dict[str, Any]]
    expires_at: Mapped[datetime]


class Identity(Base, kw_only=True):
    """An account at a national or other provider, by issuer and subject, never by number, phone or e-mail."""

    __tablename__ = "identity"
    __table_args__ = (Index(None, "citizen_id"), OPTIONS)

    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    citizen_id: Mapped[UUID]
    created_at: Mapped[datetime]


class Passkey(Base, kw_only=True):
    """A WebAuthn credential: the public half of a key that never leaves the citizen's device."""

    __tablename__ = "passkey"
    __table_args__ = (Index(None, "citizen_id"), OPTIONS)

    credential_id: Mapped[bytes] = mapped_column(primary_key=True)
    citizen_id: Mapped[UUID]
    public_key: Mapped[bytes]
    sign_count: Mapped[int]
    transports: Mapped[list[str]]
    label: Mapped[str]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)


class ContactPoint(Base, kw_only=True):
    """Where one-time codes go: a verified phone or e-mail of a citizen. Looked up by keyed hash, kept encrypted."""

    __tablename__ = "contact_point"
    __table_args__ = (
        CheckConstraint("system in ('phone', 'email')", name="system"),
        Index(None, "citizen_id"),
        OPTIONS,
    )

    key: Mapped[bytes] = mapped_column(primary_key=True)
    citizen_id: Mapped[UUID]
    system: Mapped[str]
    value_sealed: Mapped[bytes]
    verified_at: Mapped[datetime]


class OneTimeCode(Base, kw_only=True):
    """Six digits, five minutes, five tries, bound to the browser that asked: kept as HMAC."""

    __tablename__ = "one_time_code"
    __table_args__ = (Index(None, "expires_at"), OPTIONS)

    cookie_hash: Mapped[bytes] = mapped_column(primary_key=True)
    citizen_id: Mapped[UUID | None] = mapped_column(default=None)
    code_hmac: Mapped[bytes]
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)


class RegistrationToken(Base, kw_only=True):
    """An initial access token of the developer portal (RFC 7591 3): lets its holder register sandbox clients."""

    __tablename__ = "registration_token"
    __table_args__ = (Index(None, "expires_at"), OPTIONS)

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    developer: Mapped[str]
    uses_left: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class ClientManagement(Base, kw_only=True):
    """The registration access token of a dynamically registered client (RFC 7592 3)."""

    __tablename__ = "client_management"
    __table_args__ = (OPTIONS,)

    client_id: Mapped[str] = mapped_column(ForeignKey(f"{SCHEMA}.client.client_id"), primary_key=True)
    token_hash: Mapped[bytes]
    created_at: Mapped[datetime]
