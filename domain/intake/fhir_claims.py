"""Who a FHIR Patient says he is: the claim that matching compares.

National numbers count by their system, or without a system by their type (v2-0203 NI, PPN, MR, PI). A number of
another system is known only to its sender: it identifies a person at that facility, together with its system.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import date

from domain.exchange import fhir_systems as systems
from domain.exchange import persons
from domain.exchange.fhir import Node, Resource
from domain.exchange.fhir_patients import PatientPart
from domain.identity.evidence import Claim
from domain.identity.identifiers import (
    Identifier,
    IdentifierKind,
    Sex,
    card,
    classify,
    contradictions,
    facility_patient_id,
)
from domain.identity.newborns import is_newborn
from domain.identity.phones import normalise
from domain.organizations import UNKNOWN_SENDER
from domain.sections.demographics import BIRTH_TIME
from domain.values import PartialDate, day_of

MOST_IDENTIFIERS = 50
_LONGEST_LOCAL = 100
_SEXES: Mapping[str, Sex] = {"male": "male", "female": "female", "other": "unknown", "unknown": "unknown"}
_NATIONAL = re.compile(r"NI|NN[A-Z]{3}")  # v2-0203: national (person) identifier, of a country
_LOCAL = ("MR", "PI")
_DOUBTS = {
    "junk": "is no number of a person",
    "unrecognised": "has the form of no known number",
    "leading-zero-restored": "had lost its leading zero",
    "padded-cmnd": "is an old nine-digit number filled with zeros",
    "cccd-unknown-province": "begins with a province that is not known",
    "cccd-birth-year": "contradicts the birth year",
    "cccd-sex": "contradicts the sex",
}
_AS_IT_SHOULD_BE = {systems.CMND: ("cmnd-in-cccd-field",), systems.BHYT: ("child-card",), systems.BHXH: ("child-card",)}


def claim_of(part: PatientPart, facility: str, written_on: date) -> Claim:
    """`written_on` is the day the bundle was written. What does not fit together is noted at the patient."""
    patient = part.patient
    name, _ = persons.name_of(patient)
    born, sex = _born(patient), _SEXES.get(patient.string("gender") or "")
    found = list(dict.fromkeys(_identifiers(patient, facility)))[:MOST_IDENTIFIERS]
    for number in found:
        codes = contradictions(number.value, born, sex) if number.kind is IdentifierKind.CCCD else []
        _note(patient, "identifier", [code for code in codes if code != "cccd-unknown-province"])
    mothers = (one["name"] for one in persons.contacts_of(patient) if one.get("relation") == "mother" and "name" in one)
    return Claim(
        identifiers=tuple(found),
        name=name or "",
        birth_date=born,
        sex=sex,
        phone=next((phone for given in persons.phones_of(patient) if (phone := normalise(given))), None),
        mother_name=next(mothers, None),
        is_newborn=is_newborn(name or "", found, born, sex, written_on),
        facility=facility,
    )


def written_on(part: PatientPart, today: date) -> date:
    """The day of Bundle.timestamp, else of the last visit in it, else today."""
    bundle = Node(part.whole.body, "Bundle", None, [])
    visits = (one.child("period") for one in part.resources if one.type == "Encounter")
    started = [day for visit in visits if visit and (day := day_of(visit.date("start")))]
    days = [day_of(bundle.date("timestamp")), max(started, default=None), today.isoformat()]
    return date.fromisoformat(next(day for day in days if day))


def _born(patient: Resource) -> PartialDate | None:
    """With its time where the sender gives one, for twins."""
    beside = patient.child("_birthDate")
    times = (node.date("valueDateTime") for node in persons.extensions_at(beside, BIRTH_TIME))
    return next((moment for moment in times if moment), None) or patient.date("birthDate")


def _identifiers(patient: Resource, facility: str) -> Iterator[Identifier]:
    for node in patient.children("identifier"):
        value, system = node.string("value"), node.string("system")
        if value and node.string("use") != "temp":
            found, codes = _read(node, system, value, facility)
            _note(node, "value", [code for code in codes if code not in _AS_IT_SHOULD_BE.get(system or "", ())])
            yield from found


def _read(node: Node, system: str | None, value: str, facility: str) -> tuple[list[Identifier], list[str]]:
    if system in (systems.BHYT, systems.BHXH):
        cards, codes = card(value)
        return list(cards), codes
    if system in (systems.CCCD, systems.CMND, systems.PASSPORT):
        return _classified(value, is_passport=system == systems.PASSPORT)
    if system and system.startswith(systems.FACILITY_PATIENT):
        return _local(system.removeprefix(systems.FACILITY_PATIENT), value), []
    if system:
        return _local(facility, _of_system(system, value)), []
    return _by_type([code for _, code in node.concept("type").codings if code], value, facility)


def _by_type(codes: list[str], value: str, facility: str) -> tuple[list[Identifier], list[str]]:
    """Without a system, a facility's number says nothing unless it is known whose it is."""
    if "PPN" in codes or any(_NATIONAL.fullmatch(code) for code in codes):
        return _classified(value, is_passport="PPN" in codes)
    if facility != UNKNOWN_SENDER and any(code in _LOCAL for code in codes):
        return _local(facility, value), []
    return (_local(facility, _of_system("", value)) if facility != UNKNOWN_SENDER else []), []


def _classified(value: str, *, is_passport: bool) -> tuple[list[Identifier], list[str]]:
    """Nine digits are an old identity card, but in a passport they are a foreign passport."""
    found, codes = classify(value)
    if not is_passport:
        return ([found] if found else []), codes
    is_right = found is not None and found.kind is IdentifierKind.PASSPORT
    return ([found] if found and is_right else []), ([] if is_right else ["unrecognised"])


def _local(facility: str, value: str) -> list[Identifier]:
    found = facility_patient_id(facility, value)
    return [found] if found else []


def _of_system(system: str, value: str) -> str:
    """`system|value`, as FHIR searches write it; too long a one by its SHA-256."""
    whole = f"{system}|{value}"
    return whole if len(whole) <= _LONGEST_LOCAL else hashlib.sha256(whole.encode()).hexdigest()


def _note(node: Node, name: str, codes: list[str]) -> None:
    for code in codes:
        node.warn(name, _DOUBTS.get(code, code.replace("-", " ")))
