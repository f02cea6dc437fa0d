"""How a phone sees illnesses and diagnoses."""

import strawberry

from api.filters import WORDS, ItemFilter
from api.guard import section_connection
from api.item import Item
from api.pagination import Connection
from api.planner.sources import REPORTS, AnyOf, Expr, Words, condition, field, record
from api.scalars import PartialDate
from domain.sections.conditions import SECTION
from domain.sections.conditions import Condition as ConditionRow


@record(ConditionRow, SECTION.name)
@strawberry.type(description="One illness or diagnosis, however often it was treated. FHIR: Condition")
class Condition(Item):
    encounter_id: strawberry.ID | None = field(
        "The visit of the report shown. FHIR: Condition.encounter",
        Expr("access.node_id('encounters', {t}.patient_id, {t}.encounter_id)"),
    )
    category: str | None = field("problem-list-item, encounter-diagnosis or health-concern. FHIR: Condition.category")
    rank: str | None = field("main, secondary or traditional within its visit. FHIR: Encounter.diagnosis.rank")
    clinical_status: str | None = field(
        "active, recurrence, relapse, inactive, remission or resolved. FHIR: Condition.clinicalStatus"
    )
    verification_status: str | None = field(
        "unconfirmed, provisional, differential, confirmed, refuted or entered-in-error. "
        "FHIR: Condition.verificationStatus"
    )
    is_absence: bool = field("The sender says that there is no known illness. FHIR: Condition.code")
    severity: str | None = field("How severe, in the sender's words. FHIR: Condition.severity")
    code_system: str | None = field("Code system of `code`. FHIR: Condition.code.coding.system")
    code: str | None = field("The diagnosis as coded by its sender. FHIR: Condition.code.coding.code")
    icd10: str | None = field("The ICD-10 code, where there is one. FHIR: Condition.code.coding.code")
    display: str | None = field("The diagnosis in the sender's words. FHIR: Condition.code.text")
    body_site: str | None = field("Where in the body. FHIR: Condition.bodySite")
    stage: str | None = field("Stage or grade. FHIR: Condition.stage.summary")
    onset: PartialDate | None = field("Since when. FHIR: Condition.onsetDateTime")
    onset_text: str | None = field("Since when, in words, where no date is known. FHIR: Condition.onsetString")
    abatement: PartialDate | None = field("Until when. FHIR: Condition.abatementDateTime")
    abatement_text: str | None = field("Until when, in words, where no date is known. FHIR: Condition.abatementString")
    recorded_on: PartialDate | None = field("When the diagnosis was noted. FHIR: Condition.recordedDate")
    recorder: str | None = field("Who noted it. FHIR: Condition.recorder")
    asserter: str | None = field("Who says so. FHIR: Condition.asserter")
    note: str | None = field("Remarks. FHIR: Condition.note")
    reports: list["Condition"] = field("Every report of this illness, one a source. FHIR: Provenance", REPORTS)


@strawberry.input(description="Which illnesses and diagnoses.")
class ConditionFilter(ItemFilter):
    codes: list[str] | None = condition(
        "Codes of the diagnosis, its sender's or ICD-10, any of them: 1 to 100.",
        AnyOf("code", "icd10"),
    )
    kinds: list[str] | None = condition(
        "problem-list-item, encounter-diagnosis or health-concern.",
        AnyOf("category"),
    )
    text: str | None = condition(
        WORDS,
        Words("display", "body_site", "stage", "severity", "note"),
    )


@strawberry.type
class ConditionsField:
    conditions: Connection[Condition] | None = section_connection(
        SECTION, "Illnesses and diagnoses, newest first.", ConditionFilter
    )
