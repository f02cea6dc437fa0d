"""How a phone sees habits and risk factors."""

import strawberry

from api.filters import WORDS, ItemFilter
from api.guard import section_list
from api.item import Item
from api.planner.sources import REPORTS, AnyOf, Embedded, Expr, Words, condition, field, record
from api.scalars import PartialDate
from domain.sections.social_history import SECTION
from domain.sections.social_history import SocialHistory as SocialHistoryRow


@strawberry.type(description="One answer of several. FHIR: Observation.component")
class SocialHistoryAnswer:
    question: str | None = field("What was asked. FHIR: Observation.component.code")
    value: str | None = field("The answer. FHIR: Observation.component.value[x]")
    unit: str | None = field("Unit of a number. FHIR: Observation.component.valueQuantity.unit")


@record(SocialHistoryRow, SECTION.name)
@strawberry.type(description="One habit or circumstance. FHIR: Observation, category social-history")
class SocialHistory(Item):
    encounter_id: strawberry.ID | None = field(
        "The visit in which it was asked. FHIR: Observation.encounter",
        Expr("access.node_id('encounters', {t}.patient_id, {t}.encounter_id)"),
    )
    status: str = field("final, amended, corrected, entered-in-error ... FHIR: Observation.status")
    kind: str | None = field(
        "tobacco, alcohol, drugs, activity, occupation or pregnancy, where it is one. FHIR: Observation.code"
    )
    code_system: str | None = field("Code system of `code`. FHIR: Observation.code.coding.system")
    code: str | None = field("What was asked. FHIR: Observation.code.coding.code")
    display: str | None = field("What was asked, in the sender's words. FHIR: Observation.code.text")
    value: str | None = field("The answer as sent. FHIR: Observation.value[x]")
    value_number: float | None = field("The answer where it is a number. FHIR: Observation.valueQuantity.value")
    unit: str | None = field("Unit of the number. FHIR: Observation.valueQuantity.unit")
    value_system: str | None = field("Code system of `valueCode`. FHIR: Observation.valueCodeableConcept.coding.system")
    value_code: str | None = field("The answer where it is a code. FHIR: Observation.valueCodeableConcept.coding.code")
    ended: PartialDate | None = field(
        "Until when it was so; `occurred` is since when. FHIR: Observation.effectivePeriod"
    )
    answers: list[SocialHistoryAnswer] | None = field("Answers in parts. FHIR: Observation.component", Embedded())
    performer: str | None = field("Who asked. FHIR: Observation.performer")
    note: str | None = field("Remarks. FHIR: Observation.note")
    reports: list["SocialHistory"] = field("Every report of this fact, one a source. FHIR: Provenance", REPORTS)


@strawberry.input(description="Which habits and circumstances.")
class SocialHistoryFilter(ItemFilter):
    codes: list[str] | None = condition(
        "Codes of the question, any of them: 1 to 100.",
        AnyOf("code"),
    )
    kinds: list[str] | None = condition(
        "tobacco, alcohol, drugs, activity, occupation or pregnancy.",
        AnyOf("kind"),
    )
    text: str | None = condition(
        WORDS,
        Words("display", "value", "note"),
    )


@strawberry.type
class SocialHistoryField:
    social_history: list[SocialHistory] | None = section_list(SECTION, "Habits and risk factors.", SocialHistoryFilter)
