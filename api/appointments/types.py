"""Slots and appointments as phones and desks see them."""

import enum
from datetime import datetime, timedelta
from typing import Annotated, Union

import strawberry

from api.representation.reading import own_id, told, told_or_none
from api.scalars import Instant
from domain.appointments.clinic_tables import Practitioner, Room, Service
from domain.appointments.outcomes import Refused
from domain.appointments.reading import Shown
from domain.appointments.search import Found
from domain.appointments.tables import UNSETTLED
from domain.organizations import Organization

APPOINTMENT, SLOT, SERVICE, PRACTITIONER, ROOM = "appointment", "slot", "service", "practitioner", "room"
"""Kinds of opaque ids."""
LINK_BEFORE, LINK_AFTER = timedelta(minutes=15), timedelta(hours=1)


@strawberry.enum(description="Where an appointment stands. FHIR: Appointment.status")
class AppointmentStatus(enum.Enum):
    HELD = strawberry.enum_value("held", description="The place is kept for a few minutes, until it is confirmed.")
    OFFERED = strawberry.enum_value("offered", description="A place that came free; it waits for an answer.")
    BOOKED = strawberry.enum_value("booked", description="The patient is expected.")
    CHECKED_IN = strawberry.enum_value("checked_in", description="He is at the clinic and has a number.")
    CALLED = strawberry.enum_value("called", description="It is his turn.")
    IN_PROGRESS = strawberry.enum_value("in_progress", description="He is being seen.")
    DONE = strawberry.enum_value("done", description="The visit is over.")
    NO_SHOW = strawberry.enum_value("no_show", description="He did not come.")
    CANCELLED = strawberry.enum_value("cancelled", description="The patient took it back.")
    CANCELLED_BY_CLINIC = strawberry.enum_value("cancelled_by_clinic", description="The clinic took it back.")
    EXPIRED = strawberry.enum_value("expired", description="The hold or the offer was not answered in time.")
    LAPSED = strawberry.enum_value(
        "lapsed", description="It was over a day ago, and the clinic has not said what became of it."
    )


@strawberry.enum(description="The paper of the patient's own book that a visit needs. FHIR: Appointment.basedOn")
class SlipKind(enum.Enum):
    NONE = strawberry.enum_value("none", description="None.")
    REFERRAL = strawberry.enum_value("referral", description="A referral, an item of `referrals`.")
    FOLLOW_UP = strawberry.enum_value("follow_up", description="A re-examination slip, an item of `followUps`.")


@strawberry.type(description="What can be booked at a clinic. FHIR: HealthcareService")
class ClinicService:
    id: strawberry.ID = strawberry.field(
        description="For `joinWaitingList` and `clinicDay`. FHIR: HealthcareService.id"
    )
    code: str = strawberry.field(description="The clinic's own code. FHIR: HealthcareService.identifier")
    name: str = strawberry.field(description="Its name in Vietnamese. FHIR: HealthcareService.name")
    name_en: str | None = strawberry.field(description="Its name in English. FHIR: HealthcareService.name")
    specialty: str | None = strawberry.field(description="The specialty. FHIR: HealthcareService.specialty")
    vaccine_codes: list[str] = strawberry.field(description="Vaccines given there. FHIR: HealthcareService.type")
    minutes: int = strawberry.field(description="How long a visit takes. FHIR: Appointment.minutesDuration")
    slip: SlipKind = strawberry.field(description="What paper it needs. FHIR: HealthcareService.referralMethod")
    is_telehealth: bool = strawberry.field(
        description="Whether one is seen from home. FHIR: HealthcareService.characteristic"
    )

    @classmethod
    def of(cls, row: Service) -> "ClinicService":
        return cls(
            id=own_id(SERVICE, row.organization_id, row.id),
            code=row.code,
            name=row.name,
            name_en=row.name_en,
            specialty=row.specialty,
            vaccine_codes=row.vaccine_codes,
            minutes=row.minutes,
            slip=SlipKind(row.slip),
            is_telehealth=row.is_telehealth,
        )


@strawberry.type(description="The clinic of a slot or appointment. FHIR: Organization")
class Clinic:
    id: strawberry.ID = strawberry.field(description="Its id, as in `organizations`. FHIR: Organization.id")
    code: str = strawberry.field(description="MA_CSKCB. FHIR: Organization.identifier")
    name: str | None = strawberry.field(description="Its name in Vietnamese. FHIR: Organization.name")
    name_en: str | None = strawberry.field(description="Its name in English. FHIR: Organization.alias")
    province: str | None = strawberry.field(description="Province code. FHIR: Organization.address.state")
    commune: str | None = strawberry.field(description="Commune code. FHIR: Organization.address.city")
    address: str | None = strawberry.field(description="Its address. FHIR: Organization.address.text")

    @classmethod
    def of(cls, row: Organization) -> "Clinic":
        return cls(
            id=strawberry.ID(str(row.id)),
            code=row.code,
            name=row.name,
            name_en=row.name_en,
            province=row.province,
            commune=row.commune,
            address=row.address,
        )


@strawberry.type(description="A free place in time. FHIR: Slot")
class Slot:
    id: strawberry.ID = strawberry.field(description="For `holdSlot` and `bookAppointment`. FHIR: Slot.id")
    starts_at: Instant = strawberry.field(description="When it begins. FHIR: Slot.start")
    ends_at: Instant = strawberry.field(description="When it ends. FHIR: Slot.end")
    free: int = strawberry.field(description="How many places are free. FHIR: Slot.status")
    clinic: Clinic = strawberry.field(description="Where. FHIR: HealthcareService.providedBy")
    service: ClinicService = strawberry.field(description="For what. FHIR: Schedule.actor")
    practitioner_name: str | None = strawberry.field(description="With whom. FHIR: PractitionerRole.practitioner")
    room_name: str | None = strawberry.field(description="In which room. FHIR: Location.name")
    distance_km: float | None = strawberry.field(
        description="How far as the crow flies; null without `near`. FHIR: Location.position"
    )

    @classmethod
    def of(cls, found: Found) -> "Slot":
        row = found.slot
        return cls(
            id=own_id(SLOT, row.organization_id, row.id),
            starts_at=told(row.starts_at),
            ends_at=told(row.ends_at),
            free=max(row.capacity - row.taken, 0),
            clinic=Clinic.of(found.organization),
            service=ClinicService.of(found.service),
            practitioner_name=_name(found.practitioner),
            room_name=_name(found.room),
            distance_km=None if found.km is None else round(found.km, 1),
        )


@strawberry.type(description="A page of free places. FHIR: Bundle")
class SlotPage:
    nodes: list[Slot] = strawberry.field(description="The free places. FHIR: Bundle.entry")
    end_cursor: str | None = strawberry.field(description="For `after`, to get the next page. FHIR: Bundle.link")
    has_next_page: bool = strawberry.field(description="Whether more follow. FHIR: Bundle.link")


@strawberry.type(
    description="A place that a patient has: held, offered, booked, or what became of it. FHIR: Appointment"
)
class Appointment:
    id: strawberry.ID = strawberry.field(description="Its id, which a move keeps. FHIR: Appointment.id")
    patient_id: strawberry.ID = strawberry.field(description="Whose it is. FHIR: Appointment.participant.actor")
    status: AppointmentStatus = strawberry.field(description="Where it stands. FHIR: Appointment.status")
    starts_at: Instant = strawberry.field(description="When it begins. FHIR: Appointment.start")
    ends_at: Instant = strawberry.field(description="When it ends. FHIR: Appointment.end")
    held_until: Instant | None = strawberry.field(
        description="Until when a hold or an offer waits; else null. FHIR: Appointment.requestedPeriod"
    )
    clinic: Clinic = strawberry.field(description="Where. FHIR: Appointment.participant.actor")
    phone: str | None = strawberry.field(description="The clinic's number. FHIR: HealthcareService.telecom")
    service: ClinicService = strawberry.field(description="For what. FHIR: Appointment.serviceType")
    practitioner_name: str | None = strawberry.field(description="With whom. FHIR: Appointment.participant.actor")
    room_name: str | None = strawberry.field(description="In which room. FHIR: Appointment.participant.actor")
    change_until: Instant = strawberry.field(
        description="Until when it may be moved or cancelled here; later by phone. FHIR: Appointment.cancelationReason"
    )
    queue_number: int | None = strawberry.field(
        description="The number at the clinic, after the check-in. FHIR: Encounter.identifier"
    )
    series_id: strawberry.ID | None = strawberry.field(
        description="Equal for the visits of one series. FHIR: Appointment.recurrenceTemplate"
    )
    join_link: str | None = strawberry.field(
        description="Where a telehealth visit takes place, from 15 minutes before. FHIR: Appointment.virtualService"
    )
    offered_instead_id: strawberry.ID | None = strawberry.field(
        description="The place that the clinic offers for this one, which it cancelled. FHIR: Appointment.replaces"
    )
    version: int = strawberry.field(description="Grows with every change. FHIR: meta.versionId")

    @classmethod
    def of(cls, shown: Shown, now: datetime) -> "Appointment":
        row = shown.booking
        waits = row.status in ("held", "offered")
        offered = shown.offered
        return cls(
            id=own_id(APPOINTMENT, row.patient_id, row.id),
            patient_id=strawberry.ID(str(row.patient_id)),
            status=AppointmentStatus(row.status),
            starts_at=told(row.starts_at),
            ends_at=told(row.ends_at),
            held_until=told_or_none(row.held_until) if waits else None,
            clinic=Clinic.of(shown.organization),
            phone=shown.policy.phone,
            service=ClinicService.of(shown.service),
            practitioner_name=_name(shown.practitioner),
            room_name=_name(shown.room),
            change_until=told(row.starts_at - timedelta(minutes=shown.policy.cancel_minutes)),
            queue_number=row.queue_number,
            series_id=None if row.series_id is None else strawberry.ID(str(row.series_id)),
            join_link=shown.service.join_link if _is_near(shown, now) else None,
            offered_instead_id=None if offered is None else own_id(APPOINTMENT, offered.patient_id, offered.id),
            version=row.version,
        )


@strawberry.type(description="A page of appointments, the latest to come first. FHIR: Bundle")
class AppointmentPage:
    nodes: list[Appointment] = strawberry.field(description="The appointments. FHIR: Bundle.entry")
    end_cursor: str | None = strawberry.field(description="For `after`, to get the next page. FHIR: Bundle.link")
    has_next_page: bool = strawberry.field(description="Whether earlier ones follow. FHIR: Bundle.link")


@strawberry.enum(description="Why an appointment was not made or changed. FHIR: OperationOutcome.issue.code")
class AppointmentRefusal(enum.Enum):
    SLOT_TAKEN = strawberry.enum_value("SLOT_TAKEN", description="Somebody was quicker; look for another.")
    SLOT_CLOSED = strawberry.enum_value("SLOT_CLOSED", description="The clinic closed this slot.")
    TOO_SOON = strawberry.enum_value("TOO_SOON", description="The slot begins too soon, or is over.")
    TOO_FAR = strawberry.enum_value("TOO_FAR", description="The clinic does not take bookings so far ahead.")
    ALREADY_BOOKED = strawberry.enum_value("ALREADY_BOOKED", description="The patient has a place in this service.")
    OVERLAPS = strawberry.enum_value("OVERLAPS", description="The patient has another appointment at that time.")
    HOLD_EXPIRED = strawberry.enum_value("HOLD_EXPIRED", description="The hold or the offer is over.")
    TOO_LATE = strawberry.enum_value("TOO_LATE", description="It is too late to change it here: call the clinic.")
    CALL_NEEDED = strawberry.enum_value("CALL_NEEDED", description="After missed appointments: call the clinic.")
    SLIP_NEEDED = strawberry.enum_value("SLIP_NEEDED", description="The service needs a slip of its own kind.")
    SLIP_NOT_VALID = strawberry.enum_value(
        "SLIP_NOT_VALID", description="There is no such slip, or it does not hold on that day or at that clinic."
    )
    SLIP_USED = strawberry.enum_value("SLIP_USED", description="Another appointment uses the slip.")
    TOO_MANY_HOLDS = strawberry.enum_value("TOO_MANY_HOLDS", description="Too many holds in an hour; wait a little.")
    NOT_POSSIBLE_NOW = strawberry.enum_value("NOT_POSSIBLE_NOW", description="Not in the state it is in now.")
    NO_PASS_YET = strawberry.enum_value(
        "NO_PASS_YET", description="A check-in pass is made from 22 hours before the appointment."
    )


@strawberry.type(description="The appointment was not made or changed; nothing else was either.")
class AppointmentRefused:
    code: AppointmentRefusal = strawberry.field(description="Why. FHIR: OperationOutcome.issue.code")
    phone: str | None = strawberry.field(
        description="The clinic's number, where calling helps. FHIR: HealthcareService.telecom"
    )
    slots: list[strawberry.ID] = strawberry.field(
        description="Of a series, the slots that are not to be had. FHIR: Slot.id"
    )

    @classmethod
    def of(cls, why: Refused) -> "AppointmentRefused":
        slots = [own_id(SLOT, organization_id, slot_id) for organization_id, slot_id in why.slots]
        return cls(code=AppointmentRefusal(why.reason), phone=why.phone, slots=slots)


AppointmentResult = Annotated[
    Union[Appointment, AppointmentRefused],  # noqa: UP007 -- strawberry names a union by its annotation
    strawberry.union("AppointmentResult", description="The appointment, or why there is none."),
]


def _name(row: Practitioner | Room | None) -> str | None:
    return None if row is None else row.name


def _is_near(shown: Shown, now: datetime) -> bool:
    row = shown.booking
    return row.status in UNSETTLED and row.starts_at - LINK_BEFORE <= now <= row.ends_at + LINK_AFTER
