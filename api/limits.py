"""What a document may ask for at most, checked before anything is planned or executed.

Fragments count wherever they are spread, and are measured once, so that a small document cannot hide a large query.
The cost of a query (a later issue) comes on top of these plain bounds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
    validate,
)

LARGEST_DOCUMENT = 100_000  # characters
MOST_TOKENS = 5_000
MOST_ERRORS = 5
DEEPEST = 15
MOST_FIELDS = 1_500
MOST_ROOTS = 50  # each is a read of its own, with its log row
MOST_CHANGES = 10  # each is a transaction of its own


def checked_document(schema: GraphQLSchema, text: str) -> tuple[DocumentNode | None, list[GraphQLError]]:
    """The parsed document where it is valid and within the limits, and what is wrong otherwise."""
    if len(text) > LARGEST_DOCUMENT:
        return None, [_too("large", f"The document is longer than {LARGEST_DOCUMENT} characters.")]
    try:
        document = parse(text, max_tokens=MOST_TOKENS)
    except GraphQLError as error:
        return None, [error]
    wrong = validate(schema, document, max_errors=MOST_ERRORS, hide_suggestions=True)
    return document, wrong or _measured(document)


@dataclass(slots=True)
class _Measure:
    """Fields and depth below a selection set, fragments spread out. Validation has shown that none contains itself."""

    fragments: Mapping[str, FragmentDefinitionNode]
    known: dict[str, tuple[int, int]] = field(default_factory=dict)

    def of(self, selection_set: SelectionSetNode | None) -> tuple[int, int]:
        fields, depth = 0, 0
        for node in selection_set.selections if selection_set else ():
            if isinstance(node, FragmentSpreadNode):
                below = self._fragment(node.name.value)
            else:
                below = self.of(getattr(node, "selection_set", None))
            step = 1 if isinstance(node, FieldNode) else 0
            fields, depth = fields + below[0] + step, max(depth, below[1] + step)
        return fields, depth

    def roots(self, selection_set: SelectionSetNode) -> int:
        """Fields at the top, also those that fragments bring."""
        count = 0
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                count += 1
            elif isinstance(node, FragmentSpreadNode):
                count += self.roots(self.fragments[node.name.value].selection_set)
            elif isinstance(node, InlineFragmentNode):
                count += self.roots(node.selection_set)
            if count > MOST_ROOTS:
                break  # fragments that spread each other twice would double with every step
        return count

    def _fragment(self, name: str) -> tuple[int, int]:
        if name not in self.known:
            self.known[name] = self.of(self.fragments[name].selection_set)
        return self.known[name]


def _measured(document: DocumentNode) -> list[GraphQLError]:
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode) and node.name
    }
    measure = _Measure(fragments)
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode) and not _is_introspection(node):
            fields, depth = measure.of(node.selection_set)
            if depth > DEEPEST:
                return [_too("deep", f"The query is {depth} levels deep; {DEEPEST} are allowed.")]
            if fields > MOST_FIELDS:
                return [_too("wide", f"The query selects {fields} fields; {MOST_FIELDS} are allowed.")]
            roots = measure.roots(node.selection_set)
            if node.operation is OperationType.MUTATION and roots > MOST_CHANGES:
                return [_too("wide", f"A document makes at most {MOST_CHANGES} changes.")]
            if roots > MOST_ROOTS:
                return [_too("wide", f"A document asks at most {MOST_ROOTS} fields of the root.")]
    return []


def _is_introspection(operation: OperationDefinitionNode) -> bool:
    """The schema's own queries are deep by nature, and cost what the schema costs."""
    names = [node.name.value for node in operation.selection_set.selections if isinstance(node, FieldNode)]
    return len(names) == len(operation.selection_set.selections) and set(names) <= {"__schema", "__type", "__typename"}


def _too(how: str, message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": f"DOCUMENT_TOO_{how.upper()}"})
