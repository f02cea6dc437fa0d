"""The one door to everything that changes who may see what, and to reading it: `access.act`, then plain SQLAlchemy.

One transaction a call. The log row is written first; it stays also where the answer is no. Row-level security opens
the consent tables for the one person that was decided (`app.persons`), or for what a facility asked itself.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from auth.tokens.bearer import Caller
from domain.errors import Forbidden, HealthbookError, InsufficientScope, NotFound, StepUpRequired, Unauthenticated
from domain.values import utc_now

ACT = text("select * from access.act(:grant, :patient, :action, :scope, :request)")
ACT_AT_DESK = text("select access.act_at_desk(:citizen, :organization, :action, :request)")
STRONG_ACR = "urn:healthbook:acr:2"
STRONG = frozenset({STRONG_ACR, "demo"})
"""How a citizen must have signed in to change who sees his book: a passkey or the national e-ID; the demo's list."""
FRESH = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, for whom, by which right.

    `basis`: self, parent, guardian, legal_representative, delegate, organization (a facility or its clinician), or none
    (a citizen about nobody's book). `persons`: every id the patient has or had. `sections`: null for all.
    """

    patient_id: UUID | None
    persons: tuple[UUID, ...]
    citizen_id: UUID | None
    basis: str
    can_manage: bool
    sections: tuple[str, ...] | None
    client_id: str
    client_kind: str
    organization_id: UUID | None
    acr: str | None
    auth_time: datetime | None
    related_person_id: UUID | None

    def signed_in_freshly(self, now: datetime, within: timedelta = FRESH) -> bool:
        return self.acr in STRONG and self.auth_time is not None and now - self.auth_time <= within


Turn = tuple[AsyncSession, Actor]


class Acting:
    """Opens transactions for callers. `fresh`: how old the sign-in behind a change may be; the demo allows a day."""

    def __init__(self, engine: AsyncEngine, *, fresh: timedelta = FRESH) -> None:
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)
        self.fresh = fresh

    @asynccontextmanager
    async def act(
        self,
        caller: Caller,
        patient_id: UUID | None,
        action: str,
        *,
        scope: str,
        request: UUID,
        manages: bool = False,
        freshly: bool = False,
    ) -> AsyncIterator[Turn]:
        """A transaction in the name of the caller; committed at the end of the block, rolled back where it raises.

        `action` names it in the log, `scope` is what the token must reach, `manages` asks for the right to decide for
        the patient, `freshly` for a strong sign-in just now (RFC 9470). Raises Unauthenticated (the grant is dead),
        InsufficientScope, NotFound (no right, or no such patient: they look the same), Forbidden, StepUpRequired.
        """
        async with self._sessions() as session:
            row = (await session.execute(ACT, _told(caller, patient_id, action, scope, request))).one()
            refusal = _refusal(row, scope) or self._short_of(actor := _actor(row), manages=manages, freshly=freshly)
            if refusal is not None:
                await session.commit()  # the log row stays
                raise refusal
            yield session, actor
            await session.commit()

    @asynccontextmanager
    async def at_desk(
        self, citizen_id: UUID, organization_id: UUID, action: str, *, request: UUID
    ) -> AsyncIterator[AsyncSession]:
        """The same for somebody signed in at a page of ours who works at the facility; NotFound for everybody else."""
        told = {"citizen": citizen_id, "organization": organization_id, "action": action, "request": request}
        async with self._sessions() as session:
            if not await session.scalar(ACT_AT_DESK, told):
                await session.commit()  # the log row stays
                raise NotFound("There is no such record, or it is not open to this reader.")
            yield session
            await session.commit()

    def _short_of(self, actor: Actor, *, manages: bool, freshly: bool) -> HealthbookError | None:
        if manages and not actor.can_manage:
            return Forbidden("This needs the right to decide for the patient.")
        if freshly and not actor.signed_in_freshly(utc_now(), self.fresh):
            return StepUpRequired(acr=STRONG_ACR, max_age=int(self.fresh.total_seconds()))
        return None


def _told(caller: Caller, patient_id: UUID | None, action: str, scope: str, request: UUID) -> dict[str, object]:
    return {
        "grant": caller.grant_id,
        "patient": patient_id,
        "action": action,
        "scope": scope,
        "request": request,
    }


def _refusal(row: Row[Any], scope: str) -> HealthbookError | None:
    match row.outcome:
        case "ALLOWED":
            return None
        case "SCOPE":
            return InsufficientScope(scope)
        case "DEAD":
            return Unauthenticated("The grant has ended.")
        case _:
            return NotFound("There is no such record, or it is not open to this reader.")


def _actor(row: Row[Any]) -> Actor:
    return Actor(
        patient_id=row.patient,
        persons=tuple(row.persons or ()),
        citizen_id=row.citizen_id,
        basis=row.basis,
        can_manage=row.can_manage,
        sections=None if row.sections is None else tuple(row.sections),
        client_id=row.client_id,
        client_kind=row.client_kind,
        organization_id=row.organization_id,
        acr=row.acr,
        auth_time=row.auth_time,
        related_person_id=row.related_person_id,
    )
