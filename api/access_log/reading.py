"""`accessLog`: the log of one book, for its citizen and whoever decides for him."""

from typing import Annotated
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from strawberry import Info

from api.access_log.places import place_of
from api.access_log.types import AccessLogEntry, AccessLogPage
from api.acting import Actor
from api.representation.acted import acted
from api.representation.reading import patient
from domain.audit import reading
from domain.errors import Forbidden, Invalid

LARGEST_PAGE = 100
SCOPE = "log:read"


async def _access_log(
    info: Info,
    *,
    patient_id: Annotated[
        strawberry.ID | None, strawberry.argument(description="Whose book; the caller's own unless told.")
    ] = None,
    first: Annotated[int, strawberry.argument(description="At most so many entries, 1 to 100.")] = 50,
    after: Annotated[str | None, strawberry.argument(description="The `endCursor` of the page before.")] = None,
    include_own: Annotated[
        bool,
        strawberry.argument(description="Also what the person read himself, and what you did who act for him."),
    ] = False,
) -> AccessLogPage:
    if not 1 <= first <= LARGEST_PAGE:
        raise Invalid("first", f"`first` must be between 1 and {LARGEST_PAGE}.")
    before = place_of(after, "after") if after is not None else None

    async def work(session: AsyncSession, actor: Actor) -> AccessLogPage:
        found = await session.run_sync(
            lambda db: reading.page(db, actor.citizen_id, own=include_own, before=before, first=first + 1)
        )
        nodes = [AccessLogEntry.of(entry, managed(actor)) for entry in found[:first]]
        end = str(nodes[-1].id) if nodes else None
        return AccessLogPage(nodes=nodes, end_cursor=end, has_next_page=len(found) > first)

    return await acted(info, patient(patient_id), "accessLog", work, scope=SCOPE, manages=True)


def managed(actor: Actor) -> UUID:
    """The patient of a citizen whom `act` let decide for one."""
    if actor.patient_id is None:
        raise Forbidden("This needs the right to decide for the patient.")
    return actor.patient_id


@strawberry.type
class AccessLogField:
    access_log: AccessLogPage | None = strawberry.field(
        resolver=_access_log,
        description=(
            "Who asked for this book, newest first; refusals and this very question included. "
            "Scope: log:read. FHIR: AuditEvent"
        ),
    )
