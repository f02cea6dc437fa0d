"""What an operation selects, after fragments, aliases, merging, `@skip` and `@include` (GraphQL spec 6.3.2)."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues, get_argument_values

from domain.errors import Invalid

TYPENAME = "__typename"


@dataclass(frozen=True, slots=True)
class Chosen:
    """One selected field: its response key, its definition (None for __typename), and every node merged into it."""

    key: str
    name: str
    field: GraphQLField | None
    details: list[FieldDetails]

    def arguments(self, variables: VariableValues) -> dict[str, Any]:
        """Invalid where a variable leaves null what must have a value: validation cannot see it."""
        if self.field is None:
            return {}
        try:
            return get_argument_values(self.field, self.details[0].node, variables)
        except GraphQLError:
            raise Invalid(self.name, f"An argument of `{self.name}` is null where it needs a value.") from None

    @property
    def metadata(self) -> Any:
        definition = self.field.extensions.get("strawberry-definition") if self.field else None
        return definition.metadata if definition else {}


@dataclass(frozen=True, slots=True)
class Selection:
    schema: GraphQLSchema
    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    variables: VariableValues

    def roots(self, root: GraphQLObjectType) -> list[Chosen]:
        with _conditions():
            grouped = collect_fields(self.schema, self._fragments(), self.variables, root, self.operation)
        return list(self._chosen(root, grouped.grouped_field_set))

    def of(self, type_: GraphQLObjectType, chosen: Chosen) -> list[Chosen]:
        with _conditions():
            grouped = collect_subfields(
                self.schema, self._fragments(), self.variables, self.operation, type_, chosen.details
            )
        return list(self._chosen(type_, grouped.grouped_field_set))

    def _fragments(self) -> dict[str, FragmentDetails]:
        return {name: FragmentDetails(node) for name, node in self.fragments.items()}

    @staticmethod
    def _chosen(type_: GraphQLObjectType, grouped: dict[str, list[FieldDetails]]) -> Iterator[Chosen]:
        for key, details in grouped.items():
            name = details[0].node.name.value
            yield Chosen(key, name, type_.fields.get(name), details)


@contextlib.contextmanager
def _conditions() -> Iterator[None]:
    """Invalid where a variable leaves a condition null: validation lets one pass that has a default."""
    try:
        yield
    except GraphQLError:
        raise Invalid("if", "`@skip` and `@include` take true or false, not null.") from None
