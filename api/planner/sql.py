"""From a selection to SQL: the whole compiler. Each level of FROM is filtered by the patient, `$1`.

Section fields become gates: `case when the decision opened it then (rows) end`, so a refused section is null and
one statement serves every decision. Arguments become parameters `$2`, `$3` ..., all text, cast where they are used.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import FieldNode, GraphQLObjectType, get_named_type, get_nullable_type, is_list_type, is_non_null_type

from api.pagination import keyset
from api.planner.filters import Filter
from api.planner.selection import TYPENAME, Chosen, Selection
from api.planner.sources import PLAIN, SOURCE, Column, Embedded, Expr, Record, Rel, SectionSource

Binder = Callable[[Mapping[str, Any]], str | None]
LONGEST_NAME = 63  # bytes of a PostgreSQL identifier


class Unplannable(Exception):
    """The selection holds a field that only Python can answer."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Where a section stands in the answer: its path below the root, its name, and its place in the document."""

    path: tuple[str, ...]
    section: str
    node: FieldNode


@dataclass(frozen=True, slots=True)
class Binding:
    """A parameter: one argument of one selected field, turned into text."""

    chosen: Chosen
    convert: Binder


@dataclass(slots=True)
class Compiler:
    selection: Selection
    gates: list[Gate] = field(default_factory=list)
    bindings: list[Binding] = field(default_factory=list)
    exact: bool = True
    own_sources: set[str] = field(default_factory=set)
    _aliases: int = 0

    def object(self, chosen: Chosen, type_: GraphQLObjectType, row: str, from_: str = "") -> str:
        """`select row_to_json` of one object made of the selected fields of the row `row`."""
        return f"select row_to_json(x) from (select {self.columns(chosen, type_, row)}{from_}) x"

    def items(self, columns: str, row: str, rows: str) -> str:
        """`select` the list of objects with these columns, one of each of the `rows` (all after `select ...`)."""
        return f"select coalesce(json_agg(x), '[]') from {shaped(row, columns, rows)}"

    def columns(self, chosen: Chosen, type_: GraphQLObjectType, row: str) -> str:
        fields = self.selection.of(type_, chosen)
        return ", ".join(f'{self.expression(one, type_, row)} as "{self.name(one.key)}"' for one in fields)

    def name(self, key: str) -> str:
        if len(key) > LONGEST_NAME:
            self.exact = False
        return short(key)

    def expression(self, chosen: Chosen, type_: GraphQLObjectType, row: str) -> str:
        if chosen.name == TYPENAME:
            return f"'{type_.name}'::text"
        source = chosen.metadata.get(SOURCE)
        match source:
            case Column(name):
                return f"{row}.{name or _python_name(chosen)}"
            case Expr(sql):
                return sql.format(t=row, section=record_of(type_).section if "{section}" in sql else "")
            case Embedded(column):
                return self.embedded(chosen, self.json(row, column or _python_name(chosen)))
            case Rel():
                return self.related(chosen, source, row)
            case SectionSource():
                return self.section(chosen, source)
            case _:
                raise Unplannable(chosen.name)

    def json(self, row: str, column: str) -> str:
        """A JSON column; of a report's sources only the one that is its own."""
        if column != "sources" or row not in self.own_sources:
            return f"{row}.{column}"
        mine = f"jsonb_build_object('id', {row}.source_id)"
        return f"jsonb_path_query_array({row}.sources, '$[*] ? (@.id == $id)', {mine})"

    def embedded(self, chosen: Chosen, json: str) -> str:
        """An object kept as JSON, or a list of them; absent stays null unless the field promises a value."""
        type_ = get_named_type(chosen.field.type)  # type: ignore[union-attr]  # only __typename has no field
        if not isinstance(type_, GraphQLObjectType):
            return json
        element = self.alias()
        if _is_list(chosen):
            columns = self.json_columns(chosen, type_, element)
            rows = f"(select jsonb_array_elements({json}) as value) {element}"  # in `from` it would be stored first
            sql = f"(select coalesce(json_agg(x), '[]') from {rows} cross join lateral (select {columns}) x)"
        else:
            value = f" from (select {json} as value) {element}"
            sql = f"(select row_to_json(x) from (select {self.json_columns(chosen, type_, element)}{value}) x)"
        required = is_non_null_type(chosen.field.type)  # type: ignore[union-attr]
        return sql if required else f"(case when {json} is not null then {sql} end)"

    def json_columns(self, chosen: Chosen, type_: GraphQLObjectType, element: str) -> str:
        return ", ".join(
            f'{self.json_field(one, type_, element)} as "{self.name(one.key)}"'
            for one in self.selection.of(type_, chosen)
        )

    def json_field(self, chosen: Chosen, type_: GraphQLObjectType, element: str) -> str:
        if chosen.name == TYPENAME:
            return f"'{type_.name}'::text"
        source = chosen.metadata.get(SOURCE)
        value = f"{element}.value->'{_python_name(chosen)}'"
        if isinstance(source, Embedded):
            return self.embedded(chosen, f"nullif({value}, 'null'::jsonb)")
        if source != PLAIN:
            raise Unplannable(chosen.name)
        return value  # JSON's null is written as null, as SQL's is

    def related(self, chosen: Chosen, rel: Rel, row: str) -> str:
        type_ = get_named_type(chosen.field.type)  # type: ignore[union-attr]
        assert isinstance(type_, GraphQLObjectType)  # noqa: S101 -- a Rel leads to a record, told by its type
        other = self.alias()
        if rel.own_sources:
            self.own_sources.add(other)
        on, order = rel.on.format(t=row, r=other), rel.order.format(t=row, r=other)
        columns = self.columns(chosen, type_, other)
        rows = f"from {record_of(type_).table} {other} where {other}.patient_id = $1::uuid and {on} order by {order}"
        if _is_list(chosen):
            return f"({self.items(columns, other, rows)})"
        return f"(select row_to_json(x) from {shaped(other, columns, f'{rows} limit 1')})"

    def section(self, chosen: Chosen, source: SectionSource) -> str:
        """A gated section: single, list or connection."""
        self.gates.append(Gate((chosen.key,), source.section, chosen.details[0].node))
        named = get_named_type(chosen.field.type)  # type: ignore[union-attr]
        assert isinstance(named, GraphQLObjectType)  # noqa: S101 -- section fields are made by api.guard
        sql = self.connection(chosen, named) if source.kind == "connection" else self.rows(chosen, source, named)
        return f"(case when {opened(source.section)} then ({sql}) end)"

    def rows(self, chosen: Chosen, source: SectionSource, type_: GraphQLObjectType) -> str:
        row = self.alias()
        where = " and ".join([self.visible(chosen, row), *Filter(self, chosen).where(row)])
        order = keyset(chosen.arguments(self.selection.variables)).sql(row)
        rows = f"from {record_of(type_).table} {row} where {where} order by {order}"
        columns = self.columns(chosen, type_, row)
        if source.kind == "single":
            return f"select row_to_json(x) from {shaped(row, columns, f'{rows} limit 1')}"
        return self.items(columns, row, rows)

    def visible(self, chosen: Chosen, row: str) -> str:
        all_versions = chosen.arguments(self.selection.variables).get("includeSuperseded")
        rows = f"({row}.shown or {row}.superseded_at is not null)" if all_versions else f"{row}.shown"
        return f"{row}.patient_id = $1::uuid and {rows}"

    def connection(self, chosen: Chosen, type_: GraphQLObjectType) -> str:
        from api.planner.page import Page  # a page compiles its items with this compiler

        return Page(self, chosen, type_).sql()

    def bind(self, chosen: Chosen, convert: Binder) -> str:
        self.bindings.append(Binding(chosen, convert))
        return f"${len(self.bindings) + 1}"

    def alias(self) -> str:
        self._aliases += 1
        return f"t{self._aliases}"


def shaped(row: str, columns: str, rows: str) -> str:
    """After `from`: objects `x` with these columns, in the order of the `rows` (what follows `select ...`) they are of.

    PostgreSQL writes an object that it makes above the sorted and limited rows, of nothing but what it needs of them,
    in two thirds of the time that it takes for one made below.
    """
    return f"(select {used(row, columns)} {rows}) {row} cross join lateral (select {columns}) x"


def used(row: str, *sql: str) -> str:
    """The columns of a row that some SQL uses, as a list to select."""
    names = dict.fromkeys(name for one in sql for name in re.findall(rf"\b{row}\.(\w+)", one))
    return ", ".join(f"{row}.{name}" for name in names)


def opened(section: str) -> str:
    return f"strpos(current_setting('app.sections'), ',{section},') > 0"


def short(key: str) -> str:
    """A response key as a column name; one too long for PostgreSQL gets a stable short name, mended on exit 2."""
    return key if len(key) <= LONGEST_NAME else f"k_{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def _python_name(chosen: Chosen) -> str:
    return str(chosen.field.extensions["strawberry-definition"].python_name)  # type: ignore[union-attr]


def record_of(type_: GraphQLObjectType) -> Record:
    return type_.extensions["strawberry-definition"].origin.__record__  # type: ignore[no-any-return]


def _is_list(chosen: Chosen) -> bool:
    return is_list_type(get_nullable_type(chosen.field.type))  # type: ignore[union-attr]
