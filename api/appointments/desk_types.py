"""An appointment as the clinic's desk sees it: the booking, and nothing of the book."""

import strawberry

from api.appointments.types import APPOINTMENT, PRACTITIONER, ROOM, AppointmentStatus, ClinicService
from api.representation.reading import own_id, told, told_or_none
from api.scalars import Instant
from domain.appointments.reading import Shown


@strawberry.type(description="An appointment as the desk sees it. FHIR: Appointment")
class ClinicAppointment:
    id: strawberry.ID = strawberry.field(description="For the desk's mutations. FHIR: Appointment.id")
    status: AppointmentStatus = strawberry.field(description="Where it stands. FHIR: Appointment.status")
    starts_at: Instant = strawberry.field(description="When it begins. FHIR: Appointment.start")
    ends_at: Instant = strawberry.field(description="When it ends. FHIR: Appointment.end")
    service: ClinicService = strawberry.field(description="For what. FHIR: Appointment.serviceType")
    practitioner_id: strawberry.ID | None = strawberry.field(description="With whom. FHIR: PractitionerRole.id")
    practitioner_name: str | None = strawberry.field(description="His name. FHIR: PractitionerRole.practitioner")
    room_id: strawberry.ID | None = strawberry.field(description="Where. FHIR: Location.id")
    room_name: str | None = strawberry.field(description="Its name. FHIR: Location.name")
    contact_name: str | None = strawberry.field(
        description="The name told at booking; null once erased. FHIR: Patient.name.text"
    )
    contact_phone: str | None = strawberry.field(
        description="The number told at booking; null once erased. FHIR: Patient.telecom"
    )
    queue_number: int | None = strawberry.field(
        description="His number in this service today, after the check-in. FHIR: Encounter.identifier"
    )
    arrived_at: Instant | None = strawberry.field(
        description="When he came; null before. FHIR: Appointment.participant.period"
    )
    pass_name: strawberry.ID = strawberry.field(
        description="What a check-in pass calls it, in its claim `appointment`. FHIR: Appointment.identifier"
    )
    is_walk_in: bool = strawberry.field(description="Whether he came without one. FHIR: Appointment.appointmentType")
    is_overbooked: bool = strawberry.field(
        description="Whether staff put him beyond the capacity. FHIR: Slot.overbooked"
    )
    overbook_reason: str | None = strawberry.field(description="Why. FHIR: Appointment.comment")
    has_slip: bool = strawberry.field(description="Whether a slip of his book goes with it. FHIR: Appointment.basedOn")

    @classmethod
    def of(cls, shown: Shown) -> "ClinicAppointment":
        row, practitioner, room = shown.booking, shown.practitioner, shown.room
        return cls(
            id=own_id(APPOINTMENT, row.patient_id, row.id),
            status=AppointmentStatus(row.status),
            starts_at=told(row.starts_at),
            ends_at=told(row.ends_at),
            service=ClinicService.of(shown.service),
            practitioner_id=own_id(PRACTITIONER, row.organization_id, practitioner.id) if practitioner else None,
            practitioner_name=practitioner.name if practitioner else None,
            room_id=own_id(ROOM, row.organization_id, room.id) if room else None,
            room_name=room.name if room else None,
            contact_name=row.contact_name,
            contact_phone=row.contact_phone,
            queue_number=row.queue_number,
            arrived_at=told_or_none(row.arrived_at),
            pass_name=strawberry.ID(str(row.id)),
            is_walk_in=row.is_walk_in,
            is_overbooked=row.is_overbooked,
            overbook_reason=row.overbook_reason,
            has_slip=row.slip_id is not None,
        )
