"""Hypothesis strategies for GraphQL documents that are valid for our schema, whatever it has grown into.

What only a database can tell stands in them as a mark: `@cursor.labs.OCCURRED_DESC.3@` is the fourth cursor of that
list, `@id.labs.0@` an item's id, `@code.2@` a code, `@patient@` whose book. `Marks.put` puts the real ones there.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import GraphQLObjectType, get_named_type
from hypothesis import strategies as st

from api.schema import create_schema

SCHEMA = create_schema()._schema
RECORD = SCHEMA.type_map["HealthRecord"]
DEEPEST = 4
ORDERS = ["OCCURRED_DESC", "OCCURRED_ASC", "RECORDED_DESC", "RECORDED_ASC"]
DATES = ["1990", "2024-06", "2025-01-01", "2025-06-01", "2026-02", "2026-11-21T00:00:00+07:00"]
WORDS = ["an", "DUONG", "huyết áp", "glu", "ho", "thuoc", "100%", "benh vien"]
LONG = "long" * 20


@dataclass
class Query:
    """Root fields with what they use: `variables` are name -> (type, value)."""

    roots: list[str]
    fragments: list[str]
    variables: dict[str, tuple[str, Any]]

    def text(self, also: str = "") -> str:
        declared = ", ".join(f"${name}: {type_}" for name, (type_, _) in self.variables.items())
        head = f"query Q{f' ({declared})' if declared else ''}"
        return f"{head} {{ {' '.join(self.roots)} {also} }} {' '.join(self.fragments)}"

    @property
    def values(self) -> dict[str, Any]:
        return {name: value for name, (_, value) in self.variables.items() if value is not ABSENT}

    def __add__(self, other: "Query") -> "Query":
        return Query(self.roots + other.roots, self.fragments + other.fragments, self.variables | other.variables)


ABSENT = object()


@dataclass
class Draft:
    """A query being drawn. `may_err`: something of it may be wrong, beside what is refused."""

    prefix: str
    may_err: bool = False
    fragments: list[str] = field(default_factory=list)
    variables: dict[str, tuple[str, Any]] = field(default_factory=dict)
    aliases: int = 0

    def variable(self, type_: str, value: Any) -> str:
        name = f"{self.prefix}v{len(self.variables)}"
        self.variables[name] = (type_, value)
        return f"${name}"

    def alias(self) -> str:
        self.aliases += 1
        return f"{self.prefix}{self.aliases}"


class Marks:
    """What a book holds: lists of cursors, ids and codes by name. (No dataclass: hypothesis would print it all.)"""

    def __init__(self, known: dict[str, list[str]]) -> None:
        self.known = known

    def put(self, query: Query) -> Query:
        return replace(
            query,
            roots=[self._in(one) for one in query.roots],
            fragments=[self._in(one) for one in query.fragments],
            variables={name: (self._in(type_), self._in(value)) for name, (type_, value) in query.variables.items()},
        )

    def _in(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._in(one) for one in value]
        if isinstance(value, dict):
            return {name: self._in(one) for name, one in value.items()}
        return re.sub(r"@([\w.]+?)(?:\.(\d+))?@", self._one, value) if isinstance(value, str) else value

    def _one(self, found: re.Match[str]) -> str:
        there = self.known.get(found[1]) or ["absent"]
        return there[int(found[2] or 0) % len(there)]


@st.composite
def documents(draw, *, sound=False, most=2, node=True):
    """Root fields, each a query of its own; one document may hold them all, for their names differ.

    `sound`: nothing is wrong with any of them.
    """
    roots = []
    for n in range(draw(st.integers(1, most))):
        is_node = node and draw(st.integers(0, 4)) == 0
        roots.append(draw(nodes(f"r{n}_") if is_node else records(f"r{n}_", sound=sound)))
    return roots


@st.composite
def records(draw, prefix, *, sound):
    draft = Draft(prefix, may_err=not sound and draw(st.integers(0, 3)) == 0)
    body = draw(selection_set(RECORD, 0, draft))
    patient = draft.variable("ID", "@patient@")
    arguments = [f"patientId: {patient}"]
    if draw(st.integers(0, 4)) == 0:
        arguments.append(draw(argument("purpose", "PurposeOfUse", "PATRQT", draft)) if not sound else "purpose: null")
    return Query([f"{prefix}: healthRecord({', '.join(arguments)}) {{ {body} }}"], draft.fragments, draft.variables)


@st.composite
def nodes(draw, prefix):
    draft = Draft(prefix)
    section, type_ = draw(st.sampled_from([("labs", "Lab"), ("encounters", "Encounter"), ("allergies", "Allergy")]))
    id_ = f"@id.{draw(st.sampled_from([section] * 4 + ['vitals', 'none']))}.{draw(st.integers(0, 9))}@"
    item, own = SCHEMA.type_map["Item"], SCHEMA.type_map[type_]
    parts = [
        f"... on Node {{ {draw(selection_set(SCHEMA.type_map['Node'], DEEPEST, draft))} }}",
        f"... on Item {{ {draw(selection_set(item, DEEPEST - 1, draft))} }}",
        f"... on {type_} {{ {draw(selection_set(own, DEEPEST - 1, draft))} }}",
    ]
    text = " ".join(draw(st.permutations(parts)))
    return Query([f"{prefix}: node({draw(argument('id', 'ID!', id_, draft))}) {{ __typename {text} }}"],
                 draft.fragments, draft.variables)  # fmt: skip


@st.composite
def selection_set(draw, type_, depth, draft):
    names = [name for name, one in type_.fields.items() if depth < DEEPEST or not _is_object(one)]
    chosen = draw(st.lists(st.sampled_from([*names, "__typename"]), min_size=1, max_size=6, unique=True))
    parts = [draw(selection(type_, name, depth, draft)) for name in chosen]
    shared = [one for one in getattr(type_, "interfaces", ()) if draw(st.integers(0, 5)) == 0]
    for interface in shared:
        inner = draw(st.sampled_from([name for name, one in interface.fields.items() if not _is_object(one)]))
        parts.append(f"... on {interface.name}{draw(directive(draft))} {{ {inner} __typename }}")
    if draw(st.booleans()):
        text = " ".join(parts)
        if draw(st.booleans()):
            return f"... on {type_.name}{draw(directive(draft))} {{ {text} }} __typename"
        name = f"{draft.prefix}F{len(draft.fragments)}"
        draft.fragments.append(f"fragment {name} on {type_.name} {{ {text} }}")
        return f"...{name}{draw(directive(draft))} __typename"
    return " ".join(parts)


@st.composite
def selection(draw, type_, name, depth, draft):
    """One field: with arguments under a name of its own, now and then twice, to be merged."""
    if name == "__typename":
        return name
    one = type_.fields[name]
    arguments = draw(arguments_of(name, one, draft)) if one.args else ""
    alias = draw(st.sampled_from(["", f"{name}2: ", f"{LONG}_{name}: "])) if draw(st.integers(0, 3)) == 0 else ""
    if arguments:
        alias = f"{draft.alias()}: " if not alias.startswith(LONG) else f"{LONG}{draft.alias()}: "
    times = 2 if draw(st.integers(0, 7)) == 0 else 1
    return " ".join(
        f"{alias}{name}{arguments}{draw(directive(draft))}{draw(below(one, depth, draft))}" for _ in range(times)
    )


@st.composite
def below(draw, one, depth, draft):
    if not _is_object(one):
        return ""
    return f" {{ __typename {draw(selection_set(get_named_type(one.type), depth + 1, draft))} }}"


@st.composite
def directive(draw, draft):
    """Literal or by variable; a variable with a default may be left out, or be null, which validation lets pass."""
    kind = draw(st.sampled_from(["", "", "", "", "include", "skip"]))
    if not kind:
        return ""
    value = draw(st.booleans())
    if draw(st.booleans()):
        return f" @{kind}(if: {str(value).lower()})"
    type_ = draw(st.sampled_from(["Boolean!", "Boolean = true", "Boolean! = false"]))
    values = (
        [value] + ([ABSENT] if "=" in type_ else []) + ([None] if type_ == "Boolean = true" and draft.may_err else [])
    )
    return f" @{kind}(if: {draft.variable(type_, draw(st.sampled_from(values)))})"


@st.composite
def arguments_of(draw, name, one, draft):
    """Some of the arguments that a section field has."""
    order = draw(st.sampled_from([None, *ORDERS]))
    parts = []
    if "first" in one.args:
        parts += draw(paging(name, order, draft))
    if order:
        parts.append(draw(argument("orderBy", "ItemOrder", order, draft)))
    if "includeSuperseded" in one.args and draw(st.integers(0, 3)) == 0:
        nullable = [] if not draft.may_err else ["Boolean"]
        type_ = draw(st.sampled_from(["Boolean!", "Boolean! = false", *nullable]))
        parts.append(draw(argument("includeSuperseded", type_, draw(st.booleans()), draft)))
    if "filter" in one.args and draw(st.integers(0, 1)) == 0:
        parts.append(draw(filters(get_named_type(one.args["filter"].type), draft)))
    return f"({', '.join(draw(st.permutations(parts)))})" if parts else ""


@st.composite
def paging(draw, name, order, draft):
    """Either direction, from nothing to more than there is, between cursors of the list; sometimes what is wrong."""
    wrong = draft.may_err and draw(st.integers(0, 5)) == 0
    size = draw(st.sampled_from([0, 1, 2, 3, 500] + ([-1, 501] if wrong else [])))
    parts = (
        [draw(argument(draw(st.sampled_from(["first", "last"])), "Int", size, draft))] if draw(st.booleans()) else []
    )
    for end in ("after", "before"):
        if draw(st.integers(0, 2)) == 0:
            of = draw(st.sampled_from(ORDERS)) if wrong else order or ORDERS[0]
            cursor = f"@cursor.{name}.{of}.{draw(st.integers(0, 60))}@"
            parts.append(draw(argument(end, "String", "garbage" if wrong and size == 3 else cursor, draft)))
    return parts


@st.composite
def filters(draw, type_, draft):
    """A filter as a literal, as one variable, or as a literal of variables."""
    wanted = draw(st.lists(st.sampled_from(sorted(type_.fields)), max_size=3, unique=True))
    value = {name: draw(condition(name, draft)) for name in wanted}
    how = draw(st.sampled_from(["literal", "variable", "inner"]))
    if how == "variable":
        return f"filter: {draft.variable(type_.name, value or draw(st.sampled_from([value, None, ABSENT])))}"
    if how == "literal":
        return f"filter: {literal(value)}"
    inner = [f"{name}: {draft.variable(str(type_.fields[name].type), one)}" for name, one in value.items()]
    return f"filter: {{{', '.join(inner)}}}"


@st.composite
def condition(draw, name, draft):
    wrong = draft.may_err and draw(st.integers(0, 9)) == 0
    if draw(st.integers(0, 9)) == 0:
        return None
    match name:
        case "period":
            dates = st.sampled_from([None, *DATES, *(["yesterday"] if wrong else [])])
            return {"from": draw(dates), "to": draw(dates)} if draw(st.booleans()) else {"to": draw(dates)}
        case "text":
            return "?" if wrong else draw(st.sampled_from(WORDS))
        case _:
            mark = "facility" if name == "facilities" else "code" if name == "codes" else "kind"
            return (
                [] if wrong else [f"@{mark}.{n}@" for n in draw(st.lists(st.integers(0, 99), min_size=1, max_size=12))]
            )


@st.composite
def argument(draw, name, type_, value, draft):
    """An argument as a literal, or as a variable that is given, null, left out, or has a default."""
    if draw(st.booleans()):
        is_enum = name in ("orderBy", "purpose")
        return f"{name}: {value if is_enum else literal(value)}"
    nullable = "!" not in type_
    shown = value if name in ("orderBy", "purpose") else literal(value)
    lost = ["null", "absent"] if nullable and (name != "orderBy" or draft.may_err) else []  # cursors are of an order
    how = draw(st.sampled_from(["given", "given", *lost, *(["default"] if nullable else [])]))
    if how == "default":
        return f"{name}: {draft.variable(f'{type_} = {shown}', ABSENT)}"
    return f"{name}: {draft.variable(type_, {'given': value, 'null': None, 'absent': ABSENT}[how])}"


def literal(value):
    """GraphQL's way to write a value."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{name}: {literal(one)}" for name, one in value.items()) + "}"
        case list():
            return "[" + ", ".join(literal(one) for one in value) + "]"
        case str():
            return f'"{value}"'
        case _:
            return str(value)


def _is_object(one):
    return isinstance(get_named_type(one.type), GraphQLObjectType)


def connections():
    """Section fields that come in pages."""
    return [name for name, one in RECORD.fields.items() if "first" in one.args]
