"""What is refused of a request's values before anything looks at them: depth, number, and text that no column holds.

PostgreSQL's text holds no NUL, so a value with one can match nothing and is refused by name, not by a fault below.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import DocumentNode, GraphQLError, StringValueNode, Visitor, visit

from api.http.refusals import INVALID, Refused, request_error, told

DEEPEST = 16
MOST_VALUES = 10_000
MOST_VARIABLES = 200
NUL = "\x00"


def bounded(name: str, values: dict[str, Any]) -> None:
    """Refused where a parameter that is an object holds too much. A loop, so that depth costs no stack."""
    waiting: list[tuple[Any, int]] = [(values, 1)]
    seen = 0
    while waiting:
        one, depth = waiting.pop()
        inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        seen += len(inner)
        if seen > MOST_VALUES:
            raise _too_much(name, f"more than {MOST_VALUES} values")
        if inner and depth > DEEPEST:
            raise _too_much(name, f"values more than {DEEPEST} levels deep")
        waiting.extend((each, depth + 1) for each in inner)


def usable_variables(variables: Mapping[str, Any]) -> None:
    """Refused where a variable holds NUL, in a text or in a key, at any depth; names the variable."""
    if len(variables) > MOST_VARIABLES:
        raise _too_much("variables", f"more than {MOST_VARIABLES} variables")
    for name, value in variables.items():
        if NUL in name:
            raise request_error("A variable's name holds a NUL character.", INVALID)
        if any(NUL in text for text in _texts(value)):
            raise request_error(f"The variable `{name}` holds a NUL character.", INVALID, variable=name)


def nul_errors(document: DocumentNode) -> list[GraphQLError]:
    """The same for texts that stand in a document itself; at most one error."""
    found = _NulFinder()
    visit(document, found)
    return found.errors


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield key
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _too_much(name: str, what: str) -> Refused:
    message = f"`{name}` holds {what}."
    return Refused([told(message, f"{name.upper()}_TOO_LARGE", parameter=name)])


class _NulFinder(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.errors: list[GraphQLError] = []

    def enter_string_value(self, node: StringValueNode, *_: Any) -> Any:
        if NUL in node.value:
            message = "A text of the document holds a NUL character."
            self.errors.append(GraphQLError(message, node, extensions={"code": INVALID}))
            return self.BREAK
        return None
