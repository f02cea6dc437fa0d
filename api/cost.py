"""What an operation costs, worked out before it runs from the document, the schema and the variables.

One unit is about one value in the answer, so nested lists multiply. A list is as long as its page (`first`, `last`,
50 unless told), else as long as is declared here. What is more work than a value has a weight of its own.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SchemaMetaFieldDef,
    SelectionNode,
    SelectionSetNode,
    TypeMetaFieldDef,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from graphql.execution.values import VariableValues, get_argument_values, get_directive_values

from api.pagination import DEFAULT_PAGE, LARGEST_PAGE
from api.planner.documents import Document
from api.planner.sources import SOURCE, Embedded, Rel, SectionChangesSource, SectionSource

MOST_COST = 40_000
"""What one operation may cost: three times a whole record of pages of 50 (benchmarks/record.graphql)."""

READ, CHANGE = 50, 500  # a root field: a decision and a line in the log; of a mutation a transaction and an event too
RELATED = 5  # a look-up in another table, for each object that asks
COUNTED = 50  # counting all the rows of a section
FILTERED, SEARCHED = 50, 500  # looking at all of them; comparing their texts

SECTION, PARTS, EMBEDDED, PLAIN_LIST = 20, 5, 3, 20
"""How long a list without a page is usually: a short section, lines of an item, a JSON column, any other."""
LENGTHS = {
    "__Type.fields": 8,
    "__Type.inputFields": 2,
    "__Type.interfaces": 1,
    "__Type.possibleTypes": 1,
    "__Type.enumValues": 2,
    "__Field.args": 1,
    "__Directive.args": 1,
    "__Schema.directives": 8,
    "Me.patients": 5,
    "Me.scopes": 20,
}
"""Lists of other lengths, as type.field."""
WEIGHTS = {"totalCount": COUNTED}
PAGED = ("first", "last", "limit")
HALF = frozenset({"__schema", "__type", "ofType"})  # half of what introspection asks for is null, and most types bare
_META: Mapping[str, GraphQLField] = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}


@dataclass(slots=True)
class Costing:
    """One operation with its variables. Fragments are worked out once, whatever spreads them."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues
    known: dict[tuple[str, int | None], int] = field(default_factory=dict)

    def operation(self, node: OperationDefinitionNode) -> int:
        root = self.schema.get_root_type(node.operation)
        each = CHANGE if node.operation is OperationType.MUTATION else READ
        return self.below(node.selection_set, root, None, each)

    def below(
        self, selection_set: SelectionSetNode, type_: GraphQLNamedType | None, page: int | None, each: int = 0
    ) -> int:
        """Of one object: its fields, each with `each` on top. `page`: how long the lists of a page object are."""
        return sum(self._selection(node, type_, page, each) for node in selection_set.selections)

    def _selection(self, node: SelectionNode, type_: GraphQLNamedType | None, page: int | None, each: int) -> int:
        if not self._included(node):
            return 0
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value, page, each)
        if isinstance(node, InlineFragmentNode):
            named = self.schema.type_map.get(node.type_condition.name.value) if node.type_condition else type_
            return self.below(node.selection_set, named, page, each)
        assert isinstance(node, FieldNode)  # noqa: S101 -- the third and last kind of selection
        return self._field(node, type_, page) + each

    def _fragment(self, name: str, page: int | None, each: int) -> int:
        fragment, key = self.fragments[name], (name, page)
        if each:  # of a root: rare, and not the same as elsewhere
            return self.below(fragment.selection_set, self._condition(fragment), page, each)
        if key not in self.known:
            self.known[key] = self.below(fragment.selection_set, self._condition(fragment), page)
        return self.known[key]

    def _condition(self, fragment: FragmentDefinitionNode) -> GraphQLNamedType | None:
        return self.schema.type_map.get(fragment.type_condition.name.value)

    def _field(self, node: FieldNode, type_: GraphQLNamedType | None, page: int | None) -> int:
        definition = _definition(type_, node.name.value)
        if definition is None or type_ is None:
            return 1  # __typename
        arguments = self._arguments(definition, node)
        own = 1 + _weight(node.name.value, definition, arguments)
        if node.selection_set is None:
            return own
        asked = page if isinstance(_source(definition), SectionChangesSource) else _asked_page(definition, arguments)
        below = self.below(node.selection_set, get_named_type(definition.type), asked)
        if node.name.value in HALF:
            return own + below // 2
        return own + below * self._length(type_.name, node.name.value, definition, page if asked is None else asked)

    def _length(self, type_name: str, name: str, definition: GraphQLField, page: int | None) -> int:
        if not is_list_type(get_nullable_type(definition.type)):
            return 1
        if page is not None:
            return page
        if (type_name, name) == ("__Schema", "types"):
            return len(self.schema.type_map)
        return LENGTHS.get(f"{type_name}.{name}") or _usual_length(definition)

    def _arguments(self, definition: GraphQLField, node: FieldNode) -> Mapping[str, Any]:
        try:
            return get_argument_values(definition, node, self.variables) if definition.args else {}
        except GraphQLError:
            return {}  # the executor says what is wrong with them

    def _included(self, node: SelectionNode) -> bool:
        if not node.directives:
            return True
        try:
            skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
            include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        except GraphQLError:
            return True  # the executor says what is wrong with the condition
        return not (skip and skip["if"] is True) and not (include and include["if"] is False)


def _definition(type_: GraphQLNamedType | None, name: str) -> GraphQLField | None:
    if name in _META:
        return _META[name]
    return type_.fields.get(name) if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) else None


def _source(definition: GraphQLField) -> Any:
    declared = definition.extensions.get("strawberry-definition")
    return declared.metadata.get(SOURCE) if declared else None


def _weight(name: str, definition: GraphQLField, arguments: Mapping[str, Any]) -> int:
    """What a field costs beside the value it is."""
    weight = WEIGHTS.get(name, 0) + (RELATED if isinstance(_source(definition), Rel) else 0)
    wanted = arguments.get("filter")
    if isinstance(wanted, Mapping):
        weight += SEARCHED if wanted.get("text") is not None else FILTERED
    return weight


def _asked_page(definition: GraphQLField, arguments: Mapping[str, Any]) -> int | None:
    """How long the page is, where the field has pages; a size out of bounds counts as the largest."""
    named = [name for name in PAGED if name in definition.args]
    if not named:
        return None
    sizes = [arguments[name] for name in named if isinstance(arguments.get(name), int)]
    if not sizes:
        return DEFAULT_PAGE
    return max(size if 0 <= size <= LARGEST_PAGE else LARGEST_PAGE for size in sizes)


def _usual_length(definition: GraphQLField) -> int:
    match _source(definition):
        case SectionSource():
            return SECTION
        case Rel():
            return PARTS
        case Embedded():
            return EMBEDDED
        case _:
            return PLAIN_LIST


def cost_of(document: Document, variables: VariableValues) -> int:
    """What the document's operation costs, worked out once for variables of the same shape."""
    costing = Costing(document.schema, document.fragments, variables)
    return document.costs.get(shape_of(variables), lambda: costing.operation(document.operation))


def shape_of(variables: VariableValues) -> Hashable:
    """What of the variables can change a cost: numbers, Booleans, which others are given, and keys of objects."""
    return tuple(sorted((name, _shape(value)) for name, value in variables.coerced.items()))


def _shape(value: object) -> str:
    if value is None or isinstance(value, bool | int):
        return repr(value)
    return ",".join(sorted(key for key in value if value[key] is not None)) if isinstance(value, dict) else "given"
