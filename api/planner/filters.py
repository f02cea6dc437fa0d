"""The `filter` of a section field as SQL: conditions on its rows, whose values are parameters.

Which fields of a filter are given shapes the statement; their values do not. A filter sees what row-level security
leaves, so it keeps and counts nothing that its reader may not read.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from graphql import GraphQLInputObjectType, get_nullable_type

from api.planner.selection import Chosen
from api.planner.sources import SOURCE, AnyOf, During, Words
from domain.errors import Invalid
from domain.values import partial_date

if TYPE_CHECKING:
    from api.planner.sql import Compiler

FILTER = "filter"
MOST_VALUES, LONGEST_VALUE = 100, 100
SHORTEST_WORDS, LONGEST_WORDS = 2, 100
AFTER_ALL = "~"  # sorts after every continuation of a partial date: `2025~` is the end of 2025

Check = Callable[[Any, str], str]


class Filter:
    """The conditions of one selected field, bound once and written for as many rows as need them.

    Bound when they are first needed: PostgreSQL takes no parameter that the statement does not name.
    """

    def __init__(self, compiler: "Compiler", chosen: Chosen) -> None:
        self.compiler, self.chosen = compiler, chosen
        self.conditions: list[str] | None = None

    def where(self, row: str) -> list[str]:
        """Conditions on the row, to be joined by `and`."""
        if self.conditions is None:
            self.conditions = list(self._conditions())
        return [one.replace("{t}", row) for one in self.conditions]

    def _conditions(self) -> Iterator[str]:
        given = self.chosen.arguments(self.compiler.selection.variables).get(FILTER) or {}
        for name, value in given.items():
            if value is None:
                continue
            match self._source(name):
                case AnyOf() as source:
                    yield any_of(source, self.bind(values, name))
                case Words() as source:
                    yield words_in(source, self.bind(words, name))
                case During(column):
                    yield from self._during(name, value, column)

    def _source(self, name: str) -> Any:
        type_ = get_nullable_type(self.chosen.field.args[FILTER].type)  # type: ignore[union-attr]  # it has arguments
        assert isinstance(type_, GraphQLInputObjectType)  # noqa: S101 -- filters are made by api.guard
        return type_.fields[name].extensions["strawberry-definition"].metadata[SOURCE]

    def _during(self, name: str, period: Mapping[str, Any], column: str) -> Iterator[str]:
        """Text comparison of partial dates: an item ends with the last moment that its date leaves open."""
        if period.get("from") is not None:
            yield f"{{t}}.{column} || '{AFTER_ALL}' >= {self.bind(moment, name, 'from')}"
        if period.get("to") is not None:
            yield f"{{t}}.{column} <= {self.bind(moment, name, 'to')}::text || '{AFTER_ALL}'"

    def bind(self, check: Check, *path: str) -> str:
        def convert(arguments: Mapping[str, Any]) -> str:
            value: Any = arguments[FILTER]
            for name in path:
                value = value[name]
            return check(value, ".".join((FILTER, *path)))

        return self.compiler.bind(self.chosen, convert)


def any_of(source: AnyOf, parameter: str) -> str:
    given = f"{parameter}::text[]"
    tests = [f"{{t}}.{column} = any ({given})" for column in source.columns]
    if source.also:
        tests.append(source.also.replace("{v}", given))
    return f"({' or '.join(tests)})"


def words_in(source: Words, parameter: str) -> str:
    """`strpos` knows no wildcards. The given words are folded once a statement, by what folds the row's."""
    texts = [f"{{t}}.{column}" for column in source.columns] + ([source.also] if source.also else [])
    return f"strpos(access.folded(concat_ws(E'\\n', {', '.join(texts)})), (select access.folded({parameter}))) > 0"


def values(given: list[str], path: str) -> str:
    """A list as an array literal of PostgreSQL."""
    if not 1 <= len(given) <= MOST_VALUES:
        raise Invalid(path, f"`{path}` takes 1 to {MOST_VALUES} values.")
    return "{" + ",".join(_quoted(one, path) for one in given) + "}"


def _quoted(value: str, path: str) -> str:
    if len(value) > LONGEST_VALUE:
        raise Invalid(path, f"A value of `{path}` has more than {LONGEST_VALUE} characters.")
    return '"' + _storable(value, path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def words(given: str, path: str) -> str:
    text = _storable(given, path).strip()
    if not SHORTEST_WORDS <= len(text) <= LONGEST_WORDS or not any(one.isalnum() for one in text):
        raise Invalid(path, f"`{path}` takes {SHORTEST_WORDS} to {LONGEST_WORDS} characters, one a letter or digit.")
    return text


def moment(given: str, path: str) -> str:
    """A partial date as the book writes it. ASCII digits only, as the database's."""
    try:
        return partial_date(given if given.isascii() else "")
    except ValueError:
        raise Invalid(path, f"`{path}` is no date of the form YYYY, YYYY-MM, YYYY-MM-DD or an instant.") from None


def _storable(value: str, path: str) -> str:
    """Text that PostgreSQL takes: no NUL, no half of a surrogate pair."""
    if "\0" in value or any("\ud800" <= one <= "\udfff" for one in value):
        raise Invalid(path, f"`{path}` holds a character that no text has.")
    return value
