"""What a parsed document may hold, measured before validation, whose rules compare fields pair by pair.

Fragments count wherever they are spread, and are measured once, so that a small document cannot hide a large query.
Only what passes that is walked as a whole (`api.limits.whole`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from api.limits import bounds
from api.limits.bounds import too
from api.limits.whole import wrong_whole

INTROSPECTION = frozenset({"__schema", "__type", "__typename"})


def wrong_shape(document: DocumentNode) -> GraphQLError | None:
    """The first bound that the document is beyond; also a fragment that spreads itself."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    return _wrong_numbers(document) or _wrong_measure(document, fragments) or wrong_whole(starts(document), fragments)


def _wrong_numbers(document: DocumentNode) -> GraphQLError | None:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    counted = [
        ("operations", len(operations), bounds.MOST_OPERATIONS),
        ("fragments", len(document.definitions) - len(operations), bounds.MOST_FRAGMENTS),
        ("variables", max((len(one.variable_definitions or ()) for one in operations), default=0),
         bounds.MOST_VARIABLES),
    ]  # fmt: skip
    return next((too("LARGE", *one) for one in counted if one[1] > one[2]), None)


@dataclass(frozen=True, slots=True)
class Measure:
    """Of a selection set, fragments spread out. `levels` counts spreads and inline fragments too."""

    fields: int = 0
    selections: int = 0
    depth: int = 0
    levels: int = 0

    def beside(self, other: "Measure") -> "Measure":
        return Measure(
            self.fields + other.fields,
            self.selections + other.selections,
            max(self.depth, other.depth),
            max(self.levels, other.levels),
        )

    def within(self, node: SelectionNode) -> "Measure":
        step = 1 if isinstance(node, FieldNode) else 0
        return Measure(self.fields + step, self.selections + 1, self.depth + step, self.levels + 1)


class _Refused(Exception):
    """A measure cannot be taken; the argument is the error that says why."""


@dataclass(slots=True)
class _Measures:
    """Each fragment is measured once, whatever spreads it; one under way that is met again is a cycle."""

    fragments: Mapping[str, FragmentDefinitionNode]
    known: dict[str, Measure | None] = field(default_factory=dict)

    def of(self, selection_set: SelectionSetNode | None, level: int = 0) -> Measure:
        if level > bounds.MOST_LEVELS:
            raise _Refused(too("DEEP", "selections within each other", level, bounds.MOST_LEVELS))
        total = Measure()
        for node in selection_set.selections if selection_set else ():
            below = (
                self.fragment(node.name.value, level + 1)
                if isinstance(node, FragmentSpreadNode)
                else self.of(getattr(node, "selection_set", None), level + 1)
            )
            total = total.beside(below.within(node))
        return total

    def fragment(self, name: str, level: int = 0) -> Measure:
        if name not in self.fragments:
            return Measure()  # validation says so
        if name not in self.known:
            self.known[name] = None
            self.known[name] = self.of(self.fragments[name].selection_set, level)
        found = self.known[name]
        if found is None:
            raise _Refused(GraphQLError(f"Cannot spread fragment '{name}' within itself."))
        return found


def _wrong_measure(document: DocumentNode, fragments: Mapping[str, FragmentDefinitionNode]) -> GraphQLError | None:
    """Too deep or too wide, as far as numbers tell; introspection is deep by nature and bounded by its cost."""
    measures, total = _Measures(fragments), Measure()
    try:
        for name in fragments:
            measures.fragment(name)  # also one that nothing spreads: validation looks at it, and it may be a cycle
        for node in starts(document):
            measured = measures.of(node.selection_set)
            total = total.beside(replace(measured, depth=0) if is_introspection(node) else measured)
    except _Refused as refused:
        return cast("GraphQLError", refused.args[0])
    counted = [
        ("DEEP", "fields within each other", total.depth, bounds.DEEPEST),
        ("DEEP", "selections within each other", total.levels, bounds.MOST_LEVELS),
        ("WIDE", "fields", total.fields, bounds.MOST_FIELDS),
        ("WIDE", "selections", total.selections, bounds.MOST_SELECTIONS),
    ]
    return next((too(*one) for one in counted if one[2] > one[3]), None)


def starts(document: DocumentNode) -> list[OperationDefinitionNode | FragmentDefinitionNode]:
    """From where everything in the document is reached: operations, and fragments that nothing spreads."""
    spread = {name for node in document.definitions for name in _spreads(getattr(node, "selection_set", None))}
    return [
        node
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
        or (isinstance(node, FragmentDefinitionNode) and node.name.value not in spread)
    ]


def _spreads(selection_set: SelectionSetNode | None) -> Iterator[str]:
    for node in selection_set.selections if selection_set else ():
        if isinstance(node, FragmentSpreadNode):
            yield node.name.value
        else:
            yield from _spreads(getattr(node, "selection_set", None))


def is_introspection(operation: OperationDefinitionNode | FragmentDefinitionNode) -> bool:
    """The schema's own queries are deep by nature, and cost what the schema costs."""
    names = [node.name.value for node in operation.selection_set.selections if isinstance(node, FieldNode)]
    return len(names) == len(operation.selection_set.selections) and set(names) <= INTROSPECTION
