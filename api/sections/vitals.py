"""How a phone sees vital signs and body measurements."""

import strawberry

from api.filters import WORDS, ItemFilter, coded
from api.guard import section_connection
from api.item import Item
from api.pagination import Connection
from api.planner.sources import REPORTS, AnyOf, Embedded, Expr, Words, condition, field, record
from domain.sections.vitals import SECTION
from domain.sections.vitals import Vital as VitalRow


@strawberry.type(description="One part of a measurement, such as the systolic pressure. FHIR: Observation.component")
class VitalComponent:
    code_system: str | None = field("Code system of `code`. FHIR: Observation.component.code.coding.system")
    code: str | None = field("What was measured. FHIR: Observation.component.code.coding.code")
    display: str | None = field("What was measured, in words. FHIR: Observation.component.code.text")
    value: str | None = field("The result as sent. FHIR: Observation.component.value[x]")
    value_number: float | None = field(
        "The result where it is a number. FHIR: Observation.component.valueQuantity.value"
    )
    unit: str | None = field("Unit of the number. FHIR: Observation.component.valueQuantity.unit")


@record(VitalRow, SECTION.name)
@strawberry.type(description="One vital sign or body measurement. FHIR: Observation, category vital-signs")
class Vital(Item):
    encounter_id: strawberry.ID | None = field(
        "The visit it belongs to. FHIR: Observation.encounter",
        Expr("access.node_id('encounters', {t}.patient_id, {t}.encounter_id)"),
    )
    status: str = field("final, amended, corrected, entered-in-error ... FHIR: Observation.status")
    code_system: str | None = field("Code system of `code`, mostly LOINC. FHIR: Observation.code.coding.system")
    code: str | None = field("What was measured. FHIR: Observation.code.coding.code")
    display: str | None = field("What was measured, in words. FHIR: Observation.code.text")
    value: str | None = field("The result as sent; a blood pressure is `120/80`. FHIR: Observation.value[x]")
    value_number: float | None = field("The result where it is one number. FHIR: Observation.valueQuantity.value")
    unit: str | None = field("Unit of the result. FHIR: Observation.valueQuantity.unit")
    systolic: float | None = field("Upper figure of a blood pressure. FHIR: Observation.component.valueQuantity.value")
    diastolic: float | None = field("Lower figure of a blood pressure. FHIR: Observation.component.valueQuantity.value")
    components: list[VitalComponent] | None = field("All measured parts. FHIR: Observation.component", Embedded())
    interpretation: str | None = field("The sender's flag (H, L, N ...). FHIR: Observation.interpretation")
    body_site: str | None = field("Where it was measured. FHIR: Observation.bodySite")
    method: str | None = field("How it was measured. FHIR: Observation.method")
    device: str | None = field("With which device. FHIR: Observation.device")
    performer: str | None = field("Who measured, name or licence number. FHIR: Observation.performer")
    note: str | None = field("Remarks. FHIR: Observation.note")
    reports: list["Vital"] = field("Every report of this measurement, one a source. FHIR: Provenance", REPORTS)


@strawberry.input(description="Which measurements.")
class VitalFilter(ItemFilter):
    codes: list[str] | None = condition(
        "Codes of what was measured, mostly LOINC, also within a panel, any of them: 1 to 100.",
        AnyOf("code", also=coded("components")),
    )
    text: str | None = condition(
        WORDS,
        Words("display", "note", "method"),
    )


@strawberry.type
class VitalsField:
    vitals: Connection[Vital] | None = section_connection(
        SECTION, "Vital signs and body measurements, newest first.", VitalFilter
    )
