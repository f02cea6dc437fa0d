"""Documents that were parsed, validated and planned once. Repeating one costs a dictionary look-up.

The key of a plan is the document, the operation and what of the variables shapes the statement (values of Booleans and
orders, the kind of an item's id, which others are given). Trusted documents (api/documents/) are made by it at
start-up, and kept by name.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    NamedTypeNode,
    NonNullTypeNode,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    get_operation_ast,
    validate,
    visit,
)
from graphql.execution.values import VariableValues, get_variable_values

from api.limits import checked_document
from api.limits.bounds import MOST_ERRORS
from api.pagination import ItemOrder
from api.planner.plan import NodeId, Plan, compile_root, structure
from api.planner.selection import Selection
from api.planner.sources import SOURCE, RootSource
from api.planner.sql import Unplannable
from domain.errors import Invalid

T = TypeVar("T")
PLANS = 16  # a document
NODE = "node"  # Relay's root field
SHAPING = ("Boolean", ItemOrder.__name__)  # types of variables whose values are part of the statement
COSTS = 64  # a document
REMEMBERED = 1_000_000  # characters of all documents together; their trees take some hundred times as much
OVERHEAD = 1_000  # characters that any document weighs at least


class LRU(Generic[T]):
    """The most recently used values, whose weights together are at most `capacity`."""

    def __init__(self, capacity: int) -> None:
        self._values: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._room = capacity

    def __contains__(self, key: Hashable) -> bool:
        return key in self._values

    def get(self, key: Hashable, make: Callable[[], T], *, weight: int = 1) -> T:
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key][0]
        value = make()
        self._values[key] = (value, weight)
        self._room -= weight
        while self._room < 0:
            _, (_, freed) = self._values.popitem(last=False)
            self._room += freed
        return value


@dataclass(slots=True)
class Document:
    """A valid document and one operation of it. `plan` answers None where exit 2 must."""

    schema: GraphQLSchema
    node: DocumentNode
    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    records: Mapping[str, GraphQLObjectType]
    shaping: frozenset[str]
    ids: frozenset[str]
    plans: LRU[Plan | None] = field(default_factory=lambda: LRU(PLANS))
    costs: LRU[int] = field(default_factory=lambda: LRU(COSTS))

    def variables(self, given: Mapping[str, Any] | None) -> VariableValues | list[GraphQLError]:
        definitions = self.operation.variable_definitions or ()
        return get_variable_values(self.schema, definitions, dict(given or {}), MOST_ERRORS, hide_suggestions=True)

    def plan(self, variables: VariableValues) -> Plan | None:
        """The plan where the operation is one planned root field whose bytes may go through (exit 1)."""
        key = (structure(variables, self.shaping), self._node_kind(variables))
        return self.plans.get(key, lambda: self._compile(variables))

    def _compile(self, variables: VariableValues) -> Plan | None:
        if self.operation.operation is not OperationType.QUERY or self.schema.query_type is None:
            return None
        selection = Selection(self.schema, self.operation, self.fragments, variables)
        roots = selection.roots(self.schema.query_type)
        if len(roots) != 1 or not isinstance(roots[0].metadata.get(SOURCE), RootSource):
            return None
        try:
            plan = compile_root(selection, roots[0], self.records)
        except Unplannable:
            return None
        return plan if plan.exact else None

    def _node_kind(self, variables: VariableValues) -> str | None:
        """Ids of `node` given by variable name the table, so the kind is part of what shapes a plan."""
        kinds = []
        for name in sorted(self.ids & variables.coerced.keys()):
            try:
                kinds.append(NodeId.read(str(variables.coerced[name])).kind)
            except Invalid:  # the compiler tells it
                continue
        return ",".join(kind for kind in kinds if kind in self.records) or None


class Documents:
    """All documents seen lately, by text and operation name."""

    def __init__(
        self, schema: GraphQLSchema, records: Mapping[str, GraphQLObjectType], *, introspection: bool = True
    ) -> None:
        self._schema, self._records, self._introspection = schema, records, introspection
        self._documents: LRU[Document | list[GraphQLError] | None] = LRU(REMEMBERED)

    def get(self, text: str, operation_name: str | None) -> Document | list[GraphQLError] | None:
        """The document, or what is wrong with it; None where only the operation's name is."""
        weight = OVERHEAD + len(text)
        return self._documents.get((text, operation_name), lambda: self._read(text, operation_name), weight=weight)

    def knows(self, text: str, operation_name: str | None) -> bool:
        """Whether the document was read lately, so that it costs no parsing."""
        return (text, operation_name) in self._documents

    def _read(self, text: str, operation_name: str | None) -> Document | list[GraphQLError] | None:
        document, errors = checked_document(self._schema, text)
        if document is None or errors:
            return errors
        wrong = [] if self._introspection else introspection_errors(self._schema, document)
        if wrong:
            return wrong
        operation = get_operation_ast(document, operation_name)
        if operation is None:
            return None
        shaping, ids = _named(operation, SHAPING), _of_nodes(document)
        return Document(self._schema, document, operation, fragments_of(document), self._records, shaping, ids)


def introspection_errors(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
    """What a document asks of the schema itself where that is not told; `__typename` always is."""
    found = validate(schema, document, [NoSchemaIntrospectionCustomRule], max_errors=1)
    code = {"code": "INTROSPECTION_DISABLED"}
    return [GraphQLError("This server does not tell its schema.", one.nodes, extensions=code) for one in found[:1]]


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode) and node.name
    }


def _of_nodes(document: DocumentNode) -> frozenset[str]:
    """The variables that are given to a field `node`, whose ids name the table."""
    found = _Nodes()
    visit(document, found)
    return frozenset(found.variables)


class _Nodes(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.variables: set[str] = set()

    def enter_field(self, field: FieldNode, *_: Any) -> None:
        if field.name.value == NODE:
            given = (argument.value for argument in field.arguments or ())
            self.variables |= {value.name.value for value in given if isinstance(value, VariableNode)}


def _named(operation: OperationDefinitionNode, types: Collection[str]) -> frozenset[str]:
    """The variables of these types."""
    names = []
    for definition in operation.variable_definitions or ():
        type_ = definition.type.type if isinstance(definition.type, NonNullTypeNode) else definition.type
        if isinstance(type_, NamedTypeNode) and type_.name.value in types:
            names.append(definition.variable.name.value)
    return frozenset(names)
