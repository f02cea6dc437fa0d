"""How a phone sees health-insurance cards."""

import strawberry

from api.filters import WORDS, ItemFilter
from api.guard import section_list
from api.item import Item
from api.planner.sources import REPORTS, AnyOf, Embedded, Words, condition, field, record
from api.scalars import PartialDate
from domain.sections.insurance import SECTION
from domain.sections.insurance import Insurance as InsuranceRow


@strawberry.type(description="A plan or group that a policy belongs to. FHIR: Coverage.class")
class InsurancePlan:
    kind: str | None = field("group, plan, class ... FHIR: Coverage.class.type")
    value: str | None = field("Its code. FHIR: Coverage.class.value")
    name: str | None = field("Its name. FHIR: Coverage.class.name")


@record(InsuranceRow, SECTION.name)
@strawberry.type(description="One health-insurance card or policy, for one period of validity. FHIR: Coverage")
class Insurance(Item):
    status: str = field(
        "active, cancelled, draft or entered-in-error; whether it is valid today `validUntil` says. "
        "FHIR: Coverage.status"
    )
    card_number: str | None = field(
        "Number of the card: 15 characters of BHYT, the 10 digits printed since 2021, or another insurer's. "
        "FHIR: Coverage.subscriberId"
    )
    social_insurance_number: str | None = field("The 10 digits of BHXH. FHIR: Coverage.identifier")
    object_group: str | None = field("First two letters of the card (DN, HT, TE ...). FHIR: Coverage.identifier")
    benefit_level: str | None = field("Third character of the card, 1 to 5. FHIR: Coverage.identifier")
    province_code: str | None = field("Province that issued the card, two digits. FHIR: Coverage.identifier")
    valid_from: PartialDate | None = field("First day of validity. FHIR: Coverage.period.start")
    valid_until: PartialDate | None = field("Last day of validity. FHIR: Coverage.period.end")
    registered_facility_code: str | None = field("MA_DKBD: where first care is registered. FHIR: Coverage.extension")
    registered_facility: str | None = field("Name of that facility. FHIR: Coverage.extension")
    area: str | None = field("K1, K2 or K3: disadvantaged area. FHIR: Coverage.extension")
    five_years_on: PartialDate | None = field("When five continuous years are reached. FHIR: Coverage.extension")
    copayment_exempt_from: PartialDate | None = field("Since when there is no co-payment. FHIR: Coverage.extension")
    kind_system: str | None = field("Code system of `kindCode`. FHIR: Coverage.type.coding.system")
    kind_code: str | None = field("Kind of insurance, coded. FHIR: Coverage.type.coding.code")
    kind: str | None = field("Kind of insurance in words. FHIR: Coverage.type.text")
    payer: str | None = field("Who pays. FHIR: Coverage.payor")
    policy_holder: str | None = field("Who owns the policy. FHIR: Coverage.policyHolder")
    subscriber: str | None = field("Whose policy it is. FHIR: Coverage.subscriber")
    relationship: str | None = field("self, child, spouse, parent ... of the subscriber. FHIR: Coverage.relationship")
    dependent: str | None = field("Number of the dependant. FHIR: Coverage.dependent")
    plans: list[InsurancePlan] | None = field("Plans and groups. FHIR: Coverage.class", Embedded())
    reports: list["Insurance"] = field("Every report of this card, one a source. FHIR: Provenance", REPORTS)


@strawberry.input(description="Which health-insurance cards.")
class InsuranceFilter(ItemFilter):
    codes: list[str] | None = condition(
        "Kinds of insurance, coded, any of them: 1 to 100.",
        AnyOf("kind_code"),
    )
    kinds: list[str] | None = condition(
        "active, cancelled, draft or entered-in-error.",
        AnyOf("status"),
    )
    text: str | None = condition(
        WORDS,
        Words("kind", "card_number", "registered_facility", "payer"),
    )


@strawberry.type
class InsuranceField:
    insurance: list[Insurance] | None = section_list(SECTION, "Health-insurance cards, newest first.", InsuranceFilter)
