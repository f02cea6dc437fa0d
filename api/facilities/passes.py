"""A check-in pass, the desk's side: handed in, at once or when the connection is back.

The signature says that it is ours and for whom; whose it is and what it opens stands in the database. As with the QR of
a visit, the book is found in one transaction and opened in a second one.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from strawberry import Info

from api.acting import Actor
from api.appointments.desk_types import ClinicAppointment
from api.facilities.asking import asker
from api.facilities.check_ins import CheckInOutcome, CheckInResult, opened, patient_of
from api.facilities.types import Visit
from api.representation.acted import acted
from auth.opaque import digest
from domain.appointments import passes, reading
from domain.appointments.tables import Booking, CheckInPass
from domain.consents import events, parties, visits
from domain.consents.events import Sign
from domain.values import utc_now


async def by_pass(info: Info, text: str, arrived_at: datetime | None, *, scope: str) -> CheckInResult:
    """The same pass, or another of the same appointment, again gives the same visit and number."""
    claims = await info.context.passes.read(text)
    secret_hash = b"" if claims is None else digest(claims["jti"])
    found: list[UUID] = []

    def whose(db: Session, actor: Actor) -> CheckInOutcome | None:
        if claims is None:
            return CheckInOutcome.PASS_NOT_VALID
        organization_id = asker(actor).organization_id
        here = parties.facility(db, organization_id)
        if here is None or claims["aud"] != here.code:
            return CheckInOutcome.PASS_OF_ANOTHER_CLINIC
        one = passes.of_clinic(db, organization_id, secret_hash)
        found.extend([] if one is None else [one.patient_id])
        return None if one is not None else CheckInOutcome.PASS_NOT_VALID

    def used(db: Session, actor: Actor) -> CheckInResult:
        one = passes.of_clinic(db, asker(actor).organization_id, secret_hash)
        if one is None:
            return CheckInResult(outcome=CheckInOutcome.PASS_NOT_VALID)
        return _used(db, actor, one, arrived_at, info.context.sign)

    async def finding(session: AsyncSession, actor: Actor) -> CheckInOutcome | None:
        asker(actor)
        return await session.run_sync(whose, actor)

    async def using(session: AsyncSession, actor: Actor) -> CheckInResult:
        return await session.run_sync(used, actor)

    refused = await acted(info, None, "checkIn", finding, scope=scope)
    if refused is not None:
        return CheckInResult(outcome=refused)
    return await acted(info, found[0], "checkIn", using, scope=scope)


def _used(db: Session, actor: Actor, one: CheckInPass, told: datetime | None, sign: Sign) -> CheckInResult:
    """Under the patient's lock first, then the appointment's row: the order of every check-in and check-out."""
    now = utc_now()
    events.lock(db, patient_of(actor))
    found = passes.appointment(db, actor.persons, one)
    if found is None:
        return CheckInResult(outcome=CheckInOutcome.PASS_NOT_VALID)
    if passes.was_used(found):
        return _again(db, actor, found)
    at = passes.noted(told, one.made_at, now)
    if not one.valid_from <= at < one.expires_at:
        return CheckInResult(outcome=CheckInOutcome.PASS_OF_ANOTHER_TIME)
    permission = passes.permission(db, patient_of(actor), actor.persons, one, arrived_at=at, now=now)
    if permission is None:
        return CheckInResult(outcome=CheckInOutcome.PASS_NOT_VALID)
    if not passes.use(db, found, one, arrived_at=at, now=now):
        changed = CheckInResult(outcome=CheckInOutcome.APPOINTMENT_CHANGED)
        return _again(db, actor, found) if passes.was_used(found) else changed
    consent = opened(db, actor, permission, sign)
    passes.opened(db, found, consent.id, now)
    return _answer(db, found, Visit.of(consent))


def _again(db: Session, actor: Actor, found: Booking) -> CheckInResult:
    """What the first check-in opened, also where it has ended since: nothing is opened again."""
    consent = None if found.visit_id is None else visits.of_id(db, actor.persons, found.visit_id)
    return _answer(db, found, None if consent is None else Visit.of(consent))


def _answer(db: Session, found: Booking, visit: Visit | None) -> CheckInResult:
    appointment = ClinicAppointment.of(reading.shown(db, [found])[0])
    return CheckInResult(outcome=CheckInOutcome.CHECKED_IN, visit=visit, appointment=appointment)
