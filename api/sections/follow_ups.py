"""How a phone sees what is to come."""

import strawberry

from api.filters import WORDS, ItemFilter, coded, listed
from api.guard import section_connection
from api.item import Item
from api.pagination import Connection
from api.planner.sources import REPORTS, AnyOf, Embedded, Expr, Words, condition, field, record
from api.reasons import ReasonDiagnosis
from api.scalars import PartialDate
from domain.sections.follow_ups import SECTION
from domain.sections.follow_ups import FollowUp as FollowUpRow


@strawberry.type(description="One thing to do within a plan. FHIR: CarePlan.activity")
class FollowUpActivity:
    display: str | None = field("What is to be done. FHIR: CarePlan.activity.detail.code")
    status: str | None = field(
        "not-started, scheduled, in-progress, on-hold, completed, cancelled, stopped ... "
        "FHIR: CarePlan.activity.detail.status"
    )
    scheduled: str | None = field("When, as a date or in words. FHIR: CarePlan.activity.detail.scheduled[x]")


@record(FollowUpRow, SECTION.name)
@strawberry.type(
    description="A re-examination, a planned treatment or an appointment; `occurred` is the day to return. "
    "FHIR: ServiceRequest, CarePlan, Appointment"
)
class FollowUp(Item):
    encounter_id: strawberry.ID | None = field(
        "The visit it was agreed in. FHIR: ServiceRequest.encounter",
        Expr("access.node_id('encounters', {t}.patient_id, {t}.encounter_id)"),
    )
    kind: str = field("slip (re-examination), plan or appointment. FHIR: resourceType")
    status: str = field(
        "Of a slip or plan: draft, active, on-hold, revoked, completed, entered-in-error or unknown; of an "
        "appointment: proposed, pending, booked, waitlist or cancelled. FHIR: ServiceRequest.status"
    )
    number: str | None = field("Number of the slip, SO_GIAYHEN_KL. FHIR: ServiceRequest.identifier")
    until: PartialDate | None = field("End of the appointment or plan. FHIR: Appointment.end, CarePlan.period.end")
    issued_on: PartialDate | None = field("When it was written. FHIR: ServiceRequest.authoredOn")
    code_system: str | None = field("Code system of `code`. FHIR: ServiceRequest.code.coding.system")
    code: str | None = field("What for, coded. FHIR: ServiceRequest.code.coding.code")
    title: str | None = field("What for, in words. FHIR: ServiceRequest.code.text, CarePlan.title")
    description: str | None = field("More about it. FHIR: CarePlan.description, Appointment.description")
    specialty: str | None = field("Which kind of doctor. FHIR: ServiceRequest.performerType, Appointment.specialty")
    facility_code: str | None = field("MA_CSKCB of where to return. FHIR: ServiceRequest.performer.identifier")
    facility: str | None = field("Name of where to return. FHIR: ServiceRequest.performer.display")
    doctor_code: str | None = field("Licence number of the doctor. FHIR: ServiceRequest.requester.identifier")
    doctor: str | None = field("Name of the doctor. FHIR: ServiceRequest.requester.display")
    head_code: str | None = field("Code of the head of the facility, MA_TTDV. FHIR: ServiceRequest.extension")
    diagnosis: str | None = field("Diagnoses in the words of the slip. FHIR: ServiceRequest.extension")
    diagnoses: list[ReasonDiagnosis] | None = field(
        "Diagnoses, the main one first. FHIR: ServiceRequest.reasonCode, CarePlan.addresses", Embedded()
    )
    eligibility: str | None = field(
        "MA_DOITUONG_KCB: on which ground insurance pays (1.1, 1.5, 2 ...). FHIR: ServiceRequest.extension"
    )
    activities: list[FollowUpActivity] | None = field("What a plan consists of. FHIR: CarePlan.activity", Embedded())
    instruction: str | None = field("What to bring or do before. FHIR: ServiceRequest.patientInstruction")
    arrived_at: PartialDate | None = field("When the visit began. FHIR: ServiceRequest.extension")
    admitted_at: PartialDate | None = field("When the person was admitted. FHIR: ServiceRequest.extension")
    ended_at: PartialDate | None = field("When the visit ended. FHIR: ServiceRequest.extension")
    note: str | None = field("Remarks. FHIR: ServiceRequest.note, Appointment.comment")
    reports: list["FollowUp"] = field("Every report of this, one a source. FHIR: Provenance", REPORTS)


@strawberry.input(description="Which re-examinations, plans and appointments.")
class FollowUpFilter(ItemFilter):
    codes: list[str] | None = condition(
        "Codes of what for, or of a diagnosis, any of them: 1 to 100.",
        AnyOf("code", also=coded("diagnoses")),
    )
    kinds: list[str] | None = condition(
        "slip, plan or appointment.",
        AnyOf("kind"),
    )
    text: str | None = condition(
        WORDS,
        Words(
            "title",
            "description",
            "specialty",
            "facility",
            "doctor",
            "diagnosis",
            "instruction",
            "note",
            also=listed("diagnoses", "display"),
        ),
    )


@strawberry.type
class FollowUpsField:
    follow_ups: Connection[FollowUp] | None = section_connection(
        SECTION, "Re-examinations, plans and appointments, the latest day first.", FollowUpFilter
    )
