"""Passkeys (WebAuthn 3): signing in with one, and registering one for a signed-in citizen.

Discoverable credentials, so nobody types a name; the device verifies its user; a challenge lives in `state` and is gone
after one use. The page's script hands the device's answer to an ordinary form, which the anti-forgery token protects.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_authentication_credential_json
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from auth.flow_tables import Passkey
from auth.settings import AuthSettings
from auth.sign_in import state

SIGN_IN, REGISTER = "passkey", "passkey registration"
MOST = 10
T = TypeVar("T")
_TRANSPORTS = frozenset(one.value for one in AuthenticatorTransport)
_MAX_CREDENTIAL_ID = 1023  # WebAuthn 3, 7.1


class NotAccepted(Exception):
    """The device's answer proves nothing here. `reason` is a stable word for the log, never for a page."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Listed:
    """A passkey for its owner's eyes."""

    name: str
    label: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Passkeys:
    """`domain` is the relying party id, `origin` the only page that a device may answer to."""

    domain: str
    origin: str

    @classmethod
    def of(cls, settings: AuthSettings) -> "Passkeys | None":
        """None where the issuer is an address without a name: passkeys cannot be there."""
        return cls(settings.passkey_domain, settings.issuer) if settings.passkey_domain else None

    async def sign_in_options(self, session: AsyncSession, cookie: str, now: datetime) -> str:
        """What `navigator.credentials.get` needs, as JSON, with a fresh challenge for this browser."""
        options = generate_authentication_options(
            rp_id=self.domain, user_verification=UserVerificationRequirement.REQUIRED
        )
        await state.keep(session, cookie, SIGN_IN, {"challenge": bytes_to_base64url(options.challenge)}, now)
        return options_to_json(options)

    async def signed_in(self, session: AsyncSession, cookie: str, answer: str, now: datetime) -> UUID:
        """The citizen whose passkey answered this browser's challenge; NotAccepted. Notes the use."""
        challenge = await _challenge(session, cookie, SIGN_IN, now)
        told = _hostile(lambda: parse_authentication_credential_json(_json(answer)))
        row = await session.get(Passkey, told.raw_id)
        if row is None or row.revoked_at is not None:
            raise NotAccepted("unknown")
        if told.response.user_handle != row.citizen_id.bytes:
            raise NotAccepted("another's")
        verified = _hostile(
            lambda: verify_authentication_response(
                credential=told,
                expected_challenge=challenge,
                expected_rp_id=self.domain,
                expected_origin=self.origin,
                credential_public_key=row.public_key,
                credential_current_sign_count=row.sign_count,
                require_user_verification=True,
            )
        )
        await _used(session, row, verified.new_sign_count, now)
        return row.citizen_id

    async def registration_options(
        self, session: AsyncSession, cookie: str, citizen_id: UUID, name: str, now: datetime
    ) -> str:
        """What `navigator.credentials.create` needs, as JSON; a device that has one of the citizen's makes no other."""
        held = await session.scalars(_own(citizen_id))
        options = generate_registration_options(
            rp_id=self.domain,
            rp_name=name,
            user_name=name,
            user_id=citizen_id.bytes,
            attestation=AttestationConveyancePreference.NONE,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=row.credential_id) for row in held],
        )
        data = {"challenge": bytes_to_base64url(options.challenge), "citizen": str(citizen_id)}
        await state.keep(session, cookie, REGISTER, data, now)
        return options_to_json(options)

    async def register(
        self, session: AsyncSession, cookie: str, citizen_id: UUID, answer: str, *, label: str, now: datetime
    ) -> None:
        """Keep the public half of a new passkey; NotAccepted, also for a credential that somebody has already."""
        challenge = await _challenge(session, cookie, REGISTER, now, citizen_id)
        told = _json(answer)
        verified = _hostile(
            lambda: verify_registration_response(
                credential=told,
                expected_challenge=challenge,
                expected_rp_id=self.domain,
                expected_origin=self.origin,
                require_user_verification=True,
            )
        )
        if len(verified.credential_id) > _MAX_CREDENTIAL_ID:
            raise NotAccepted("long id")
        if len((await session.scalars(_own(citizen_id))).all()) >= MOST:
            raise NotAccepted("too many")
        row = {
            "credential_id": verified.credential_id,
            "citizen_id": citizen_id,
            "public_key": verified.credential_public_key,
            "sign_count": verified.sign_count,
            "transports": _transports(told),
            "label": label,
            "created_at": now,
        }
        made = insert(Passkey).values(row).on_conflict_do_nothing().returning(Passkey.credential_id)
        if (await session.execute(made)).one_or_none() is None:
            raise NotAccepted("known id")


async def listed(session: AsyncSession, citizen_id: UUID) -> list[Listed]:
    """The citizen's living passkeys, oldest first."""
    rows = await session.scalars(_own(citizen_id))
    return [Listed(bytes_to_base64url(row.credential_id), row.label, row.created_at, row.last_used_at) for row in rows]


async def remove(session: AsyncSession, citizen_id: UUID, name: str, now: datetime) -> bool:
    """End the citizen's own passkey of this name; no other's, and no error. Whether there was one."""
    try:
        credential_id = base64url_to_bytes(name)
    except ValueError:
        return False
    mine = (Passkey.credential_id == credential_id, Passkey.citizen_id == citizen_id, Passkey.revoked_at.is_(None))
    ended = update(Passkey).where(*mine).values(revoked_at=now).returning(Passkey.credential_id)
    return (await session.execute(ended)).first() is not None


def _own(citizen_id: UUID) -> Any:
    mine = (Passkey.citizen_id == citizen_id, Passkey.revoked_at.is_(None))
    return select(Passkey).where(*mine).order_by(Passkey.created_at, Passkey.credential_id)


async def _challenge(
    session: AsyncSession, cookie: str, kind: str, now: datetime, citizen_id: UUID | None = None
) -> bytes:
    kept = await state.take(session, cookie, kind, now)
    if kept is None or (citizen_id is not None and kept.get("citizen") != str(citizen_id)):
        raise NotAccepted("challenge")
    return base64url_to_bytes(kept["challenge"])


async def _used(session: AsyncSession, row: Passkey, count: int, now: datetime) -> None:
    """Of two uses at once with one count, one wins: a copied device repeats a count (WebAuthn 3, 6.1.1)."""
    grows = or_(Passkey.sign_count < count, (Passkey.sign_count == 0) & (count == 0))
    statement = (
        update(Passkey)
        .where(Passkey.credential_id == row.credential_id, Passkey.revoked_at.is_(None), grows)
        .values(sign_count=count, last_used_at=now)
        .returning(Passkey.credential_id)
        .execution_options(synchronize_session=False)
    )
    if (await session.execute(statement)).one_or_none() is None:
        raise NotAccepted("count")


def _json(answer: str) -> dict[str, Any]:
    """The device's answer as the script sends it."""
    told = _hostile(lambda: json.loads(answer))
    if not isinstance(told, dict):
        raise NotAccepted("shape")
    return told


def _transports(told: dict[str, Any]) -> list[str]:
    """Known words only; a hint for the browser."""
    named = told["response"].get("transports")
    return sorted({one for one in named if isinstance(one, str)} & _TRANSPORTS) if isinstance(named, list) else []


def _hostile(read: Callable[[], T]) -> T:
    """Bytes of a stranger through parsers of JSON, CBOR, COSE and certificates: whatever they raise is a refusal."""
    try:
        return read()
    except Exception as error:  # noqa: BLE001 - py_webauthn lets errors of six libraries through
        raise NotAccepted(type(error).__name__) from None
