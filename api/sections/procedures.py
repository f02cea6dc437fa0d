"""How a phone sees surgery and procedures."""

import strawberry

from api.filters import WORDS, ItemFilter
from api.guard import section_connection
from api.item import Item
from api.pagination import Connection
from api.planner.sources import REPORTS, AnyOf, Expr, Words, condition, field, record
from api.scalars import PartialDate
from domain.sections.procedures import SECTION
from domain.sections.procedures import Procedure as ProcedureRow


@record(ProcedureRow, SECTION.name)
@strawberry.type(description="One operation or procedure. FHIR: Procedure")
class Procedure(Item):
    encounter_id: strawberry.ID | None = field(
        "The visit it belongs to. FHIR: Procedure.encounter",
        Expr("access.node_id('encounters', {t}.patient_id, {t}.encounter_id)"),
    )
    status: str = field("completed, in-progress, not-done, stopped, entered-in-error ... FHIR: Procedure.status")
    category: str | None = field("Phẫu thuật (surgery) or Thủ thuật (procedure), or as sent. FHIR: Procedure.category")
    code_system: str | None = field("Code system of `code`, mostly ICD-9-CM. FHIR: Procedure.code.coding.system")
    code: str | None = field("What was done. FHIR: Procedure.code.coding.code")
    display: str | None = field("What was done, in the sender's words. FHIR: Procedure.code.text")
    service_code: str | None = field("The billable service, MA_DICH_VU. FHIR: Procedure.code.coding.code")
    ended_at: PartialDate | None = field("When it ended. FHIR: Procedure.performedPeriod.end")
    reason_system: str | None = field("Code system of `reasonCode`. FHIR: Procedure.reasonCode.coding.system")
    reason_code: str | None = field("The disease it was done for. FHIR: Procedure.reasonCode.coding.code")
    reason: str | None = field("Why it was done, in words. FHIR: Procedure.reasonCode.text")
    body_site: str | None = field("Where in the body. FHIR: Procedure.bodySite")
    anaesthesia_code: str | None = field("PP_VO_CAM 1 to 4. FHIR: Procedure.extension(procedure-anaesthesia-code)")
    anaesthesia: str | None = field("Anaesthesia in words. FHIR: Procedure.extension(procedure-anaesthesia)")
    performers: list[str] | None = field("Who did it, names or licence numbers. FHIR: Procedure.performer.actor")
    location: str | None = field("Where it was done. FHIR: Procedure.location")
    outcome: str | None = field("How it went. FHIR: Procedure.outcome")
    report: str | None = field("The operation report in words. FHIR: Procedure.report")
    complications: list[str] | None = field("What went wrong. FHIR: Procedure.complication")
    devices: list[str] | None = field("Implants and devices left or changed. FHIR: Procedure.focalDevice")
    follow_up: str | None = field("What to do afterwards. FHIR: Procedure.followUp")
    note: str | None = field("Remarks. FHIR: Procedure.note")
    reports: list["Procedure"] = field("Every report of this procedure, one a source. FHIR: Provenance", REPORTS)


@strawberry.input(description="Which surgery and procedures.")
class ProcedureFilter(ItemFilter):
    codes: list[str] | None = condition(
        "Codes of what was done or of its service, any of them: 1 to 100.",
        AnyOf("code", "service_code"),
    )
    kinds: list[str] | None = condition(
        "Categories, as `category` shows them.",
        AnyOf("category"),
    )
    text: str | None = condition(
        WORDS,
        Words("display", "reason", "body_site", "outcome", "report", "follow_up", "note"),
    )


@strawberry.type
class ProceduresField:
    procedures: Connection[Procedure] | None = section_connection(
        SECTION, "Surgery and procedures, newest first.", ProcedureFilter
    )
