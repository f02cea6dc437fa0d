"""How a phone sees vaccinations."""

import strawberry

from api.filters import WORDS, ItemFilter
from api.guard import section_list
from api.item import Item
from api.planner.sources import REPORTS, AnyOf, Embedded, Expr, Words, condition, field, record
from api.scalars import PartialDate
from domain.sections.immunizations import SECTION
from domain.sections.immunizations import Immunization as ImmunizationRow


@strawberry.type(description="What happened after a dose. FHIR: Immunization.reaction")
class ImmunizationReaction:
    occurred: PartialDate | None = field("When it began. FHIR: Immunization.reaction.date")
    description: str | None = field("What happened, in words. FHIR: Immunization.reaction.detail")
    is_self_reported: bool | None = field("Whether the person reported it. FHIR: Immunization.reaction.reported")


@record(ImmunizationRow, SECTION.name)
@strawberry.type(description="One dose of a vaccine, given or not given. FHIR: Immunization")
class Immunization(Item):
    encounter_id: strawberry.ID | None = field(
        "The visit it was given in. FHIR: Immunization.encounter",
        Expr("access.node_id('encounters', {t}.patient_id, {t}.encounter_id)"),
    )
    status: str = field("completed, not-done or entered-in-error. FHIR: Immunization.status")
    status_reason: str | None = field("Why it was not given. FHIR: Immunization.statusReason")
    vaccine_system: str | None = field("Code system of `vaccineCode`. FHIR: Immunization.vaccineCode.coding.system")
    vaccine_code: str | None = field("The vaccine as coded by its sender. FHIR: Immunization.vaccineCode.coding.code")
    vaccine: str | None = field("The vaccine in the sender's words. FHIR: Immunization.vaccineCode.text")
    antigens: list[str] | None = field(
        "What it protects from, by our codes: tetanus, hepB, measles ... Null where the vaccine is not "
        "recognised. FHIR: Immunization.vaccineCode"
    )
    occurred_text: str | None = field("When, in words, where no date is known. FHIR: Immunization.occurrenceString")
    recorded_on: PartialDate | None = field("When the sender wrote it down. FHIR: Immunization.recorded")
    dose_number: int | None = field(
        "Which dose of its series. FHIR: Immunization.protocolApplied.doseNumberPositiveInt"
    )
    dose_label: str | None = field(
        "Which dose, in words (Nhắc lại), where it is no number. FHIR: Immunization.protocolApplied.doseNumberString"
    )
    series: str | None = field("Name of the series. FHIR: Immunization.protocolApplied.series")
    series_doses: int | None = field(
        "How many doses the series has. FHIR: Immunization.protocolApplied.seriesDosesPositiveInt"
    )
    target_diseases: list[str] | None = field(
        "What it is meant against, in the sender's words. FHIR: Immunization.protocolApplied.targetDisease"
    )
    lot_number: str | None = field("Lot of the vaccine. FHIR: Immunization.lotNumber")
    expires_on: PartialDate | None = field("Until when the lot may be used. FHIR: Immunization.expirationDate")
    manufacturer: str | None = field("Who made it. FHIR: Immunization.manufacturer")
    site: str | None = field("Where in the body. FHIR: Immunization.site")
    route: str | None = field("How it was given. FHIR: Immunization.route")
    dose_quantity: float | None = field("How much was given. FHIR: Immunization.doseQuantity.value")
    dose_unit: str | None = field("Unit of `doseQuantity`. FHIR: Immunization.doseQuantity.unit")
    facility_code: str | None = field("MA_CSKCB of the place. FHIR: Immunization.location.identifier")
    facility: str | None = field("Name of the place. FHIR: Immunization.location.display")
    performer_code: str | None = field("Licence number of who gave it. FHIR: Immunization.performer.actor.identifier")
    performer: str | None = field("Name of who gave it. FHIR: Immunization.performer.actor.display")
    programme_code: str | None = field(
        "Code of the programme: expanded, campaign or fee-paying. FHIR: Immunization.programEligibility.coding.code"
    )
    programme: str | None = field("The programme in words. FHIR: Immunization.programEligibility.text")
    reason: str | None = field("Why it was given. FHIR: Immunization.reasonCode")
    is_subpotent: bool | None = field("Whether the dose is not counted as effective. FHIR: Immunization.isSubpotent")
    is_primary_source: bool | None = field(
        "Whether who gave it reported it, rather than somebody who heard of it. FHIR: Immunization.primarySource"
    )
    report_origin: str | None = field("Where a second-hand report is from. FHIR: Immunization.reportOrigin")
    reactions: list[ImmunizationReaction] | None = field(
        "What happened after it. FHIR: Immunization.reaction", Embedded()
    )
    note: str | None = field("Remarks. FHIR: Immunization.note")
    reports: list["Immunization"] = field("Every report of this dose, one a source. FHIR: Provenance", REPORTS)


@strawberry.input(description="Which vaccinations.")
class ImmunizationFilter(ItemFilter):
    codes: list[str] | None = condition(
        "Codes of the vaccine, or antigens such as `measles`, any of them: 1 to 100.",
        AnyOf("vaccine_code", also="jsonb_exists_any({t}.antigens, {v})"),
    )
    kinds: list[str] | None = condition(
        "completed, not-done or entered-in-error.",
        AnyOf("status"),
    )
    text: str | None = condition(
        WORDS,
        Words("vaccine", "series", "target_diseases", "manufacturer", "lot_number", "facility", "note"),
    )


@strawberry.type
class ImmunizationsField:
    immunizations: list[Immunization] | None = section_list(SECTION, "Vaccinations, newest first.", ImmunizationFilter)
