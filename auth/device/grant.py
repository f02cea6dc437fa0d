"""What the device asks: a code to show (RFC 8628 3.1), and then, again and again, its tokens (3.4).

The row of a device code is locked while it is answered, so of parallel redemptions one wins. A code that comes back
after it was redeemed ends what it was redeemed for, as an authorization code does (RFC 6749 4.1.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AccessDeniedError, InvalidGrantError, InvalidScopeError, UnauthorizedClientError
from authlib.oauth2.rfc8628 import (
    DEVICE_CODE_GRANT_TYPE,
    AuthorizationPendingError,
    DeviceAuthorizationEndpoint,
    DeviceCodeGrant,
    ExpiredTokenError,
    SlowDownError,
)
from sqlalchemy import select

from auth.device import codes
from auth.flow_tables import DeviceAuthorization
from auth.grants.grant_types import REFRESH_LIFE, Subject, _OnSession, ends
from auth.network import network_of
from auth.opaque import digest, new_secret
from auth.requests import OAuthRequest
from auth.scopes import split
from auth.tables import OAuthClient, TokenGrant
from domain import attempts

PAGE = "/device"
LIFE = timedelta(minutes=10)
INTERVAL_S = 5
MOST, WINDOW = 100, timedelta(hours=1)
"""Codes of a client in one network: room for the screens of a hospital or the homes behind one address."""
_JITTER = timedelta(milliseconds=500)
"""How much earlier than told a poll may arrive: two requests do not travel equally long."""


class TooMany(OAuth2Error):  # type: ignore[misc]  # Authlib is untyped
    """Each code is a row and a guess for somebody: a client asks for so many from one network, and no more."""

    error, status_code = "temporarily_unavailable", 429

    def get_headers(self) -> list[tuple[str, str]]:
        return [*super().get_headers(), ("Retry-After", str(int(WINDOW.total_seconds())))]


class DeviceRequest(OAuthRequest):
    """`place` is the device's network address, shown to the citizen."""

    place = ""


class DeviceEndpoint(DeviceAuthorizationEndpoint):  # type: ignore[misc]  # Authlib is untyped
    CLIENT_AUTH_METHODS: Sequence[str] = ("none", "client_secret_basic", "private_key_jwt")
    EXPIRES_IN = int(LIFE.total_seconds())
    INTERVAL = INTERVAL_S

    def authenticate_client(self, request: DeviceRequest) -> OAuthClient:
        client: OAuthClient = super().authenticate_client(request)
        if not client.check_grant_type(DEVICE_CODE_GRANT_TYPE):
            raise UnauthorizedClientError
        if client.get_allowed_scope(request.payload.scope) is None:
            raise InvalidScopeError
        self._place = request.place
        self._count(client)
        return client

    def _count(self, client: OAuthClient) -> None:
        """The client is known by now, so invented ones leave no counters."""
        key = f"{client.client_id} {network_of(self._place)}"
        if attempts.count_now(self.server.db, "device_asked", key, window=WINDOW, now=self.server.now) > MOST:
            raise TooMany("Too many codes were asked for. Try again later.")

    def generate_device_code(self) -> str:
        return new_secret()

    def generate_user_code(self) -> str:
        return codes.shown(codes.new_user_code())

    def get_verification_uri(self) -> str:
        return f"{self.server.settings.issuer}{PAGE}"

    def save_device_credential(self, client_id: str, scope: str, data: dict[str, Any]) -> None:
        now: datetime = self.server.now
        self.server.db.add(
            DeviceAuthorization(
                device_code_hash=digest(data["device_code"]),
                user_code_hash=codes.keyed(self.server.settings.kek, codes.typed(data["user_code"])),
                client_id=client_id,
                scope=" ".join(split(scope)),
                place=self._place,
                created_at=now,
                interval_s=INTERVAL_S,
                expires_at=now + LIFE,
            )
        )


@dataclass(frozen=True, slots=True)
class Waiting:
    """A locked device authorization, answering what Authlib asks of one."""

    row: DeviceAuthorization

    def get_client_id(self) -> str:
        return self.row.client_id

    def get_scope(self) -> str:
        """Once approved, what the citizen left of what was asked."""
        return self.row.scope


class DeviceGrant(_OnSession, DeviceCodeGrant):  # type: ignore[misc]  # Authlib is untyped
    def query_device_credential(self, device_code: str) -> Waiting:
        """InvalidGrantError for a code that is unknown, another client's, or redeemed."""
        query = select(DeviceAuthorization).where(DeviceAuthorization.device_code_hash == digest(device_code))
        row = self.server.db.scalar(query.with_for_update())
        if row is None or row.client_id != self.request.client.client_id:
            raise InvalidGrantError
        if row.used_at is not None:
            self.end_stolen(self._grant_of(row), "device_code_replay")
            raise InvalidGrantError
        return Waiting(row)

    def validate_device_credential(self, credential: Waiting) -> Subject:
        """RFC 8628 3.5. The citizen behind an approved code, spent from here on."""
        row, now = credential.row, self.server.now
        if row.expires_at <= now:
            raise ExpiredTokenError
        if row.status == "denied":
            raise AccessDeniedError
        if row.status == "pending":
            raise _wait(row, now)
        grant = self._grant_of(row)
        if grant.citizen_id is None or not grant.is_alive(now):
            raise InvalidGrantError
        row.used_at = now
        self.request.grant_row = grant
        return Subject(grant.citizen_id)

    def _grant_of(self, row: DeviceAuthorization) -> TokenGrant:
        grant: TokenGrant = self.server.db.get_one(
            TokenGrant, row.grant_id, with_for_update=True, populate_existing=True
        )
        return grant

    def generate_token(self, *, include_refresh_token: bool = False, **asked: Any) -> dict[str, Any]:
        """Sets how long the grant lives; only offline_access brings refresh tokens."""
        grant: TokenGrant = self.request.grant_row
        keeps = include_refresh_token and "offline_access" in split(grant.scope)
        until: datetime | None = self.request.credential.row.grant_until
        grant.expires_at = ends(self.server.now, REFRESH_LIFE, keeps=keeps, until=until)
        token: dict[str, Any] = super().generate_token(**asked, include_refresh_token=keeps)
        return token


def _wait(row: DeviceAuthorization, now: datetime) -> Exception:
    """slow_down for a poll that comes too early, and five seconds more from now on; else authorization_pending."""
    due = row.last_polled_at + timedelta(seconds=row.interval_s) - _JITTER if row.last_polled_at else now
    row.last_polled_at = now
    too_early = now < due
    row.interval_s += INTERVAL_S if too_early else 0
    answer: Exception = SlowDownError() if too_early else AuthorizationPendingError()
    return answer
