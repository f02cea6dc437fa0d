"""What every filter of items can ask. A section's own filter stands beside its type and adds its codes and words."""

import strawberry

from api.planner.sources import AnyOf, During, condition
from api.scalars import PartialDate

SENDERS = "exists (select from jsonb_array_elements({t}.sources) s where s.value->>'organization_code' = any ({v}))"
WORDS = (
    "Items that hold these words, 2 to 100 characters, as they stand; case, tone marks and other accents make no "
    "difference."
)


def coded(column: str) -> str:
    """For AnyOf: an element of this JSON column has one of the codes."""
    return f"exists (select from jsonb_array_elements({{t}}.{column}) e where e.value->>'code' = any ({{v}}))"


def listed(column: str, *keys: str) -> str:
    """For Words: what the elements of this JSON column say under these keys."""
    texts = ", ".join(f"e.value->>'{key}'" for key in keys)
    return f"(select string_agg(concat_ws(E'\\n', {texts}), E'\\n') from jsonb_array_elements({{t}}.{column}) e)"


@strawberry.input(description="A time from one partial date to another, both included. FHIR: Period")
class PeriodInput:
    from_: PartialDate | None = strawberry.field(
        name="from",
        default=strawberry.UNSET,
        description="Its beginning; `2025` is the first moment of that year. Open where left out.",
    )
    to: PartialDate | None = strawberry.field(
        default=strawberry.UNSET, description="Its end; `2025` is the last moment of that year. Open where left out."
    )


@strawberry.input(description="Which items; each field that is given narrows the list.")
class ItemFilter:
    period: PeriodInput | None = condition(
        "Items that may have happened within this time: one of `1955` is kept by `1955-03` to `1955-04`. "
        "Items without a date are not kept.",
        During(),
    )
    facilities: list[str] | None = condition(
        "Items that one of these facilities (MA_CSKCB) reported: 1 to 100 codes.", AnyOf(also=SENDERS)
    )
