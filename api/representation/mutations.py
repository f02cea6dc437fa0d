"""Inviting a delegate, becoming one, ending a right, sharing private data with one's parents."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from strawberry import Info

from api.acting import Actor
from api.representation.acted import acted
from api.representation.notices import tell_both_sides
from api.representation.reading import moment, patient, read_own_id, told
from api.representation.types import (
    KIND,
    AcceptDelegationResult,
    DelegationCode,
    DelegationRefusal,
    DelegationRefused,
    Representation,
    shown,
)
from api.scalars import Instant
from domain import attempts
from domain.consents.deciders import birth_date, role_to_grant
from domain.errors import Forbidden, NotFound
from domain.representation import delegation, rights
from domain.representation.delegation import TRIES, TRY, WINDOW, Accepted, Wish
from domain.values import utc_now

SCOPE = "delegate:manage"
Id = Annotated[strawberry.ID, strawberry.argument(description="The right, as `representations` names it.")]
PATIENT_ID = "Whose book; the caller's own unless told."
SECTIONS = "What the delegate may read, by the names of the sections."
SENSITIVE = "Sensitive categories he sees too; none unless named."
VALID_UNTIL = "When it ends, at most a year from now and no later than the inviter's own right."
CHILD_AGREES = "That the child, from seven years on, agrees too."
CODE = "The code as the inviter told it; case, spaces and dashes do not matter."
SHARED = "The categories the parent or guardian sees from now on; none closes them."


async def _invite(
    info: Info,
    *,
    sections: Annotated[list[str], strawberry.argument(description=SECTIONS)],
    valid_until: Annotated[Instant, strawberry.argument(description=VALID_UNTIL)],
    patient_id: Annotated[strawberry.ID | None, strawberry.argument(description=PATIENT_ID)] = None,
    sensitive: Annotated[list[str] | None, strawberry.argument(description=SENSITIVE)] = None,
    child_agrees: Annotated[bool, strawberry.argument(description=CHILD_AGREES)] = False,
) -> DelegationCode:
    wish = Wish(tuple(sections), tuple(sensitive or ()), moment(valid_until, "validUntil"))

    async def work(session: AsyncSession, actor: Actor) -> DelegationCode:
        return await session.run_sync(_invited, actor, wish, child_agrees=child_agrees)

    return await acted(info, patient(patient_id), "inviteDelegate", work, scope=SCOPE, manages=True, freshly=True)


def _invited(db: Session, actor: Actor, wish: Wish, *, child_agrees: bool) -> DelegationCode:
    now, (citizen_id, patient_id) = utc_now(), _known(actor)
    role_to_grant(actor.basis, birth_date(db, patient_id), now, child_agrees=child_agrees)
    code, expires_at = delegation.invite(
        db, patient_id=patient_id, persons=actor.persons, invited_by=citizen_id, wish=wish, now=now
    )
    return DelegationCode(code=code, expires_at=told(expires_at))


async def _accept(
    info: Info, *, code: Annotated[str, strawberry.argument(description=CODE)]
) -> Representation | DelegationRefused:
    async def work(session: AsyncSession, actor: Actor) -> Representation | DelegationRefused:
        if actor.citizen_id is None or actor.client_kind != "first_party":
            raise Forbidden("Only a citizen can become a delegate.")
        now = utc_now()
        tries = await attempts.count(session, TRY, str(actor.citizen_id), window=WINDOW, now=now)
        if tries > TRIES:
            return DelegationRefused(code=DelegationRefusal.TOO_MANY_TRIES)
        return await session.run_sync(_accepted, actor.citizen_id, code, now)

    return await acted(info, None, "acceptDelegation", work, scope=SCOPE)


def _accepted(db: Session, citizen_id: UUID, code: str, now: datetime) -> Representation | DelegationRefused:
    """The try was counted before, so that many at once are many."""
    done: Accepted = delegation.accept(db, code=code, citizen_id=citizen_id, now=now)
    if done.right is None:
        return DelegationRefused(code=DelegationRefusal(done.because))
    tell_both_sides(db, [done.right], now)
    return shown(done.right, reader=citizen_id, now=now)


async def _end(info: Info, *, id: Id) -> Representation:  # noqa: A002 -- GraphQL's name
    patient_id, right_id = read_own_id(KIND, id)

    async def work(session: AsyncSession, actor: Actor) -> Representation:
        return await session.run_sync(_ended, actor, right_id)

    return await acted(info, patient_id, "endRepresentation", work, scope=SCOPE)


def _ended(db: Session, actor: Actor, right_id: UUID) -> Representation:
    now, (citizen_id, patient_id) = utc_now(), _known(actor)
    by = rights.Ender(citizen_id, is_patient=actor.basis == "self", can_manage=actor.can_manage)
    right, over = rights.end(db, right_id=right_id, persons=actor.persons, by=by, now=now)
    tell_both_sides(db, over, now)
    return shown(right, reader=citizen_id, now=now, patient_id=patient_id)


async def _share(
    info: Info,
    *,
    id: Id,  # noqa: A002 -- GraphQL's name
    sensitive: Annotated[list[str], strawberry.argument(description=SHARED)],
) -> Representation:
    patient_id, right_id = read_own_id(KIND, id)

    async def work(session: AsyncSession, actor: Actor) -> Representation:
        if actor.basis != "self":
            raise Forbidden("Only the patient shares his private data.")
        return await session.run_sync(_shared, actor, right_id, tuple(sensitive))

    return await acted(info, patient_id, "shareWithRepresentative", work, scope=SCOPE, freshly=True)


def _shared(db: Session, actor: Actor, right_id: UUID, sensitive: tuple[str, ...]) -> Representation:
    now, (citizen_id, patient_id) = utc_now(), _known(actor)
    right = rights.share(db, right_id=right_id, persons=actor.persons, by=citizen_id, sensitive=sensitive, now=now)
    tell_both_sides(db, [right], now)
    return shown(right, reader=citizen_id, now=now, patient_id=patient_id)


def _known(actor: Actor) -> tuple[UUID, UUID]:
    """Who acts, and for whom. NotFound for a facility's system and for a citizen without a book."""
    if actor.citizen_id is None or actor.patient_id is None or actor.client_kind != "first_party":
        raise NotFound("There is no such record, or it is not open to this reader.")
    return actor.citizen_id, actor.patient_id


@strawberry.type
class RepresentationMutations:
    invite_delegate: DelegationCode | None = strawberry.mutation(
        resolver=_invite,
        description="A code that makes somebody a delegate. Needs a fresh strong sign-in. Scope: delegate:manage",
    )
    accept_delegation: AcceptDelegationResult | None = strawberry.mutation(
        resolver=_accept, description="Become a delegate by a code; the inviter is told. Scope: delegate:manage"
    )
    end_representation: Representation | None = strawberry.mutation(
        resolver=_end,
        description=(
            "End a right at once; both sides are told. A delegate's right is ended by the patient, by who manages his "
            "book or by the delegate, one that the law gave by its holder. Scope: delegate:manage"
        ),
    )
    share_with_representative: Representation | None = strawberry.mutation(
        resolver=_share,
        description=(
            "From fifteen on: which of his private categories a parent or guardian sees; the right gets a new id. "
            "Needs a fresh strong sign-in. Scope: delegate:manage"
        ),
    )
