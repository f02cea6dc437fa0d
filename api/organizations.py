"""Facilities, for showing names behind codes. No patient's data; any living token may ask."""

from typing import Annotated, Any

import orjson
import strawberry
from strawberry import Info

from domain.errors import Invalid

ORGANIZATIONS = "select access.organizations($1, $2, $3, $4)"
LARGEST_PAGE = 200


@strawberry.type(description="A facility: hospital, commune station, clinic, pharmacy. FHIR: Organization")
class Organization:
    id: strawberry.ID = strawberry.field(description="Its id. FHIR: Organization.id")
    code: str = strawberry.field(description="MA_CSKCB. FHIR: Organization.identifier")
    name: str | None = strawberry.field(description="Its name in Vietnamese. FHIR: Organization.name")
    name_en: str | None = strawberry.field(description="Its name in English. FHIR: Organization.alias")
    kind: str | None = strawberry.field(
        description="hospital, commune_station, clinic, pharmacy, vaccination_centre or other. FHIR: Organization.type"
    )
    province: str | None = strawberry.field(description="Two-digit province code. FHIR: Organization.address.state")
    address: str | None = strawberry.field(description="Its address. FHIR: Organization.address.text")


async def _organizations(
    info: Info,
    *,
    codes: Annotated[
        list[str] | None, strawberry.argument(description="MA_CSKCB of those wanted; all unless told.")
    ] = None,
    after: Annotated[str | None, strawberry.argument(description="The code after which the page begins.")] = None,
    first: Annotated[int, strawberry.argument(description="How many at most, 0 to 200.")] = 50,
) -> list[Organization]:
    if not 0 <= first <= LARGEST_PAGE:
        raise Invalid("first", f"`first` must be between 0 and {LARGEST_PAGE}.")
    for text in [*(codes or []), after or ""]:
        if not text.isprintable():
            raise Invalid("codes", "A code holds a character that no code has.")
    context: Any = info.context
    rows = await context.reader.value(ORGANIZATIONS, context.caller.grant_id, codes, after, first)
    return [Organization(**row) for row in orjson.loads(rows)]


@strawberry.type
class OrganizationsField:
    organizations: list[Organization] | None = strawberry.field(
        resolver=_organizations,
        description="Facilities in the order of their codes: some by `codes`, or a page `after` a code.",
    )
