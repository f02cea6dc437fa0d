"""What a FHIR bundle is called and who sent it, where the sender's own client does not say.

The facility is the Composition's custodian, else who provided the visits, else who keeps the patient, else the only
facility named at all; two that contradict each other are no answer. Only MA_CSKCB codes count.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator

from domain.exchange import fhir_systems as systems
from domain.exchange.fhir import Node, Resource
from domain.exchange.fhir_bundle import ParsedBundle
from domain.exchange.fhir_patients import PatientPart
from domain.exchange.fhir_references import identifiers

PART = "urn:healthbook:bundle-part"  # Bundle.identifier of what was cut out of a bundle of several patients
LONGEST_KEY = 200
_CODE = re.compile(r"[A-Za-z0-9]{1,20}")
_SAID_BY = (("Composition", "custodian"), ("Encounter", "serviceProvider"), ("Patient", "managingOrganization"))


def key_of(bundle: ParsedBundle, data: bytes) -> str:
    """Bundle.identifier, else Bundle.id, else the SHA-256 of the bytes; a long one is shortened to its SHA-256."""
    named = next(identifiers(bundle.body), None)
    if named:
        system, value = named
        return _short(value if system in (PART, None) else f"{system}|{value}")
    id_ = Node(bundle.body, "Bundle", None, []).string("id")
    return _short(id_) if id_ else hashlib.sha256(data).hexdigest()


def key_of_part(key: str, part: PatientPart) -> str:
    """The key of one patient of several: by his own identifiers, fullUrl or id, which it does not show."""
    patient = part.patient
    numbers = sorted(f"{system}|{value}" for system, value in identifiers(patient.body))
    named = "\n".join(numbers) or patient.full_url or patient.id or str(patient.position)
    return f"{key}#{hashlib.sha256(named.encode()).hexdigest()[:16]}"


def facility_of(part: PatientPart) -> str | None:
    """The MA_CSKCB of the sender, or None where the part does not say or says several."""
    for of_type, name in _SAID_BY:
        told = set(_codes(one.follow(one.reference(name)) for one in part.resources if one.type == of_type))
        if told:
            return told.pop() if len(told) == 1 else None
    shared = (one for one in part.whole.resources if one.bundle is part.whole)
    told = set(_own_numbers(part.patient)) or set(_codes(one for one in shared if one.type == "Organization"))
    return told.pop() if len(told) == 1 else None


def _codes(organizations: Iterable[Resource | None]) -> Iterator[str]:
    numbers = (number for one in organizations if one is not None for number in identifiers(one.body))
    return (value for system, value in numbers if system == systems.FACILITY and _CODE.fullmatch(value))


def _own_numbers(patient: Resource) -> Iterator[str]:
    """The facilities whose patient numbers he has."""
    given = (system.removeprefix(systems.FACILITY_PATIENT) for system, _ in identifiers(patient.body) if system)
    return (code for code in given if _CODE.fullmatch(code))


def _short(key: str) -> str:
    return key if len(key) <= LONGEST_KEY else hashlib.sha256(key.encode()).hexdigest()
