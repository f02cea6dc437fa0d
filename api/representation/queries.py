"""Who acts for whom."""

from typing import Annotated
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from strawberry import Info

from api.acting import Actor
from api.representation.acted import acted
from api.representation.reading import patient
from api.representation.types import Representation, Representations, shown
from domain.representation import rights
from domain.values import utc_now

PATIENT_ID = "Whose book; the caller's own unless told."
ENDED = "Whether rights that ended are listed too."


async def _representations(
    info: Info,
    *,
    patient_id: Annotated[strawberry.ID | None, strawberry.argument(description=PATIENT_ID)] = None,
    include_ended: Annotated[bool, strawberry.argument(description=ENDED)] = False,
) -> Representations:
    async def work(session: AsyncSession, actor: Actor) -> Representations:
        return await session.run_sync(_both, actor, ended=include_ended)

    return await acted(info, patient(patient_id), "representations", work, scope="consent:read")


def _both(db: Session, actor: Actor, *, ended: bool) -> Representations:
    now, me = utc_now(), actor.citizen_id
    found = rights.for_patient(db, actor.persons, now, ended=ended)
    of_patient = [
        shown(one, reader=me, now=now, patient_id=actor.patient_id) for one in found if _sees(actor, one.citizen_id)
    ]
    return Representations(of_patient=of_patient, mine=[] if me is None else _mine(db, me, ended=ended))


def _sees(actor: Actor, citizen_id: UUID) -> bool:
    return actor.can_manage or citizen_id == actor.citizen_id


def _mine(db: Session, citizen_id: UUID, *, ended: bool) -> list[Representation]:
    now = utc_now()
    found = rights.of_citizen(db, citizen_id, now, ended=ended)
    return [shown(one.right, reader=citizen_id, now=now, patient_id=one.patient_id) for one in found]


@strawberry.type
class RepresentationQueries:
    representations: Representations | None = strawberry.field(
        resolver=_representations,
        description="Who may act for a patient, and for whom the caller may. Scope: consent:read",
    )
