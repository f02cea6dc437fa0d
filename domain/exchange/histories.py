"""What the sections of a person's history share when they read FHIR: when something began or ended, that nothing
is known, and which ICD-10 code a diagnosis bears.
"""

from dataclasses import dataclass
from typing import Any

from domain.exchange import fhir_out as out
from domain.exchange.fhir import Concept, Node
from domain.exchange.fhir_systems import ICD10, SNOMED
from domain.exchange.observations import plain
from domain.values import PartialDate

ABSENT_OR_UNKNOWN = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
DATA_ABSENT_REASON = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_ICD10_OID = "urn:oid:2.16.840.1.113883.6.3"
_NOTHING_KNOWN = frozenset(
    {
        "716186003",  # no known allergy
        "409137002",  # no known drug allergy
        "428607008",  # no known environmental allergy
        "429625007",  # no known food allergy
        "160245001",  # no current problems or disability
    }
)


@dataclass(frozen=True, slots=True)
class When:
    """A date where there is one, else the sender's words ("35 a", "childhood"); never both."""

    date: PartialDate | None = None
    text: str | None = None


def when(node: Node, name: str) -> When:
    """onset[x] or abatement[x]: a date, a period's start, an age, a range of ages, or words."""
    date = node.date(f"{name}DateTime") or node.period(f"{name}Period")[0]
    return When(date) if date else When(None, _age(node, name) or _ages(node, name) or node.string(f"{name}String"))


def when_fields(name: str, date: str | None, text: str | None) -> dict[str, Any]:
    """The key of a FHIR choice to write; a date wins, for a choice has one value."""
    return {f"{name}DateTime": date} if date else {f"{name}String": text}


def says_nothing_known(concept: Concept) -> bool:
    """The code says that there is nothing of the kind ("no known allergies"), not that nobody asked."""
    return any(
        (system == ABSENT_OR_UNKNOWN and (code or "").startswith("no-known"))
        or (system == SNOMED and code in _NOTHING_KNOWN)
        for system, code in concept.codings
    )


def icd10_of(concept: Concept) -> str | None:
    """The first code of ICD-10 or of a national edition of it (ICD-10-CM, -GM, ...)."""
    return next((code for system, code in concept.codings if code and is_icd10(system)), None)


def diagnosis_key(code: str | None, words: str | None) -> str | None:
    """One spelling for what is one diagnosis: codes without dagger and asterisk, words in lower case."""
    if code:
        return code.upper().strip(" .*+†")
    return " ".join(words.casefold().split()) if words else None


def unknown() -> dict[str, Any]:
    """For an element that FHIR requires and nobody said."""
    return {"extension": [{"url": DATA_ABSENT_REASON, "valueCode": "unknown"}]}


def diagnosis(system: str | None, code: str | None, icd10: str | None, display: str | None) -> dict[str, Any] | None:
    """A CodeableConcept of the sender's own code and, where it is another one, the ICD-10 code."""
    own = out.coding(system, code, None) if code else None
    second = out.coding(ICD10, icd10, None) if icd10 and icd10 != code else None
    return out.filled({"coding": out.listed([own, second]), "text": display}) or None


def is_icd10(system: str | None) -> bool:
    return system is not None and (system in (ICD10, _ICD10_OID) or system.startswith(f"{ICD10}-"))


def _age(node: Node, name: str) -> str | None:
    age = node.quantity(f"{name}Age")
    return _figure(plain(age.value), age.unit) if age else None


def _ages(node: Node, name: str) -> str | None:
    range_ = node.child(f"{name}Range")
    ends = [end for end in (range_.quantity("low"), range_.quantity("high")) if end] if range_ else []
    return _figure("-".join(plain(end.value) for end in ends), ends[0].unit) if ends else None


def _figure(number: str, unit: str | None) -> str:
    return f"{number} {unit}" if unit else number
