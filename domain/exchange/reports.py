"""Which section a report belongs to: laboratories report lists of results, everybody else describes and concludes.

FHIR R4 DiagnosticReport and QĐ 4750 XML4 rows without a value. `imaging` takes the described ones (images, functional
tests, endoscopy, pathology); a laboratory's conclusion (a culture, a panel) goes to `documents`; its values are `labs`.
"""

from itertools import islice

from domain.exchange.fhir import Concept, Resource
from domain.exchange.fhir_systems import DIAGNOSTIC_SECTION
from domain.exchange.observations import category_of
from domain.exchange.qd4750 import Result, Visit

# HL7 v2-0074: laboratory, chemistry, haematology, microbiology, blood bank, serology, immunology, toxicology,
# virology, mycobacteriology, mycology, blood gases, genetics, parasitology, outside laboratory.
_SECTIONS = frozenset({"LAB", "CH", "HM", "MB", "BLB", "SR", "IMM", "TX", "VR", "MCB", "MYC", "BG", "GE", "PAR", "OSL"})
_ANYWHERE = frozenset({"LAB", "laboratory", "LP29693-6"})  # whatever system the sender names; the last is LOINC's
_WORDS = frozenset({"laboratory", "lab", "xét nghiệm"})
_GROUPS = {"1": "laboratory", "2": "imaging", "3": "functional-test", "8": "surgery", "18": "procedure"}  # MA_NHOM
_RESULTS_LOOKED_AT = 20


def is_laboratory(report: Resource) -> bool:
    """By the report's category; without one, by what its results are."""
    categories = report.concepts("category")
    if categories:
        return any(_names_laboratory(concept) for concept in categories)
    nodes = islice(report.children("result"), _RESULTS_LOOKED_AT)
    results = [report.follow(node.string("reference")) for node in nodes]
    return any(result is not None and category_of(result) == "laboratory" for result in results)


def _names_laboratory(category: Concept) -> bool:
    sections = {code for system, code in category.codings if system in (DIAGNOSTIC_SECTION, None)}
    return (
        not _SECTIONS.isdisjoint(sections) or category.has(*_ANYWHERE) or (category.display or "").casefold() in _WORDS
    )


def group_of(visit: Visit, result: Result) -> str | None:
    """What kind of service an XML4 row came from, by the cost group of the XML3 row with the same MA_DICH_VU."""
    if result.service_code is None:
        return None
    groups = {(row.group or "").lstrip("0") for row in visit.services if row.service_code == result.service_code}
    return next((name for group, name in _GROUPS.items() if group in groups), None)


def is_described(result: Result) -> bool:
    """An XML4 row that says something without a value."""
    return result.value is None and bool(result.description or result.conclusion)
