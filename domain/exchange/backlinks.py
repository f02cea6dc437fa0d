"""Which resources of a bundle point to one of them: FHIR says it from the other end only.

One index for each bundle and field, made when first asked for, because bundles are large and are asked for each item.
It holds positions, not resources: those hold their bundle, which could then never be forgotten.
"""

from collections.abc import Iterator
from uuid import UUID
from weakref import WeakKeyDictionary

from domain.exchange.fhir import Bundle, Resource

LONGEST = 50  # a resource pointed to by more is no visit and no image
_Field = tuple[str, str]
_Index = dict[UUID, list[int]]
_indexes: WeakKeyDictionary[Bundle, dict[_Field, _Index]] = WeakKeyDictionary()


def pointing_to(target: Resource, of_type: str, name: str) -> list[Resource]:
    """The resources of a type whose field `name` (a reference or a list of them) means the target; at most LONGEST."""
    if target.bundle is None:
        return []
    fields = _indexes.setdefault(target.bundle, {})
    if (of_type, name) not in fields:
        fields[of_type, name] = _index(target.bundle, of_type, name)
    return [target.bundle.resources[at] for at in fields[of_type, name].get(target.row_id, ())]


def _index(bundle: Bundle, of_type: str, name: str) -> _Index:
    found: _Index = {}
    for at, resource in enumerate(bundle.resources):
        if resource.type == of_type:
            for target in _targets(resource, name):
                places = found.setdefault(target.row_id, [])
                if len(places) < LONGEST and at not in places:
                    places.append(at)
    return found


def _targets(resource: Resource, name: str) -> Iterator[Resource]:
    nodes = resource.children(name) if isinstance(resource.body.get(name), list) else [resource.child(name)]
    for node in nodes:
        target = resource.follow(node.string("reference")) if node is not None else None
        if target is not None:
            yield target
