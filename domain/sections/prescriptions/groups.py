"""Which MedicationRequests of a bundle are one prescription (FHIR R4 MedicationRequest.groupIdentifier).

Without that, the rule of QĐ 4750 holds: what one prescriber ordered at one moment of one visit was written together.
A bundle may hold several persons: a group is always of one.
"""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from domain.exchange.actors import patient_of
from domain.exchange.fhir import Bundle, Resource
from domain.exchange.fhir_systems import PRESCRIPTION

URI = "urn:ietf:rfc:3986"
Key = tuple[str | None, ...]
# Positions, not resources: those hold their bundle, which could then never be forgotten.
_indexes: WeakKeyDictionary[Bundle, dict[Key, list[int]]] = WeakKeyDictionary()


def leader_of(request: Resource) -> Resource:
    """The first request of the group, whose row is the prescription's."""
    positions = _positions(request)
    return request.bundle.resources[positions[0]] if request.bundle and positions else request


def group_of(request: Resource) -> Sequence[Resource]:
    """The request and those written with it, in the order of the bundle."""
    positions = _positions(request)
    return [request.bundle.resources[at] for at in positions] if request.bundle and positions else [request]


def code_of(request: Resource) -> tuple[str | None, str | None]:
    """(system, code) of the prescription; a `urn:uuid:` only holds the group together and is no code."""
    node = request.child("groupIdentifier")
    system, value = (node.string("system"), node.string("value")) if node else (None, None)
    if value and not (system == URI and value.startswith("urn:uuid:")):
        return system, value
    own = (value for system, value in request.identifiers() if system == PRESCRIPTION)
    code = next(own, None)
    return (PRESCRIPTION, code) if code else (None, None)


def _positions(request: Resource) -> Sequence[int]:
    key = _key(request)
    return _index(request.bundle).get(key, ()) if request.bundle is not None and key else ()


def _index(bundle: Bundle) -> dict[Key, list[int]]:
    """Where the requests of every group stand, made once a bundle: bundles are large, and asked for each request."""
    found = _indexes.get(bundle)
    if found is None:
        found = {}
        for at, resource in enumerate(bundle.resources):
            if resource.type == "MedicationRequest" and (key := _key(resource)):
                found.setdefault(key, []).append(at)
        _indexes[bundle] = found
    return found


def _key(request: Resource) -> Key | None:
    node = request.child("groupIdentifier")
    value = node.string("value") if node else None
    if node and value:
        return ("group", patient_of(request), node.string("system"), value.casefold())
    written = tuple(request.string(name) for name in ("authoredOn", "intent"))
    visit, prescriber = request.reference("encounter"), request.reference("requester")
    return ("written", patient_of(request), visit, prescriber, *written) if visit and written[0] else None
