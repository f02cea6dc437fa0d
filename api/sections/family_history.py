"""How a phone sees illnesses of relatives."""

import strawberry

from api.filters import WORDS, ItemFilter
from api.guard import section_list
from api.item import Item
from api.planner.sources import REPORTS, AnyOf, Words, condition, field, record
from api.scalars import PartialDate
from domain.sections.family_history import SECTION
from domain.sections.family_history import FamilyHistory as FamilyHistoryRow


@record(FamilyHistoryRow, SECTION.name)
@strawberry.type(description="One illness of one relative. FHIR: FamilyMemberHistory")
class FamilyHistory(Item):
    status: str = field("partial, completed, entered-in-error or health-unknown. FHIR: FamilyMemberHistory.status")
    relation_system: str | None = field(
        "Code system of `relationCode`. FHIR: FamilyMemberHistory.relationship.coding.system"
    )
    relation_code: str | None = field(
        "Which relative (MTH, FTH ...). FHIR: FamilyMemberHistory.relationship.coding.code"
    )
    relation: str | None = field("Which relative, in words. FHIR: FamilyMemberHistory.relationship.text")
    relative_name: str | None = field("The relative's name, where given. FHIR: FamilyMemberHistory.name")
    relative_sex: str | None = field("male, female, other or unknown. FHIR: FamilyMemberHistory.sex")
    born: PartialDate | None = field("When the relative was born. FHIR: FamilyMemberHistory.bornDate")
    born_text: str | None = field("The same in words, where no date is known. FHIR: FamilyMemberHistory.bornString")
    is_deceased: bool | None = field("Whether the relative has died. FHIR: FamilyMemberHistory.deceasedBoolean")
    deceased: PartialDate | None = field("When the relative died. FHIR: FamilyMemberHistory.deceasedDate")
    deceased_text: str | None = field(
        "When or at what age, in words, where no date is known. FHIR: FamilyMemberHistory.deceasedString"
    )
    code_system: str | None = field("Code system of `code`. FHIR: FamilyMemberHistory.condition.code.coding.system")
    code: str | None = field("The illness as coded by its sender. FHIR: FamilyMemberHistory.condition.code.coding.code")
    icd10: str | None = field(
        "The ICD-10 code, where there is one. FHIR: FamilyMemberHistory.condition.code.coding.code"
    )
    display: str | None = field("The illness in the sender's words. FHIR: FamilyMemberHistory.condition.code.text")
    onset: PartialDate | None = field("When the relative fell ill. FHIR: FamilyMemberHistory.condition.onsetPeriod")
    onset_age_years: float | None = field("At what age, in years. FHIR: FamilyMemberHistory.condition.onsetAge")
    onset_text: str | None = field(
        "When or at what age, in words, where neither is known. FHIR: FamilyMemberHistory.condition.onsetString"
    )
    outcome: str | None = field("What became of it. FHIR: FamilyMemberHistory.condition.outcome")
    contributed_to_death: bool | None = field(
        "Whether the relative died of it. FHIR: FamilyMemberHistory.condition.contributedToDeath"
    )
    note: str | None = field("Remarks. FHIR: FamilyMemberHistory.note")
    reports: list["FamilyHistory"] = field("Every report of this fact, one a source. FHIR: Provenance", REPORTS)


@strawberry.input(description="Which illnesses of relatives.")
class FamilyHistoryFilter(ItemFilter):
    codes: list[str] | None = condition(
        "Codes of the illness, its sender's or ICD-10, any of them: 1 to 100.",
        AnyOf("code", "icd10"),
    )
    kinds: list[str] | None = condition(
        "Relatives, as `relationCode` shows them: MTH, FTH ...",
        AnyOf("relation_code"),
    )
    text: str | None = condition(
        WORDS,
        Words("display", "relation", "onset_text", "outcome", "note"),
    )


@strawberry.type
class FamilyHistoryField:
    family_history: list[FamilyHistory] | None = section_list(SECTION, "Illnesses of relatives.", FamilyHistoryFilter)
