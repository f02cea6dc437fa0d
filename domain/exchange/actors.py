"""Who a FHIR reference means: words and a number (a practitioner's licence, a facility's MA_CSKCB), both optional.

Vietnam's papers name doctors and facilities by number only, other senders by words or by a resource of the bundle:
a reference of ours carries both as a logical reference (FHIR R4 2.3.0.2, Reference.identifier).
"""

from dataclasses import dataclass
from typing import Any

from domain.exchange import fhir_out as out
from domain.exchange.fhir import Node, Resource
from domain.exchange.fhir_systems import FACILITY, PRACTITIONER

_PLACES = ("Organization", "Location", "HealthcareService")
_PEOPLE = ("Practitioner", "PractitionerRole")


@dataclass(frozen=True, slots=True)
class Actor:
    name: str | None = None
    code: str | None = None
    type: str | None = None

    def __bool__(self) -> bool:
        return bool(self.name or self.code)

    @property
    def is_place(self) -> bool:
        return self.type in _PLACES

    @property
    def is_person(self) -> bool:
        return self.type in _PEOPLE


NOBODY = Actor()


def actor(resource: Resource, name: str) -> Actor:
    """Who a field of a resource means; NOBODY where it is absent."""
    node = resource.child(name)
    return actor_of(resource, node) if node else NOBODY


def actors(resource: Resource, name: str) -> list[Actor]:
    """Who a list of references means, those that mean somebody."""
    return [found for node in resource.children(name) if (found := actor_of(resource, node))]


def actor_of(resource: Resource, node: Node | None) -> Actor:
    if node is None:
        return NOBODY
    reference = node.string("reference")
    target = resource.follow(reference)
    type_ = node.string("type") or (target.type if target else _type_in(reference))
    return Actor(resource.name_behind(node), _code(node, target), type_)


def patient_of(resource: Resource) -> str | None:
    """Whose the resource is, the same for every way to point to one person of the bundle; None if not said."""
    node = resource.child("subject") or resource.child("patient")
    reference = node.string("reference") if node else None
    target = resource.follow(reference)
    return str(target.row_id) if target is not None else reference


def is_of_one(resource: Resource, other: Resource) -> bool:
    """Whether both can be of one person: bundles hold several, and a wrong reference must not mix their records."""
    mine, theirs = patient_of(resource), patient_of(other)
    return mine is None or theirs is None or mine == theirs


def practitioner(name: str | None, code: str | None) -> dict[str, Any] | None:
    """A reference to a doctor by licence number and name; None where neither is known."""
    return _logical("Practitioner", PRACTITIONER, name, code)


def facility(name: str | None, code: str | None) -> dict[str, Any] | None:
    """A reference to a facility by MA_CSKCB and name; None where neither is known."""
    return _logical("Organization", FACILITY, name, code)


def _logical(type_: str, system: str, name: str | None, code: str | None) -> dict[str, Any] | None:
    if not (name or code):
        return None
    identifier = {"system": system, "value": code} if code else None
    return out.filled({"type": type_, "identifier": identifier, "display": name})


def _code(node: Node, target: Resource | None) -> str | None:
    """The number in the reference, else in the resource it points to (of a role: in the person's)."""
    identifier = node.child("identifier")
    if identifier and identifier.string("system") in (PRACTITIONER, FACILITY):
        return identifier.string("value")
    if target is not None and target.type == "PractitionerRole":
        target = target.linked("practitioner", "Practitioner")
    pairs = target.identifiers() if target is not None else []
    return next((value for system, value in pairs if system in (PRACTITIONER, FACILITY)), None)


def _type_in(reference: str | None) -> str | None:
    """`Organization` of `Organization/1` and `https://host/fhir/Organization/1`."""
    steps = (reference or "").partition("?")[0].split("/")
    return next((step for step in reversed(steps) if step in _PLACES + _PEOPLE), None)
