"""What a clinic offers: its policy, services, practitioners, rooms, hours, and the slots that are made of them.

Rows belong to the facility: keyed `(organization_id, id)`, read by every living grant, written by the facility alone
(row-level security on `app.organization`). FHIR R4 HealthcareService, PractitionerRole, Location, Schedule, Slot.
"""

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from domain.consents.tables import one_of, texts
from domain.database import Base
from domain.values import new_id

CLINIC = {"schema": "booking", "info": {"class": "clinic"}}
SLIPS = ("none", "referral", "follow_up")
MOST_REMINDERS, REMINDER_MINUTES = 5, (30, 20_160)
"""Half an hour to two weeks."""
REMINDED = (1440, 120)
"""A day and two hours before, where a clinic says nothing."""
VIETNAM_ZONE = "Asia/Ho_Chi_Minh"


def _of(table: str, column: str) -> ForeignKeyConstraint:
    """A key within one facility."""
    names = ["organization_id", column]
    return ForeignKeyConstraint(names, [f"booking.{table}.organization_id", f"booking.{table}.id"])


class Policy(Base, kw_only=True):
    """The clinic's rules as data. Every change of its schedule raises `version`, so that two at once take turns.

    `lead_minutes`: how long before its start a slot closes for booking. `cancel_minutes`: how long before its start an
    appointment may still be cancelled or moved by the patient. `no_shows` within `no_show_months`: from so many on the
    patient has to call; 0 for never. `reminder_minutes`: how long before its start patients are reminded who wish
    nothing else; empty for not at all.
    """

    __tablename__ = "policy"
    __table_args__ = (
        CheckConstraint("lead_minutes between 0 and 43200", name="lead"),
        CheckConstraint("horizon_days between 1 and 366", name="horizon"),
        CheckConstraint("cancel_minutes between 0 and 43200", name="cancel"),
        CheckConstraint("no_shows between 0 and 100 and no_show_months between 1 and 60", name="no_shows"),
        CheckConstraint(
            f"cardinality(reminder_minutes) <= {MOST_REMINDERS} and {REMINDER_MINUTES[0]} <= all (reminder_minutes) "
            f"and {REMINDER_MINUTES[1]} >= all (reminder_minutes)",
            name="reminder_minutes",
        ),
        CheckConstraint("(latitude is null) = (longitude is null)", name="place"),
        CheckConstraint("latitude between -90 and 90 and longitude between -180 and 180", name="degrees"),
        CLINIC,
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    time_zone: Mapped[str] = mapped_column(default=VIETNAM_ZONE)
    phone: Mapped[str | None] = mapped_column(default=None)
    lead_minutes: Mapped[int] = mapped_column(default=60)
    horizon_days: Mapped[int] = mapped_column(default=60)
    cancel_minutes: Mapped[int] = mapped_column(default=240)
    no_shows: Mapped[int] = mapped_column(default=3)
    no_show_months: Mapped[int] = mapped_column(default=6)
    keeps_holidays: Mapped[bool] = mapped_column(default=True)
    reminder_minutes: Mapped[list[int]] = mapped_column(
        ARRAY(Integer), default_factory=lambda: list(REMINDED), server_default=text("'{1440,120}'")
    )
    latitude: Mapped[float | None] = mapped_column(default=None)
    longitude: Mapped[float | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column(default=1)


class Service(Base, kw_only=True):
    """What can be booked. `minutes`: how long it takes; `slip`: the paper of the patient's own book that it needs.

    `join_link`: where a telehealth visit takes place; told to the booked patient only, near the time.
    """

    __tablename__ = "service"
    __table_args__ = (
        UniqueConstraint("organization_id", "code"),
        one_of("slip", SLIPS),
        CheckConstraint("minutes between 5 and 720", name="minutes"),
        CheckConstraint("is_telehealth or join_link is null", name="link"),
        CLINIC,
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    code: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str | None] = mapped_column(default=None)
    specialty: Mapped[str | None] = mapped_column(default=None)
    vaccine_codes: Mapped[list[str]] = texts(default_factory=list)
    minutes: Mapped[int] = mapped_column(default=15)
    slip: Mapped[str] = mapped_column(default="none")
    is_telehealth: Mapped[bool] = mapped_column(default=False)
    join_link: Mapped[str | None] = mapped_column(default=None)
    is_active: Mapped[bool] = mapped_column(default=True)


class Practitioner(Base, kw_only=True):
    """Who treats, as he is called there. FHIR PractitionerRole."""

    __tablename__ = "practitioner"
    __table_args__ = (UniqueConstraint("organization_id", "code"), CLINIC)

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    code: Mapped[str]
    name: Mapped[str]
    is_active: Mapped[bool] = mapped_column(default=True)


class Room(Base, kw_only=True):
    """Where. FHIR Location."""

    __tablename__ = "room"
    __table_args__ = (UniqueConstraint("organization_id", "code"), CLINIC)

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    code: Mapped[str]
    name: Mapped[str]
    is_active: Mapped[bool] = mapped_column(default=True)


class Hours(Base, kw_only=True):
    """A weekly rule on the clinic's own clock: on `weekday` (0 Monday) from `opens_at` to `closes_at`, a slot each
    `slot_minutes` for `capacity` patients, from `valid_from` to `valid_until`, both days included.
    """

    __tablename__ = "hours"
    __table_args__ = (
        _of("service", "service_id"),
        _of("practitioner", "practitioner_id"),
        _of("room", "room_id"),
        CheckConstraint("weekday between 0 and 6", name="weekday"),
        CheckConstraint("closes_at > opens_at", name="period"),
        CheckConstraint("slot_minutes between 5 and 720", name="slot_minutes"),
        CheckConstraint("capacity between 1 and 1000", name="capacity"),
        CheckConstraint("valid_until is null or valid_until >= valid_from", name="validity"),
        CLINIC,
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    service_id: Mapped[UUID]
    practitioner_id: Mapped[UUID | None] = mapped_column(default=None)
    room_id: Mapped[UUID | None] = mapped_column(default=None)
    weekday: Mapped[int]
    opens_at: Mapped[time]
    closes_at: Mapped[time]
    slot_minutes: Mapped[int]
    capacity: Mapped[int] = mapped_column(default=1)
    valid_from: Mapped[date]
    valid_until: Mapped[date | None] = mapped_column(default=None)


class DayRule(Base, kw_only=True):
    """A day that is not like its weekday: `closed`, or `open` although it is a public holiday. All services, or one."""

    __tablename__ = "day_rule"
    __table_args__ = (
        one_of("kind", ("closed", "open")),
        _of("service", "service_id"),
        Index(
            "uq_day_rule_day", "organization_id", "day", "service_id", unique=True, postgresql_nulls_not_distinct=True
        ),
        CLINIC,
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    day: Mapped[date]
    kind: Mapped[str]
    service_id: Mapped[UUID | None] = mapped_column(default=None)
    created_at: Mapped[datetime]


class Slot(Base, kw_only=True):
    """A bookable interval. `taken` counts the bookings that live in it (domain/appointments/tables.py: TAKES_A_PLACE).

    `overbooked`: how many of them staff put beyond `capacity` on purpose. A slot that was closed takes nobody new.
    """

    __tablename__ = "slot"
    __table_args__ = (
        _of("service", "service_id"),
        UniqueConstraint("organization_id", "hours_id", "starts_at"),
        CheckConstraint("ends_at > starts_at", name="period"),
        CheckConstraint("taken >= 0 and overbooked >= 0 and taken <= capacity + overbooked", name="never_too_many"),
        Index(
            "ix_slot_free", "organization_id", "service_id", "starts_at", "id",
            postgresql_where=text("taken < capacity and closed_at is null"),
        ),
        Index("ix_slot_day", "organization_id", "starts_at"),
        CLINIC,
    )  # fmt: skip

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    service_id: Mapped[UUID]
    hours_id: Mapped[UUID]
    practitioner_id: Mapped[UUID | None] = mapped_column(default=None)
    room_id: Mapped[UUID | None] = mapped_column(default=None)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    capacity: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0)
    overbooked: Mapped[int] = mapped_column(default=0)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)


class QueueCounter(Base, kw_only=True):
    """The last number that was given out for a service on a day of the clinic's own calendar."""

    __tablename__ = "queue_counter"
    __table_args__ = (CLINIC,)

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    service_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    last: Mapped[int]
