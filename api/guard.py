"""The only way to make a section field. The field names its section, and nothing opens it but the decision.

The planner turns the mark into a gate (exit 1); the resolver reads what the gated statement gave (exit 2). Both show
a refused section as null with an error, never as an empty list. `tests/contracts` walks the schema and fails when a
field shows a record's rows without this.
"""

from typing import Annotated, Any

import strawberry
from strawberry import Info
from strawberry.utils.str_converters import to_snake_case

from api.filters import ItemFilter
from api.pagination import ItemOrder
from api.planner.sources import SOURCE, SectionSource
from api.planner.sql import short
from domain.sections.section import Section


def by_response_key(root: Any, info: Any) -> Any:
    """Exit 2: the plan's answer holds each field under its response key; what no plan made is read by name."""
    if not isinstance(root, dict):
        return getattr(root, to_snake_case(info.field_name))
    return root[short(info.path.key)]


def _read(root: Any, info: Info) -> Any:
    return by_response_key(root, info)


del _read.__annotations__["return"]  # the field's own annotation is its type


def _argument(type_: Any, description: str) -> Any:
    return Annotated[type_, strawberry.argument(description=description)]


SHAPE = {
    "include_superseded": _argument(bool, "Whether earlier versions, since corrected by their senders, come too."),
    "order_by": _argument(ItemOrder | None, "In which order; null is the usual one."),
}
PAGE = {
    "first": _argument(int | None, "How many items from the beginning, 0 to 500; 50 where neither is given."),
    "after": _argument(str | None, "Only items after this cursor, which must be of the same order."),
    "last": _argument(int | None, "How many items from the end, 0 to 500. Not together with `first`."),
    "before": _argument(str | None, "Only items before this cursor, which must be of the same order."),
}


def section_single(section: Section, description: str) -> Any:
    """One item, the newest report of it: `X | None`."""
    return _field(section, "single", description, _read)


def section_list(section: Section, description: str, filter_type: type[ItemFilter]) -> Any:
    """A short list, whole: `list[X] | None`."""

    def whole(
        root: Any,
        info: Info,
        *,
        include_superseded: Any = False,
        filter: Any = None,  # noqa: A002 -- the argument's name in GraphQL
        order_by: Any = ItemOrder.OCCURRED_DESC,
    ) -> Any:
        del include_superseded, filter, order_by
        return by_response_key(root, info)

    return _field(section, "list", description, _told(whole, SHAPE, filter_type))


def section_connection(section: Section, description: str, filter_type: type[ItemFilter]) -> Any:
    """A list that grows, in pages: `Connection[X] | None`."""

    def page(
        root: Any,
        info: Info,
        *,
        first: Any = None,
        after: Any = None,
        last: Any = None,
        before: Any = None,
        include_superseded: Any = False,
        filter: Any = None,  # noqa: A002 -- the argument's name in GraphQL
        order_by: Any = ItemOrder.OCCURRED_DESC,
    ) -> Any:
        del first, after, last, before, include_superseded, filter, order_by
        return by_response_key(root, info)

    return _field(section, "connection", description, _told(page, PAGE | SHAPE, filter_type))


def _told(resolver: Any, arguments: dict[str, Any], filter_type: type[ItemFilter]) -> Any:
    """The resolver with the types of its arguments, of which the filter's is the section's own."""
    given = _argument(filter_type | None, "Only items that match.")
    resolver.__annotations__ |= arguments | {"filter": given}
    del resolver.__annotations__["return"]
    return resolver


def _field(section: Section, kind: str, description: str, resolver: Any) -> Any:
    return strawberry.field(
        resolver=resolver,
        description=f"{description} Scope: {section.scope}",
        metadata={SOURCE: SectionSource(section.name, kind)},
    )
