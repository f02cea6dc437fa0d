"""What requests of every kind share: the kind of a FHIR ServiceRequest, the diagnoses that are its reasons, its label.

Diagnoses are rows of an embedded list: {"system", "code", "display"}, the main one first, each once.
"""

from collections.abc import Iterable
from typing import Any, Literal

from domain.exchange import fhir_out as out
from domain.exchange import labels
from domain.exchange.actors import is_of_one
from domain.exchange.fhir import Concept, Node, Resource
from domain.exchange.fhir_systems import FOLLOW_UP, ICD10, REFERRAL
from domain.exchange.histories import is_icd10
from domain.exchange.qd4750 import Visit
from domain.reference.sensitivity import label

Kind = Literal["referral", "follow-up"]

TRADITIONAL = "urn:qd4750:MA_BENH_YHCT"
_CODES: dict[str, Kind] = {
    REFERRAL: "referral",
    "3457005": "referral",  # SNOMED CT, patient referral
    "306206005": "referral",  # SNOMED CT, referral to service
    "103696004": "referral",  # SNOMED CT, patient referral to specialist
    FOLLOW_UP: "follow-up",
    "390906007": "follow-up",  # SNOMED CT, follow-up encounter
    "185389009": "follow-up",  # SNOMED CT, follow-up visit
    "281036007": "follow-up",  # SNOMED CT, follow-up consultation
}


def kind_of(resource: Resource) -> Kind | None:
    """By its categories first, then by what is requested; a request of neither kind is None."""
    if resource.type != "ServiceRequest":
        return None
    for concept in (*resource.concepts("category"), resource.concept("code")):
        words = (code for _, code in concept.codings if code)
        kind = next((_CODES[code] for code in words if code in _CODES), None) or _CODES.get(_plain(concept))
        if kind:
            return kind
    return None


def _plain(concept: Concept) -> str:
    return (concept.display or "").casefold()


def reasons_of(resource: Resource) -> list[Concept]:
    """The concepts of reasonCode and of the Conditions that reasonReference points to."""
    found = [target.concept("code") for target in _conditions(resource)]
    return [*resource.concepts("reasonCode"), *(concept for concept in found if concept)]


def _conditions(resource: Resource) -> list[Resource]:
    targets = (resource.follow(node.string("reference")) for node in resource.children("reasonReference"))
    found = [target for target in targets if target is not None and target.type == "Condition"]
    return [target for target in found if is_of_one(resource, target)]


def diagnoses_of(concepts: Iterable[Concept]) -> list[dict[str, Any]] | None:
    rows = [out.coding(concept.system, concept.code, concept.display) for concept in concepts if concept]
    return [row for index, row in enumerate(rows) if row not in rows[:index]] or None


def diagnoses_in(main: str | None, other: Iterable[str], traditional: Iterable[str]) -> list[dict[str, Any]] | None:
    """The same of a paper's MA_BENH_CHINH, MA_BENH_KT and MA_BENH_YHCT, the main one first."""
    western = dict.fromkeys(code for code in (main, *other) if code)
    rows = [{"system": ICD10, "code": code} for code in western]
    return [*rows, *({"system": TRADITIONAL, "code": code} for code in dict.fromkeys(traditional))] or None


def visit_diagnoses(visit: Visit) -> list[dict[str, Any]] | None:
    row = visit.summary
    return diagnoses_in(row.main_icd10, row.other_icd10, row.traditional_codes) if row else None


def label_of(resource: Resource, texts: Iterable[str | None], concepts: Iterable[Node] = ()) -> str:
    """The label of a request: by its sender, what it asks for, why, and what else it says in codes and words."""
    return labels.strictest(
        labels.of_resource(resource),
        *(labels.of_concept(node) for node in (*resource.children("reasonCode"), *concepts)),
        *(labels.of_resource(target) for target in _conditions(resource)),
        label(texts=[text for text in texts if text]),
    )


def label_in(visit: Visit, diagnoses: Iterable[dict[str, Any]] | None, texts: Iterable[str | None]) -> str:
    """The label of a paper: by its visit, the diagnoses it names and its words."""
    codes = [row["code"] for row in diagnoses or () if is_icd10(row["system"])]
    return labels.strictest(labels.of_visit(visit), label(icd10=codes, texts=[text for text in texts if text]))


def reason_codes(diagnoses: Iterable[dict[str, Any]] | None) -> list[dict[str, Any] | None]:
    """CodeableConcepts to write."""
    return [out.concept(row.get("system"), row.get("code"), row.get("display")) for row in diagnoses or ()]
