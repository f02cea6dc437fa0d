"""FHIR resources in few words, the hostile ones too: `resource({"resourceType": "Condition", ...}, encounter)`."""

import copy
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st

from domain.database import Item, Part
from domain.exchange.fhir import Resource
from domain.sections.section import Section

PATIENT = UUID("0199aaaa-0000-7000-8000-000000000001")
_STEP = str | int


class TinyBundle:
    """A bundle in memory: finds `Type/id`, `urn:uuid:id`, absolute addresses, `#contained`, `Type?identifier=`."""

    def __init__(self, bodies: Iterable[dict[str, Any]]) -> None:
        self.resources = [self._resource(body, index) for index, body in enumerate(bodies, 1)]

    def resolve(self, reference: str, base: Resource) -> Resource | None:
        if reference.startswith("#"):
            return self._contained(reference[1:], base)
        if "?identifier=" in reference:
            return self._identified(reference)
        id_ = reference.removeprefix("urn:uuid:").rsplit("/", 1)[-1]
        return next((other for other in self.resources if other.body.get("id") == id_), None)

    def _resource(self, body: dict[str, Any], position: int | None, id_: object = None) -> Resource:
        name = str(body.get("resourceType"))
        return Resource(body, name, position, [], bundle=self, full_url=f"urn:uuid:{id_ or body.get('id')}")

    def _contained(self, id_: str, base: Resource) -> Resource | None:
        contained = base.body.get("contained")
        bodies = [body for body in contained if isinstance(body, dict)] if isinstance(contained, list) else []
        return next((self._resource(body, base.position) for body in bodies if body.get("id") == id_), None)

    def _identified(self, reference: str) -> Resource | None:
        type_, _, token = reference.partition("?identifier=")
        system, _, value = token.rpartition("|")
        for other in self.resources:
            if other.type == type_ and any(found == (system or None, value) for found in other.identifiers()):
                return other
        return None


def resource(body: dict[str, Any], *others: dict[str, Any]) -> Resource:
    """The first body as a resource of a bundle that holds the others too."""
    return resources(body, *others)[0]


def resources(*bodies: dict[str, Any]) -> list[Resource]:
    return list(TinyBundle(bodies).resources)


def stored(row: Item | Part) -> Any:
    """The row with what the importer adds to it, so that `to_fhir` can read it."""
    row.patient_id, row.source_id = PATIENT, uuid4()
    if isinstance(row, Item):
        row.organization_id, row.received_at = uuid4(), datetime(2025, 3, 15, tzinfo=UTC)
        row.sources = []
    return row


def own(row: Item | Part) -> dict[str, Any]:
    """What a row says of its section, without its plumbing."""
    return {name: getattr(row, name) for name in row.own_columns()}


def written(section: Section, row: Item) -> dict[str, Any]:
    return section.to_fhir(stored(row))


def again(section: Section, row: Item) -> Any:
    """The first row that `from_fhir` makes of what `to_fhir` wrote; the row's encounter stands in the same bundle."""
    visit_id = getattr(row, "encounter_id", None)
    period = {"start": row.occurred} if row.occurred else {}
    others = [{"resourceType": "Encounter", "id": str(visit_id), "period": period}] if visit_id else []
    target = resource(written(section, row), *others)
    assert target.bundle is not None
    for other in target.bundle.resources:  # type: ignore[attr-defined]
        if other.type == "Encounter":
            other.row_id = visit_id
    return next(iter(section.from_fhir(target)))


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(
        ["", " ", "2025-13-45", "9999-12-31", "2024-02-30", "#", "#x", "urn:uuid:", "Patient/", "\x00", "NaN", "1e999"]
    )
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["coding", "text", "value", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def hostile(draw: st.DrawFn, body: dict[str, Any]) -> dict[str, Any]:
    """The body with some of its nodes, at any depth, replaced by any JSON value or by nothing."""
    body = copy.deepcopy(body)
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(list(_paths(body)) or [()]))
        if path and path != ("resourceType",):
            _replace(body, path, draw(JSON))
    return body


def _paths(node: Any, path: tuple[_STEP, ...] = ()) -> Iterable[tuple[_STEP, ...]]:
    yield path
    steps = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, inner in steps:
        yield from _paths(inner, (*path, step))


def _replace(node: Any, path: tuple[_STEP, ...], value: Any) -> None:
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
