"""Who opened a book in an emergency."""

from typing import Annotated

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from strawberry import Info

from api.acting import Actor
from api.emergencies.types import KIND, EmergencyPage, shown
from api.representation.acted import acted
from api.representation.reading import patient, read_own_id
from domain.emergency_reviews import of_patient
from domain.errors import Invalid

LARGEST_PAGE = 100
PATIENT_ID = "Whose book; the caller's own unless told."
FIRST = "At most how many, up to 100."
AFTER = "`next` of the page before."


async def _emergencies(
    info: Info,
    *,
    patient_id: Annotated[strawberry.ID | None, strawberry.argument(description=PATIENT_ID)] = None,
    first: Annotated[int, strawberry.argument(description=FIRST)] = 20,
    after: Annotated[strawberry.ID | None, strawberry.argument(description=AFTER)] = None,
) -> EmergencyPage:
    if not 1 <= first <= LARGEST_PAGE:
        raise Invalid("first", f"`first` must be between 1 and {LARGEST_PAGE}.")
    before = read_own_id(KIND, after, "after")[1] if after is not None else None

    async def work(session: AsyncSession, actor: Actor) -> EmergencyPage:
        found = await session.run_sync(of_patient, actor.persons, first=first + 1, after=before)
        items = [shown(one) for one in found[:first]]
        return EmergencyPage(items=items, next=items[-1].id if len(found) > first else None)

    return await acted(info, patient(patient_id), "emergencies", work, scope="log:read", manages=True)


@strawberry.type
class EmergencyQueries:
    emergencies: EmergencyPage | None = strawberry.field(
        resolver=_emergencies,
        description="Who read without consent in an emergency, why, and what the review said. Scope: log:read",
    )
