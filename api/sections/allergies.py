"""How a phone sees allergies."""

import strawberry

from api.filters import WORDS, ItemFilter, listed
from api.guard import section_list
from api.item import Item
from api.planner.sources import REPORTS, AnyOf, Embedded, Expr, Words, condition, field, record
from api.scalars import PartialDate
from domain.sections.allergies import SECTION
from domain.sections.allergies import Allergy as AllergyRow

REACTIONS = listed("reactions", "substance", "manifestations", "description")


@strawberry.type(description="What happened once. FHIR: AllergyIntolerance.reaction")
class AllergyReaction:
    substance: str | None = field("What it followed. FHIR: AllergyIntolerance.reaction.substance")
    manifestations: list[str] | None = field("What was seen. FHIR: AllergyIntolerance.reaction.manifestation")
    severity: str | None = field("mild, moderate or severe. FHIR: AllergyIntolerance.reaction.severity")
    onset: PartialDate | None = field("When it happened. FHIR: AllergyIntolerance.reaction.onset")
    description: str | None = field("In words. FHIR: AllergyIntolerance.reaction.description")
    exposure_route: str | None = field("How it was taken. FHIR: AllergyIntolerance.reaction.exposureRoute")
    note: str | None = field("Remarks. FHIR: AllergyIntolerance.reaction.note")


@record(AllergyRow, SECTION.name)
@strawberry.type(description="One allergy or intolerance, or that there is none. FHIR: AllergyIntolerance")
class Allergy(Item):
    encounter_id: strawberry.ID | None = field(
        "The visit in which it was noted. FHIR: AllergyIntolerance.encounter",
        Expr("access.node_id('encounters', {t}.patient_id, {t}.encounter_id)"),
    )
    clinical_status: str | None = field("active, inactive or resolved. FHIR: AllergyIntolerance.clinicalStatus")
    verification_status: str | None = field(
        "unconfirmed, confirmed, refuted or entered-in-error. FHIR: AllergyIntolerance.verificationStatus"
    )
    is_absence: bool = field("The sender says that there is no such allergy. FHIR: AllergyIntolerance.code")
    kind: str | None = field("allergy or intolerance. FHIR: AllergyIntolerance.type")
    categories: list[str] | None = field("food, medication, environment, biologic. FHIR: AllergyIntolerance.category")
    criticality: str | None = field("low, high or unable-to-assess. FHIR: AllergyIntolerance.criticality")
    code_system: str | None = field("Code system of `code`. FHIR: AllergyIntolerance.code.coding.system")
    code: str | None = field("The substance. FHIR: AllergyIntolerance.code.coding.code")
    display: str | None = field("The substance, in the sender's words. FHIR: AllergyIntolerance.code.text")
    onset: PartialDate | None = field("Since when. FHIR: AllergyIntolerance.onsetDateTime")
    onset_text: str | None = field("Since when, in words, where no date is known. FHIR: AllergyIntolerance.onsetString")
    last_occurrence: PartialDate | None = field("The last reaction. FHIR: AllergyIntolerance.lastOccurrence")
    recorded_on: PartialDate | None = field("When it was noted. FHIR: AllergyIntolerance.recordedDate")
    reactions: list[AllergyReaction] | None = field("What happened. FHIR: AllergyIntolerance.reaction", Embedded())
    recorder: str | None = field("Who noted it. FHIR: AllergyIntolerance.recorder")
    asserter: str | None = field("Who says so. FHIR: AllergyIntolerance.asserter")
    note: str | None = field("Remarks. FHIR: AllergyIntolerance.note")
    reports: list["Allergy"] = field("Every report of this allergy, one a source. FHIR: Provenance", REPORTS)


@strawberry.input(description="Which allergies.")
class AllergyFilter(ItemFilter):
    codes: list[str] | None = condition(
        "Codes of the substance, any of them: 1 to 100.",
        AnyOf("code"),
    )
    kinds: list[str] | None = condition(
        "allergy or intolerance.",
        AnyOf("kind"),
    )
    text: str | None = condition(
        WORDS,
        Words("display", "onset_text", "note", also=REACTIONS),
    )


@strawberry.type
class AllergiesField:
    allergies: list[Allergy] | None = section_list(SECTION, "Allergies and intolerances.", AllergyFilter)
