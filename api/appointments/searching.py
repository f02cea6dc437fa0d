"""`slots`: free places of all clinics. No patient's data; any citizen or clinic may ask."""

from datetime import timedelta
from typing import Annotated

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from strawberry import Info

from api.acting import Actor
from api.appointments.inputs import cursor, instant_of, place_of
from api.appointments.patients import READ
from api.appointments.types import Slot, SlotPage
from api.facilities.cursors import After, First, size
from api.representation.acted import acted
from api.scalars import Instant
from domain.appointments import search
from domain.appointments.search import Near, Place, Wanted
from domain.errors import Invalid
from domain.values import utc_now

LONGEST_CODE = 200
USUAL = timedelta(days=30)


@strawberry.input(description="Around a place on earth. FHIR: Location.position")
class NearInput:
    lat: float = strawberry.field(description="Degrees north, WGS 84. FHIR: Location.position.latitude")
    lng: float = strawberry.field(description="Degrees east, WGS 84. FHIR: Location.position.longitude")
    km: float = strawberry.field(default=10, description="Within so many kilometres, 500 at most.")


@strawberry.input(description="Which places are looked for; what is left out does not matter. FHIR: Slot")
class SlotFilter:
    specialty: str | None = strawberry.field(default=None, description="FHIR: Slot.specialty")
    service_code: str | None = strawberry.field(default=None, description="The clinic's code. FHIR: Slot.serviceType")
    vaccine_code: str | None = strawberry.field(default=None, description="Where this vaccine is given.")
    province_code: str | None = strawberry.field(default=None, description="FHIR: Organization.address.state")
    commune_code: str | None = strawberry.field(default=None, description="FHIR: Organization.address.city")
    organization_code: str | None = strawberry.field(default=None, description="MA_CSKCB of one clinic.")
    near: NearInput | None = strawberry.field(default=None, description="Around a place.")
    from_: Instant | None = strawberry.field(
        default=None, name="from", description="Not before this; now unless told. FHIR: Slot.start"
    )
    to: Instant | None = strawberry.field(
        default=None, description="Before this; 30 days after `from` unless told. FHIR: Slot.start"
    )
    telehealth: bool | None = strawberry.field(default=None, description="Only, or no, visits from home.")

    def wanted(self) -> Wanted:
        first = utc_now() if self.from_ is None else instant_of(self.from_, "from")
        last = first + USUAL if self.to is None else instant_of(self.to, "to")
        codes = (self.specialty, self.service_code, self.vaccine_code, self.province_code, self.commune_code)
        for code in (*codes, self.organization_code):
            if code is not None and not (code.isprintable() and len(code) <= LONGEST_CODE):
                raise Invalid("filter", "A code holds a character that no code has, or is too long.")
        return Wanted(
            first,
            last,
            *codes,
            self.organization_code,
            None if self.near is None else Near(self.near.lat, self.near.lng, self.near.km),
            self.telehealth,
        )


EARLIEST = "The earliest first; false, with `near`, for the nearest clinics first."


async def _slots(
    info: Info,
    *,
    filter: Annotated[SlotFilter, strawberry.argument(description="Which places.")],  # noqa: A002 -- GraphQL's name
    first: First = 20,
    after: After = None,
    earliest_first: Annotated[bool, strawberry.argument(description=EARLIEST)] = True,
) -> SlotPage:
    wanted, most, begin = filter.wanted(), size(first), place_of(after)
    page_after = None if begin is None else Place(*begin)

    def page(db: Session) -> SlotPage:
        found = search.free(db, wanted, first=most + 1, after=page_after, earliest_first=earliest_first, now=utc_now())
        shown = found[:most]
        end = cursor(shown[-1].slot.starts_at, shown[-1].slot.id, shown[-1].km) if shown else None
        return SlotPage(nodes=[Slot.of(one) for one in shown], end_cursor=end, has_next_page=len(found) > most)

    async def work(session: AsyncSession, _actor: Actor) -> SlotPage:
        return await session.run_sync(page)

    return await acted(info, None, "slots", work, scope=READ)


@strawberry.type
class SearchingQueries:
    slots: SlotPage | None = strawberry.field(
        resolver=_slots,
        description="Free places, bounded by the clinics' lead times and horizons. Scope: appointment:read. FHIR: Slot",
    )
