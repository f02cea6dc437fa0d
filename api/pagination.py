"""Relay connections (GraphQL Cursor Connections) with cursors that stay right while the record grows."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

import strawberry

from api.planner.sources import field
from domain.errors import Invalid

T = TypeVar("T")
DEFAULT_PAGE, LARGEST_PAGE = 50, 500


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = field("Whether older items follow.")
    has_previous_page: bool = field("Whether newer items precede.")
    start_cursor: str | None = field("Cursor of the first item of the page.")
    end_cursor: str | None = field("Cursor of the last item of the page.")


@strawberry.type(description="An item and its place in the list.")
class Edge(Generic[T]):
    cursor: str = field("Opaque place of the item, for `after` and `before`.")
    node: T = field("The item.")


@strawberry.type(description="A page of a list, newest first.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = field("The items with their cursors.")
    nodes: list[T] = field("The items alone.")
    page_info: PageInfo = field("Where the page stands.")
    total_count: int = field("How many items the caller may see in all.")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Place of an item in the order (occurred, id): `base64url("2025-03-14|<uuid>")`, opaque to clients."""

    occurred: str | None
    id: str

    @staticmethod
    def sql(row: str) -> str:
        text = f"coalesce({row}.occurred, '') || '|' || {row}.id"
        return rf"translate(encode(decode({text}, 'escape'), 'base64'), E'+/=\n', '-_')"

    @classmethod
    def read(cls, arguments: Mapping[str, Any], name: str) -> "Cursor":
        """The cursor given as an argument; Invalid says which argument was not one of ours."""
        text = arguments.get(name) or ""
        try:
            occurred, _, id_ = (
                base64.urlsafe_b64decode(f"{text}{'=' * (-len(text) % 4)}").decode("ascii").partition("|")
            )
            return cls(occurred or None, str(UUID(id_)))
        except (ValueError, binascii.Error):
            raise Invalid(name, f"`{name}` is not a cursor of this API.") from None

    @staticmethod
    def size(arguments: Mapping[str, Any], name: str, default: int) -> str:
        """The page size as text; both directions at once and sizes outside 0 to 500 are Invalid."""
        if arguments.get("first") is not None and arguments.get("last") is not None:
            raise Invalid("last", "Give `first` or `last`, not both.")
        size = arguments.get(name)
        if size is not None and not 0 <= size <= LARGEST_PAGE:
            raise Invalid(name, f"`{name}` must be between 0 and {LARGEST_PAGE}.")
        return str(default if size is None else size)

    @staticmethod
    def beyond(row: str, occurred: str, id_: str, *, older: bool) -> str:
        """Rows after the cursor in the order `occurred desc nulls last, id desc` (or before it)."""
        sign = "<" if older else ">"
        same = f"{row}.occurred is not distinct from {occurred} and {row}.id {sign} {id_}::uuid"
        unknown = (
            f"{row}.occurred is null and {occurred} is not null"
            if older
            else f"{row}.occurred is not null and {occurred} is null"
        )
        return f"({row}.occurred {sign} {occurred} or ({same}) or ({unknown}))"
