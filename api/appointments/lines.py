"""The citizen's side of waiting lists. FHIR R4 Appointment.status `waitlist`."""

import enum
from typing import Annotated

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from strawberry import Info

from api.acting import Actor
from api.appointments.inputs import ContactInput, PatientId, instant_of
from api.appointments.patients import READ, Turn, done, patient_of
from api.appointments.types import SERVICE, AppointmentRefused
from api.representation.acted import acted
from api.representation.reading import own_id, patient, read_own_id, told
from api.scalars import Instant
from domain.appointments import waiting
from domain.appointments.tables import Waiting
from domain.errors import Conflict
from domain.values import utc_now

KIND = "waiting"


@strawberry.enum(description="Where one stands in a line. FHIR: Appointment.status")
class WaitingStatus(enum.Enum):
    WAITING = strawberry.enum_value("waiting", description="In the line.")
    OFFERED = strawberry.enum_value("offered", description="A place is offered; see `appointments`.")
    PLACED = strawberry.enum_value("placed", description="An offer was taken.")
    LEFT = strawberry.enum_value("left", description="Left by his own wish.")
    LAPSED = strawberry.enum_value("lapsed", description="Three offers passed without an answer.")


@strawberry.type(description="A patient's place in the line for a service. FHIR: Appointment")
class WaitingEntry:
    id: strawberry.ID = strawberry.field(description="For `leaveWaitingList`. FHIR: Appointment.id")
    patient_id: strawberry.ID = strawberry.field(description="Who waits. FHIR: Appointment.participant.actor")
    service_id: strawberry.ID = strawberry.field(description="For which service. FHIR: Appointment.serviceType")
    status: WaitingStatus = strawberry.field(description="Where he stands. FHIR: Appointment.status")
    earliest: Instant = strawberry.field(description="Not before this. FHIR: Appointment.requestedPeriod.start")
    latest: Instant = strawberry.field(description="Not after this. FHIR: Appointment.requestedPeriod.end")
    joined_at: Instant = strawberry.field(description="Since when. FHIR: Appointment.created")

    @classmethod
    def of(cls, row: Waiting) -> "WaitingEntry":
        return cls(
            id=own_id(KIND, row.patient_id, row.id),
            patient_id=strawberry.ID(str(row.patient_id)),
            service_id=own_id(SERVICE, row.organization_id, row.service_id),
            status=WaitingStatus(row.status),
            earliest=told(row.earliest),
            latest=told(row.latest),
            joined_at=told(row.created_at),
        )


async def _join(
    info: Info,
    *,
    service_id: Annotated[strawberry.ID, strawberry.argument(description="The service, as `slots` names it.")],
    contact: Annotated[ContactInput, strawberry.argument(description="What the desk may call the patient by.")],
    latest: Annotated[Instant, strawberry.argument(description="No place after this, within a year.")],
    earliest: Annotated[
        Instant | None, strawberry.argument(description="No place before this; now unless told.")
    ] = None,
    patient_id: PatientId = None,
) -> WaitingEntry:
    organization_id, service = read_own_id(SERVICE, service_id, "serviceId")
    end = instant_of(latest, "latest")
    begin = utc_now() if earliest is None else instant_of(earliest, "earliest")

    def work(turn: Turn) -> WaitingEntry:
        joined = waiting.join(turn.db, turn.who, organization_id, service, earliest=begin, latest=end, now=turn.now)
        return WaitingEntry.of(joined)

    return _sure(await done(info, patient(patient_id), "joinWaitingList", work, contact))


async def _leave(
    info: Info,
    *,
    id: Annotated[strawberry.ID, strawberry.argument(description="As `waitingList` names it.")],  # noqa: A002 -- GraphQL's name
) -> WaitingEntry:
    whose, waiting_id = read_own_id(KIND, id)

    def work(turn: Turn) -> WaitingEntry:
        return WaitingEntry.of(waiting.leave(turn.db, turn.who, waiting_id, now=turn.now, story=turn.story))

    return _sure(await done(info, whose, "leaveWaitingList", work))


def _sure(answer: WaitingEntry | AppointmentRefused) -> WaitingEntry:
    """Lines refuse nobody; what is wrong with a wish is Invalid."""
    if isinstance(answer, AppointmentRefused):
        raise Conflict("The line could not be changed.")
    return answer


async def _lines(info: Info, *, patient_id: PatientId = None) -> list[WaitingEntry]:
    def entries(db: Session, actor: Actor) -> list[WaitingEntry]:
        return [WaitingEntry.of(row) for row in waiting.of_patient_in_line(db, patient_of(actor).persons)]

    async def work(session: AsyncSession, actor: Actor) -> list[WaitingEntry]:
        return await session.run_sync(entries, actor)

    return await acted(info, patient(patient_id), "waitingList", work, scope=READ)


@strawberry.type
class LineQueries:
    waiting_list: list[WaitingEntry] | None = strawberry.field(
        resolver=_lines,
        description="The lines that a patient stands in, oldest first, at most 20. Scope: appointment:read",
    )


@strawberry.type
class LineMutations:
    join_waiting_list: WaitingEntry | None = strawberry.mutation(
        resolver=_join,
        description=(
            "Wait for a place in a service. One that comes free is offered for half an hour, to one after the other. "
            "Scope: appointment:write. FHIR: Appointment"
        ),
    )
    leave_waiting_list: WaitingEntry | None = strawberry.mutation(
        resolver=_leave,
        description="Leave the line; an offer goes to the next. Scope: appointment:write. FHIR: Appointment",
    )
