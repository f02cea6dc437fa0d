"""What a clinic offers and when: policy, services, people, rooms and hours, as it sets them itself."""

from typing import Annotated
from uuid import UUID

import strawberry
from sqlalchemy.orm import Session
from strawberry import Info

from api.appointments.desk import Day, clinic_does
from api.appointments.inputs import clock_of, day_of
from api.appointments.types import PRACTITIONER, ROOM, SERVICE, ClinicService, SlipKind
from api.representation.reading import own_id, read_own_id
from domain.appointments import clinics, schedules
from domain.appointments.clinic_tables import Hours, Policy, Practitioner, Room, Service
from domain.appointments.outcomes import Story
from domain.appointments.rules import Rule
from domain.values import new_id, utc_now

SCOPE, HOURS = "schedule:manage", "hours"
Code = Annotated[str, strawberry.argument(description="The clinic's own code; the same again changes what it names.")]


@strawberry.type(description="A clinic's rules for booking. FHIR: HealthcareService")
class ClinicPolicy:
    time_zone: str = strawberry.field(description="IANA name of the clock its hours are on.")
    phone: str | None = strawberry.field(description="The number to call. FHIR: HealthcareService.telecom")
    lead_minutes: int = strawberry.field(description="How long before its start a slot closes for booking.")
    horizon_days: int = strawberry.field(description="How many days ahead one may book. FHIR: Schedule.planningHorizon")
    cancel_minutes: int = strawberry.field(description="How long before its start an appointment may still be changed.")
    no_shows: int = strawberry.field(description="After so many missed ones a patient has to call; 0 for never.")
    no_show_months: int = strawberry.field(description="Counted over so many months.")
    keeps_holidays: bool = strawberry.field(description="Whether it is closed on public holidays, Tết among them.")
    reminder_minutes: list[int] = strawberry.field(
        description="How long before its start a patient is reminded who wishes nothing else; at most 5."
    )
    latitude: float | None = strawberry.field(description="FHIR: Location.position.latitude")
    longitude: float | None = strawberry.field(description="FHIR: Location.position.longitude")

    @classmethod
    def of(cls, row: Policy) -> "ClinicPolicy":
        return cls(
            time_zone=row.time_zone,
            phone=row.phone,
            lead_minutes=row.lead_minutes,
            horizon_days=row.horizon_days,
            cancel_minutes=row.cancel_minutes,
            no_shows=row.no_shows,
            no_show_months=row.no_show_months,
            keeps_holidays=row.keeps_holidays,
            reminder_minutes=list(row.reminder_minutes),
            latitude=row.latitude,
            longitude=row.longitude,
        )


@strawberry.input(description="Rules that change; what is left out stays.")
class ClinicPolicyInput:
    time_zone: str | None = strawberry.field(
        default=strawberry.UNSET, description="IANA name, such as Asia/Ho_Chi_Minh."
    )
    phone: str | None = strawberry.field(default=strawberry.UNSET, description="The number to call.")
    lead_minutes: int | None = strawberry.field(default=strawberry.UNSET, description="0 to 43200.")
    horizon_days: int | None = strawberry.field(default=strawberry.UNSET, description="1 to 366.")
    cancel_minutes: int | None = strawberry.field(default=strawberry.UNSET, description="0 to 43200.")
    no_shows: int | None = strawberry.field(default=strawberry.UNSET, description="0 to 100.")
    no_show_months: int | None = strawberry.field(default=strawberry.UNSET, description="1 to 60.")
    keeps_holidays: bool | None = strawberry.field(default=strawberry.UNSET, description="Closed on public holidays.")
    reminder_minutes: list[int] | None = strawberry.field(
        default=strawberry.UNSET, description="0 to 5, each from 30 to 20160 (two weeks); empty for no reminders."
    )
    latitude: float | None = strawberry.field(default=strawberry.UNSET, description="With `longitude`.")
    longitude: float | None = strawberry.field(default=strawberry.UNSET, description="With `latitude`.")

    def given(self) -> dict[str, object]:
        """Null is no value of these rules, and leaves one as it is."""
        told = {name: value for name, value in vars(self).items() if value is not strawberry.UNSET}
        return {name: value for name, value in told.items() if value is not None}


@strawberry.input(description="What can be booked. FHIR: HealthcareService")
class ClinicServiceInput:
    name: str = strawberry.field(description="In Vietnamese. FHIR: HealthcareService.name")
    name_en: str | None = strawberry.field(default=None, description="In English.")
    specialty: str | None = strawberry.field(default=None, description="FHIR: HealthcareService.specialty")
    vaccine_codes: list[str] = strawberry.field(default_factory=list, description="Vaccines given there.")
    minutes: int = strawberry.field(default=15, description="How long a visit takes, 5 to 720.")
    slip: SlipKind = strawberry.field(default=SlipKind.NONE, description="What paper it needs.")
    is_telehealth: bool = strawberry.field(default=False, description="Whether one is seen from home.")
    join_link: str | None = strawberry.field(
        default=None, description="Where, an https address; told to the booked patient only, near the time."
    )
    is_active: bool = strawberry.field(default=True, description="Whether it can be booked.")


@strawberry.type(description="A person or a room that slots are of. FHIR: PractitionerRole, Location")
class ClinicResource:
    id: strawberry.ID = strawberry.field(description="For `addHours`.")
    code: str = strawberry.field(description="The clinic's own code.")
    name: str = strawberry.field(description="As patients see it.")
    is_active: bool = strawberry.field(description="Whether it is in use.")


@strawberry.input(description="A weekly rule on the clinic's own clock. FHIR: Schedule")
class HoursInput:
    service_id: strawberry.ID = strawberry.field(description="For what. FHIR: Schedule.actor")
    practitioner_id: strawberry.ID | None = strawberry.field(default=None, description="With whom.")
    room_id: strawberry.ID | None = strawberry.field(default=None, description="Where.")
    weekday: int = strawberry.field(description="1 Monday to 7 Sunday (ISO 8601).")
    opens_at: str = strawberry.field(description="Such as 07:30.")
    closes_at: str = strawberry.field(description="Such as 11:30.")
    slot_minutes: int = strawberry.field(description="Length of a slot, 5 to 720.")
    capacity: int = strawberry.field(default=1, description="Patients a slot, 1 to 1000.")
    valid_from: str = strawberry.field(description="First day, such as 2026-12-01; not before today.")
    valid_until: str | None = strawberry.field(default=None, description="Last day; none unless told.")

    def rule(self) -> Rule:
        def own(kind: str, text: str | None, argument: str) -> UUID | None:
            return None if text is None else read_own_id(kind, text, argument)[1]

        return Rule(
            id=new_id(),
            service_id=read_own_id(SERVICE, self.service_id, "serviceId")[1],
            practitioner_id=own(PRACTITIONER, self.practitioner_id, "practitionerId"),
            room_id=own(ROOM, self.room_id, "roomId"),
            weekday=self.weekday - 1,
            opens_at=clock_of(self.opens_at, "opensAt"),
            closes_at=clock_of(self.closes_at, "closesAt"),
            slot_minutes=self.slot_minutes,
            capacity=self.capacity,
            valid_from=day_of(self.valid_from, "validFrom"),
            valid_until=None if self.valid_until is None else day_of(self.valid_until, "validUntil"),
        )


@strawberry.type(description="A weekly rule. FHIR: Schedule")
class ClinicHours:
    id: strawberry.ID = strawberry.field(description="For `endHours`. FHIR: Schedule.id")
    service_id: strawberry.ID = strawberry.field(description="For what. FHIR: Schedule.actor")
    weekday: int = strawberry.field(description="1 Monday to 7 Sunday (ISO 8601).")
    opens_at: str = strawberry.field(description="On the clinic's own clock.")
    closes_at: str = strawberry.field(description="On the clinic's own clock.")
    slot_minutes: int = strawberry.field(description="Length of a slot.")
    capacity: int = strawberry.field(description="Patients a slot.")
    valid_from: str = strawberry.field(description="First day. FHIR: Schedule.planningHorizon.start")
    valid_until: str | None = strawberry.field(description="Last day. FHIR: Schedule.planningHorizon.end")

    @classmethod
    def of(cls, row: Hours | Rule, organization_id: UUID) -> "ClinicHours":
        return cls(
            id=own_id(HOURS, organization_id, row.id),
            service_id=own_id(SERVICE, organization_id, row.service_id),
            weekday=row.weekday + 1,
            opens_at=f"{row.opens_at:%H:%M}",
            closes_at=f"{row.closes_at:%H:%M}",
            slot_minutes=row.slot_minutes,
            capacity=row.capacity,
            valid_from=row.valid_from.isoformat(),
            valid_until=None if row.valid_until is None else row.valid_until.isoformat(),
        )


@strawberry.type(description="All that a clinic offers. FHIR: HealthcareService, PractitionerRole, Location, Schedule")
class ClinicSetup:
    policy: ClinicPolicy = strawberry.field(description="Its rules.")
    services: list[ClinicService] = strawberry.field(description="By code, at most 500.")
    practitioners: list[ClinicResource] = strawberry.field(description="By code, at most 500.")
    rooms: list[ClinicResource] = strawberry.field(description="By code, at most 500.")
    hours: list[ClinicHours] = strawberry.field(description="Oldest first, at most 2000.")


async def _setup(info: Info) -> ClinicSetup:
    def setup(db: Session, organization_id: UUID, _story: Story) -> ClinicSetup:
        return ClinicSetup(
            policy=ClinicPolicy.of(clinics.policy(db, organization_id)),
            services=[ClinicService.of(one) for one in clinics.all_of(db, Service, organization_id)],
            practitioners=[_resource(one) for one in clinics.all_of(db, Practitioner, organization_id)],
            rooms=[_resource(one) for one in clinics.all_of(db, Room, organization_id)],
            hours=[ClinicHours.of(one, organization_id) for one in schedules.rules_of(db, organization_id)],
        )

    return await clinic_does(info, "clinicSetup", setup, scope=SCOPE)


def _resource(row: Practitioner | Room) -> ClinicResource:
    kind = PRACTITIONER if isinstance(row, Practitioner) else ROOM
    id_ = own_id(kind, row.organization_id, row.id)
    return ClinicResource(id=id_, code=row.code, name=row.name, is_active=row.is_active)


async def _policy(
    info: Info, *, policy: Annotated[ClinicPolicyInput, strawberry.argument(description="What changes.")]
) -> ClinicPolicy:
    def done(db: Session, organization_id: UUID, story: Story) -> ClinicPolicy:
        row = clinics.set_policy(db, organization_id, **policy.given())
        schedules.materialise(db, organization_id, utc_now(), story)
        return ClinicPolicy.of(row)

    return await clinic_does(info, "setClinicPolicy", done, scope=SCOPE)


async def _service(
    info: Info,
    *,
    code: Code,
    service: Annotated[ClinicServiceInput, strawberry.argument(description="What it is.")],
) -> ClinicService:
    told = vars(service) | {"slip": str(service.slip.value)}

    def done(db: Session, organization_id: UUID, story: Story) -> ClinicService:
        row = clinics.save(db, Service, organization_id, code, **told)
        schedules.materialise(db, organization_id, utc_now(), story)
        return ClinicService.of(row)

    return await clinic_does(info, "saveService", done, scope=SCOPE)


Name = Annotated[str, strawberry.argument(description="As patients see it.")]
Active = Annotated[bool, strawberry.argument(description="Whether it is in use.")]


async def _practitioner(info: Info, *, code: Code, name: Name, is_active: Active = True) -> ClinicResource:
    def done(db: Session, organization_id: UUID, _story: Story) -> ClinicResource:
        return _resource(clinics.save(db, Practitioner, organization_id, code, name=name, is_active=is_active))

    return await clinic_does(info, "savePractitioner", done, scope=SCOPE)


async def _room(info: Info, *, code: Code, name: Name, is_active: Active = True) -> ClinicResource:
    def done(db: Session, organization_id: UUID, _story: Story) -> ClinicResource:
        return _resource(clinics.save(db, Room, organization_id, code, name=name, is_active=is_active))

    return await clinic_does(info, "saveRoom", done, scope=SCOPE)


async def _add_hours(
    info: Info, *, hours: Annotated[HoursInput, strawberry.argument(description="The rule.")]
) -> ClinicHours:
    rule = hours.rule()

    def done(db: Session, organization_id: UUID, story: Story) -> ClinicHours:
        return ClinicHours.of(schedules.add_hours(db, organization_id, rule, utc_now(), story), organization_id)

    return await clinic_does(info, "addHours", done, scope=SCOPE)


async def _end_hours(
    info: Info,
    *,
    id: Annotated[strawberry.ID, strawberry.argument(description="As `clinicSetup` names them.")],  # noqa: A002 -- GraphQL's name
    last_day: Annotated[str, strawberry.argument(description="The last day they hold, such as 2026-12-31.")],
) -> ClinicHours:
    hours_id, last = read_own_id(HOURS, id)[1], day_of(last_day, "lastDay")

    def done(db: Session, organization_id: UUID, story: Story) -> ClinicHours:
        return ClinicHours.of(
            schedules.end_hours(db, organization_id, hours_id, last, utc_now(), story), organization_id
        )

    return await clinic_does(info, "endHours", done, scope=SCOPE)


async def _open_day(
    info: Info,
    *,
    date: Day,
    service_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only this service.")] = None,
) -> int:
    wanted = day_of(date)
    service = None if service_id is None else read_own_id(SERVICE, service_id, "serviceId")[1]

    def done(db: Session, organization_id: UUID, story: Story) -> int:
        return schedules.open_day(db, organization_id, wanted, service, utc_now(), story)

    return await clinic_does(info, "openDay", done, scope=SCOPE)


@strawberry.type
class ScheduleQueries:
    clinic_setup: ClinicSetup | None = strawberry.field(
        resolver=_setup, description="All that the caller's clinic offers. Scope: schedule:manage"
    )


@strawberry.type
class ScheduleMutations:
    set_clinic_policy: ClinicPolicy | None = strawberry.mutation(
        resolver=_policy, description="Change rules of the caller's clinic. Scope: schedule:manage"
    )
    save_service: ClinicService | None = strawberry.mutation(
        resolver=_service, description="Offer a service. Scope: schedule:manage. FHIR: HealthcareService"
    )
    save_practitioner: ClinicResource | None = strawberry.mutation(
        resolver=_practitioner, description="Name who treats. Scope: schedule:manage. FHIR: PractitionerRole"
    )
    save_room: ClinicResource | None = strawberry.mutation(
        resolver=_room, description="Name a room. Scope: schedule:manage. FHIR: Location"
    )
    add_hours: ClinicHours | None = strawberry.mutation(
        resolver=_add_hours,
        description=(
            "Add weekly hours and their slots. Hours that overlap others of the same person, room or service are "
            "refused. Scope: schedule:manage. FHIR: Schedule"
        ),
    )
    end_hours: ClinicHours | None = strawberry.mutation(
        resolver=_end_hours,
        description="Let hours end: free slots go, bookings stay. Scope: schedule:manage. FHIR: Schedule.active",
    )
    open_day: int | None = strawberry.mutation(
        resolver=_open_day,
        description=(
            "Work on a public holiday, or again on a day that was closed; how many slots are new. "
            "Scope: schedule:manage. FHIR: Slot.status"
        ),
    )
