"""What the variables of a request may be as JSON, before any of them is coerced to the type it is for."""

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
    if len(given) > MOST_VARIABLES:
        return _too("names", len(given), MOST_VARIABLES)
    seen = 0
    for name, value in given.items():
        if len(name) > LONGEST_NAME:
            return _too("characters of a name", len(name), LONGEST_NAME)
        if not _NAME.fullmatch(name):
            return GraphQLError("A variable has a name that is none (GraphQL 2.1.9).", extensions={"code": "INVALID"})
        waiting = [(value, 1)]
        while waiting:
            one, depth = waiting.pop()
            seen += 1
            if refusal := _wrong_value(name, one, depth, seen):
                return refusal
            waiting += [(below, depth + 1) for below in _parts(one)]
    return None


def _wrong_value(name: str, value: object, depth: int, seen: int) -> GraphQLError | None:
    if seen > MOST_VALUES:
        return _too("values in all", seen, MOST_VALUES)
    if depth > DEEPEST_VALUE:
        return _too("levels of a value", depth, DEEPEST_VALUE, name)
    if isinstance(value, str):
        return _wrong_string(name, value)
    if isinstance(value, list | dict) and len(value) > MOST_ITEMS:
        return _too("items of one list or object", len(value), MOST_ITEMS, name)
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        return _invalid(name, "holds a number that is too large")
    return None


def _wrong_string(name: str, value: str) -> GraphQLError | None:
    if len(value) > LONGEST_STRING:
        return _too("characters of a string", len(value), LONGEST_STRING, name)
    if "\0" in value:
        return _invalid(name, "holds the character NUL")
    if not value.isascii() and any(ord(letter) in SURROGATES for letter in value):
        return _invalid(name, "holds half a character")
    return None


def _parts(value: object) -> Iterable[Any]:
    if isinstance(value, list):
        return value
    return [*value, *value.values()] if isinstance(value, dict) else ()


def _too(what: str, found: int, allowed: int, name: str | None = None) -> GraphQLError:
    where = f"The variable ${name} has" if name else "The variables have"
    extensions = {"code": "VARIABLES_TOO_LARGE", "found": found, "allowed": allowed}
    return GraphQLError(f"{where} {found} {what}; {allowed} are allowed.", extensions=extensions)


def _invalid(name: str, how: str) -> GraphQLError:
    return GraphQLError(f"The variable ${name} {how}.", extensions={"code": "INVALID", "argument": name})
