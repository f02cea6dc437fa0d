"""Plans of a document before anybody asks for it, with variables that a client could give.

Which variables are given, and the values of Booleans, shape a plan. Those made here are the two that apps send most:
only what must be given, and everything. Others are made when they are met, like those of any document.
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    OperationDefinitionNode,
    type_from_ast,
)
from graphql.execution.values import VariableValues

from api.planner.documents import Document
from domain.errors import HealthbookError

PLAIN: Mapping[str, Any] = {"Int": 1, "Float": 1.0, "Boolean": False}
DEEPEST = 5


def plan_ahead(document: Document) -> None:
    for given in (_values(document, every=False), _values(document, every=True)):
        variables = document.variables(given)
        if isinstance(variables, VariableValues):
            _plan(document, variables)


def _plan(document: Document, variables: VariableValues) -> None:
    try:
        document.plan(variables)
    except HealthbookError:  # an invented id leads nowhere; a real one is planned when it is given
        return


def _values(document: Document, *, every: bool) -> dict[str, Any]:
    """A value for each variable that must be given, or for each that may."""
    operation: OperationDefinitionNode = document.operation
    types = {
        definition.variable.name.value: (type_from_ast(document.schema, definition.type), definition.default_value)
        for definition in operation.variable_definitions or ()
    }
    return {
        name: _value(type_)
        for name, (type_, default) in types.items()
        if type_ is not None and (every or (isinstance(type_, GraphQLNonNull) and default is None))
    }


def _value(type_: Any, depth: int = 0) -> Any:
    """Some value of an input type: of an object its required fields, of a list none."""
    named = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    if isinstance(named, GraphQLList) or depth > DEEPEST:
        return []
    if isinstance(named, GraphQLEnumType):
        return next(iter(named.values))
    if isinstance(named, GraphQLInputObjectType):
        required = {name: one for name, one in named.fields.items() if isinstance(one.type, GraphQLNonNull)}
        return {name: _value(one.type, depth + 1) for name, one in required.items()}
    return PLAIN.get(named.name, "x")
