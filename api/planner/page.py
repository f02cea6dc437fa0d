"""One page of a Relay connection as SQL: every list over its rows in one pass, and only what was asked for.

`first` counts from the beginning of what lies between the cursors, `last` from its end; `before` alone is like `last`.
Either way edges stand in the order of the list (GraphQL Cursor Connections 4.4). What lies beyond a page or a cursor is
looked at only where it is asked for (beyond a page only where the page is full), and cursors are only made where they
are selected.
"""

from graphql import GraphQLObjectType, get_named_type, get_nullable_type

from api.pagination import DEFAULT_PAGE, Cursor, keyset
from api.planner.filters import Filter
from api.planner.selection import Chosen
from api.planner.sql import Compiler, record_of, used


class Page:
    """The parts of one connection: what each selected field needs of the rows `t`, aggregated as `g`."""

    def __init__(self, compiler: Compiler, chosen: Chosen, connection: GraphQLObjectType) -> None:
        self.compiler, self.chosen, self.connection = compiler, chosen, connection
        self.item = _object(get_nullable_type(connection.fields["nodes"].type))
        arguments = chosen.arguments(compiler.selection.variables)
        self.given = {name for name in ("first", "after", "last", "before") if arguments.get(name) is not None}
        self.backward = "last" in self.given or ("before" in self.given and "first" not in self.given)
        self.keyset, self.filter = keyset(arguments), Filter(compiler, chosen)
        self.places: dict[str, tuple[str, str]] = {}
        self.lists: list[str] = []
        self.ends: dict[str, tuple[str, str]] = {}  # column and place of what the cursors of the page's ends need
        self.more = False

    def sql(self) -> str:
        fields = self.compiler.selection.of(self.connection, self.chosen)
        shape = ", ".join(f'{self.part(one)} as "{self.compiler.name(one.key)}"' for one in fields)
        if not (self.lists or self.ends or self.more):
            return f"select row_to_json(c) from (select {shape}) c"
        return f"select row_to_json(c) from (select {shape} from ({self.aggregate()}) g) c"

    def part(self, one: Chosen) -> str:
        match one.name:
            case "nodes":
                return self.collect(self.compiler.columns(one, self.item, "t"))
            case "edges":
                edge = _object(one.field.type if one.field else None)
                return self.collect(
                    ", ".join(self.edge(inner, edge) for inner in self.compiler.selection.of(edge, one))
                )
            case "pageInfo":
                return self.page_info(one)
            case "totalCount":
                row = self.compiler.alias()
                return f"(select count(*) from {self._matching(row)})"
            case _:
                return self.compiler.expression(one, self.connection, "g")

    def collect(self, columns: str) -> str:
        """Another list over the rows of the page."""
        self.lists.append(columns)
        return f"g.c{len(self.lists)}"

    def edge(self, inner: Chosen, edge: GraphQLObjectType) -> str:
        name = self.compiler.name(inner.key)
        if inner.name == "cursor":
            return f'{self.keyset.cursor("t")} as "{name}"'
        if inner.name == "node":
            return f'({self.compiler.object(inner, self.item, "t")}) as "{name}"'
        return f'{self.compiler.expression(inner, edge, "t")} as "{name}"'

    def page_info(self, one: Chosen) -> str:
        info = _object(one.field.type if one.field else None)
        shape = ", ".join(
            f'{self.info(inner, info)} as "{self.compiler.name(inner.key)}"'
            for inner in self.compiler.selection.of(info, one)
        )
        return f"(select row_to_json(i) from (select {shape}) i)"

    def info(self, inner: Chosen, info: GraphQLObjectType) -> str:
        """The far end of the direction tells by what follows a full page, the near end by what stands before it."""
        near, far = ("hasNextPage", "hasPreviousPage") if self.backward else ("hasPreviousPage", "hasNextPage")
        if inner.name == far:
            self.more = True
            return "g.more"
        if inner.name == near:
            cursor = "before" if self.backward else "after"
            return self._anything_beyond(cursor) if cursor in self.given else "false"
        if inner.name in ("startCursor", "endCursor"):
            return self.cursor(inner.name.lower(), last=(inner.name == "endCursor") != self.backward)
        return self.compiler.expression(inner, info, "g")

    def cursor(self, name: str, *, last: bool) -> str:
        """The cursor of one end of the page: made once of that row's place, not of every row."""
        columns = (self.keyset.column, "id")
        self.ends |= {f"{name}_{column}": (column, "count(*)" if last else "1") for column in columns}
        parts = ", ".join(f"g.{name}_{column} as {column}" for column in columns)
        return f"(select {self.keyset.cursor('e')} from (select {parts}) e)"

    def aggregate(self) -> str:
        """The lists and what is told of the page. Rows come in the order of paging; `place` turns their lists round."""
        size = self._size()
        paged, listed = (" order by t.place", " order by t.place desc") if self.backward else ("", "")
        parts = [f"coalesce(json_agg(x{n}{listed}), '[]') as c{n}" for n, _ in enumerate(self.lists, 1)]
        parts += [f"(array_agg(t.{column}{paged}))[{nth}] as {name}" for name, (column, nth) in self.ends.items()]
        if self.more:
            beyond = self._rows("select", self.compiler.alias(), "1")
            parts.append(f"(count(*) = {size} and exists ({beyond} offset {size})) as more")
        columns = used("t", *self.lists, *(f"t.{column}" for column, _ in self.ends.values()))
        rows = self._rows(f"select {columns}", "t", size)
        if self.backward:
            rows = f"select t.*, row_number() over () as place from ({rows}) t"
        shapes = [f" cross join lateral (select {columns}) x{n}" for n, columns in enumerate(self.lists, 1)]
        return f"select {', '.join(parts)} from ({rows}) t{''.join(shapes)}"

    def _matching(self, row: str, *conditions: str) -> str:
        """After `from`: the rows of the list, whatever the page, for which the conditions hold too."""
        where = [self.compiler.visible(self.chosen, row), *self.filter.where(row), *conditions]
        return f"{record_of(self.item).table} {row} where {' and '.join(where)}"

    def _rows(self, select: str, row: str, limit: str) -> str:
        within = [self._beyond(row, name) for name in ("after", "before") if name in self.given]
        return f"{select} from {self._matching(row, *within)} order by {self._order(row)} limit {limit}"

    def _order(self, row: str) -> str:
        return self.keyset.sql(row, backward=self.backward)

    def _anything_beyond(self, cursor: str) -> str:
        """Whether anything stands at the cursor's place or on its other side."""
        row = self.compiler.alias()
        return f"exists (select from {self._matching(row, f'{self._beyond(row, cursor)} is not true')})"

    def _size(self) -> str:
        name = "last" if self.backward else "first"
        parameter = self.compiler.bind(self.chosen, lambda arguments: Cursor.size(arguments, name, DEFAULT_PAGE))
        return f"{parameter}::int"

    def _beyond(self, row: str, name: str) -> str:
        if name not in self.places:
            key = self.compiler.bind(self.chosen, lambda arguments: Cursor.read(arguments, name).key)
            id_ = self.compiler.bind(self.chosen, lambda arguments: Cursor.read(arguments, name).id)
            self.places[name] = (key, id_)
        return self.keyset.beyond(row, *self.places[name], after=name == "after")


def _object(type_: object) -> GraphQLObjectType:
    named = get_named_type(type_)  # type: ignore[call-overload]  # of a field of our own Connection
    if not isinstance(named, GraphQLObjectType):
        raise TypeError("a connection is made of objects")
    return named
