"""The citizen's side: holding, booking, moving, cancelling, answering an offer. One transaction a field."""

from datetime import datetime
from typing import Annotated, Any, Union
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from strawberry import Info

from api.acting import Actor
from api.appointments.inputs import (
    AppointmentId,
    ContactInput,
    Key,
    PatientId,
    SlipId,
    SlotId,
    cursor,
    key_of,
    place_of,
    slip_of,
    slot_of,
)
from api.appointments.patients import READ, Turn, changed, check_sees, done, patient_of
from api.appointments.types import (
    APPOINTMENT,
    SLOT,
    Appointment,
    AppointmentPage,
    AppointmentRefused,
    AppointmentResult,
    AppointmentStatus,
)
from api.facilities.cursors import After, First, size
from api.representation.acted import acted
from api.representation.reading import patient, read_own_id
from domain.appointments import booking, reading, series, waiting
from domain.appointments.tables import Booking
from domain.errors import Invalid
from domain.values import utc_now

Contact = Annotated[ContactInput, strawberry.argument(description="What the desk may call the patient by.")]


@strawberry.type(description="The visits of a series, all of them. FHIR: Bundle")
class AppointmentSeries:
    nodes: list[Appointment] = strawberry.field(description="In the order of the slots. FHIR: Bundle.entry")


AppointmentSeriesResult = Annotated[
    Union[AppointmentSeries, AppointmentRefused],  # noqa: UP007 -- strawberry names a union by its annotation
    strawberry.union("AppointmentSeriesResult", description="The whole series, or why there is none of it."),
]


async def _hold(info: Info, *, slot_id: SlotId, patient_id: PatientId = None, idempotency_key: Key = None) -> Any:
    place, key = slot_of(slot_id), key_of(info.context.caller.subject, "hold", idempotency_key)

    def work(turn: Turn) -> Booking:
        return booking.hold(turn.db, turn.who, place, key=key, now=turn.now, story=turn.story)

    return await changed(info, patient(patient_id), "holdSlot", work)


async def _book(
    info: Info,
    *,
    contact: Contact,
    slot_id: Annotated[strawberry.ID | None, strawberry.argument(description="The slot. Or `holdId`.")] = None,
    hold_id: Annotated[
        strawberry.ID | None, strawberry.argument(description="What `holdSlot` held. Or `slotId`.")
    ] = None,
    patient_id: PatientId = None,
    slip_id: SlipId = None,
    idempotency_key: Key = None,
) -> Any:
    slip = slip_of(slip_id)
    if (slot_id is None) == (hold_id is None):
        raise Invalid("slotId", "Give `slotId` or `holdId`, one of the two.")
    if hold_id is not None:
        whose, held = read_own_id(APPOINTMENT, hold_id, "holdId")

        def confirmed(turn: Turn) -> Booking:
            check_sees(turn.actor, slip)
            return booking.confirm(turn.db, turn.who, held, slip=slip, now=turn.now, story=turn.story)

        return await changed(info, whose, "bookAppointment", confirmed, contact)
    place = slot_of(slot_id or "")
    key = key_of(info.context.caller.subject, "book", idempotency_key)

    def booked(turn: Turn) -> Booking:
        check_sees(turn.actor, slip)
        return booking.book(turn.db, turn.who, place, key=key, slip=slip, now=turn.now, story=turn.story)

    return await changed(info, patient(patient_id), "bookAppointment", booked, contact)


SERIES_SLOTS = "The slots, 2 to 60 of one service of one clinic, in the order of the visits."


async def _series(
    info: Info,
    *,
    contact: Contact,
    slot_ids: Annotated[list[strawberry.ID], strawberry.argument(description=SERIES_SLOTS)],
    patient_id: PatientId = None,
    idempotency_key: Key = None,
) -> Any:
    wanted = [slot_of(one, "slotIds") for one in slot_ids[: series.LONGEST + 1]]
    key = key_of(info.context.caller.subject, "series", idempotency_key)

    def work(turn: Turn) -> AppointmentSeries:
        made = series.book_series(turn.db, turn.who, wanted, key=key, now=turn.now, story=turn.story)
        return AppointmentSeries(nodes=[Appointment.of(one, turn.now) for one in reading.shown(turn.db, made)])

    return await done(info, patient(patient_id), "bookSeries", work, contact)


async def _move(info: Info, *, id: AppointmentId, slot_id: SlotId) -> Any:  # noqa: A002 -- GraphQL's name
    whose, booking_id = read_own_id(APPOINTMENT, id)
    _, slot = read_own_id(SLOT, slot_id, "slotId")

    def work(turn: Turn) -> Booking:
        return booking.reschedule(turn.db, turn.who, booking_id, slot, now=turn.now, story=turn.story)

    return await changed(info, whose, "rescheduleAppointment", work)


async def _cancel(info: Info, *, id: AppointmentId) -> Any:  # noqa: A002 -- GraphQL's name
    whose, booking_id = read_own_id(APPOINTMENT, id)

    def work(turn: Turn) -> Booking:
        return booking.cancel(turn.db, turn.who, booking_id, now=turn.now, story=turn.story)

    return await changed(info, whose, "cancelAppointment", work)


async def _accept(info: Info, *, id: AppointmentId, slip_id: SlipId = None) -> Any:  # noqa: A002 -- GraphQL's name
    whose, booking_id = read_own_id(APPOINTMENT, id)
    slip = slip_of(slip_id)

    def work(turn: Turn) -> Booking:
        check_sees(turn.actor, slip)
        return waiting.accept(turn.db, turn.who, booking_id, slip=slip, now=turn.now, story=turn.story)

    return await changed(info, whose, "acceptOffer", work)


async def _decline(info: Info, *, id: AppointmentId) -> Any:  # noqa: A002 -- GraphQL's name
    whose, booking_id = read_own_id(APPOINTMENT, id)

    def work(turn: Turn) -> Booking:
        return waiting.decline(turn.db, turn.who, booking_id, now=turn.now, story=turn.story)

    return await changed(info, whose, "declineOffer", work)


for _resolver in (_hold, _book, _series, _move, _cancel, _accept, _decline):
    del _resolver.__annotations__["return"]  # the field's own annotation is its type

Statuses = Annotated[
    list[AppointmentStatus] | None, strawberry.argument(description="Only those in these states; all unless told.")
]


async def _appointments(
    info: Info, *, patient_id: PatientId = None, first: First = 20, after: After = None, status: Statuses = None
) -> AppointmentPage:
    most, begin = size(first), place_of(after)
    states = None if status is None else [str(one.value) for one in status]
    place = None if begin is None else begin[:2]

    def page(db: Session, actor: Actor) -> AppointmentPage:
        return _page(db, patient_of(actor).persons, states, most, place)

    async def work(session: AsyncSession, actor: Actor) -> AppointmentPage:
        return await session.run_sync(page, actor)

    return await acted(info, patient(patient_id), "appointments", work, scope=READ)


def _page(
    db: Session,
    persons: tuple[UUID, ...],
    states: list[str] | None,
    most: int,
    after: tuple[datetime, UUID] | None,
) -> AppointmentPage:
    found, now = reading.page_of(db, persons, statuses=states, first=most + 1, after=after), utc_now()
    shown = found[:most]
    end = cursor(shown[-1].booking.starts_at, shown[-1].booking.id) if shown else None
    nodes = [Appointment.of(one, now) for one in shown]
    return AppointmentPage(nodes=nodes, end_cursor=end, has_next_page=len(found) > most)


async def _appointment(info: Info, *, id: AppointmentId) -> Appointment:  # noqa: A002 -- GraphQL's name
    whose, booking_id = read_own_id(APPOINTMENT, id)

    def one(db: Session, actor: Actor) -> Appointment:
        return Appointment.of(reading.one_of(db, patient_of(actor).persons, booking_id), utc_now())

    async def work(session: AsyncSession, actor: Actor) -> Appointment:
        return await session.run_sync(one, actor)

    return await acted(info, whose, "appointment", work, scope=READ)


@strawberry.type
class BookingQueries:
    appointments: AppointmentPage | None = strawberry.field(
        resolver=_appointments,
        description="A patient's appointments, holds and offers. Scope: appointment:read. FHIR: Appointment",
    )
    appointment: Appointment | None = strawberry.field(
        resolver=_appointment, description="One of them. Scope: appointment:read. FHIR: Appointment"
    )


@strawberry.type
class BookingMutations:
    hold_slot: AppointmentResult | None = strawberry.mutation(
        resolver=_hold, description="Keep a place for five minutes. Scope: appointment:write. FHIR: Appointment"
    )
    book_appointment: AppointmentResult | None = strawberry.mutation(
        resolver=_book, description="Book a slot, or what was held. Scope: appointment:write. FHIR: Appointment/$book"
    )
    book_series: AppointmentSeriesResult | None = strawberry.mutation(
        resolver=_series,
        description="Book several visits of one service, or none. Scope: appointment:write. FHIR: Appointment/$book",
    )
    reschedule_appointment: AppointmentResult | None = strawberry.mutation(
        resolver=_move,
        description=(
            "Move an appointment to another slot of its service: the new place taken and the old one given back, or "
            "nothing. Scope: appointment:write. FHIR: Appointment.slot"
        ),
    )
    cancel_appointment: AppointmentResult | None = strawberry.mutation(
        resolver=_cancel,
        description="Give an appointment or a hold back. Scope: appointment:write. FHIR: Appointment.status",
    )
    accept_offer: AppointmentResult | None = strawberry.mutation(
        resolver=_accept,
        description=(
            "Take the place that was offered, in exchange for the one in the same service. Scope: appointment:write. "
            "FHIR: AppointmentResponse"
        ),
    )
    decline_offer: AppointmentResult | None = strawberry.mutation(
        resolver=_decline,
        description="Let the next in line have it, and wait on. Scope: appointment:write. FHIR: AppointmentResponse",
    )
