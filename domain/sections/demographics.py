"""Who the book is about: name, birth, address, numbers, and who may be called.

FHIR R4 Patient, with its RelatedPersons as contacts; QĐ 4750 XML1 4-16 (XML0 for a visit in progress), parents and
guardian from XML7 and XML8. Names put the family first, as Vietnam does, where FHIR sends the parts alone. Codes of
places, ethnic group, nationality ("000" is Vietnam) and occupation are the state's, kept as sent.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, Item
from domain.exchange import fhir_out as out
from domain.exchange import persons
from domain.exchange.extensions import Extensions
from domain.exchange.fhir import Resource
from domain.exchange.qd4750 import CheckIn, Summary, Visit, lookup
from domain.identity.identifiers import Identifier, IdentifierKind, card, classify, facility_patient_id
from domain.identity.names import name_key
from domain.identity.newborns import is_anothers, is_newborn
from domain.sections.section import Section
from domain.values import PartialDate, day_of

BIRTH_TIME = "http://hl7.org/fhir/StructureDefinition/patient-birthTime"
TWO_LEVELS_SINCE = "2025-07-01"  # QĐ 19/2025/QĐ-TTg: 34 provinces, no districts
SEXES = ("male", "female", "other", "unknown")
_DIED = ("5", "8")  # KET_QUA_DTRI: in the facility, outside
EXTENSIONS = Extensions(
    "patient",
    {
        "blood_group": "valueString",
        "ethnicity_code": "valueCode",
        "ethnicity": "valueString",
        "nationality_code": "valueCode",
        "occupation_code": "valueCode",
        "district_code": "valueCode",
        "address_system": "valueCode",
    },
)


class Demographics(Item, Base):
    __tablename__ = "demographics"

    name: Mapped[str | None] = mapped_column(default=None)
    is_temporary_name: Mapped[bool] = mapped_column(default=False)
    birth_date: Mapped[PartialDate | None] = mapped_column(default=None)
    sex: Mapped[str | None] = mapped_column(default=None)
    is_deceased: Mapped[bool | None] = mapped_column(default=None)
    death_date: Mapped[PartialDate | None] = mapped_column(default=None)
    blood_group: Mapped[str | None] = mapped_column(default=None)
    ethnicity_code: Mapped[str | None] = mapped_column(default=None)
    ethnicity: Mapped[str | None] = mapped_column(default=None)
    nationality_code: Mapped[str | None] = mapped_column(default=None)
    occupation_code: Mapped[str | None] = mapped_column(default=None)
    marital_status: Mapped[str | None] = mapped_column(default=None)
    languages: Mapped[list[str] | None] = mapped_column(default=None)
    phones: Mapped[list[str] | None] = mapped_column(default=None)
    emails: Mapped[list[str] | None] = mapped_column(default=None)
    address: Mapped[str | None] = mapped_column(default=None)
    province_code: Mapped[str | None] = mapped_column(default=None)
    district_code: Mapped[str | None] = mapped_column(default=None)
    commune_code: Mapped[str | None] = mapped_column(default=None)
    address_system: Mapped[str | None] = mapped_column(default=None)
    identifiers: Mapped[list[dict[str, Any]] | None] = mapped_column(default=None)
    contacts: Mapped[list[dict[str, Any]] | None] = mapped_column(default=None)

    def fact(self) -> tuple[str | None, ...]:
        """One for each patient: every sender describes the same person."""
        return ("demographics",)

    def content(self) -> tuple[object, ...]:
        """Who the person is; addresses and phones change without contradiction, and so does a newborn's name."""
        name = None if self.is_temporary_name or not self.name else name_key(self.name)
        year, _, day = (self.birth_date or "").partition("-")
        return (name, year, day, self.sex, self.blood_group)


def from_fhir(resource: Resource) -> Iterable[Demographics]:
    if resource.type != "Patient":
        return
    name, use = persons.name_of(resource)
    address = persons.address_of(resource)
    marital = resource.concept("maritalStatus")
    died = resource.date("deceasedDateTime")
    meta = resource.child("meta")
    yield Demographics(
        id=resource.row_id,
        document="Patient",
        occurred=meta.date("lastUpdated") if meta else None,
        name=name,
        is_temporary_name=use == "temp",
        birth_date=_birth(resource),
        sex=_sex(resource),
        is_deceased=True if died else resource.boolean("deceasedBoolean"),
        death_date=died,
        marital_status=marital.display or marital.code,
        languages=_languages(resource) or None,
        phones=persons.phones_of(resource) or None,
        emails=persons.emails_of(resource) or None,
        address=address.text,
        province_code=address.province,
        commune_code=address.commune,
        identifiers=persons.identifiers_of(resource) or None,
        contacts=persons.contacts_of(resource) or None,
        **EXTENSIONS.read(resource),
    )


def _birth(resource: Resource) -> PartialDate | None:
    """birthDate, or the birth with its time where the sender gives one."""
    beside = resource.child("_birthDate")
    times = [moment for node in persons.extensions_at(beside, BIRTH_TIME) if (moment := node.date("valueDateTime"))]
    return next(iter(times), None) or resource.date("birthDate")


def _sex(resource: Resource) -> str | None:
    gender = resource.string("gender")
    if gender is not None and gender not in SEXES:
        resource.warn("gender", "is not male, female, other or unknown", "code-invalid")
        return None
    return gender


def _languages(resource: Resource) -> list[str]:
    spoken = (node.concept("language") for node in resource.children("communication"))
    return [words for language in spoken if (words := language.code or language.display)]


def from_qd4750(visit: Visit) -> Iterable[Demographics]:
    row, subject = _row(visit), visit.subject
    numbers = _numbers(visit)
    newborn = _is_newborn(visit, row, numbers)
    yield Demographics(
        document="XML1" if visit.summary else "XML0",
        occurred=row.arrived_at,
        name=subject.name,
        is_temporary_name=newborn,
        birth_date=subject.born,
        sex=subject.gender,
        identifiers=_identifiers(visit, numbers, newborn=newborn) or None,
        contacts=_contacts(visit) or None,
        **(_said_by(visit.summary) if visit.summary else {}),
    )


def _row(visit: Visit) -> Summary | CheckIn:
    return visit.summary or visit.check_in[0]


def _numbers(visit: Visit) -> list[Identifier]:
    """Each number that can be read, once: SO_CCCD, the cards and what they tell, the facility's own."""
    subject = visit.subject
    personal, _ = classify(subject.personal_number)
    on_cards = [number for one in subject.cards for number in card(one.number)[0]]
    local = facility_patient_id(visit.facility, subject.facility_patient_id)
    return list(dict.fromkeys(number for number in (personal, *on_cards, local) if number))


def _is_newborn(visit: Visit, row: Summary | CheckIn, numbers: list[Identifier]) -> bool:
    """The name may be a parent's, or nobody's (XML1 HO_TEN of a newborn without a number)."""
    subject, day = visit.subject, day_of(row.arrived_at)
    if not subject.name or day is None:
        return False
    return is_newborn(subject.name, numbers, subject.born, subject.gender, date.fromisoformat(day))


def _identifiers(visit: Visit, numbers: list[Identifier], *, newborn: bool) -> list[dict[str, Any]]:
    """The numbers as the book keeps them; one in SO_CCCD that is of no known kind (birth certificate) as sent.

    A parent's number that came with a newborn is left out: it would name the parent.
    """
    own = [number for number in numbers if not (newborn and _is_a_parents(visit, number))]
    found = [persons.identifier(number.kind.value, number.value, number.issuer) for number in own]
    raw = visit.subject.personal_number
    is_read = raw is None or classify(raw)[0] is not None
    return found if is_read or raw is None else [*found, persons.identifier(persons.OTHER, raw)]


def _is_a_parents(visit: Visit, number: Identifier) -> bool:
    if number.kind is IdentifierKind.CCCD:
        return is_anothers(number, visit.subject.born, visit.subject.gender)
    return number.kind is IdentifierKind.CMND


def _contacts(visit: Visit) -> list[dict[str, Any]]:
    """Parents (XML7, XML8) and guardian (XML8), each once."""
    papers = [paper for paper in (visit.discharge, visit.record_summary) if paper]
    named = [("father", paper.father_name) for paper in papers] + [("mother", paper.mother_name) for paper in papers]
    if visit.record_summary:
        named.append(("guardian", visit.record_summary.guardian_name))
    once = {(relation, name_key(name)): name for relation, name in named if name}
    return [{"name": name, "relation": relation} for (relation, _), name in once.items()]


def _said_by(summary: Summary) -> dict[str, Any]:
    """What XML1 says and XML0 has no field for."""
    ethnicity = lookup("MA_DANTOC", summary.ethnicity) if summary.ethnicity else None
    return {
        "is_deceased": True if summary.result in _DIED else None,
        "blood_group": summary.blood_group,
        "ethnicity_code": summary.ethnicity,
        "ethnicity": ethnicity.vi if ethnicity else None,
        "nationality_code": summary.nationality,
        "occupation_code": summary.occupation,
        "phones": [summary.phone] if summary.phone else None,
        "address": summary.address,
        "province_code": summary.province,
        "district_code": summary.district,
        "commune_code": summary.commune,
        "address_system": _address_system(summary),
    }


def _address_system(summary: Summary) -> str | None:
    """Which list of places the codes are of; a district tells, else the day of the visit."""
    if not (summary.province or summary.district or summary.commune):
        return None
    is_before = bool(summary.arrived_at and summary.arrived_at < TWO_LEVELS_SINCE)
    return "63-provinces" if summary.district or is_before else "34-provinces"


def to_fhir(row: Demographics) -> dict[str, Any]:
    birth = row.birth_date or ""
    time = {"extension": [{"url": BIRTH_TIME, "valueDateTime": birth}]} if "T" in birth else None
    name = {"use": "temp" if row.is_temporary_name else "official", "text": row.name} if row.name else None
    body = out.resource(
        "Patient",
        row,
        extension=EXTENSIONS.write(row),
        identifier=persons.identifiers_out(row.identifiers or []),
        name=out.listed([name]),
        telecom=persons.telecom_out(row.phones or [], row.emails or []),
        gender=row.sex,
        birthDate=birth[: len("2025-03-14")],
        _birthDate=time,
        **({"deceasedDateTime": row.death_date} if row.death_date else {"deceasedBoolean": row.is_deceased}),
        address=out.listed([persons.address_out(row.address, row.province_code, row.commune_code)]),
        maritalStatus=out.concept(None, None, row.marital_status),
        contact=persons.contacts_out(row.contacts or []),
        communication=[{"language": {"text": language}} for language in row.languages or []],
    )
    return {**body, "id": str(row.patient_id)}


SECTION = Section(
    name="demographics",
    vi="Thông tin hành chính",
    en="Personal details",
    holds=("Patient", "RelatedPerson"),
    smart=("patient/Patient.rs", "patient/RelatedPerson.rs"),
    model=Demographics,
    from_fhir=from_fhir,
    from_qd4750=from_qd4750,
    to_fhir=to_fhir,
)
