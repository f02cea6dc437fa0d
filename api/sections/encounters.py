"""How a phone sees visits and stays."""

import strawberry

from api.filters import WORDS, ItemFilter, coded, listed
from api.guard import section_connection
from api.item import Item
from api.pagination import Connection
from api.planner.sources import REPORTS, AnyOf, Embedded, Words, condition, field, record
from api.scalars import PartialDate
from domain.sections.encounters import SECTION
from domain.sections.encounters import Encounter as EncounterRow


@strawberry.type(description="One diagnosis of a visit. FHIR: Encounter.diagnosis")
class EncounterDiagnosis:
    code_system: str | None = field("Code system of `code`. FHIR: Condition.code.coding.system")
    code: str | None = field("The diagnosis, mostly ICD-10. FHIR: Condition.code.coding.code")
    display: str | None = field("The diagnosis in the sender's words. FHIR: Condition.code.text")
    rank: int | None = field("1 is the main diagnosis. FHIR: Encounter.diagnosis.rank")
    role: str | None = field("AD on admission, DD on discharge, CC complaint ... FHIR: Encounter.diagnosis.use")


@strawberry.type(description="Somebody who took part in a visit. FHIR: Encounter.participant")
class EncounterPractitioner:
    name: str | None = field("Name. FHIR: Encounter.participant.individual.display")
    code: str | None = field("Licence number. FHIR: Encounter.participant.individual.identifier")
    role: str | None = field("What he or she did. FHIR: Encounter.participant.type")


@record(EncounterRow, SECTION.name)
@strawberry.type(description="One visit or stay. FHIR: Encounter")
class Encounter(Item):
    status: str = field(
        "planned, arrived, in-progress, finished, cancelled, entered-in-error ... FHIR: Encounter.status"
    )
    episode: str | None = field("MA_LK, unique within the facility. FHIR: Encounter.identifier")
    record_number: str | None = field("Number of the medical record, MA_HSBA. FHIR: Encounter.identifier")
    archive_number: str | None = field(
        "Archive number, SO_LUU_TRU. FHIR: Encounter.extension(encounter-archive-number)"
    )
    class_system: str | None = field("Code system of `classCode`. FHIR: Encounter.class.system")
    class_code: str | None = field(
        "AMB out-patient, IMP in-patient, EMER emergency, OBSENC observation, HH home, FLD field, VR remote. "
        "FHIR: Encounter.class.code"
    )
    class_display: str | None = field("The class in words. FHIR: Encounter.class.display")
    type_system: str | None = field("Code system of `typeCode`. FHIR: Encounter.type.coding.system")
    type_code: str | None = field("Form of care, MA_LOAI_KCB 01 to 16. FHIR: Encounter.type.coding.code")
    type_display: str | None = field("Form of care in words. FHIR: Encounter.type.text")
    service: str | None = field("The service or specialty. FHIR: Encounter.serviceType")
    admitted_at: PartialDate | None = field(
        "When the stay as an in-patient began. FHIR: Encounter.extension(encounter-admitted-at)"
    )
    ended_at: PartialDate | None = field("When it ended. FHIR: Encounter.period.end")
    treatment_days: int | None = field("Days of treatment. FHIR: Encounter.extension(encounter-treatment-days)")
    facility_code: str | None = field("MA_CSKCB. FHIR: Encounter.serviceProvider.identifier")
    facility_name: str | None = field("Name of the facility. FHIR: Encounter.serviceProvider.display")
    departments: list[str] | None = field("Departments, codes or names as sent. FHIR: Encounter.location")
    practitioners: list[EncounterPractitioner] | None = field(
        "Who treated and who signed. FHIR: Encounter.participant", Embedded()
    )
    reason_system: str | None = field("Code system of `reasonCode`. FHIR: Encounter.reasonCode.coding.system")
    reason_code: str | None = field("Why the person came, as a code. FHIR: Encounter.reasonCode.coding.code")
    reason: str | None = field("Why the person came. FHIR: Encounter.reasonCode.text")
    admission_reason_code: str | None = field(
        "Why the person was admitted, as a code. FHIR: Encounter.extension(encounter-admission-reason-code)"
    )
    admission_reason: str | None = field(
        "Why the person was admitted. FHIR: Encounter.extension(encounter-admission-reason)"
    )
    eligibility_code: str | None = field(
        "Eligibility and route, MA_DOITUONG_KCB. FHIR: Encounter.extension(encounter-eligibility-code)"
    )
    eligibility: str | None = field("Eligibility in words. FHIR: Encounter.extension(encounter-eligibility)")
    injury_code: str | None = field("Injury code, MA_TAI_NAN. FHIR: Encounter.extension(encounter-injury-code)")
    referral_number: str | None = field(
        "Number of the referral or re-examination slip used. FHIR: Encounter.extension(encounter-referral-number)"
    )
    referred_from_code: str | None = field("MA_CSKCB that sent. FHIR: Encounter.hospitalization.origin.identifier")
    referred_from: str | None = field("Facility that sent. FHIR: Encounter.hospitalization.origin.display")
    referred_to_code: str | None = field(
        "MA_CSKCB the person was sent to. FHIR: Encounter.hospitalization.destination.identifier"
    )
    referred_to: str | None = field(
        "Facility the person was sent to. FHIR: Encounter.hospitalization.destination.display"
    )
    diagnoses: list[EncounterDiagnosis] | None = field(
        "Coded diagnoses, the main one first. FHIR: Encounter.diagnosis", Embedded()
    )
    preliminary_diagnosis: str | None = field(
        "Diagnosis on arrival in words. FHIR: Encounter.extension(encounter-preliminary-diagnosis)"
    )
    final_diagnosis: str | None = field(
        "Confirmed diagnosis in words. FHIR: Encounter.extension(encounter-final-diagnosis)"
    )
    course: str | None = field("Course of the disease. FHIR: Encounter.extension(encounter-course)")
    findings: str | None = field("Findings that mattered. FHIR: Encounter.extension(encounter-findings)")
    treatment: str | None = field("Method of treatment. FHIR: Encounter.extension(encounter-treatment)")
    advice: str | None = field("Advice to the patient. FHIR: Encounter.extension(encounter-advice)")
    result_code: str | None = field(
        "Result of treatment, KET_QUA_DTRI 1 to 8. FHIR: Encounter.extension(encounter-result-code)"
    )
    result: str | None = field("Result of treatment in words. FHIR: Encounter.extension(encounter-result)")
    discharge_system: str | None = field(
        "Code system of `dischargeCode`. FHIR: Encounter.hospitalization.dischargeDisposition.coding.system"
    )
    discharge_code: str | None = field(
        "How the person left, MA_LOAI_RV 1 to 5. FHIR: Encounter.hospitalization.dischargeDisposition.coding.code"
    )
    discharge: str | None = field(
        "How the person left in words. FHIR: Encounter.hospitalization.dischargeDisposition.text"
    )
    newborn_weights_g: list[str] | None = field(
        "Birth weights in grams, one a child. FHIR: Encounter.extension(encounter-newborn-weights-g)"
    )
    total_cost: float | None = field("All costs, in đồng. FHIR: Encounter.extension(encounter-total-cost)")
    paid_by_insurance: float | None = field(
        "Paid by health insurance, in đồng. FHIR: Encounter.extension(encounter-paid-by-insurance)"
    )
    copayment: float | None = field(
        "The patient's share of insured costs, in đồng. FHIR: Encounter.extension(encounter-copayment)"
    )
    paid_by_patient: float | None = field(
        "Paid by the patient outside insurance, in đồng. FHIR: Encounter.extension(encounter-paid-by-patient)"
    )
    reports: list["Encounter"] = field("Every report of this visit, one a source. FHIR: Provenance", REPORTS)


@strawberry.input(description="Which visits and stays.")
class EncounterFilter(ItemFilter):
    codes: list[str] | None = condition(
        "Codes of a diagnosis or of the reason, any of them: 1 to 100.",
        AnyOf("reason_code", also=coded("diagnoses")),
    )
    kinds: list[str] | None = condition(
        "Classes, as `classCode` shows them: AMB, IMP, EMER ...",
        AnyOf("class_code"),
    )
    text: str | None = condition(
        WORDS,
        Words(
            "facility_name",
            "service",
            "reason",
            "admission_reason",
            "preliminary_diagnosis",
            "final_diagnosis",
            "course",
            "findings",
            "treatment",
            "advice",
            also=listed("diagnoses", "display"),
        ),
    )


@strawberry.type
class EncountersField:
    encounters: Connection[Encounter] | None = section_connection(
        SECTION, "Visits and stays, newest first.", EncounterFilter
    )
