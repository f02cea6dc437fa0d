"""What the variables and extensions of a request may be as JSON, before anything is made of them.

PostgreSQL's text holds no NUL and no half of a character, so such a value can match nothing: it is refused by name.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from graphql import GraphQLError

from api.limits.bounds import DEEPEST_VALUE, LONGEST_NAME, LONGEST_STRING, MOST_ITEMS, MOST_VALUES, MOST_VARIABLES

_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
LARGEST_INTEGER = 2**63
SURROGATES = range(0xD800, 0xE000)


def wrong_variables(given: Mapping[str, Any]) -> GraphQLError | None:
    """The first thing wrong, with its variable's name; the values themselves are never told."""
    for name in given:
        if len(name) <= LONGEST_NAME and not _NAME.fullmatch(name):
            return GraphQLError("A variable has a name that is none (GraphQL 2.1.9).", extensions={"code": "INVALID"})
    return wrong_values("variables", given)


def wrong_values(parameter: str, given: Mapping[str, Any]) -> GraphQLError | None:
    """The same of any parameter that is an object. A loop, so that depth costs no stack."""
    if len(given) > MOST_VARIABLES:
        return _too(parameter, "names", len(given), MOST_VARIABLES)
    seen = 0
    for name, value in given.items():
        if len(name) > LONGEST_NAME:
            return _too(parameter, "characters of a name", len(name), LONGEST_NAME)
        waiting = [(value, 1)]
        while waiting:
            one, depth = waiting.pop()
            seen += 1
            if refusal := _wrong_value(parameter, name, one, depth, seen):
                return refusal
            waiting += [(below, depth + 1) for below in _parts(one)]
    return None


def _wrong_value(parameter: str, name: str, value: object, depth: int, seen: int) -> GraphQLError | None:
    if seen > MOST_VALUES:
        return _too(parameter, "values in all", seen, MOST_VALUES)
    if depth > DEEPEST_VALUE:
        return _too(parameter, "levels of a value", depth, DEEPEST_VALUE, name)
    if isinstance(value, str):
        return _wrong_string(parameter, name, value)
    if isinstance(value, list | dict) and len(value) > MOST_ITEMS:
        return _too(parameter, "items of one list or object", len(value), MOST_ITEMS, name)
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        return _invalid(name, "holds a number that is too large")
    return None


def _wrong_string(parameter: str, name: str, value: str) -> GraphQLError | None:
    if len(value) > LONGEST_STRING:
        return _too(parameter, "characters of a string", len(value), LONGEST_STRING, name)
    if "\0" in value:
        return _invalid(name, "holds the character NUL")
    if not value.isascii() and any(ord(letter) in SURROGATES for letter in value):
        return _invalid(name, "holds half a character")
    return None


def _parts(value: object) -> Iterable[Any]:
    if isinstance(value, list):
        return value
    return [*value, *value.values()] if isinstance(value, dict) else ()


def _too(parameter: str, what: str, found: int, allowed: int, name: str | None = None) -> GraphQLError:
    where = f"`{name}` of `{parameter}` has" if name else f"`{parameter}` has"
    extensions = {"code": f"{parameter.upper()}_TOO_LARGE", "found": found, "allowed": allowed}
    return GraphQLError(f"{where} {found} {what}; {allowed} are allowed.", extensions=extensions)


def _invalid(name: str, how: str) -> GraphQLError:
    return GraphQLError(f"`{name}` {how}.", extensions={"code": "INVALID", "variable": name})
