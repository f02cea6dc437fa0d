"""A clinician opens a book without consent, in an emergency: the citizen is told in the same transaction."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import strawberry
import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from strawberry import Info

from api.acting import Actor
from api.emergencies.types import (
    KIND,
    Emergency,
    EmergencyReason,
    EmergencyRefusal,
    EmergencyRefused,
    OpenEmergencyResult,
    shown,
)
from api.metrics import EMERGENCIES, EMERGENCY_ALARMS
from api.representation.acted import acted
from api.representation.notices import tell
from api.representation.reading import patient, read_own_id
from domain import emergency_rules
from domain.emergencies import EmergencyAccess
from domain.emergency_reviews import Alarm, named, too_many
from domain.emergency_rules import Clinician, Opened, Reason, Widening
from domain.errors import Forbidden, NotFound
from domain.representation.people import those_who_decide
from domain.values import utc_now

SCOPE = "emergency:open"
log = structlog.get_logger("healthbook.emergencies")

PATIENT_ID = "Whose book, as `findPatient` names him."
REASON_CODE = "What kind of emergency it is."
REASON = "What happened, in 10 to 500 characters; the citizen and the reviewer read it."
Id = Annotated[strawberry.ID, strawberry.argument(description="The emergency, as `openEmergency` named it.")]
SECOND_REASON = "Why the emergency set is not enough, in words that were not used before."
SECTIONS = "Which sections besides, by name."
SENSITIVE = "The second tick: sensitive items of the open sections too."


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What the caller gets, and what an operator hears: whose count is over (`practitioner`, `organization`)."""

    answer: Emergency | EmergencyRefused
    counted: str
    over: tuple[str, ...] = ()


async def _open(
    info: Info,
    *,
    patient_id: Annotated[strawberry.ID, strawberry.argument(description=PATIENT_ID)],
    reason_code: Annotated[EmergencyReason, strawberry.argument(description=REASON_CODE)],
    reason: Annotated[str, strawberry.argument(description=REASON)],
) -> Emergency | EmergencyRefused:
    told, who = Reason(str(reason_code.value), reason), patient(patient_id)

    async def work(session: AsyncSession, actor: Actor) -> tuple[_Outcome, Clinician]:
        by = _clinician(actor, info.context.caller.grant_id)
        return await session.run_sync(_opened, actor, by, told, info.context.alarm), by

    outcome, by = await acted(info, who, "openEmergency", work, scope=SCOPE, freshly=True)
    EMERGENCIES.labels(outcome.counted).inc()
    for over in outcome.over:
        EMERGENCY_ALARMS.labels(over).inc()
        log.warning(
            "many emergencies",
            over=over,
            practitioner_id=str(by.practitioner_id),
            organization_id=str(by.organization_id),
        )
    return outcome.answer


def _opened(db: Session, actor: Actor, by: Clinician, reason: Reason, alarm: Alarm) -> _Outcome:
    now, patient_id = utc_now(), _existing(db, actor)
    done: Opened = emergency_rules.open_emergency(
        db, patient_id=patient_id, persons=actor.persons, by=by, reason=reason, now=now
    )
    if done.emergency is None:
        return _Outcome(EmergencyRefused(code=EmergencyRefusal(done.because)), done.because.lower())
    answer = _named(db, done.emergency)
    if not done.is_new:
        return _Outcome(answer, "again")
    _tell(db, actor, done.emergency)
    return _Outcome(answer, "opened", tuple(too_many(db, done.emergency, alarm)))


async def _widen(
    info: Info,
    *,
    id: Id,  # noqa: A002 -- GraphQL's name
    reason: Annotated[str, strawberry.argument(description=SECOND_REASON)],
    sections: Annotated[list[str] | None, strawberry.argument(description=SECTIONS)] = None,
    sensitive: Annotated[bool, strawberry.argument(description=SENSITIVE)] = False,
) -> Emergency:
    patient_id, emergency_id = read_own_id(KIND, id)
    more = Widening(tuple(sections or ()), sensitive, reason)

    def widened(db: Session, actor: Actor, by: Clinician) -> Emergency:
        found = emergency_rules.widen(
            db, emergency_id=emergency_id, persons=actor.persons, by=by, more=more, now=utc_now()
        )
        _tell(db, actor, found)
        return _named(db, found)

    async def work(session: AsyncSession, actor: Actor) -> Emergency:
        return await session.run_sync(widened, actor, _clinician(actor, info.context.caller.grant_id))

    answer = await acted(info, patient_id, "widenEmergency", work, scope=SCOPE)
    EMERGENCIES.labels("widened").inc()
    return answer


async def _close(info: Info, *, id: Id) -> Emergency:  # noqa: A002 -- GraphQL's name
    patient_id, emergency_id = read_own_id(KIND, id)

    def closed(db: Session, actor: Actor, by: Clinician) -> Emergency:
        done = emergency_rules.close(db, emergency_id=emergency_id, persons=actor.persons, by=by, now=utc_now())
        return _named(db, done)

    async def work(session: AsyncSession, actor: Actor) -> Emergency:
        return await session.run_sync(closed, actor, _clinician(actor, info.context.caller.grant_id))

    return await acted(info, patient_id, "closeEmergency", work, scope=SCOPE)


def _clinician(actor: Actor, grant_id: UUID) -> Clinician:
    """A person who signed in at a clinicians' app; that he works there was decided by `access.act`."""
    if actor.client_kind != "clinician" or actor.citizen_id is None or actor.organization_id is None:
        raise Forbidden("Only a clinician who signed in opens an emergency.")
    return Clinician(actor.citizen_id, actor.organization_id, grant_id)


def _existing(db: Session, actor: Actor) -> UUID:
    if actor.patient_id is None or db.scalar(select(func.access.patient_state(actor.patient_id))) is None:
        raise NotFound("There is no such record, or it is not open to this reader.")
    return actor.patient_id


def _tell(db: Session, actor: Actor, emergency: EmergencyAccess) -> None:
    now = utc_now()
    concerned = those_who_decide(db, actor.persons, now)
    tell(db, concerned, "emergency_access", patient_id=emergency.patient_id, subject_id=emergency.id, now=now)


def _named(db: Session, emergency: EmergencyAccess) -> Emergency:
    return shown(named(db, [emergency])[0])


@strawberry.type
class EmergencyMutations:
    open_emergency: OpenEmergencyResult | None = strawberry.mutation(
        resolver=_open,
        description=(
            "Open the emergency set of a book for 60 minutes; read it with the purpose BTG. The citizen is told at "
            "once and every emergency is reviewed. Needs a fresh strong sign-in of a clinician. Scope: emergency:open"
        ),
    )
    widen_emergency: Emergency | None = strawberry.mutation(
        resolver=_widen, description="Open more until the same end, for a second reason. Scope: emergency:open"
    )
    close_emergency: Emergency | None = strawberry.mutation(
        resolver=_close, description="End the emergency before its time. Scope: emergency:open"
    )
