"""Delta sync as SQL: what a phone must drop, take out and put in, to hold what a fresh download would give.

The phone brings a cursor (`Known`): for each section how far the decision opened it (`access.limits`), the revision up
to which it has the items (and the last item of a page that was cut), and the one up to which it has the removals.
A section that is no longer open, or open within other limits, or of another patient than the cursor's, is purged; the
rest is rows of a later revision, oldest first, and removals that this reader may see. One statement is one moment.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from graphql import GraphQLObjectType, get_named_type

from api.planner.selection import TYPENAME, Chosen
from api.planner.sources import SOURCE, SectionChangesSource
from api.planner.sql import Compiler, Gate, opened, record_of
from domain.errors import Invalid

LONGEST_CURSOR = 8_000
LARGEST_PAGE = 500
MOST_REMOVALS = 2_000  # of a section; one that lost more is told anew
NO_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"
LIMITS = re.compile(r"[0-9a-f]{8}")
NAME = re.compile(r"[a-z_]{1,40}")
BIGGEST = 2**63 - 1

# The steps of a section, each a common table expression of one row: sub-queries joined side by side would make the
# planner weigh thousands of orders. `held`: where the phone stands, if its limits still hold. `was`: the same, unless
# too much was removed since or the section is closed. Then the rows beyond it, and where they end.
HEAD = """k as materialized (
    select {known}::jsonb as state, coalesce(({known}::jsonb->>'p')::uuid = $1::uuid, false) as same,
           (select b.revision from book.patient b where b.patient_id = $1::uuid) as now)"""
SECTION = """{a}h as materialized (
    select l.limits, case when k.same and {held}->>0 = l.limits then {held} end as held
      from k, (select access.limits('{section}') as limits) l
), {a}g as materialized (
    select h.*, array(select distinct q.item_id from book.removal q
                       where q.patient_id = $1::uuid and q.section = '{section}' and q.revision > (h.held->>3)::bigint
                       limit {most}) as ids
      from {a}h h
), {a}w as materialized (
    select g.*, case when {open} and cardinality(g.ids) < {most} then g.held end as was from {a}g g
), {a} as materialized (
    select w.was, w.limits, r.*, r.n >= {page}::int as cut,
           (select coalesce(json_agg(access.node_id('{section}', $1::uuid, i) order by i), '[]')
              from unnest(w.ids) i where w.was is not null) as removed
      from {a}w w cross join lateral (
        select {lists} count(*) as n, max(t.revision) as revision,
               (array_agg(t.id order by t.revision desc, t.id desc))[1] as id
          from (select r.* from {table} r
                 where r.patient_id = $1::uuid and r.shown and {open}
                   and (r.revision, r.id)
                       > (coalesce((w.was->>1)::bigint, 0), coalesce((w.was->>2)::uuid, '{no_id}'::uuid))
                 order by r.revision, r.id limit {page}::int) t) r
)"""


@dataclass(frozen=True, slots=True)
class Known:
    """What a cursor says: the patient, and by section [limits, revision, last item or null, revision of removals]."""

    patient_id: UUID
    sections: Mapping[str, list[Any]]

    @classmethod
    def read(cls, arguments: Mapping[str, Any]) -> "Known | None":
        """None where nothing is known yet. Invalid if `since` is no cursor of `changes`."""
        text = arguments.get("since")
        return None if text is None else _known(text)

    def json(self) -> str:
        return orjson.dumps({"p": str(self.patient_id), "s": self.sections}).decode()


@lru_cache(maxsize=256)
def _known(text: str) -> Known:
    try:
        told = orjson.loads(base64.urlsafe_b64decode(f"{text[:LONGEST_CURSOR]}{'=' * (-len(text) % 4)}"))
        sections = {name: _position(name, told["s"][name]) for name in told["s"]}
        return Known(UUID(told["p"]), sections)
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise Invalid("since", "`since` is not a cursor of `changes`.") from None


def _position(name: str, told: Any) -> list[Any]:
    limits, revision, last, removals = told
    numbers = all(type(one) is int and 0 <= one <= BIGGEST for one in (revision, removals))
    if not (NAME.fullmatch(name) and LIMITS.fullmatch(limits) and numbers):
        raise ValueError
    return [limits, revision, None if last is None else str(UUID(last)), removals]


def lost(arguments: Mapping[str, Any], shape: tuple[tuple[str, str], ...]) -> bytes | None:
    """The answer where a book is closed to a phone that holds a copy of it: drop everything. None without a copy.

    It says what the cursor says, so it tells nothing of books that were never open. `shape`: response keys and fields.
    """
    known = Known.read(arguments)
    if known is None:
        return None
    told = {"purged": list(known.sections), "hasMore": False, "patientId": str(known.patient_id), TYPENAME: "Changes"}
    return orjson.dumps({key: told.get(name) for key, name in shape})


class Changes:
    """The statement of one `changes` field: the steps of each selected section, and what is made of them."""

    def __init__(self, compiler: Compiler, root: Chosen, type_: GraphQLObjectType) -> None:
        self.compiler, self.root, self.type = compiler, root, type_
        self.fields = compiler.selection.of(type_, root)
        self.steps: list[str] = []
        self.positions: dict[str, str] = {}  # section -> alias of its lateral
        self.known = compiler.bind(root, lambda arguments: known.json() if (known := Known.read(arguments)) else None)
        self.page = compiler.bind(root, _page_size)

    def sql(self) -> str:
        shape = [(one, self._section(one)) for one in self.fields if _section_of(one)]
        sections = {id(one): sql for one, sql in shape}
        columns = ", ".join(
            f'{sections.get(id(one)) or self._head(one)} as "{self.compiler.name(one.key)}"' for one in self.fields
        )
        steps = ", ".join([HEAD.format(known=self.known), *self.steps])
        return f"with {steps} select row_to_json(c) from (select {columns} from (select $1::uuid as patient_id) p) c"

    def _section(self, chosen: Chosen) -> str:
        section = _section_of(chosen)
        self.compiler.gates.append(Gate((chosen.key,), section, chosen.details[0].node))
        type_ = get_named_type(chosen.field.type)  # type: ignore[union-attr]  # a section is a field of ours
        assert isinstance(type_, GraphQLObjectType)  # noqa: S101
        alias, inner = self.compiler.alias(), self.compiler.selection.of(type_, chosen)
        items = [one for one in inner if one.name == "items"]
        self.steps.append(self._steps(section, alias, type_, items))
        self.positions.setdefault(section, alias)
        lists = {one.key: f"(select c{number} from {alias})" for number, one in enumerate(items)}
        parts = [
            f'{lists.get(one.key) or self._part(one, type_, alias)} as "{self.compiler.name(one.key)}"' for one in inner
        ]
        return f"(case when {opened(section)} then (select row_to_json(x) from (select {', '.join(parts)}) x) end)"

    def _part(self, one: Chosen, type_: GraphQLObjectType, alias: str) -> str:
        return (
            f"(select removed from {alias})" if one.name == "removed" else self.compiler.expression(one, type_, alias)
        )

    def _steps(self, section: str, alias: str, type_: GraphQLObjectType, items: list[Chosen]) -> str:
        item = get_named_type(type_.fields["items"].type)
        assert isinstance(item, GraphQLObjectType)  # noqa: S101
        lists = [
            f"coalesce(json_agg((select row_to_json(x) from (select {self.compiler.columns(one, item, 't')}) x)"
            f" order by t.revision, t.id), '[]') as c{number},"
            for number, one in enumerate(items)
        ]
        return SECTION.format(
            a=alias,
            most=MOST_REMOVALS,
            no_id=NO_ID,
            section=section,
            open=opened(section),
            held=f"k.state->'s'->'{section}'",
            lists=" ".join(lists),
            table=record_of(item).table,
            page=self.page,
        )

    def _head(self, one: Chosen) -> str:
        match one.name:
            case "purged":
                return self._purged()
            case "hasMore":
                return " or ".join(f"(select cut from {alias})" for alias in self.positions.values()) or "false"
            case "cursor":
                return self._cursor()
            case _:
                return self.compiler.expression(one, self.type, "p")

    def _purged(self) -> str:
        """Sections the phone knows of which nothing it holds is right any more."""
        gone = [f"case when (select was from {a}) is null then '{name}' end" for name, a in self.positions.items()]
        return (
            "(select coalesce(json_agg(n order by n), '[]') from k, jsonb_object_keys(k.state->'s') n"
            f" where not k.same or n = any (array[{', '.join(gone)}]::text[]))"
        )

    def _cursor(self) -> str:
        """What the phone knows when it has taken this answer in; sections it did not ask for stay where they were."""
        asked = ", ".join(f"'{name}'" for name in self.positions)
        parts = [f"case when k.same then (k.state->'s') - array[{asked}]::text[] else '{{}}' end"]
        parts += [
            f"case when {opened(name)} then jsonb_build_object('{name}', (select jsonb_build_array(s.limits,"
            f" case when s.cut then s.revision else k.now end, case when s.cut then s.id end, k.now) from {alias} s))"
            " else '{}' end"
            for name, alias in self.positions.items()
        ]
        state = f"select jsonb_build_object('p', $1::uuid, 's', {' || '.join(parts)})::text from k"
        return rf"translate(encode(convert_to(({state}), 'UTF8'), 'base64'), E'+/=\n', '-_')"


def _section_of(chosen: Chosen) -> str:
    source = chosen.metadata.get(SOURCE)
    return source.section if isinstance(source, SectionChangesSource) else ""


def _page_size(arguments: Mapping[str, Any]) -> str:
    size = arguments["limit"]
    if size is None or not 1 <= size <= LARGEST_PAGE:
        raise Invalid("limit", f"`limit` must be between 1 and {LARGEST_PAGE}.")
    return str(size)
