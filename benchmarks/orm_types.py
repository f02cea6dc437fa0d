"""The types of the comparison with an ORM: what a good engineer writes with Strawberry over mapped classes.

Resolvers return mapped rows; plain fields are attributes of theirs. Only the fields that record.graphql and
home.graphql ask for are declared.
"""

import base64
from typing import Any, Generic, TypeVar
from uuid import UUID

import strawberry
from strawberry import Info

T = TypeVar("T")


def node_id(kind: str, patient_id: UUID, id_: UUID | None) -> strawberry.ID | None:
    if id_ is None:
        return None
    raw = kind.encode() + patient_id.bytes + id_.bytes
    return strawberry.ID(base64.urlsafe_b64encode(raw).rstrip(b"=").decode())


def picked(type_: type[T], found: list[dict[str, Any]] | None) -> list[T] | None:
    """Objects kept as JSON, as instances of their type."""
    if found is None:
        return None
    names = type_.__annotations__
    return [type_(**{name: one.get(name) for name in names}) for one in found]


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Page(Generic[T]):
    nodes: list[T]
    page_info: PageInfo


@strawberry.type
class Source:
    organization_code: str
    organization_name: str | None
    document: str
    received_at: str


@strawberry.type
class Fact:
    occurred: str | None

    @strawberry.field
    def id(self, root: strawberry.Parent[Any]) -> strawberry.ID:
        return node_id(root.__tablename__, root.patient_id, root.id)  # type: ignore[return-value]

    @strawberry.field
    def is_contradicted(self, root: strawberry.Parent[Any]) -> bool:
        return bool(root.contradicted)

    @strawberry.field
    def sensitivity(self, root: strawberry.Parent[Any]) -> str | None:
        return root.sensitivity or None

    @strawberry.field
    def sources(self, root: strawberry.Parent[Any]) -> list[Source]:
        return picked(Source, root.sources) or []


@strawberry.type
class OfVisit(Fact):
    @strawberry.field
    def encounter_id(self, root: strawberry.Parent[Any]) -> strawberry.ID | None:
        return node_id("encounters", root.patient_id, root.encounter_id)


@strawberry.type
class Identifier:
    kind: str | None
    value: str | None
    issuer: str | None


@strawberry.type
class Contact:
    name: str | None
    relation: str | None
    phone: str | None


@strawberry.type
class Demographics(Fact):
    name: str | None
    birth_date: str | None
    sex: str | None
    blood_group: str | None
    ethnicity_code: str | None
    occupation_code: str | None
    phones: list[str] | None
    address: str | None
    province_code: str | None
    commune_code: str | None

    @strawberry.field
    def identifiers(self, root: strawberry.Parent[Any]) -> list[Identifier] | None:
        return picked(Identifier, root.identifiers)

    @strawberry.field
    def contacts(self, root: strawberry.Parent[Any]) -> list[Contact] | None:
        return picked(Contact, root.contacts)


@strawberry.type
class Reaction:
    manifestations: list[str] | None
    severity: str | None


@strawberry.type
class Allergy(Fact):
    display: str | None
    code: str | None
    kind: str | None
    criticality: str | None
    clinical_status: str | None
    is_absence: bool
    categories: list[str] | None
    onset: str | None

    @strawberry.field
    def reactions(self, root: strawberry.Parent[Any]) -> list[Reaction] | None:
        return picked(Reaction, root.reactions)


@strawberry.type
class Condition(OfVisit):
    category: str | None
    rank: str | None
    clinical_status: str | None
    icd10: str | None
    display: str | None
    onset: str | None


@strawberry.type
class FamilyHistory(Fact):
    relation: str | None
    relation_code: str | None
    display: str | None
    icd10: str | None
    onset_age_years: float | None
    is_deceased: bool | None
    note: str | None


@strawberry.type
class SocialHistory(Fact):
    kind: str | None
    display: str | None
    value: str | None
    value_number: float | None
    unit: str | None
    note: str | None


@strawberry.type
class Immunization(Fact):
    status: str
    vaccine: str | None
    vaccine_code: str | None
    antigens: list[str] | None
    dose_number: int | None
    lot_number: str | None
    manufacturer: str | None
    site: str | None
    facility: str | None
    facility_code: str | None


@strawberry.type
class Diagnosis:
    code: str | None
    display: str | None
    rank: int | None


@strawberry.type
class Practitioner:
    name: str | None
    code: str | None
    role: str | None


@strawberry.type
class Encounter(Fact):
    ended_at: str | None
    status: str
    class_code: str | None
    type_code: str | None
    facility_code: str | None
    facility_name: str | None
    reason: str | None
    final_diagnosis: str | None
    advice: str | None
    result_code: str | None
    treatment_days: int | None
    total_cost: float | None
    paid_by_insurance: float | None
    copayment: float | None

    @strawberry.field
    def diagnoses(self, root: strawberry.Parent[Any]) -> list[Diagnosis] | None:
        return picked(Diagnosis, root.diagnoses)

    @strawberry.field
    def practitioners(self, root: strawberry.Parent[Any]) -> list[Practitioner] | None:
        return picked(Practitioner, root.practitioners)


@strawberry.type
class Procedure(OfVisit):
    category: str | None
    display: str | None
    service_code: str | None
    anaesthesia_code: str | None
    outcome: str | None
    performers: list[str] | None


@strawberry.type
class Lab(OfVisit):
    status: str
    code: str | None
    display: str | None
    value: str | None
    value_number: float | None
    unit: str | None
    reference_low: float | None
    reference_high: float | None
    interpretation: str | None


@strawberry.type
class Imaging(OfVisit):
    category: str | None
    display: str | None
    service_code: str | None
    modalities: list[str] | None
    body_site: str | None
    description: str | None
    conclusion: str | None
    performer: str | None


@strawberry.type
class Vital(OfVisit):
    code: str | None
    display: str | None
    value: str | None
    value_number: float | None
    unit: str | None
    systolic: float | None
    diastolic: float | None


@strawberry.type
class PrescriptionItem:
    position: int
    drug: str | None
    drug_code: str | None
    strength: str | None
    form: str | None
    route: str | None
    quantity: float | None
    unit: str | None
    dose_text: str | None
    times_per_day: float | None
    dose_per_time: float | None


@strawberry.type
class Dispense:
    occurred: str | None
    drug: str | None
    quantity: float | None
    unit: str | None
    pharmacy: str | None


@strawberry.type
class Prescription(OfVisit):
    kind: str
    status: str
    code: str | None
    prescriber: str | None
    facility: str | None
    diagnosis: str | None
    valid_until: str | None

    @strawberry.field
    async def items(self, root: strawberry.Parent[Any], info: Info) -> list[PrescriptionItem]:
        return list(await info.context["loaders"].items.load((root.patient_id, root.id)))

    @strawberry.field
    async def dispenses(self, root: strawberry.Parent[Any], info: Info) -> list[Dispense]:
        return list(await info.context["loaders"].dispenses.load((root.patient_id, root.id, root.code)))


@strawberry.type
class Referral(Fact):
    status: str
    number: str | None
    from_facility: str | None
    to_facility: str | None
    to_facility_code: str | None
    diagnosis: str | None
    reason_code: str | None
    valid_until: str | None


@strawberry.type
class FollowUp(OfVisit):
    kind: str
    status: str
    number: str | None
    title: str | None
    facility: str | None
    doctor: str | None
    diagnosis: str | None
    instruction: str | None


@strawberry.type
class Insurance(Fact):
    status: str
    card_number: str | None
    object_group: str | None
    benefit_level: str | None
    valid_from: str | None
    valid_until: str | None
    registered_facility_code: str | None
    registered_facility: str | None


@strawberry.type
class Document(OfVisit):
    kind: str
    status: str
    title: str | None
    number: str | None
    author: str | None
    custodian: str | None
