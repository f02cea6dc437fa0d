"""How a phone sees prescriptions, their drugs and what pharmacies gave out."""

import strawberry

from api.filters import WORDS, ItemFilter
from api.guard import section_connection
from api.item import Item, Source
from api.pagination import Connection
from api.planner.sources import REPORTS, AnyOf, Column, Embedded, Expr, Rel, Words, condition, field, record
from api.reasons import ReasonDiagnosis
from api.scalars import Instant, PartialDate
from domain.sections.prescriptions import GIVEN_OUT, SECTION
from domain.sections.prescriptions import Dispense as DispenseRow
from domain.sections.prescriptions import Prescription as PrescriptionRow
from domain.sections.prescriptions import PrescriptionItem as PrescriptionItemRow

DISPENSES = Rel(f"{{r}}.shown and {GIVEN_OUT}", order="{r}.occurred, {r}.id")

ITEMS = "from book.prescription_items i where i.patient_id = $1::uuid and i.prescription_id = {t}.id"
DRUG_CODES = f"exists (select {ITEMS} and (i.drug_code = any ({{v}}) or i.atc_code = any ({{v}})))"
DRUGS = f"(select string_agg(i.drug, E'\\n') {ITEMS})"


@record(PrescriptionItemRow, SECTION.name)
@strawberry.type(description="One drug of a prescription. FHIR: MedicationRequest")
class PrescriptionItem:
    position: int = field("Its place in the prescription, from 1.")
    status: str | None = field(
        "active, on-hold, cancelled, completed, stopped, entered-in-error, draft or unknown. "
        "FHIR: MedicationRequest.status"
    )
    is_prohibited: bool = field("The drug must NOT be taken. FHIR: MedicationRequest.doNotPerform")
    drug_system: str | None = field("Code system of `drugCode`. FHIR: MedicationRequest.medication[x].coding.system")
    drug_code: str | None = field(
        "The drug as coded by its sender; MA_THUOC is the active ingredient, never a product. "
        "FHIR: MedicationRequest.medication[x].coding.code"
    )
    drug: str | None = field("The drug in the sender's words. FHIR: MedicationRequest.medication[x].text")
    atc_code: str | None = field("ATC code, where sent. FHIR: MedicationRequest.medication[x].coding.code")
    registration: str | None = field("Marketing authorisation, SO_DANG_KY. FHIR: MedicationRequest.extension")
    preparation_code: str | None = field(
        "MA_PP_CHEBIEN: how a traditional drug is prepared. FHIR: MedicationRequest.extension"
    )
    strength: str | None = field("Strength as sent. FHIR: Medication.ingredient.strength")
    form: str | None = field("Dosage form as sent. FHIR: Medication.form")
    route_system: str | None = field("Code system of `routeCode`. FHIR: Dosage.route.coding.system")
    route_code: str | None = field("How to take it, coded. FHIR: Dosage.route.coding.code")
    route: str | None = field("How to take it, in words. FHIR: Dosage.route.text")
    quantity: float | None = field("How much was prescribed. FHIR: MedicationRequest.dispenseRequest.quantity.value")
    unit: str | None = field("Unit of `quantity`. FHIR: MedicationRequest.dispenseRequest.quantity.unit")
    dose_text: str | None = field(
        "The dose as written: the only binding form of it. FHIR: MedicationRequest.dosageInstruction.text"
    )
    instructions: str | None = field("The doctor's instruction. FHIR: Dosage.patientInstruction")
    dose_kind: str | None = field(
        "regular, uneven, traditional or topical, where the dose was understood; the figures below are best effort, "
        "to sort and to remind. FHIR: Dosage"
    )
    dose_per_time: float | None = field("How much at a time. FHIR: Dosage.doseAndRate.doseQuantity.value")
    dose_unit: str | None = field("Unit of the dose. FHIR: Dosage.doseAndRate.doseQuantity.unit")
    times_per_day: float | None = field("How often a day. FHIR: Dosage.timing.repeat.frequency")
    per_day: float | None = field("How much a day. FHIR: MedicationRequest.extension")
    morning: float | None = field("How much in the morning, of an uneven dose. FHIR: Dosage.timing.repeat.when MORN")
    noon: float | None = field("How much at noon, of an uneven dose. FHIR: Dosage.timing.repeat.when NOON")
    afternoon: float | None = field("How much in the afternoon, of an uneven dose. FHIR: Dosage.timing.repeat.when AFT")
    evening: float | None = field("How much in the evening, of an uneven dose. FHIR: Dosage.timing.repeat.when EVE")
    dose_days: int | None = field("For how many days. FHIR: Dosage.timing.repeat.boundsDuration")
    is_as_needed: bool | None = field("Only when needed. FHIR: Dosage.asNeededBoolean")
    as_needed_for: str | None = field("When it is needed. FHIR: Dosage.asNeededCodeableConcept")
    starts: PartialDate | None = field("From when. FHIR: Dosage.timing.repeat.boundsPeriod.start")
    ends: PartialDate | None = field("Until when. FHIR: Dosage.timing.repeat.boundsPeriod.end")
    given_at: PartialDate | None = field(
        "When it was given in the facility. FHIR: MedicationAdministration.effective[x]"
    )
    refills: int | None = field(
        "How often it may be fetched again. FHIR: MedicationRequest.dispenseRequest.numberOfRepeatsAllowed"
    )
    supply_days: int | None = field(
        "For how many days the supply should last. FHIR: MedicationRequest.dispenseRequest.expectedSupplyDuration"
    )
    is_substitution_allowed: bool | None = field(
        "Whether a pharmacy may give another product. FHIR: MedicationRequest.substitution.allowed[x]"
    )
    department: str | None = field("MA_KHOA: department that ordered it. FHIR: MedicationRequest.extension")
    payer: str | None = field(
        "NGUON_CTRA: 1 insurance, 2 project, 3 national programme, 4 other. FHIR: MedicationRequest.extension"
    )
    scope: str | None = field(
        "PHAM_VI: 1 paid by insurance, 2 by the patient, 3 army, police, cipher. FHIR: MedicationRequest.extension"
    )
    note: str | None = field("Remarks. FHIR: MedicationRequest.note")


@record(DispenseRow, SECTION.name)
@strawberry.type(description="What a pharmacy gave out at one time: one drug. FHIR: MedicationDispense")
class Dispense:
    occurred: PartialDate | None = field("When it was handed over. FHIR: MedicationDispense.whenHandedOver")
    recorded_at: Instant = field(
        "When the book received the report shown. FHIR: meta.lastUpdated", Column("received_at")
    )
    sensitivity: str | None = field(
        "HIV, MENTAL, REPRODUCTIVE, SUBSTANCE, GENETIC or VIOLENCE, where it is one. FHIR: meta.security",
        Expr("nullif({t}.sensitivity, '')"),
    )
    is_contradicted: bool = field("Whether the sources disagree.", Column("contradicted"))
    sources: list[Source] = field("Everybody who reported this. FHIR: Provenance", Embedded())
    prescription_code: str | None = field(
        "Code of the prescription. FHIR: MedicationDispense.authorizingPrescription.identifier"
    )
    status: str = field(
        "preparation, in-progress, cancelled, on-hold, completed, entered-in-error, stopped, declined or unknown. "
        "FHIR: MedicationDispense.status"
    )
    status_reason: str | None = field("Why not. FHIR: MedicationDispense.statusReason[x]")
    kind: str | None = field("FF first fill, RF refill, PF part fill ... FHIR: MedicationDispense.type")
    drug_system: str | None = field("Code system of `drugCode`. FHIR: MedicationDispense.medication[x].coding.system")
    drug_code: str | None = field("The drug given, coded. FHIR: MedicationDispense.medication[x].coding.code")
    drug: str | None = field("The drug given, in words. FHIR: MedicationDispense.medication[x].text")
    atc_code: str | None = field("ATC code, where sent. FHIR: MedicationDispense.medication[x].coding.code")
    registration: str | None = field("Marketing authorisation. FHIR: MedicationDispense.extension")
    strength: str | None = field("Strength as sent. FHIR: Medication.ingredient.strength")
    form: str | None = field("Dosage form as sent. FHIR: Medication.form")
    lot_number: str | None = field("Lot of the drug. FHIR: Medication.batch.lotNumber")
    expires_on: PartialDate | None = field("Until when it may be used. FHIR: Medication.batch.expirationDate")
    quantity: float | None = field("How much was given. FHIR: MedicationDispense.quantity.value")
    unit: str | None = field("Unit of `quantity`. FHIR: MedicationDispense.quantity.unit")
    supply_days: int | None = field("For how many days it lasts. FHIR: MedicationDispense.daysSupply")
    prepared_at: PartialDate | None = field("When it was made ready. FHIR: MedicationDispense.whenPrepared")
    dose_text: str | None = field("The dose on the label. FHIR: MedicationDispense.dosageInstruction.text")
    instructions: str | None = field(
        "The pharmacist's instruction. FHIR: MedicationDispense.dosageInstruction.patientInstruction"
    )
    dispenser_code: str | None = field("Licence number of who gave it. FHIR: MedicationDispense.performer.actor")
    dispenser: str | None = field("Name of who gave it. FHIR: MedicationDispense.performer.actor.display")
    pharmacy_code: str | None = field("Code of the pharmacy. FHIR: MedicationDispense.performer.actor.identifier")
    pharmacy: str | None = field("Name of the pharmacy. FHIR: MedicationDispense.performer.actor.display")
    receiver: str | None = field("Who fetched it. FHIR: MedicationDispense.receiver")
    is_substituted: bool | None = field(
        "Whether another product was given. FHIR: MedicationDispense.substitution.wasSubstituted"
    )
    substitution_reason: str | None = field("Why another product. FHIR: MedicationDispense.substitution.reason")
    invoice_number: str | None = field("Number of the invoice. FHIR: MedicationDispense.extension")
    note: str | None = field("Remarks. FHIR: MedicationDispense.note")


@record(PrescriptionRow, SECTION.name)
@strawberry.type(
    description="What was ordered together, or what a person says to take. "
    "FHIR: MedicationRequest sharing a groupIdentifier, MedicationStatement"
)
class Prescription(Item):
    encounter_id: strawberry.ID | None = field(
        "The visit it was written in. FHIR: MedicationRequest.encounter",
        Expr("access.node_id('encounters', {t}.patient_id, {t}.encounter_id)"),
    )
    kind: str = field("prescription, or statement: what somebody says is taken. FHIR: resourceType")
    status: str = field(
        "active, on-hold, cancelled, completed, stopped, draft, entered-in-error, unknown; of a statement also "
        "intended and not-taken. FHIR: MedicationRequest.status"
    )
    status_reason: str | None = field("Why it was stopped. FHIR: MedicationRequest.statusReason")
    intent: str | None = field("order, plan, proposal, instance-order ... FHIR: MedicationRequest.intent")
    category: str | None = field("inpatient, outpatient, community or discharge. FHIR: MedicationRequest.category")
    priority: str | None = field("routine, urgent, asap or stat. FHIR: MedicationRequest.priority")
    code_system: str | None = field("System of `code`. FHIR: MedicationRequest.groupIdentifier.system")
    code: str | None = field("The national code, as sent. FHIR: MedicationRequest.groupIdentifier.value")
    form: str | None = field(
        "common, narcotic, psychotropic or traditional, by the national code. FHIR: MedicationRequest.groupIdentifier"
    )
    replaces_code: str | None = field("Code of the one it corrects. FHIR: MedicationRequest.priorPrescription")
    prescriber_code: str | None = field("Licence number of the doctor. FHIR: MedicationRequest.requester.identifier")
    prescriber: str | None = field("Name of the doctor. FHIR: MedicationRequest.requester.display")
    facility_code: str | None = field("MA_CSKCB of the facility. FHIR: MedicationRequest.requester.identifier")
    facility: str | None = field("Name of the facility. FHIR: MedicationRequest.requester.display")
    diagnosis: str | None = field("Diagnoses in words. FHIR: MedicationRequest.extension")
    diagnoses: list[ReasonDiagnosis] | None = field(
        "Diagnoses, the main one first. FHIR: MedicationRequest.reasonCode", Embedded()
    )
    drugs: list[str] | None = field("Names and strengths, for a list. FHIR: MedicationRequest.medication[x]")
    valid_from: PartialDate | None = field(
        "First day it may be filled. FHIR: MedicationRequest.dispenseRequest.validityPeriod.start"
    )
    valid_until: PartialDate | None = field(
        "Last day it may be filled, where the sender says so. "
        "FHIR: MedicationRequest.dispenseRequest.validityPeriod.end"
    )
    items: list[PrescriptionItem] = field(
        "Its drugs. FHIR: MedicationRequest", Rel("{r}.prescription_id = {t}.id", order="{r}.position")
    )
    dispenses: list[Dispense] = field("What pharmacies gave out of it. FHIR: MedicationDispense", DISPENSES)
    reports: list["Prescription"] = field("Every report of it, one a source. FHIR: Provenance", REPORTS)


@strawberry.input(description="Which prescriptions.")
class PrescriptionFilter(ItemFilter):
    codes: list[str] | None = condition(
        "Codes of a drug, its sender's or ATC, any of them: 1 to 100.",
        AnyOf(also=DRUG_CODES),
    )
    kinds: list[str] | None = condition(
        "inpatient, outpatient, community or discharge.",
        AnyOf("category"),
    )
    text: str | None = condition(
        WORDS,
        Words("drugs", "diagnosis", "prescriber", "facility", "code", also=DRUGS),
    )


@strawberry.type
class PrescriptionsField:
    prescriptions: Connection[Prescription] | None = section_connection(
        SECTION, "Prescriptions, newest first.", PrescriptionFilter
    )
