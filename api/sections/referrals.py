"""How a phone sees referrals."""

import strawberry

from api.filters import WORDS, ItemFilter, coded, listed
from api.guard import section_list
from api.item import Item
from api.planner.sources import REPORTS, AnyOf, Embedded, Expr, Words, condition, field, record
from api.reasons import ReasonDiagnosis
from api.scalars import PartialDate
from domain.sections.referrals import SECTION
from domain.sections.referrals import Referral as ReferralRow


@record(ReferralRow, SECTION.name)
@strawberry.type(description="A person sent on to another facility. FHIR: ServiceRequest, category referral")
class Referral(Item):
    encounter_id: strawberry.ID | None = field(
        "The visit that ended with it. FHIR: ServiceRequest.encounter",
        Expr("access.node_id('encounters', {t}.patient_id, {t}.encounter_id)"),
    )
    status: str = field(
        "draft, active, on-hold, revoked, completed, entered-in-error or unknown. FHIR: ServiceRequest.status"
    )
    priority: str | None = field("routine, urgent, asap or stat. FHIR: ServiceRequest.priority")
    number: str | None = field("Number of the paper, GIAY_CHUYEN_TUYEN. FHIR: ServiceRequest.identifier")
    file_number: str | None = field("Number of the file, SO_HOSO. FHIR: ServiceRequest.extension")
    book_number: str | None = field("Number in the referral book, SO_CHUYENTUYEN. FHIR: ServiceRequest.extension")
    service_system: str | None = field("Code system of `serviceCode`. FHIR: ServiceRequest.code.coding.system")
    service_code: str | None = field("What is asked for, coded. FHIR: ServiceRequest.code.coding.code")
    service: str | None = field("What is asked for, in words. FHIR: ServiceRequest.code.text")
    specialty: str | None = field("Which kind of specialist. FHIR: ServiceRequest.performerType")
    from_facility_code: str | None = field("MA_CSKCB of who refers. FHIR: ServiceRequest.requester.identifier")
    from_facility: str | None = field("Name of who refers. FHIR: ServiceRequest.requester.display")
    route_facility_codes: list[str] | None = field(
        "MA_CSKCB of the facilities the person came through before. FHIR: ServiceRequest.extension"
    )
    to_facility_code: str | None = field("MA_CSKCB of where to. FHIR: ServiceRequest.performer.identifier")
    to_facility: str | None = field("Name of where to. FHIR: ServiceRequest.performer.display")
    doctor_code: str | None = field("Licence number of the doctor. FHIR: ServiceRequest.requester.identifier")
    doctor: str | None = field("Name of the doctor. FHIR: ServiceRequest.requester.display")
    head_code: str | None = field("Code of the head of the facility, MA_TTDV. FHIR: ServiceRequest.extension")
    reason_code: str | None = field(
        "MA_LYDO_CT: 1 right level and conditions met, 2 not able to treat, 3 at request. "
        "FHIR: ServiceRequest.reasonCode"
    )
    diagnosis: str | None = field("Diagnoses in the words of the paper. FHIR: ServiceRequest.extension")
    diagnoses: list[ReasonDiagnosis] | None = field(
        "Diagnoses, the main one first. FHIR: ServiceRequest.reasonCode", Embedded()
    )
    signs: str | None = field("Clinical signs. FHIR: ServiceRequest.extension")
    course: str | None = field("Course of the illness. FHIR: ServiceRequest.extension")
    findings: str | None = field("Results of examinations. FHIR: ServiceRequest.extension")
    treatment: str | None = field("How it was treated. FHIR: ServiceRequest.extension")
    drugs: str | None = field("Drugs given, on papers of the first generation. FHIR: ServiceRequest.extension")
    condition: str | None = field("State of the person when referred. FHIR: ServiceRequest.extension")
    plan: str | None = field("What should be done next. FHIR: ServiceRequest.extension")
    discharge_type: str | None = field(
        "MA_LOAI_RV: 1 discharged, 2 transferred for medical reasons, 3 left without permission, 4 asked to leave, "
        "5 transferred at request. FHIR: ServiceRequest.extension"
    )
    transport: str | None = field("Means of transport. FHIR: ServiceRequest.extension")
    escort_name: str | None = field("Who goes along. FHIR: ServiceRequest.extension")
    escort_title: str | None = field("Title of who goes along. FHIR: ServiceRequest.extension")
    arrived_at: PartialDate | None = field("When the visit began. FHIR: ServiceRequest.extension")
    admitted_at: PartialDate | None = field("When the person was admitted. FHIR: ServiceRequest.extension")
    ended_at: PartialDate | None = field("When the visit ended. FHIR: ServiceRequest.extension")
    valid_from: PartialDate | None = field("First day it may be used. FHIR: ServiceRequest.occurrencePeriod.start")
    valid_until: PartialDate | None = field(
        "Last day it may be used, where the sender says so. FHIR: ServiceRequest.occurrencePeriod.end"
    )
    instruction: str | None = field("What the person should know. FHIR: ServiceRequest.patientInstruction")
    note: str | None = field("Remarks. FHIR: ServiceRequest.note")
    reports: list["Referral"] = field("Every report of this referral, one a source. FHIR: Provenance", REPORTS)


@strawberry.input(description="Which referrals.")
class ReferralFilter(ItemFilter):
    codes: list[str] | None = condition(
        "Codes of a diagnosis or of the service asked for, any of them: 1 to 100.",
        AnyOf("service_code", also=coded("diagnoses")),
    )
    text: str | None = condition(
        WORDS,
        Words(
            "service",
            "specialty",
            "from_facility",
            "to_facility",
            "diagnosis",
            "course",
            "findings",
            "treatment",
            "plan",
            "note",
            also=listed("diagnoses", "display"),
        ),
    )


@strawberry.type
class ReferralsField:
    referrals: list[Referral] | None = section_list(SECTION, "Referrals, newest first.", ReferralFilter)
