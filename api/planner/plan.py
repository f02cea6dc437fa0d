"""A plan: one root field of one operation as one SQL statement, ready to be bound to variables and run."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from graphql import GraphQLObjectType, get_named_type
from graphql.execution.values import VariableValues
from graphql.language import (
    FieldNode,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    get_location,
)

from api.planner.changes import Changes, lost
from api.planner.selection import Chosen, Selection
from api.planner.sources import SOURCE, RootSource
from api.planner.sql import Binding, Compiler, Gate, opened
from domain.errors import Invalid

NODE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Fixed:
    """A parameter that the document itself gives, whatever its variables."""

    value: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """`exact`: PostgreSQL's bytes may go through as they are. `gates`: where refused sections must be told."""

    name: str
    sql: str
    root: Chosen
    kind: str
    type_name: str
    gates: tuple[Gate, ...]
    bindings: tuple[Binding | Fixed, ...]
    exact: bool
    shape: tuple[tuple[str, str], ...] = ()  # of `changes`: its response keys and fields

    @property
    def sections(self) -> list[str]:
        return list(dict.fromkeys(gate.section for gate in self.gates))

    def arguments(self, variables: VariableValues) -> list[str | None]:
        """The statement's parameters after the patient, as text. Invalid names the argument that is wrong."""
        known: dict[int, dict[str, Any]] = {}  # by field, for one that has several parameters

        def value(given: Binding | Fixed) -> str | None:
            if isinstance(given, Fixed):
                return given.value
            key = id(given.chosen)
            if key not in known:
                known[key] = given.chosen.arguments(variables)
            return given.convert(known[key])

        return [value(given) for given in self.bindings]

    def patient(self, variables: VariableValues) -> UUID | None:
        """Whose book is asked for; None: the caller's own."""
        arguments = self.root.arguments(variables)
        if self.kind == "node":
            return NodeId.read(arguments["id"]).patient_id
        given = arguments.get("patientId")
        try:
            return UUID(given) if given is not None else None
        except ValueError:
            raise Invalid("patientId", "`patientId` is not a patient's id.") from None

    def purpose(self, variables: VariableValues) -> str | None:
        """HL7 v3 PurposeOfUse, where it is told; None: what such a client usually reads for."""
        purpose = self.root.arguments(variables).get("purpose")
        return None if purpose is None else str(getattr(purpose, "value", purpose))

    def lost(self, variables: VariableValues) -> bytes | None:
        """What a phone is told of a book that is closed to it, where it may hold a copy; else None."""
        return lost(self.root.arguments(variables), self.shape) if self.shape else None

    def location(self, gate: Gate | None) -> dict[str, int]:
        """Line and column of the refused field in the document, for the error."""
        node = self.root.details[0].node if gate is None else gate.node
        return locate(node)


@dataclass(frozen=True, slots=True)
class NodeId:
    """What an opaque id says: the kind (a section's name), the patient and the item. `access.node_id` writes it."""

    kind: str
    patient_id: UUID
    id: UUID

    @classmethod
    def read(cls, text: str) -> "NodeId":
        try:
            raw = base64.urlsafe_b64decode(f"{text}{'=' * (-len(text) % 4)}")
            kind, ids = raw[:-NODE_BYTES].decode("ascii"), raw[-NODE_BYTES:]
            return cls(kind, UUID(bytes=ids[:16]), UUID(bytes=ids[16:]))
        except (ValueError, binascii.Error):
            raise Invalid("id", "`id` is not an id of this API.") from None


def compile_root(selection: Selection, root: Chosen, records: Mapping[str, GraphQLObjectType]) -> Plan:
    """The plan of one root field; Unplannable where a field of it needs Python. Invalid for a malformed node id."""
    source = root.metadata[SOURCE]
    assert isinstance(source, RootSource)  # noqa: S101 -- told by the caller's choice of roots
    compiler = Compiler(selection)
    if source.kind == "node":
        record, sql = _node(compiler, root, records)
    else:
        named = get_named_type(root.field.type)  # type: ignore[union-attr]  # a planned root is no __typename
        assert isinstance(named, GraphQLObjectType)  # noqa: S101
        record, sql = named, _root(compiler, root, source, named)
    compiler.name(root.key)
    name = f"p_{hashlib.sha256(sql.encode()).hexdigest()[:32]}"
    gates, bindings = tuple(compiler.gates), tuple(_settled(one, selection.variables) for one in compiler.bindings)
    shape = tuple((one.key, one.name) for one in selection.of(record, root)) if source.kind == "changes" else ()
    return Plan(name, sql, root, source.kind, record.name, gates, bindings, compiler.exact, shape)


def _root(compiler: Compiler, root: Chosen, source: RootSource, type_: GraphQLObjectType) -> str:
    if source.kind == "changes":
        return Changes(compiler, root, type_).sql()
    return compiler.object(root, type_, "p", " from (select $1::uuid as patient_id) p")


def _settled(binding: Binding, variables: VariableValues) -> Binding | Fixed:
    """Worked out once where no variable is involved. A wrong literal is told at reading, with its place."""
    arguments = binding.chosen.details[0].node.arguments or ()
    if any(_names_variable(argument.value) for argument in arguments):
        return binding
    try:
        return Fixed(binding.convert(binding.chosen.arguments(variables)))
    except Invalid:
        return binding


def _names_variable(value: ValueNode) -> bool:
    match value:
        case VariableNode():
            return True
        case ListValueNode():
            return any(_names_variable(one) for one in value.values)
        case ObjectValueNode():
            return any(_names_variable(one.value) for one in value.fields)
        case _:
            return False


def _node(compiler: Compiler, root: Chosen, records: Mapping[str, GraphQLObjectType]) -> tuple[GraphQLObjectType, str]:
    """One item by its id; its section is a gate like any other, and nothing tells absent from not yours."""
    node = NodeId.read(root.arguments(compiler.selection.variables)["id"])
    type_ = records.get(node.kind)
    if type_ is None:
        raise Invalid("id", "`id` is not an id of this API.")
    record = type_.extensions["strawberry-definition"].origin.__record__
    compiler.gates.append(Gate((), record.section, root.details[0].node))
    id_ = compiler.bind(root, lambda arguments: str(NodeId.read(arguments["id"]).id))
    where = f" from {record.table} t where t.patient_id = $1::uuid and t.id = {id_}::uuid and {opened(record.section)}"
    return type_, compiler.object(root, type_, "t", where)


def locate(node: FieldNode) -> dict[str, int]:
    if node.loc is None:
        return {"line": 1, "column": 1}
    place = get_location(node.loc.source, node.loc.start)
    return {"line": place.line, "column": place.column}


def structure(variables: VariableValues, shaping: frozenset[str]) -> tuple[Any, ...]:
    """What of the variables shapes a plan: the values of those named, and which fields are given of the others."""
    return tuple(
        (name, value if name in shaping else _given(value)) for name, value in sorted(variables.coerced.items())
    )


def _given(value: Any) -> Any:
    """Of an input object its fields that are given, of anything else whether it is."""
    if isinstance(value, dict):
        return tuple((name, _given(one)) for name, one in sorted(value.items()) if one is not None)
    return value is not None
