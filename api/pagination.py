"""Relay connections (GraphQL Cursor Connections) with cursors that stay right while the record grows.

A cursor is the place of an item in one order, not a number of rows: what comes or goes meanwhile moves nobody's page.
The item need not be there any more, nor be open to who shows its cursor.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Generic, TypeVar
from uuid import UUID

import strawberry

from api.planner.sources import field
from domain.errors import Invalid
from domain.values import PARTIAL_DATE

T = TypeVar("T")
DEFAULT_PAGE, LARGEST_PAGE = 50, 500
LONGEST_CURSOR = 200  # characters; ours have some 100


@strawberry.enum(description="In which order items come. Either way, items without a date come last.")
class ItemOrder(Enum):
    OCCURRED_DESC = strawberry.enum_value("OCCURRED_DESC", description="What happened last comes first.")
    OCCURRED_ASC = strawberry.enum_value("OCCURRED_ASC", description="What happened first comes first.")
    RECORDED_DESC = strawberry.enum_value("RECORDED_DESC", description="What the book received last comes first.")
    RECORDED_ASC = strawberry.enum_value("RECORDED_ASC", description="What the book received first comes first.")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = field("Whether items follow: after the page, or from `before` on where `last` was asked for.")
    has_previous_page: bool = field("Whether items precede: before the page, or up to `after` where `first` was.")
    start_cursor: str | None = field("Cursor of the first item of the page.")
    end_cursor: str | None = field("Cursor of the last item of the page.")


@strawberry.type(description="An item and its place in the list.")
class Edge(Generic[T]):
    cursor: str = field("Opaque place of the item, for `after` and `before`.")
    node: T = field("The item.")


@strawberry.type(description="A page of a list; edges stand in the order of the list, whichever way it is paged.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = field("The items with their cursors.")
    nodes: list[T] = field("The items alone.")
    page_info: PageInfo = field("Where the page stands.")
    total_count: int = field("How many items match and may be seen by the caller, on all pages.")


@dataclass(frozen=True, slots=True)
class Keyset:
    """An order that pages are cut from: by one column, then by id; rows without a value come last."""

    order: ItemOrder
    column: str
    is_descending: bool
    written: str  # the column of `{r}` as text, for a cursor
    cast: str = ""

    @property
    def mark(self) -> str:
        """What opens a cursor of this order, so that one of another is told apart. The usual order has none."""
        return "" if self.order is USUAL else f"{self.order.name}|"

    def sql(self, row: str, *, backward: bool = False) -> str:
        """After `order by`."""
        down = " desc" if self.is_descending != backward else ""
        return f"{row}.{self.column}{down} nulls {'first' if backward else 'last'}, {row}.id{down}"

    def beyond(self, row: str, key: str, id_: str, *, after: bool) -> str:
        """Rows after the place of a cursor, or before it. Null, not false, for some rows that are not."""
        sign = "<" if self.is_descending == after else ">"
        at, place = f"{row}.{self.column}", f"{key}{self.cast}"
        same = f"{at} is not distinct from {place} and {row}.id {sign} {id_}::uuid"
        unknown = f"{at} is null and {place} is not null" if after else f"{at} is not null and {place} is null"
        return f"({at} {sign} {place} or ({same}) or ({unknown}))"

    def cursor(self, row: str) -> str:
        """The cursor of a row that has the column and the id."""
        mark = f"'{self.mark}' || " if self.mark else ""
        text = f"{mark}{self.written.format(r=row)} || '|' || {row}.id"
        return rf"translate(encode(decode({text}, 'escape'), 'base64'), E'+/=\n', '-_')"


USUAL = ItemOrder.OCCURRED_DESC
_OCCURRED = "coalesce({r}.occurred, '')"
_RECORDED = """to_char({r}.received_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
KEYSETS = {
    one.order: one
    for one in (
        Keyset(ItemOrder.OCCURRED_DESC, "occurred", is_descending=True, written=_OCCURRED),
        Keyset(ItemOrder.OCCURRED_ASC, "occurred", is_descending=False, written=_OCCURRED),
        Keyset(ItemOrder.RECORDED_DESC, "received_at", True, _RECORDED, "::timestamptz"),
        Keyset(ItemOrder.RECORDED_ASC, "received_at", False, _RECORDED, "::timestamptz"),
    )
}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def keyset(arguments: Mapping[str, Any]) -> Keyset:
    """The order that is asked for; the usual one where none is."""
    return KEYSETS[ItemOrder(arguments.get("orderBy") or USUAL)]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Place of an item in an order: `base64url("2025-03-14|<uuid>")`, after its order unless that is the usual."""

    key: str | None
    id: str

    @classmethod
    def read(cls, arguments: Mapping[str, Any], name: str) -> "Cursor":
        """The cursor given as an argument. Invalid says which is not one of ours, or is one of another order."""
        text, order = arguments.get(name) or "", keyset(arguments)
        try:
            *marks, key, id_ = _decoded(text).split("|")
            mark = "".join(f"{one}|" for one in marks)
            cursor = cls(key or None, str(UUID(id_)))
            known = next(one for one in KEYSETS.values() if one.mark == mark)
            _check(known, key)
        except (ValueError, binascii.Error, StopIteration):
            raise Invalid(name, f"`{name}` is not a cursor of this API.") from None
        if known is not order:
            told = f"`{name}` is a cursor of order {known.order.name}; the list is asked for in {order.order.name}."
            raise Invalid(name, told)
        return cursor

    @staticmethod
    def size(arguments: Mapping[str, Any], name: str, default: int) -> str:
        """The page size as text; both directions at once and sizes outside 0 to 500 are Invalid."""
        if arguments.get("first") is not None and arguments.get("last") is not None:
            raise Invalid("last", "Give `first` or `last`, not both.")
        size = arguments.get(name)
        if size is not None and not 0 <= size <= LARGEST_PAGE:
            raise Invalid(name, f"`{name}` must be between 0 and {LARGEST_PAGE}.")
        return str(default if size is None else size)


def _decoded(text: str) -> str:
    if len(text) > LONGEST_CURSOR:
        raise ValueError("too long")
    return base64.b64decode(f"{text}{'=' * (-len(text) % 4)}", altchars="-_", validate=True).decode("ascii")


def _check(known: Keyset, key: str) -> None:
    """ValueError for a key that no row of ours has, so that the database need not stumble over it."""
    if known.column == "received_at":
        if not _INSTANT.fullmatch(key):
            raise ValueError("no instant")
        datetime.fromisoformat(key)
    elif key and not re.fullmatch(PARTIAL_DATE, key):
        raise ValueError("no partial date")
