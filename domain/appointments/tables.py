"""What a patient has of a clinic's time: holds, offers and appointments in one table, and his place in waiting lines.

Rows belong to the patient, keyed `(patient_id, id)`, and are shared with the one facility they name: row-level
security opens them to `app.persons` and to `app.organization`. FHIR R4 Appointment, AppointmentResponse.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, TextClause, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.consents.tables import one_of, texts
from domain.database import Base
from domain.values import new_id

APPOINTMENT = {"schema": "booking", "info": {"class": "appointment"}}
WAITS_FOR_AN_ANSWER = ("held", "offered")
AT_THE_CLINIC = ("checked_in", "called", "in_progress")
PLANNED = ("held", "booked", *AT_THE_CLINIC)
"""Of these a patient has one a service, and none at the same time as another."""
USES_A_SLIP = (*PLANNED, "done")
TAKES_A_PLACE = (*WAITS_FOR_AN_ANSWER, "booked", *AT_THE_CLINIC, "done", "no_show")
"""`slot.taken` is the number of these, as long as the slot is to come. An overdue hold is one of them until somebody
wants its place."""
UNSETTLED = ("booked", *AT_THE_CLINIC)
"""Of which the clinic has not yet said what became of them; a day after their end they have `lapsed`."""
OVER = ("cancelled", "cancelled_by_clinic", "expired", "lapsed")
STATUSES = (*TAKES_A_PLACE, *OVER)


def status_in(statuses: tuple[str, ...], further: str = "") -> TextClause:
    listed = ", ".join(f"'{one}'" for one in statuses)
    return text(f"{further}status in ({listed})")


class Booking(Base, kw_only=True):
    """One place of one slot for one patient, from the first tap to the end of the visit.

    `held` waits for the patient's confirmation, `offered` for his answer to a place that the waiting list or a closed
    day found him, both until `held_until`. `series_place`: 0, or the number of a visit in a series. `request_key`: the
    hash of the phone's idempotency key. `instead_of`: the booking a closed day took, for which this one is offered.
    `arrived_at`: when he came, also where the clinic tells it later; `pass_hash`: the check-in pass he came with.
    What the desk calls him by, `contact_name`, and the number to ring are what was told at booking; they are erased
    90 days after.
    """

    __tablename__ = "booking"
    __table_args__ = (
        one_of("status", STATUSES),
        one_of("slip_kind", ("referral", "follow_up")),
        CheckConstraint("status not in ('held', 'offered') or held_until is not null", name="held_until"),
        CheckConstraint("(slip_id is null) = (slip_kind is null)", name="slip"),
        CheckConstraint("is_overbooked = (overbook_reason is not null)", name="overbooked_for_a_reason"),
        CheckConstraint("(queue_number is null) = (queue_day is null)", name="queue"),
        Index("uq_booking_service", "patient_id", "organization_id", "service_id", "series_place", unique=True,
              postgresql_where=status_in(PLANNED)),
        Index("uq_booking_slip", "patient_id", "slip_id", unique=True,
              postgresql_where=status_in(USES_A_SLIP, "slip_id is not null and ")),
        Index("uq_booking_request", "patient_id", "request_key", "series_place", unique=True,
              postgresql_where=text("request_key is not null")),
        Index("uq_booking_offer", "patient_id", "waiting_id", unique=True,
              postgresql_where=text("status = 'offered'")),
        Index("ix_booking_patient", "patient_id", "starts_at", "id"),
        Index("ix_booking_slot", "organization_id", "slot_id", postgresql_where=status_in(TAKES_A_PLACE)),
        Index("ix_booking_day", "organization_id", "starts_at"),
        Index("ix_booking_overdue", "held_until", postgresql_where=status_in(WAITS_FOR_AN_ANSWER)),
        Index("ix_booking_due", "starts_at", "id", postgresql_where=text("status = 'booked'")),
        Index("ix_booking_unsettled", "ends_at", postgresql_where=status_in(UNSETTLED)),
        Index("ix_booking_contact", "ends_at", postgresql_where=text("contact_name is not null")),
        APPOINTMENT,
    )  # fmt: skip

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    organization_id: Mapped[UUID]
    service_id: Mapped[UUID]
    slot_id: Mapped[UUID]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    status: Mapped[str]
    held_until: Mapped[datetime | None] = mapped_column(default=None)
    series_id: Mapped[UUID | None] = mapped_column(default=None)
    series_place: Mapped[int] = mapped_column(default=0, server_default="0")
    slip_kind: Mapped[str | None] = mapped_column(default=None)
    slip_id: Mapped[UUID | None] = mapped_column(default=None)
    waiting_id: Mapped[UUID | None] = mapped_column(default=None)
    instead_of: Mapped[UUID | None] = mapped_column(default=None)
    request_key: Mapped[bytes | None] = mapped_column(default=None)
    contact_name: Mapped[str | None] = mapped_column(default=None)
    contact_phone: Mapped[str | None] = mapped_column(default=None)
    booked_by: Mapped[UUID | None] = mapped_column(default=None)
    is_walk_in: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    is_overbooked: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    overbook_reason: Mapped[str | None] = mapped_column(default=None)
    queue_day: Mapped[date | None] = mapped_column(default=None)
    queue_number: Mapped[int | None] = mapped_column(default=None)
    visit_id: Mapped[UUID | None] = mapped_column(default=None)
    arrived_at: Mapped[datetime | None] = mapped_column(default=None)
    pass_hash: Mapped[bytes | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class Waiting(Base, kw_only=True):
    """A patient in the line for a service, for any place between `earliest` and `latest`.

    The line is by `in_line_since`. Who lets an offer pass goes to its end; after the third he has left (`lapsed`).
    """

    __tablename__ = "waiting"
    __table_args__ = (
        one_of("status", ("waiting", "offered", "placed", "left", "lapsed")),
        CheckConstraint("latest > earliest", name="period"),
        Index("uq_waiting_service", "patient_id", "organization_id", "service_id", unique=True,
              postgresql_where=status_in(("waiting", "offered"))),
        Index("ix_waiting_line", "organization_id", "service_id", "in_line_since", "id",
              postgresql_where=text("status = 'waiting'")),
        APPOINTMENT,
    )  # fmt: skip

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    organization_id: Mapped[UUID]
    service_id: Mapped[UUID]
    earliest: Mapped[datetime]
    latest: Mapped[datetime]
    status: Mapped[str] = mapped_column(default="waiting")
    in_line_since: Mapped[datetime]
    missed: Mapped[int] = mapped_column(default=0, server_default="0")
    contact_name: Mapped[str | None] = mapped_column(default=None)
    contact_phone: Mapped[str | None] = mapped_column(default=None)
    joined_by: Mapped[UUID | None] = mapped_column(default=None)
    created_at: Mapped[datetime]


class Calendar(Base, kw_only=True):
    """A patient's own time: whoever adds to it raises `version` first, so that two phones of one patient take turns."""

    __tablename__ = "calendar"
    __table_args__ = (APPOINTMENT,)

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=1)


class CheckInPass(Base, kw_only=True):
    """What one citizen opens to the clinic of one appointment when the patient comes, and when that may be.

    Kept under the hash of its secret. `starts_at`: when the appointment began as the pass was made; an appointment
    that was moved since is another one. Whether it was used stands in the appointment (`Booking.pass_hash`).
    """

    __tablename__ = "check_in_pass"
    __table_args__ = (
        CheckConstraint(
            "expires_at > valid_from and valid_from >= made_at and expires_at <= made_at + interval '24 hours'",
            name="period",
        ),
        Index(None, "patient_id"),
        {"schema": "booking", "info": {"class": "lookup"}},
    )

    secret_hash: Mapped[bytes] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID]
    booking_id: Mapped[UUID]
    organization_id: Mapped[UUID]
    starts_at: Mapped[datetime]
    citizen_id: Mapped[UUID]
    actor_role: Mapped[str]
    acr: Mapped[str]
    auth_time: Mapped[datetime]
    sections: Mapped[list[str]] = texts()
    text_hash: Mapped[bytes]
    made_at: Mapped[datetime]
    valid_from: Mapped[datetime]
    expires_at: Mapped[datetime]


class Feed(Base, kw_only=True):
    """A private calendar address (RFC 5545): who knows its secret, kept as a hash, reads when appointments are.

    `shows_facility`: whether it says where, too; the name of a facility may tell more than its owner likes.
    """

    __tablename__ = "feed"
    __table_args__ = (
        Index(None, "patient_id"),
        {"schema": "booking", "info": {"class": "lookup"}},
    )

    secret_hash: Mapped[bytes] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(default_factory=new_id, unique=True)
    patient_id: Mapped[UUID]
    citizen_id: Mapped[UUID]
    shows_facility: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
