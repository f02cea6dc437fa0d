"""The diagnoses of a FHIR visit: those it lists (Encounter.diagnosis), else the Conditions noted in it."""

from collections.abc import Iterator
from typing import Any

from domain.exchange import labels
from domain.exchange.backlinks import pointing_to
from domain.exchange.fhir import NOTHING, Concept, Node, Resource


def concept_behind(resource: Resource, node: Node | None) -> Concept:
    """What a reference to a Condition or Procedure says, be it resolved or only in words."""
    if node is None:
        return NOTHING
    target = resource.follow(node.string("reference"))
    return (target.concept("code") if target is not None else None) or Concept(display=node.string("display"))


def diagnoses_of(encounter: Resource) -> list[dict[str, Any]]:
    """Rows of an embedded list: {"code_system", "code", "display", "rank", "role"}."""
    listed = [
        row(concept, node.integer("rank"), node.concept("use").code)
        for node in encounter.children("diagnosis")
        if (concept := concept_behind(encounter, node.child("condition")))
    ]
    noted = (condition.concept("code") for condition in pointing_to(encounter, "Condition", "encounter"))
    return listed or [row(concept, None, None) for concept in noted if concept]


def row(concept: Concept, rank: int | None, role: str | None) -> dict[str, Any]:
    return {
        "code_system": concept.system,
        "code": concept.code,
        "display": concept.display,
        "rank": rank,
        "role": role,
    }


def label_of_visit(encounter: Resource | None) -> str:
    """By every Condition of the visit: its papers and results would tell of them, and FHIR seldom ranks them."""
    if encounter is None:
        return ""
    return labels.strictest(
        labels.of_resource(encounter), *(labels.of_resource(condition) for condition in _conditions(encounter))
    )


def _conditions(encounter: Resource) -> Iterator[Resource]:
    listed = [node.child("condition") for node in encounter.children("diagnosis")]
    for node in (*listed, *encounter.children("reasonReference")):
        target = encounter.follow(node.string("reference")) if node is not None else None
        if target is not None and target.type == "Condition":
            yield target
    yield from pointing_to(encounter, "Condition", "encounter")
