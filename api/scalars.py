"""Scalars of the API. PostgreSQL writes them as text, so they pass through as they are."""

from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

PartialDate = NewType("PartialDate", str)
Instant = NewType("Instant", str)

SCALARS: dict[object, ScalarDefinition] = {
    PartialDate: strawberry.scalar(
        name="PartialDate",
        description=(
            "As much of a date as is known: `1955`, `1955-03`, `1955-03-14`, or an instant at Vietnam's offset "
            "(`2025-03-14T07:30:00+07:00`). Sorts as text. FHIR: dateTime."
        ),
        specified_by_url="https://hl7.org/fhir/R4/datatypes.html#dateTime",
        serialize=str,
        parse_value=str,
    ),
    Instant: strawberry.scalar(
        name="Instant",
        description="An instant in UTC, RFC 3339. FHIR: instant.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=str,
        parse_value=str,
    ),
}
