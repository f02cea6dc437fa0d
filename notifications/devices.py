"""A citizen's phones: registered by their app, renamed and removed by him. A push token is one phone's, and so one
citizen's, at a time: where it turns up with another citizen it has moved, and who had it gets nothing more there.

Who had it is told nothing on that phone, which is no longer his, but finds a security notice in his inbox and on his
other phones. Another new phone is told to the citizen's phones before it.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.errors import Invalid, NotFound
from domain.values import new_id
from notifications import notices
from notifications.composing import TOKEN
from notifications.seals import Seals
from notifications.tables import LANGUAGES, PLATFORMS, Device

MOST = 20
LONGEST_NAME, LONGEST_ZONE = 60, 64
_TOKEN = re.compile(r"[A-Za-z0-9_:.%=-]{8,4096}")
# Two registrations of one citizen take turns here, so that the number of phones is right whoever is quicker.
TURN = text(
    """insert into notify.wishes (citizen_id, quiet_from, quiet_to, updated_at)
       values (:citizen, '22:00', '06:00', :now)
       on conflict (citizen_id) do update set citizen_id = excluded.citizen_id"""
)


class TooManyDevices(Exception):
    """The citizen has as many phones as he may have."""


@dataclass(frozen=True, slots=True)
class Phone:
    """What an app says of the phone it runs on. `Phone.read` checks it."""

    token: str = field(repr=False)
    platform: str
    name: str
    locale: str
    timezone: str

    @classmethod
    def read(cls, *, token: str, platform: str, name: str, locale: str, timezone: str) -> "Phone":
        """Invalid names the argument. A locale such as `vi-VN` counts as its language; others are Vietnamese."""
        checked_token(token)
        if platform not in PLATFORMS:
            raise Invalid("platform", "`platform` is not one we know.")
        language = locale[:2].lower()
        return cls(
            token,
            platform,
            checked_name(name),
            language if language in LANGUAGES else LANGUAGES[0],
            checked_zone(timezone),
        )


def checked_token(token: str) -> str:
    if not _TOKEN.fullmatch(token):
        raise Invalid("token", "`token` is not an FCM registration token.")
    return token


def checked_name(name: str) -> str:
    plain = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(plain) <= LONGEST_NAME or not plain.isprintable():
        raise Invalid("name", f"`name` must be 1 to {LONGEST_NAME} printable characters.")
    return plain


def checked_zone(name: str) -> str:
    """An IANA name that this machine knows."""
    try:
        return ZoneInfo(name).key if len(name) <= LONGEST_ZONE and not name.startswith(("/", ".")) else _no_zone()
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return _no_zone()


def _no_zone() -> str:
    raise Invalid("timezone", "`timezone` is not an IANA time zone such as Asia/Ho_Chi_Minh.")


def register(db: Session, seals: Seals, citizen_id: UUID, client_id: str, phone: Phone, now: datetime) -> Device:
    """The phone with this token: new, or as it now is. TooManyDevices beyond MOST."""
    db.execute(TURN, {"citizen": citizen_id, "now": now})
    key = seals.key_of(phone.token)
    holder = db.scalar(select(Device).where(Device.token_key == key).with_for_update())
    if holder is not None and holder.citizen_id == citizen_id:
        return _renewed(db, holder, client_id, phone, now)
    if len(of_citizen(db, citizen_id)) >= MOST:
        raise TooManyDevices
    if holder is not None:
        _moved(db, holder, now)
    return _added(db, seals, citizen_id, client_id, phone, now) or register(
        db, seals, citizen_id, client_id, phone, now
    )


def rotate(db: Session, seals: Seals, citizen_id: UUID, device_id: UUID, token: str, now: datetime) -> Device:
    """Firebase gave the phone another token. NotFound for a phone that is not his."""
    device = one_of_citizen(db, citizen_id, device_id)
    key = seals.key_of(token)
    other = db.scalar(select(Device).where(Device.token_key == key).with_for_update())
    if other is not None and other.id != device.id:
        _moved(db, other, now) if other.citizen_id != citizen_id else _end(other, "moved", now)
        db.flush()
    device.token_key, device.token_sealed, device.seen_at = key, seals.seal(TOKEN, token), now
    db.flush()
    return device


def rename(db: Session, citizen_id: UUID, device_id: UUID, name: str) -> Device:
    device = one_of_citizen(db, citizen_id, device_id)
    device.name = checked_name(name)
    db.flush()
    return device


def remove(db: Session, citizen_id: UUID, device_id: UUID, now: datetime) -> Device:
    """From now on nothing is sent to it."""
    device = one_of_citizen(db, citizen_id, device_id)
    _end(device, "removed", now)
    db.flush()
    return device


def of_citizen(db: Session, citizen_id: UUID) -> list[Device]:
    """His living phones, newest first."""
    living = select(Device).where(Device.citizen_id == citizen_id, Device.ended_at.is_(None))
    return list(db.scalars(living.order_by(Device.created_at.desc(), Device.id.desc())))


def one_of_citizen(db: Session, citizen_id: UUID, device_id: UUID) -> Device:
    living = select(Device).where(Device.citizen_id == citizen_id, Device.id == device_id, Device.ended_at.is_(None))
    found = db.scalar(living.with_for_update())
    if found is None:
        raise NotFound("There is no such device.")
    return found


def _renewed(db: Session, device: Device, client_id: str, phone: Phone, now: datetime) -> Device:
    device.client_id, device.platform, device.name = client_id, phone.platform, phone.name
    device.locale, device.timezone, device.seen_at = phone.locale, phone.timezone, now
    db.flush()
    return device


def _added(db: Session, seals: Seals, citizen_id: UUID, client_id: str, phone: Phone, now: datetime) -> Device | None:
    """The new phone; None where somebody registered the same token at the same moment."""
    row = {
        "id": new_id(),
        "citizen_id": citizen_id,
        "client_id": client_id,
        "platform": phone.platform,
        "name": phone.name,
        "locale": phone.locale,
        "timezone": phone.timezone,
        "token_key": seals.key_of(phone.token),
        "token_sealed": seals.seal(TOKEN, phone.token),
        "created_at": now,
        "seen_at": now,
    }
    before = len(of_citizen(db, citizen_id))
    made = db.scalar(insert(Device).values(row).on_conflict_do_nothing(index_elements=["token_key"]).returning(Device))
    if made is not None and before:
        notices.post(db, kind="security", citizen_ids=[citizen_id], patient_id=None, subject_id=made.id, now=now)
    return made


def _moved(db: Session, device: Device, now: datetime) -> None:
    _end(device, "moved", now)
    db.flush()
    notices.post(db, kind="security", citizen_ids=[device.citizen_id], patient_id=None, subject_id=device.id, now=now)


def _end(device: Device, reason: str, now: datetime) -> None:
    device.token_key = device.token_sealed = None
    device.ended_at, device.end_reason = now, reason
