"""How a phone sees who the book is about."""

import strawberry

from api.guard import section_single
from api.item import Item
from api.planner.sources import REPORTS, Embedded, field, record
from api.scalars import PartialDate
from domain.sections.demographics import SECTION
from domain.sections.demographics import Demographics as DemographicsRow


@strawberry.type(description="A number that names the person. FHIR: Patient.identifier")
class PersonIdentifier:
    kind: str | None = field(
        "cccd, cmnd, bhxh, bhyt, passport, facility_patient_id or other. FHIR: Patient.identifier.type"
    )
    value: str | None = field("The number. FHIR: Patient.identifier.value")
    issuer: str | None = field("Who gave it: MA_CSKCB of a facility, or a name. FHIR: Patient.identifier.assigner")
    system: str | None = field("Which numbers it is one of. FHIR: Patient.identifier.system")


@strawberry.type(description="A parent, guardian or other person to call. FHIR: Patient.contact, RelatedPerson")
class ContactPerson:
    name: str | None = field("Name. FHIR: Patient.contact.name")
    relation: str | None = field(
        "mother, father, parent, guardian, spouse, child, sibling, grandparent, or in words. "
        "FHIR: Patient.contact.relationship"
    )
    phone: str | None = field("Phone number. FHIR: Patient.contact.telecom")


@record(DemographicsRow, SECTION.name)
@strawberry.type(description="Who the book is about, by the newest report. FHIR: Patient")
class Demographics(Item):
    name: str | None = field("Full name, family first. FHIR: Patient.name.text")
    is_temporary_name: bool = field("A newborn sent under a parent's or no name. FHIR: Patient.name.use = temp")
    birth_date: PartialDate | None = field("Date of birth, as exactly as is known. FHIR: Patient.birthDate")
    sex: str | None = field("male, female, other or unknown. FHIR: Patient.gender")
    is_deceased: bool | None = field("Whether the person has died. FHIR: Patient.deceasedBoolean")
    death_date: PartialDate | None = field("When the person died. FHIR: Patient.deceasedDateTime")
    blood_group: str | None = field("A, B, AB or O, with + or - where known. FHIR: Patient.extension")
    ethnicity_code: str | None = field("Ethnic group (MA_DANTOC). FHIR: Patient.extension")
    ethnicity: str | None = field("Ethnic group in words. FHIR: Patient.extension")
    nationality_code: str | None = field("Nationality (MA_QUOCTICH); 000 is Vietnam. FHIR: Patient.extension")
    occupation_code: str | None = field("Occupation (MA_NGHE_NGHIEP). FHIR: Patient.extension")
    marital_status: str | None = field("Marital status. FHIR: Patient.maritalStatus")
    languages: list[str] | None = field("Languages spoken. FHIR: Patient.communication.language")
    phones: list[str] | None = field("Phone numbers, the person's or a relative's. FHIR: Patient.telecom")
    emails: list[str] | None = field("E-mail addresses. FHIR: Patient.telecom")
    address: str | None = field("Where the person lives. FHIR: Patient.address.text")
    province_code: str | None = field("Province of the address, by `addressSystem`. FHIR: Patient.address.extension")
    district_code: str | None = field("District of the address, until 2025-06-30. FHIR: Patient.extension")
    commune_code: str | None = field("Commune of the address, by `addressSystem`. FHIR: Patient.address.extension")
    address_system: str | None = field(
        "Which list the codes are of: 63-provinces until 2025-06-30, 34-provinces since. FHIR: Patient.extension"
    )
    identifiers: list[PersonIdentifier] | None = field("Numbers of the person. FHIR: Patient.identifier", Embedded())
    contacts: list[ContactPerson] | None = field("Whom to call. FHIR: Patient.contact, RelatedPerson", Embedded())
    reports: list["Demographics"] = field("What each source says of the person. FHIR: Provenance", REPORTS)


@strawberry.type
class DemographicsField:
    demographics: Demographics | None = section_single(SECTION, "Who the book is about.")
