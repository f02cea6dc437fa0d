"""Schema `notify`: the inbox is the truth, everything else hints at it. No health word, no name: kinds, ids, times."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from domain.changes_feed import INBOX, Tells, Told
from domain.consents.tables import one_of
from domain.database import Base
from domain.values import new_id
from notifications.kinds import CHANNELS, KINDS, WEBHOOK

OPTIONS = {"schema": "notify", "info": {"class": "local"}}
LANGUAGES = ("vi", "en")
PLATFORMS = ("android", "ios", "web")
MODES = ("on", "off", "digest")
ENDS = ("removed", "unregistered", "sender_mismatch", "moved")
STATES = ("due", "sending", "accepted", "gone", "rejected", "expired", "skipped")
MOST_REMINDERS = 5
REMINDER_CHOICES = (30, 60, 120, 180, 360, 720, 1440, 2880, 4320, 10_080, 20_160)
"""What a citizen chooses from, in minutes. Few, for each is looked for by itself, whoever chose it."""
CAMPAIGN_STATES = ("running", "paused", "done")
CLOCK = "'^([01][0-9]|2[0-3]):[0-5][0-9]$'"


class InboxItem(Tells, Base, kw_only=True):
    """One notice to one citizen. `patient_id` says whose book it is about, `subject_id` what to open."""

    __tablename__ = "inbox_item"
    __table_args__ = (
        one_of("kind", tuple(KINDS)),
        Index("ix_inbox_item_unread", "citizen_id", "created_at", postgresql_where="read_at is null"),
        Index("ix_inbox_item_created_at", "created_at", postgresql_using="brin"),
        OPTIONS,
    )

    citizen_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    kind: Mapped[str]
    patient_id: Mapped[UUID | None] = mapped_column(default=None)
    subject_id: Mapped[UUID | None] = mapped_column(default=None)
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None] = mapped_column(default=None)
    archived_at: Mapped[datetime | None] = mapped_column(default=None)

    def tells(self) -> Iterable[Told]:
        return (Told(INBOX, "citizens", str(self.citizen_id)),)


class NoticeKey(Base, kw_only=True):
    """What a citizen was told once, for ever: longer than the item itself is kept. SHA-256 of the caller's key."""

    __tablename__ = "notice_key"
    __table_args__ = (OPTIONS,)

    citizen_id: Mapped[UUID] = mapped_column(primary_key=True)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    at: Mapped[datetime]


class Device(Base, kw_only=True):
    """A phone of a citizen. Its FCM token is found by HMAC and kept sealed; an ended device has none."""

    __tablename__ = "device"
    __table_args__ = (
        one_of("platform", PLATFORMS),
        one_of("end_reason", ENDS),
        CheckConstraint("(ended_at is null) = (token_key is not null)", name="living_has_token"),
        CheckConstraint("(token_key is null) = (token_sealed is null)", name="sealed_with_key"),
        CheckConstraint("(ended_at is null) = (end_reason is null)", name="ended_for_a_reason"),
        Index("uq_device_token", "token_key", unique=True),
        Index("ix_device_living", "citizen_id", postgresql_where=text("ended_at is null")),
        OPTIONS,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    citizen_id: Mapped[UUID]
    client_id: Mapped[str]
    platform: Mapped[str]
    name: Mapped[str]
    locale: Mapped[str]
    timezone: Mapped[str]
    token_key: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)
    token_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    end_reason: Mapped[str | None] = mapped_column(default=None)


class Wishes(Base, kw_only=True):
    """How a citizen wants to be told, whatever it is about. Clock times are `22:00` in his own zone.

    `reminder_minutes`: how long before an appointment; null for as its clinic says.
    """

    __tablename__ = "wishes"
    __table_args__ = (
        one_of("language", LANGUAGES),
        CheckConstraint("(quiet_from is null) = (quiet_to is null)", name="quiet_from_to"),
        CheckConstraint(f"quiet_from ~ {CLOCK} and quiet_to ~ {CLOCK} and quiet_from <> quiet_to", name="quiet"),
        CheckConstraint(f"digest_at ~ {CLOCK}", name="digest_at"),
        CheckConstraint(
            f"cardinality(reminder_minutes) <= {MOST_REMINDERS} "
            f"and reminder_minutes <@ array[{', '.join(map(str, REMINDER_CHOICES))}]",
            name="reminder_minutes",
        ),
        OPTIONS,
    )

    citizen_id: Mapped[UUID] = mapped_column(primary_key=True)
    language: Mapped[str | None] = mapped_column(default=None)
    timezone: Mapped[str | None] = mapped_column(default=None)
    quiet_from: Mapped[str | None] = mapped_column(default=None)
    quiet_to: Mapped[str | None] = mapped_column(default=None)
    digest_at: Mapped[str | None] = mapped_column(default=None)
    reminder_minutes: Mapped[list[int] | None] = mapped_column(ARRAY(Integer), default=None)
    updated_at: Mapped[datetime]


class Preference(Base, kw_only=True):
    """One wish about one channel: for one kind (or every one), about one patient (or everybody)."""

    __tablename__ = "preference"
    __table_args__ = (
        one_of("channel", CHANNELS),
        one_of("mode", MODES),
        UniqueConstraint("citizen_id", "patient_id", "kind", "channel", postgresql_nulls_not_distinct=True),
        OPTIONS,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    citizen_id: Mapped[UUID]
    patient_id: Mapped[UUID | None] = mapped_column(default=None)
    kind: Mapped[str | None] = mapped_column(default=None)
    channel: Mapped[str]
    mode: Mapped[str]
    updated_at: Mapped[datetime]


class Delivery(Base, kw_only=True):
    """One message to one target (a device, a contact, a webhook) about one item, or about a day's digest.

    `about` is the item's id, or of a digest a name of the citizen's day: with the target it is unique, so nobody is
    sent the same twice. `id` travels as the message id and never changes, however often it is sent. `next_at`: when it
    may be sent, and of one that is `sending` when whoever sends it is taken for dead. `unless_read`: a fallback.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        one_of("channel", (*CHANNELS, WEBHOOK)),
        one_of("state", STATES),
        Index("uq_delivery_once", "citizen_id", "about", "channel", "target_id", unique=True),
        Index("ix_delivery_due", "next_at", postgresql_where=text("state in ('due', 'sending')")),
        Index("ix_delivery_created_at", "created_at", postgresql_using="brin"),
        OPTIONS,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    citizen_id: Mapped[UUID]
    about: Mapped[UUID]
    is_digest: Mapped[bool] = mapped_column(default=False)
    kind: Mapped[str]
    channel: Mapped[str]
    target_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(default="due")
    attempts: Mapped[int] = mapped_column(default=0)
    unless_read: Mapped[bool] = mapped_column(default=False)
    next_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None] = mapped_column(default=None)
    opened_at: Mapped[datetime | None] = mapped_column(default=None)
    acted_at: Mapped[datetime | None] = mapped_column(default=None)
    reason: Mapped[str | None] = mapped_column(default=None)


class JobStart(Base, kw_only=True):
    """How often a job was started, written before its work: one that kills its worker is parked after three."""

    __tablename__ = "job_start"
    __table_args__ = (OPTIONS,)

    job_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    starts: Mapped[int]
    started_at: Mapped[datetime]


class JobPause(Base, kw_only=True):
    """An entrypoint whose jobs wait until somebody resumes it."""

    __tablename__ = "job_pause"
    __table_args__ = (OPTIONS,)

    entrypoint: Mapped[str] = mapped_column(primary_key=True)
    paused_at: Mapped[datetime]


class Campaign(Base, kw_only=True):
    """One notice to every citizen with a living device, in pages by citizen id. `cursor`: the last one told."""

    __tablename__ = "campaign"
    __table_args__ = (one_of("state", CAMPAIGN_STATES), OPTIONS)

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    kind: Mapped[str]
    subject_id: Mapped[UUID | None] = mapped_column(default=None)
    state: Mapped[str] = mapped_column(default="running")
    cursor: Mapped[UUID | None] = mapped_column(default=None)
    told: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)


class Reminded(Base, kw_only=True):
    """A reminder that a citizen was given: of this booking, at this start, so long before. A moved one has others."""

    __tablename__ = "reminded"
    __table_args__ = (OPTIONS,)

    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    citizen_id: Mapped[UUID] = mapped_column(primary_key=True)
    before_s: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class DoseReminded(Base, kw_only=True):
    """A vaccine dose that was reminded of. `dose_key`: SHA-256 of patient, series, number and recommended day."""

    __tablename__ = "dose_reminded"
    __table_args__ = (OPTIONS,)

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    dose_key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    at: Mapped[datetime]


class Webhook(Base, kw_only=True):
    """Where a partner's app wants to hear of news, and the sealed secret that its messages are signed with."""

    __tablename__ = "webhook"
    __table_args__ = (
        Index("uq_webhook_client", "client_id", unique=True, postgresql_where=text("ended_at is null")),
        OPTIONS,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    client_id: Mapped[str]
    url: Mapped[str]
    secret_sealed: Mapped[bytes]
    created_at: Mapped[datetime]
    failing_since: Mapped[datetime | None] = mapped_column(default=None)
    held_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)


class Watermark(Base, kw_only=True):
    """How far a scan of something else's history came."""

    __tablename__ = "watermark"
    __table_args__ = (OPTIONS,)

    name: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
