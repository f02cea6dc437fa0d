"""A clinic with hours, its desk, and phones; on the clock of today, because the API reads the real one."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.values import utc_now
from tests.api.clinic import CLINIC, OTHER, WARD, Clinic, Voice, furnish

CITIZEN = "appointment:read appointment:write consent:read consent:manage"
DESK = "schedule:manage appointment:manage visit:manage patient:find consent:request"
CONTACT = {"name": "Nguyễn Văn An", "phone": "0901 234 567"}

SERVICE = """mutation ($code: String!, $service: ClinicServiceInput!) {
  saveService(code: $code, service: $service) { id code slip isTelehealth } }"""
HOURS = "mutation ($hours: HoursInput!) { addHours(hours: $hours) { id weekday opensAt closesAt validUntil } }"
POLICY = """mutation ($policy: ClinicPolicyInput!) { setClinicPolicy(policy: $policy) {
  timeZone phone leadMinutes horizonDays cancelMinutes noShows latitude } }"""
SLOTS = """query ($filter: SlotFilter!, $first: Int! = 100, $after: String, $earliest: Boolean! = true) {
  slots(filter: $filter, first: $first, after: $after, earliestFirst: $earliest) {
    nodes { id startsAt endsAt free distanceKm practitionerName clinic { code name } service { id code name } }
    endCursor hasNextPage } }"""
FIELDS = """__typename ... on Appointment { id patientId status startsAt heldUntil queueNumber joinLink seriesId
    phone offeredInsteadId version clinic { name } service { code } }
  ... on AppointmentRefused { code phone slots }"""
HOLD = f"""mutation ($slot: ID!, $patient: ID, $key: String) {{
  holdSlot(slotId: $slot, patientId: $patient, idempotencyKey: $key) {{ {FIELDS} }} }}"""
BOOK = f"""mutation ($slot: ID, $hold: ID, $contact: ContactInput!, $patient: ID, $slip: ID, $key: String) {{
  bookAppointment(slotId: $slot, holdId: $hold, contact: $contact, patientId: $patient, slipId: $slip,
                  idempotencyKey: $key) {{ {FIELDS} }} }}"""
SERIES = """mutation ($slots: [ID!]!, $contact: ContactInput!) { bookSeries(slotIds: $slots, contact: $contact) {
  __typename ... on AppointmentSeries { nodes { id seriesId status } } ... on AppointmentRefused { code slots } } }"""
MOVE = f"mutation ($id: ID!, $slot: ID!) {{ rescheduleAppointment(id: $id, slotId: $slot) {{ {FIELDS} }} }}"
CANCEL = f"mutation ($id: ID!) {{ cancelAppointment(id: $id) {{ {FIELDS} }} }}"
ACCEPT = f"mutation ($id: ID!) {{ acceptOffer(id: $id) {{ {FIELDS} }} }}"
DECLINE = f"mutation ($id: ID!) {{ declineOffer(id: $id) {{ {FIELDS} }} }}"
ONE = "query ($id: ID!) { appointment(id: $id) { id status joinLink offeredInsteadId queueNumber } }"
LIST = """query ($patient: ID, $first: Int! = 20, $after: String, $status: [AppointmentStatus!]) {
  appointments(patientId: $patient, first: $first, after: $after, status: $status) {
    nodes { id status startsAt } endCursor hasNextPage } }"""
JOIN = """mutation ($service: ID!, $contact: ContactInput!, $latest: Instant!) {
  joinWaitingList(serviceId: $service, contact: $contact, latest: $latest) { id status serviceId } }"""
LEAVE = "mutation ($id: ID!) { leaveWaitingList(id: $id) { id status } }"
NOTICES = "{ inbox { nodes { kind link { subjectId } } } }"
LINES = "{ waitingList { id status } }"
DESK_FIELDS = """__typename ... on ClinicAppointment { id status contactName contactPhone queueNumber isWalkIn
    isOverbooked overbookReason hasSlip } ... on AppointmentRefused { code }"""
STEP = f"mutation ($id: ID!, $to: AppointmentStep!) {{ stepAppointment(id: $id, to: $to) {{ {DESK_FIELDS} }} }}"
ADD = f"""mutation ($slot: ID!, $name: String!, $patient: ID, $here: Boolean! = false, $reason: String) {{
  addAppointment(slotId: $slot, name: $name, patientId: $patient, isWalkIn: $here, overbookReason: $reason) {{
    {DESK_FIELDS} }} }}"""
CLINIC_CANCEL = f"mutation ($id: ID!) {{ cancelClinicAppointment(id: $id) {{ {DESK_FIELDS} }} }}"
DAY = """query ($date: String!, $service: ID) { clinicDay(date: $date, serviceId: $service) {
  id status contactName queueNumber startsAt } }"""
CLOSE = "mutation ($date: String!) { closeDay(date: $date) { cancelled offered } }"


@dataclass
class Bookable:
    """`service` is open from eight to ten in Vietnam on the same weekday of this and the next weeks, two days ahead."""

    clinic: Clinic
    desk: Voice
    phone: Voice
    service: str
    day: str

    async def other_phone(self, number: int = 4, scope: str = CITIZEN) -> Voice:
        return await self.clinic.phone(self.clinic.book.citizens[number], scope)

    async def slots(self, **wanted: Any) -> list[dict[str, Any]]:
        return (await self.phone.get(SLOTS, filter={"organizationCode": "99000"} | wanted))["nodes"]

    async def book(self, phone: Voice | None = None, place: int = 0, **told: Any) -> dict[str, Any]:
        slot = (await self.all_slots())[place]
        return await (phone or self.phone).get(BOOK, slot=slot, contact=CONTACT, **told)

    async def all_slots(self) -> list[str]:
        """Ids of every slot of the service, free or not, by time."""
        from api.appointments.types import SLOT
        from api.representation.reading import own_id

        rows = await self.clinic.book.sql("select organization_id, id from booking.slot order by starts_at, id")
        return [own_id(SLOT, row["organization_id"], row["id"]) for row in rows]

    async def inbox(self, citizen: UUID | None = None) -> list[str]:
        return await self.clinic.inbox(citizen)


async def bookable(book: Any, **hours: Any) -> Bookable:
    clinic = await furnish(book)
    desk, phone = await clinic.desk(CLINIC, DESK), await clinic.phone(scope=CITIZEN)
    await desk.get(POLICY, policy={"phone": "024 38 123 456", "keepsHolidays": False, "cancelMinutes": 120})
    service = await desk.get(
        SERVICE, code="KHAM", service={"name": "Khám tổng quát", "specialty": "general", "minutes": 5}
    )
    local = utc_now() + timedelta(hours=7, days=2)
    rule = {
        "serviceId": service["id"],
        "weekday": local.isoweekday(),
        "opensAt": "08:00",
        "closesAt": "10:00",
        "slotMinutes": 30,
        "validFrom": local.date().isoformat(),
        "validUntil": (local.date() + timedelta(days=13)).isoformat(),
    }
    await desk.get(HOURS, hours=rule | hours)
    return Bookable(clinic, desk, phone, service["id"], local.date().isoformat())


__all__ = ["CLINIC", "OTHER", "WARD"]
