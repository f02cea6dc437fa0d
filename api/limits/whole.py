"""A document walked as it would be executed, fragments spread out. Its size was measured before (`api.limits.shape`).

Counted here is what only shows when fields that share a place in the answer come together: aliases, roots, and the
pairs that the rule "fields can merge" (GraphQL 5.3.2) compares, which grow with the square of the repeats.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
)

from api.limits import bounds
from api.limits.bounds import too

Start = OperationDefinitionNode | FragmentDefinitionNode


def wrong_whole(starts: Sequence[Start], fragments: Mapping[str, FragmentDefinitionNode]) -> GraphQLError | None:
    """The first bound that the whole of the document is beyond."""
    whole = _Whole(fragments)
    for node in starts:
        whole.directives(node)
        fields = list(whole.fields([node.selection_set]))
        if isinstance(node, OperationDefinitionNode) and (refusal := _wrong_roots(node, len(fields))):
            return refusal
        whole.add(fields)
    return whole.refusal()


def _wrong_roots(operation: OperationDefinitionNode, roots: int) -> GraphQLError | None:
    if operation.operation is OperationType.MUTATION and roots > bounds.MOST_CHANGES:
        return too("WIDE", "changes", roots, bounds.MOST_CHANGES)
    if roots > bounds.MOST_ROOTS:
        return too("WIDE", "fields of the root", roots, bounds.MOST_ROOTS)
    return None


@dataclass(slots=True)
class _Whole:
    fragments: Mapping[str, FragmentDefinitionNode]
    aliases: Counter[str] = field(default_factory=Counter)
    repeats: int = 0
    at_one: int = 0
    in_all: int = 0
    longest_list: int = 0

    def add(self, fields: Iterable[FieldNode]) -> None:
        """Fields of one place of the answer, and what is below those that share a response key, as one place each."""
        groups: defaultdict[str, list[FieldNode]] = defaultdict(list)
        for node in fields:
            groups[(node.alias or node.name).value].append(node)
        for nodes in groups.values():
            self.repeats += len(nodes) * (len(nodes) - 1) // 2
            for node in nodes:
                self._note(node)
            self.add(self.fields([node.selection_set for node in nodes if node.selection_set]))

    def fields(self, selection_sets: Iterable[SelectionSetNode]) -> Iterator[FieldNode]:
        for selection_set in selection_sets:
            for node in selection_set.selections:
                if isinstance(node, FieldNode):
                    yield node
                    continue
                self.directives(node)
                if isinstance(node, InlineFragmentNode):
                    yield from self.fields([node.selection_set])
                elif isinstance(node, FragmentSpreadNode) and node.name.value in self.fragments:
                    yield from self.fields([self.fragments[node.name.value].selection_set])

    def directives(self, node: Any) -> None:
        number = len(node.directives or ())
        self.at_one, self.in_all = max(self.at_one, number), self.in_all + number

    def _note(self, node: FieldNode) -> None:
        self.directives(node)
        if node.alias:
            self.aliases[node.name.value] += 1
        for argument in node.arguments or ():
            self.longest_list = max(self.longest_list, longest(argument.value))

    def refusal(self) -> GraphQLError | None:
        most = max(self.aliases.values(), default=0)
        counted = [
            ("WIDE", "aliases", self.aliases.total(), bounds.MOST_ALIASES),
            ("WIDE", "aliases of one field", most, bounds.MOST_ALIASES_OF_A_FIELD),
            ("WIDE", "repeated fields to compare", self.repeats, bounds.MOST_REPEATS),
            ("WIDE", "directives at one place", self.at_one, bounds.MOST_DIRECTIVES_AT_ONE),
            ("WIDE", "directives", self.in_all, bounds.MOST_DIRECTIVES),
            ("LARGE", "items of one list or input object", self.longest_list, bounds.MOST_ITEMS),
        ]
        return next((too(*one) for one in counted if one[2] > one[3]), None)


def longest(value: ValueNode) -> int:
    """How long the longest list or input object in a literal is."""
    if isinstance(value, ListValueNode):
        return max([len(value.values), *(longest(one) for one in value.values)])
    if isinstance(value, ObjectValueNode):
        return max([len(value.fields), *(longest(one.value) for one in value.fields)])
    return 0
