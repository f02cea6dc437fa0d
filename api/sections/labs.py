"""How a phone sees laboratory results."""

import strawberry

from api.filters import WORDS, ItemFilter
from api.guard import section_connection
from api.item import Item
from api.pagination import Connection
from api.planner.sources import REPORTS, AnyOf, Expr, Words, condition, field, record
from domain.sections.labs import SECTION
from domain.sections.labs import Lab as LabRow


@record(LabRow, SECTION.name)
@strawberry.type(description="One laboratory result. FHIR: Observation, category laboratory")
class Lab(Item):
    encounter_id: strawberry.ID | None = field(
        "The visit it belongs to. FHIR: Observation.encounter",
        Expr("access.node_id('encounters', {t}.patient_id, {t}.encounter_id)"),
    )
    status: str = field("final, amended, corrected, entered-in-error ... FHIR: Observation.status")
    code_system: str | None = field("Code system of `code`. FHIR: Observation.code.coding.system")
    code: str | None = field("What was measured. FHIR: Observation.code.coding.code")
    analyte_code: str | None = field(
        "The national analyte code (MA_CHI_SO), where there is one. FHIR: Observation.code.coding.code"
    )
    display: str | None = field("What was measured, in the sender's words. FHIR: Observation.code.text")
    value: str | None = field("The result as sent. FHIR: Observation.value[x]")
    value_number: float | None = field("The result where it is a number. FHIR: Observation.valueQuantity.value")
    unit: str | None = field("Unit of the number. FHIR: Observation.valueQuantity.unit")
    reference_low: float | None = field("The laboratory's lower limit. FHIR: Observation.referenceRange.low")
    reference_high: float | None = field("The laboratory's upper limit. FHIR: Observation.referenceRange.high")
    reference_text: str | None = field("The laboratory's range in words. FHIR: Observation.referenceRange.text")
    interpretation: str | None = field("The laboratory's flag (H, L, N ...). FHIR: Observation.interpretation")
    service_code: str | None = field("The billable service it came with. FHIR: Observation.basedOn")
    performer: str | None = field("Who answers for the result. FHIR: Observation.performer")
    note: str | None = field("The laboratory's remark. FHIR: Observation.note")
    reports: list["Lab"] = field("Every report of this result, one a source. FHIR: Provenance", REPORTS)


@strawberry.input(description="Which laboratory results.")
class LabFilter(ItemFilter):
    codes: list[str] | None = condition(
        "Codes of the test, mostly LOINC, or national analyte codes, any of them: 1 to 100.",
        AnyOf("code", "analyte_code"),
    )
    text: str | None = condition(
        WORDS,
        Words("display", "value", "note"),
    )


@strawberry.type
class LabsField:
    labs: Connection[Lab] | None = section_connection(SECTION, "Laboratory results, newest first.", LabFilter)
