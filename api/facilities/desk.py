"""Visits, the desk's side: checking in by QR, by card or by a pass (passes.py), and out.

Whose book it is, is found in one transaction, which is logged as the facility's; what is opened, in a second one, which
is logged as the patient's.
"""

from typing import Annotated
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from strawberry import Info

from api.acting import Actor
from api.appointments.arrivals import arrived, left
from api.consents.changes import Manager
from api.consents.changes import tell as tell_others
from api.consents.inputs import instant
from api.consents.types import CONSENT
from api.facilities.asking import asked, asker
from api.facilities.check_ins import CheckInOutcome, CheckInResult, opened, patient_of, tell_of
from api.facilities.finding import CitizenCardInput, looked_up
from api.facilities.passes import by_pass
from api.facilities.types import SentRequest, Visit
from api.representation.acted import acted
from api.representation.reading import read_own_id
from api.scalars import Instant
from auth.opaque import digest
from domain.consents import deciders, visits
from domain.consents.events import Sign
from domain.consents.requests import Sent
from domain.consents.terms import Decider
from domain.consents.visits import Permission
from domain.errors import Invalid
from domain.values import utc_now

SCOPE, CITIZENS_SCOPE = "visit:manage", "consent:manage"
LONGEST_TOKEN = 200


async def _check_in(
    info: Info,
    *,
    offer: Annotated[str | None, strawberry.argument(description="What the QR of `offerVisit` holds.")] = None,
    citizen_card: Annotated[CitizenCardInput | None, strawberry.argument(description="What the card shows.")] = None,
    check_in_pass: Annotated[
        str | None, strawberry.argument(name="pass", description="What the QR of `makeCheckInPass` holds.")
    ] = None,
    arrived_at: Annotated[
        Instant | None,
        strawberry.argument(
            description=(
                "With a `pass`, when he came, as the clinic noted it while it had no connection: under a day ago. Now "
                "unless told."
            )
        ),
    ] = None,
) -> CheckInResult:
    if [offer, citizen_card, check_in_pass].count(None) != 2:  # noqa: PLR2004 -- of the three
        raise Invalid("offer", "Give `offer`, `citizenCard` or `pass`, one of the three.")
    if arrived_at is not None and check_in_pass is None:
        raise Invalid("arrivedAt", "`arrivedAt` goes with a `pass`.")
    if check_in_pass is not None:
        arrived = None if arrived_at is None else instant("arrivedAt", arrived_at)
        return await by_pass(info, check_in_pass, arrived, scope=SCOPE)
    if citizen_card is not None:
        return await _by_card(info, citizen_card)
    return await _by_offer(info, offer or "")


async def _by_offer(info: Info, token: str) -> CheckInResult:
    token_hash, ended = digest(token[:LONGEST_TOKEN]), CheckInResult(outcome=CheckInOutcome.OFFER_ENDED)

    async def whose(session: AsyncSession, actor: Actor) -> UUID | None:
        asker(actor)
        return await session.run_sync(visits.offered, token_hash, utc_now())

    def redeemed(db: Session, actor: Actor) -> CheckInResult:
        manager_patient = patient_of(actor)
        permission = visits.redeem(db, manager_patient, actor.persons, token_hash, utc_now())
        return ended if permission is None else _opened(db, actor, permission, info.context.sign)

    async def work(session: AsyncSession, actor: Actor) -> CheckInResult:
        return await session.run_sync(redeemed, actor)

    patient_id = await acted(info, None, "checkIn", whose, scope=SCOPE)
    return ended if patient_id is None else await acted(info, patient_id, "checkIn", work, scope=SCOPE)


async def _by_card(info: Info, card: CitizenCardInput) -> CheckInResult:
    found = await looked_up(info, card.told(), "checkIn", scope=SCOPE)
    if found.patient_id is None:
        return CheckInResult(outcome=CheckInOutcome(found.outcome))

    async def work(session: AsyncSession, actor: Actor) -> CheckInResult:
        return await session.run_sync(_chosen, actor, info.context.sign) or await _asked_instead(session, actor)

    return await acted(info, found.patient_id, "checkIn", work, scope=SCOPE)


def _chosen(db: Session, actor: Actor, sign: Sign) -> CheckInResult | None:
    permission = visits.chosen(db, patient_of(actor), actor.persons, utc_now())
    return None if permission is None else _opened(db, actor, permission, sign)


async def _asked_instead(session: AsyncSession, actor: Actor) -> CheckInResult:
    made = await asked(session, actor, visits.terms(visits.ASKED_AT_THE_DESK, utc_now()))
    request = None if made is None else SentRequest.of(Sent(made, made.status, ()))
    appointment = await session.run_sync(arrived, actor, None)
    return CheckInResult(outcome=CheckInOutcome.NOTHING_CHOSEN, request=request, appointment=appointment)


def _opened(db: Session, actor: Actor, permission: Permission, sign: Sign) -> CheckInResult:
    consent = opened(db, actor, permission, sign)
    appointment = arrived(db, actor, consent.id)
    return CheckInResult(outcome=CheckInOutcome.CHECKED_IN, visit=Visit.of(consent), appointment=appointment)


async def _check_out(
    info: Info,
    *,
    visit_id: Annotated[strawberry.ID, strawberry.argument(description="The visit, as `checkIn` names it.")],
) -> Visit:
    patient_id, consent_id = read_own_id(CONSENT, visit_id, "visitId")
    is_facility = info.context.me["kind"] in {"facility", "clinician"}
    asked = {"scope": SCOPE} if is_facility else {"scope": CITIZENS_SCOPE, "manages": True}

    ended = _ended_by_facility if is_facility else _ended_by_citizen

    async def work(session: AsyncSession, actor: Actor) -> Visit:
        return await session.run_sync(ended, actor, consent_id, info.context.sign)

    return await acted(info, patient_id, "checkOut", work, **asked)


def _ended_by_facility(db: Session, actor: Actor, visit_id: UUID, sign: Sign) -> Visit:
    """Nobody decides about his book: the facility, or its clinician, gives back what it was lent."""
    now, facility = utc_now(), asker(actor)
    who = facility.practitioner_id or facility.organization_id
    by = Decider(who, "facility", "desk", actor.acr or "", actor.auth_time or now)
    organization_id = facility.organization_id
    visit = visits.check_out(db, actor.persons, visit_id, organization_id=organization_id, by=by, now=now, sign=sign)
    if visit.withdrawn_at == now:
        tell_of(db, actor, visit)
        left(db, actor, visit.id)
    return Visit.of(visit)


def _ended_by_citizen(db: Session, actor: Actor, visit_id: UUID, sign: Sign) -> Visit:
    manager = Manager.of(actor, utc_now())
    by, now = manager.decider(deciders.role_to_refuse(actor.basis)), manager.now
    visit = visits.check_out(db, actor.persons, visit_id, organization_id=None, by=by, now=now, sign=sign)
    if visit.withdrawn_at == now:
        tell_others(db, manager, visit.patient_id, visit.id)
    return Visit.of(visit)


@strawberry.type
class DeskMutations:
    check_in: CheckInResult | None = strawberry.mutation(
        resolver=_check_in,
        description=(
            "Open a visit: what the citizen's QR or pass offers, or what he chose for his card, until `checkOut` or "
            "for a day. A pass that is handed in again gives the same answer. He is told. Scope: visit:manage. "
            "FHIR: Consent"
        ),
    )
    check_out: Visit | None = strawberry.mutation(
        resolver=_check_out,
        description=(
            "End a visit, by the facility or by the citizen; its next request reads nothing by it. One that has ended "
            "stays as it is. Scope: visit:manage, of citizens consent:manage. FHIR: Consent.status"
        ),
    )
