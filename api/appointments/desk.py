"""The clinic's day, for its system and its clinicians: who comes, whose turn it is, who is added, who is cancelled."""

import enum
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, Union
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from strawberry import Info

from api.acting import Actor
from api.appointments.desk_types import ClinicAppointment
from api.appointments.inputs import AppointmentId, SlotId, day_of, slot_of
from api.appointments.telling import tell_all
from api.appointments.types import APPOINTMENT, PRACTITIONER, SERVICE, AppointmentRefused
from api.facilities.asking import asker, nobody
from api.representation.acted import acted
from api.representation.reading import patient, read_own_id
from domain.appointments import closing, day, reading
from domain.appointments.booking import Patient
from domain.appointments.outcomes import Refused, Story
from domain.appointments.tables import Booking
from domain.errors import Invalid
from domain.values import new_id, utc_now

SCOPE = "appointment:manage"
LONGEST_NAME = 100
T = TypeVar("T")
Change = Callable[[Session, UUID, Story], T]
"""What a clinic does: the session, its id, and what is told of it."""


@strawberry.enum(description="The next step of an appointment at the clinic. FHIR: Appointment.status")
class AppointmentStep(enum.Enum):
    CHECKED_IN = strawberry.enum_value(
        "checked_in", description="He is here and gets a number. Also after a call in vain."
    )
    CALLED = strawberry.enum_value("called", description="It is his turn; he is told. Again calls again.")
    IN_PROGRESS = strawberry.enum_value("in_progress", description="He is being seen.")
    DONE = strawberry.enum_value("done", description="The visit is over.")
    NO_SHOW = strawberry.enum_value("no_show", description="He did not come; not before his time.")


ClinicAppointmentResult = Annotated[
    Union[ClinicAppointment, AppointmentRefused],  # noqa: UP007 -- strawberry names a union by its annotation
    strawberry.union("ClinicAppointmentResult", description="The appointment, or why nothing was changed."),
]
Day = Annotated[str, strawberry.argument(description="A day of the clinic's own calendar, such as 2026-11-25.")]


@strawberry.type(description="A day that was closed.")
class ClosedDay:
    cancelled: int = strawberry.field(description="Appointments that were cancelled; all were told, once.")
    offered: int = strawberry.field(description="How many of them got another place offered, held for 24 hours.")


async def clinic_does(
    info: Info, action: str, change: Change[T], *, patient_id: UUID | None = None, scope: str = SCOPE
) -> T:
    """One change in the name of a facility, logged, and told to whom it concerns. NotFound for everybody else."""

    def run(db: Session, actor: Actor) -> T:
        organization_id, story = asker(actor).organization_id, Story()
        made = change(db, organization_id, story)
        tell_all(db, story.happened, utc_now())
        return made

    async def work(session: AsyncSession, actor: Actor) -> T:
        return await session.run_sync(run, actor)

    return await acted(info, patient_id, action, work, scope=scope)


async def _changed(info: Info, action: str, patient_id: UUID | None, change: Change[Booking]) -> Any:
    def one(db: Session, organization_id: UUID, story: Story) -> ClinicAppointment:
        return ClinicAppointment.of(reading.shown(db, [change(db, organization_id, story)])[0])

    try:
        return await clinic_does(info, action, one, patient_id=patient_id)
    except Refused as why:
        return AppointmentRefused.of(why)


async def _day(
    info: Info,
    *,
    date: Day,
    service_id: Annotated[strawberry.ID | None, strawberry.argument(description="Of one service only.")] = None,
    practitioner_id: Annotated[strawberry.ID | None, strawberry.argument(description="Of one person only.")] = None,
) -> list[ClinicAppointment]:
    wanted = day_of(date)
    service = None if service_id is None else read_own_id(SERVICE, service_id, "serviceId")[1]
    practitioner = None if practitioner_id is None else read_own_id(PRACTITIONER, practitioner_id, "practitionerId")[1]

    def listed(db: Session, organization_id: UUID, _story: Story) -> list[ClinicAppointment]:
        found = day.of_day(db, organization_id, wanted, service_id=service, practitioner_id=practitioner)
        return [ClinicAppointment.of(one) for one in reading.shown(db, found)]

    return await clinic_does(info, "clinicDay", listed)


async def _step(
    info: Info,
    *,
    id: AppointmentId,  # noqa: A002 -- GraphQL's name
    to: Annotated[AppointmentStep, strawberry.argument(description="The step.")],
) -> Any:
    whose, booking_id = read_own_id(APPOINTMENT, id)

    def work(db: Session, organization_id: UUID, story: Story) -> Booking:
        return day.step(db, organization_id, whose, booking_id, str(to.value), now=utc_now(), story=story)

    return await _changed(info, "stepAppointment", None, work)


PATIENT = "As `findPatient` names him; null for somebody without a book."
OVERBOOK = "Why he is put beyond the capacity, where the slot is full; kept, and seen by the clinic."


async def _add(
    info: Info,
    *,
    slot_id: SlotId,
    name: Annotated[str, strawberry.argument(description="What to call him by.")],
    phone: Annotated[str | None, strawberry.argument(description="A number to ring.")] = None,
    patient_id: Annotated[strawberry.ID | None, strawberry.argument(description=PATIENT)] = None,
    is_walk_in: Annotated[bool, strawberry.argument(description="He is here now and gets a number.")] = False,
    overbook_reason: Annotated[str | None, strawberry.argument(description=OVERBOOK)] = None,
) -> Any:
    place, known = slot_of(slot_id), patient(patient_id)
    if not (name.strip() and len(name) <= LONGEST_NAME and name.isprintable()):
        raise Invalid("name", f"`name` is a text of at most {LONGEST_NAME} characters.")
    if phone is not None and not (phone.isprintable() and len(phone) <= 20):  # noqa: PLR2004 -- as ContactInput
        raise Invalid("phone", "`phone` is a telephone number.")

    async def work(session: AsyncSession, actor: Actor) -> ClinicAppointment:
        return await session.run_sync(added, actor)

    def added(db: Session, actor: Actor) -> ClinicAppointment:
        organization_id, story = asker(actor).organization_id, Story()
        if organization_id != place.organization_id:
            raise nobody()
        who = Patient(actor.patient_id or new_id(), actor.persons, actor.citizen_id, name, phone)
        made = day.add(
            db, organization_id, place.slot_id, who,
            is_walk_in=is_walk_in, overbook_reason=overbook_reason, now=utc_now(), story=story,
        )  # fmt: skip
        tell_all(db, story.happened, utc_now())
        return ClinicAppointment.of(reading.shown(db, [made])[0])

    try:
        return await acted(info, known, "addAppointment", work, scope=SCOPE)
    except Refused as why:
        return AppointmentRefused.of(why)


async def _cancel(info: Info, *, id: AppointmentId) -> Any:  # noqa: A002 -- GraphQL's name
    whose, booking_id = read_own_id(APPOINTMENT, id)

    def work(db: Session, organization_id: UUID, story: Story) -> Booking:
        return day.cancel(db, organization_id, whose, booking_id, now=utc_now(), story=story)

    return await _changed(info, "cancelClinicAppointment", None, work)


for _resolver in (_step, _add, _cancel):
    del _resolver.__annotations__["return"]  # the field's own annotation is its type


async def _close(
    info: Info,
    *,
    date: Day,
    service_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only this service.")] = None,
) -> ClosedDay:
    wanted = day_of(date)
    service = None if service_id is None else read_own_id(SERVICE, service_id, "serviceId")[1]

    def closed(db: Session, organization_id: UUID, story: Story) -> ClosedDay:
        done = closing.close_day(db, organization_id, wanted, service, now=utc_now(), story=story)
        return ClosedDay(cancelled=done.cancelled, offered=done.offered)

    return await clinic_does(info, "closeDay", closed)


@strawberry.type
class DeskQueries:
    clinic_day: list[ClinicAppointment] | None = strawberry.field(
        resolver=_day,
        description=(
            "The appointments of one day of the caller's clinic, by time, at most 2000. Scope: appointment:manage. "
            "FHIR: Appointment"
        ),
    )


@strawberry.type
class ClinicDayMutations:
    step_appointment: ClinicAppointmentResult | None = strawberry.mutation(
        resolver=_step,
        description="Take an appointment a step on. Scope: appointment:manage. FHIR: Appointment.status",
    )
    add_appointment: ClinicAppointmentResult | None = strawberry.mutation(
        resolver=_add,
        description=(
            "Give a place of the caller's clinic to somebody on the phone or at the door, also beyond the capacity. "
            "Scope: appointment:manage. FHIR: Appointment"
        ),
    )
    cancel_clinic_appointment: ClinicAppointmentResult | None = strawberry.mutation(
        resolver=_cancel,
        description="Take one back; the patient is told. Scope: appointment:manage. FHIR: Appointment.status",
    )
    close_day: ClosedDay | None = strawberry.mutation(
        resolver=_close,
        description=(
            "Close a day: all of its appointments are cancelled, told once, and offered the nearest place instead. "
            "Again changes nothing. Scope: appointment:manage. FHIR: Slot.status"
        ),
    )
