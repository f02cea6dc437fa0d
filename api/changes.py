"""`changes`: what a phone needs to catch up with a book it holds a copy of. SQL: api/planner/changes.py."""

from types import UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

import strawberry
from strawberry import Info

from api.guard import by_response_key
from api.planner.sources import SOURCE, Expr, SectionChangesSource, SectionSource, field
from domain.sections import SECTIONS

T = TypeVar("T")
PAGE = 100


@strawberry.type(
    description="What is new in one section. First take `removed` out of the copy, then put `items` in, by their ids."
)
class SectionChanges(Generic[T]):
    removed: list[strawberry.ID] = field(
        "Items that are not to be shown any more: replaced by a correction, withdrawn, or another person's. "
        "Some may never have been in the copy."
    )
    items: list[T] = field("Items that are new or were changed, as they are now, in the order they changed.")


@strawberry.type
class _Head:
    cursor: str | None = field(
        "Give it as `since` the next time. Null where nothing of the book may be kept.", Expr("null::text")
    )
    has_more: bool = field("Whether more waits: ask again at once with `cursor`.", Expr("false"))
    purged: list[str] = field(
        "Names of sections (`labs`, `family_history`) of which everything must be dropped from the copy before the "
        "rest is taken in: the right to them is lost, or it reaches differently, or the book was merged into another.",
        Expr("'[]'::json"),
    )
    patient_id: strawberry.ID = field("The patient whose book this is. FHIR: Patient.id", Expr("{t}.patient_id"))


def _section(root: Any, info: Info) -> Any:
    return by_response_key(root, info)


del _section.__annotations__["return"]  # the field's own annotation is its type


def changes_of(record: type) -> type:
    """The type `Changes`: for each section of the record the changes of its items."""
    hints = get_type_hints(record)
    declared: dict[str, Any] = {}
    annotations: dict[str, Any] = {}
    sections = {section.name: section for section in SECTIONS}
    for one in record.__strawberry_definition__.fields:  # type: ignore[attr-defined]  # put there by strawberry.type
        source = one.metadata.get(SOURCE)
        if isinstance(source, SectionSource):
            annotations[one.python_name] = SectionChanges[_item(hints[one.python_name])] | None  # type: ignore[misc]
            declared[one.python_name] = strawberry.field(
                resolver=_section,
                description=f"What changed in this section. Scope: {sections[source.section].scope}",
                metadata={SOURCE: SectionChangesSource(source.section)},
            )
    return strawberry.type(
        type("Changes", (_Head,), {"__annotations__": annotations, **declared}),
        description="What changed in a book since a cursor. A section that may not be read is null with an error, as "
        "in `healthRecord`; `purged` says which copies must go.",
    )


def _item(hint: Any) -> Any:
    """X of `X | None`, `list[X] | None`, `Connection[X] | None`."""
    if get_origin(hint) in (Union, UnionType):
        hint = next(one for one in get_args(hint) if one is not type(None))
    return get_args(hint)[0] if get_args(hint) else hint


Since = Annotated[str | None, strawberry.argument(description="`cursor` of the last answer; nothing: everything.")]
Limit = Annotated[int, strawberry.argument(description="Items of each section at most, 1 to 500.")]
