"""How a citizen wants to be told: language, quiet hours, the daily digest, and what comes by which channel."""

import enum
import re
from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from sqlalchemy.orm import Session
from strawberry import Info

from api.consents.types import TextLanguage
from api.notifications.citizen import DEVICES, as_citizen, word
from api.notifications.types import NoticeKind
from api.representation.reading import patient
from domain.errors import Invalid
from notifications import preferences, tables
from notifications.devices import checked_zone
from notifications.tables import CLOCK, MOST_REMINDERS, REMINDER_CHOICES
from notifications.wishes import DIGEST_AT, QUIET

_CHOICES = ", ".join(map(str, REMINDER_CHOICES))
_CLOCK = re.compile(CLOCK.strip("'"))


@strawberry.enum(description="A way of telling a citizen something besides his inbox.")
class NoticeChannel(enum.Enum):
    PUSH = strawberry.enum_value("push", description="On his phones.")
    EMAIL = strawberry.enum_value("email", description="To his verified e-mail address.")
    SMS = strawberry.enum_value("sms", description="To his verified phone number.")


@strawberry.enum(description="How a channel is used.")
class NoticeMode(enum.Enum):
    ON = strawberry.enum_value("on", description="At once.")
    OFF = strawberry.enum_value("off", description="Never, not even where nothing else was read. The inbox stays.")
    DIGEST = strawberry.enum_value("digest", description="Once a day, together. Urgent notices come at once.")


@strawberry.type(description="A wish about one channel.")
class NotificationPreference:
    channel: NoticeChannel = strawberry.field(description="Which channel.")
    mode: NoticeMode = strawberry.field(description="How it is used.")
    kind: NoticeKind | None = strawberry.field(description="For which kind; null for every kind.")
    patient_id: strawberry.ID | None = strawberry.field(description="About whom; null for everybody.")

    @classmethod
    def of(cls, row: tables.Preference) -> "NotificationPreference":
        return cls(
            channel=NoticeChannel(row.channel),
            mode=NoticeMode(row.mode),
            kind=NoticeKind(row.kind) if row.kind else None,
            patient_id=strawberry.ID(str(row.patient_id)) if row.patient_id else None,
        )


@strawberry.type(description="How a citizen wants to be told.")
class NotificationSettings:
    language: TextLanguage | None = strawberry.field(description="Of pushes and letters; null for the phone's own.")
    timezone: str | None = strawberry.field(description="That quiet hours are told in; null for the phone's own.")
    quiet_from: str | None = strawberry.field(description="`22:00`: from then on only urgent notices; null for never.")
    quiet_to: str | None = strawberry.field(description="`06:00`: until then.")
    digest_at: str = strawberry.field(description="`18:00`: when the digest of a day comes.")
    reminder_minutes: list[int] | None = strawberry.field(
        description="How long before an appointment a reminder comes, at most 5; null for as its clinic says."
    )
    preferences: list[NotificationPreference] = strawberry.field(
        description="The wishes told so far, at most 200; the most exact one counts."
    )

    @classmethod
    def of(cls, row: tables.Wishes | None, wishes: list[tables.Preference]) -> "NotificationSettings":
        quiet = QUIET if row is None else (row.quiet_from, row.quiet_to)
        return cls(
            language=TextLanguage(row.language) if row is not None and row.language else None,
            timezone=row.timezone if row is not None else None,
            quiet_from=quiet[0],
            quiet_to=quiet[1],
            digest_at=(row.digest_at if row is not None else None) or DIGEST_AT,
            reminder_minutes=row.reminder_minutes if row is not None else None,
            preferences=[NotificationPreference.of(one) for one in wishes],
        )


@strawberry.input(description="How a citizen wants to be told, whole: what is left out goes back to what is usual.")
class NotificationSettingsInput:
    language: TextLanguage | None = strawberry.field(default=None, description="Null for the phone's own.")
    timezone: str | None = strawberry.field(default=None, description="An IANA name; null for the phone's own.")
    quiet_from: str | None = strawberry.field(default="22:00", description="`HH:MM`; null with `quietTo` for never.")
    quiet_to: str | None = strawberry.field(default="06:00", description="`HH:MM`, another time than `quietFrom`.")
    digest_at: str = strawberry.field(default=DIGEST_AT, description="`HH:MM`.")
    reminder_minutes: list[int] | None = strawberry.field(
        default=None,
        description=f"Minutes before an appointment, at most 5, each once, of {_CHOICES}. "
        "Empty for no reminders; null for as its clinic says.",
    )


def _shown(db: Session, citizen: UUID) -> NotificationSettings:
    return NotificationSettings.of(*preferences.of_citizen(db, citizen))


async def _settings(info: Info) -> NotificationSettings:
    return await as_citizen(info, "notificationSettings", DEVICES, lambda db, citizen, _now: _shown(db, citizen))


async def _set(
    info: Info, *, settings: Annotated[NotificationSettingsInput, strawberry.argument(description="All of them.")]
) -> NotificationSettings:
    told = _checked(settings)

    def change(db: Session, citizen: UUID, now: datetime) -> NotificationSettings:
        preferences.change(db, citizen, told, now)
        return _shown(db, citizen)

    return await as_citizen(info, "setNotificationSettings", DEVICES, change)


async def _prefer(
    info: Info,
    *,
    channel: Annotated[NoticeChannel, strawberry.argument(description="Which channel.")],
    mode: Annotated[NoticeMode | None, strawberry.argument(description="How it is used; null takes the wish back.")],
    kind: Annotated[NoticeKind | None, strawberry.argument(description="For which kind; null for every one.")] = None,
    patient_id: Annotated[
        strawberry.ID | None, strawberry.argument(description="About whom; a book the citizen may open.")
    ] = None,
) -> NotificationSettings:
    about = patient(patient_id)
    which = preferences.Wish(word(channel), word(kind) if kind else None, about)

    def change(db: Session, citizen: UUID, now: datetime) -> NotificationSettings:
        preferences.prefer(db, citizen, which, word(mode) if mode else None, now)
        return _shown(db, citizen)

    return await as_citizen(info, "setNotificationPreference", DEVICES, change, about)


def _checked(told: NotificationSettingsInput) -> dict[str, str | list[int] | None]:
    minutes = told.reminder_minutes or []
    if len(minutes) > MOST_REMINDERS or len(set(minutes)) < len(minutes) or not set(minutes) <= set(REMINDER_CHOICES):
        raise Invalid("reminderMinutes", f"`reminderMinutes` are at most {MOST_REMINDERS}, each once, of {_CHOICES}.")
    for name, clock in (("quietFrom", told.quiet_from), ("quietTo", told.quiet_to), ("digestAt", told.digest_at)):
        if clock is not None and not _CLOCK.fullmatch(clock):
            raise Invalid(name, f"`{name}` must be a clock time such as 22:00.")
    if (told.quiet_from is None) != (told.quiet_to is None) or (told.quiet_from == told.quiet_to is not None):
        raise Invalid("quietTo", "`quietFrom` and `quietTo` must be two times, or both null.")
    return {
        "language": word(told.language) if told.language else None,
        "timezone": checked_zone(told.timezone) if told.timezone is not None else None,
        "quiet_from": told.quiet_from,
        "quiet_to": told.quiet_to,
        "digest_at": told.digest_at,
        "reminder_minutes": told.reminder_minutes,
    }


@strawberry.type
class SettingsQueries:
    notification_settings: NotificationSettings | None = strawberry.field(
        resolver=_settings, description=f"How the citizen wants to be told. Scope: {DEVICES}"
    )


@strawberry.type
class SettingsMutations:
    set_notification_settings: NotificationSettings | None = strawberry.field(
        resolver=_set, description=f"Language, quiet hours, digest. Scope: {DEVICES}"
    )
    set_notification_preference: NotificationSettings | None = strawberry.field(
        resolver=_prefer,
        description=(
            "What comes by which channel. The inbox always has everything, and urgent notices "
            f"(SECURITY, EMERGENCY_ACCESS, QUEUE_CALL) keep no quiet hours. Scope: {DEVICES}"
        ),
    )
