"""`findPatient`: who stands at the desk. Neither the answer nor its time tells which of the three was wrong."""

import asyncio
import enum
from time import monotonic
from typing import Annotated

import strawberry
import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from strawberry import Info

from api.acting import Actor
from api.facilities.asking import asker
from api.metrics import LOOKUP_ALARMS, LOOKUPS
from api.representation.acted import acted
from domain.consents import finding
from domain.consents.finding import Finding, Seeker, Told
from domain.values import utc_now

SCOPE = "patient:find"
TAKES_S = 0.1
"""Every look-up takes at least so long: what the database did faster or slower does not show."""
log = structlog.get_logger("healthbook.facilities")

NUMBER = "Number of the citizen card (12 digits) or of the health-insurance card (10 or 15 characters)."
NAME = "The whole name; tones, case and order of the words do not matter."
BIRTH_DATE = "1955-03-14, or as much of it as the card shows: no less than the book knows."


@strawberry.enum(description="What a look-up found. FHIR: OperationOutcome.issue.code")
class FindPatientOutcome(enum.Enum):
    FOUND = strawberry.enum_value("FOUND", description="One patient, of whom all three agree.")
    NOT_FOUND = strawberry.enum_value(
        "NOT_FOUND", description="Nobody, or not for sure: unknown, disagreeing and ambiguous are one answer."
    )
    TOO_MANY_TRIES = strawberry.enum_value(
        "TOO_MANY_TRIES", description="Too many tries lately, by this facility or clinician or for this number."
    )


@strawberry.type(description="Who was found. FHIR: Patient/$match")
class FindPatientResult:
    outcome: FindPatientOutcome = strawberry.field(description="What was found. FHIR: OperationOutcome.issue.code")
    patient_id: strawberry.ID | None = strawberry.field(
        description="For `requestConsent` and `healthRecord`; null unless FOUND. FHIR: Patient.id"
    )


@strawberry.input(description="What a card shows. FHIR: Patient")
class CitizenCardInput:
    number: str = strawberry.field(description=NUMBER)
    name: str = strawberry.field(description=NAME)
    birth_date: str = strawberry.field(description=BIRTH_DATE)

    def told(self) -> Told:
        return finding.told(self.number, self.name, self.birth_date)


async def _find(
    info: Info,
    *,
    number: Annotated[str, strawberry.argument(description=NUMBER)],
    name: Annotated[str, strawberry.argument(description=NAME)],
    birth_date: Annotated[str, strawberry.argument(description=BIRTH_DATE)],
) -> FindPatientResult:
    found = await looked_up(info, finding.told(number, name, birth_date), "findPatient", scope=SCOPE)
    if found.patient_id is not None:
        await acted(info, found.patient_id, "findPatient", _told, scope=SCOPE)
    patient_id = None if found.patient_id is None else strawberry.ID(str(found.patient_id))
    return FindPatientResult(outcome=FindPatientOutcome(found.outcome), patient_id=patient_id)


async def looked_up(info: Info, asked: Told, action: str, *, scope: str) -> Finding:
    """Who it is, by one logged and counted transaction, and never sooner than after TAKES_S."""
    ends = monotonic() + TAKES_S

    async def work(session: AsyncSession, actor: Actor) -> Finding:
        by = asker(actor)
        seeker = Seeker(info.context.caller.grant_id, by.client_id, by.practitioner_id)
        return await finding.find(session, asked, seeker, secret=info.context.identifier_key, now=utc_now())

    found = await acted(info, None, action, work, scope=scope)
    await asyncio.sleep(ends - monotonic())
    LOOKUPS.labels(found.outcome.lower()).inc()
    for whose in found.alarms:
        LOOKUP_ALARMS.labels(whose).inc()
        caller = info.context.caller
        log.warning("many look-ups miss", over=whose, client_id=caller.client_id, practitioner_id=str(caller.subject))
    return found


async def _told(_session: AsyncSession, _actor: Actor) -> None:
    """The log row under the patient that was found: he reads who looked for him."""


@strawberry.type
class FindingMutations:
    find_patient: FindPatientResult | None = strawberry.mutation(
        resolver=_find,
        description=(
            "Who stands at the desk, by number, name and birth date together. A mutation, because every try is counted "
            "and logged, and no client caches what was asked. Scope: patient:find. FHIR: Patient"
        ),
    )
