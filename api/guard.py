"""The only way to make a section field. The field names its section, and nothing opens it but the decision.

The planner turns the mark into a gate (exit 1); the resolver reads what the gated statement gave (exit 2). Both show
a refused section as null with an error, never as an empty list. `tests/contracts` walks the schema and fails when a
field shows a record's rows without this.
"""

from typing import Any

import strawberry
from strawberry import Info

from api.planner.sources import SOURCE, SectionSource
from api.planner.sql import short
from domain.sections.section import Section


def by_response_key(root: Any, info: Any) -> Any:
    """Exit 2: the plan's answer holds each field under its response key."""
    return root[short(info.path.key)]


def _read(root: Any, info: Info) -> Any:
    return by_response_key(root, info)


def _all_versions(root: Any, info: Info, *, include_superseded: bool = False) -> Any:
    del include_superseded
    return by_response_key(root, info)


def _page(
    root: Any,
    info: Info,
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    include_superseded: bool = False,
) -> Any:
    del first, after, last, before, include_superseded
    return by_response_key(root, info)


for _resolver in (_read, _all_versions, _page):
    del _resolver.__annotations__["return"]  # the field's own annotation is its type


def section_single(section: Section, description: str) -> Any:
    """One item, the newest report of it: `X | None`."""
    return _field(section, "single", description, _read)


def section_list(section: Section, description: str) -> Any:
    """A short list, whole: `list[X] | None`."""
    return _field(section, "list", description, _all_versions)


def section_connection(section: Section, description: str) -> Any:
    """A list that grows, in pages: `Connection[X] | None`."""
    return _field(section, "connection", description, _page)


def _field(section: Section, kind: str, description: str, resolver: Any) -> Any:
    return strawberry.field(
        resolver=resolver,
        description=f"{description} Scope: {section.scope}",
        metadata={SOURCE: SectionSource(section.name, kind)},
    )
