"""`disputeAccess`: the citizen says that an entry of the log was not right; operators answer (`healthbook audit`)."""

import enum
from typing import Annotated

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from strawberry import Info

from api.access_log.places import place_of
from api.access_log.reading import SCOPE
from api.access_log.types import AccessDispute
from api.acting import Actor
from api.representation.acted import acted
from api.representation.reading import patient
from domain.audit import disputes
from domain.consents.tables import Dispute
from domain.values import utc_now


@strawberry.enum(description="Why an entry was not disputed.")
class DisputeRefusalCode(enum.Enum):
    ALREADY_DISPUTED = strawberry.enum_value("ALREADY_DISPUTED", description="It was before; see it in the log.")


@strawberry.type(description="The entry was not disputed.")
class DisputeRefusal:
    code: DisputeRefusalCode = strawberry.field(description="Why not.")


DisputeResult = Annotated[
    AccessDispute | DisputeRefusal,
    strawberry.union("DisputeAccessResult", description="The dispute, or why there is none."),
]


async def _dispute_access(
    info: Info,
    *,
    entry_id: Annotated[strawberry.ID, strawberry.argument(description="The `id` of the entry.")],
    reason: Annotated[str, strawberry.argument(description="What was not right, 1 to 1000 characters.")],
    patient_id: Annotated[
        strawberry.ID | None, strawberry.argument(description="Whose log; the caller's own unless told.")
    ] = None,
) -> DisputeResult:
    at, id_ = place_of(entry_id, "entryId")
    told = disputes.checked_reason(reason)

    def raise_it(db: Session, actor: Actor) -> Dispute | None:
        return disputes.raise_dispute(db, by=actor.citizen_id, at=at, entry_id=id_, reason=told, now=utc_now())

    async def work(session: AsyncSession, actor: Actor) -> Dispute | None:
        return await session.run_sync(raise_it, actor)

    raised = await acted(info, patient(patient_id), "disputeAccess", work, scope=SCOPE, manages=True)
    if raised is None:
        return DisputeRefusal(code=DisputeRefusalCode.ALREADY_DISPUTED)
    return AccessDispute.of(raised)


@strawberry.type
class AccessLogMutations:
    dispute_access: DisputeResult | None = strawberry.field(
        resolver=_dispute_access,
        description="Say that an entry of the log was not right. Once an entry. Scope: log:read.",
    )
