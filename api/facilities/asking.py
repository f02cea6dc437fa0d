"""The facility's side: asking a patient, taking it back, and hearing what came of it."""

import enum
from datetime import timedelta
from typing import Annotated

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from strawberry import Info

from api.acting import Actor
from api.consents.inputs import instant, words
from api.facilities.cursors import After, First, cursor, place, size
from api.facilities.types import REQUEST, SentRequest, SentRequestPage
from api.purposes import PurposeOfUse
from api.representation.acted import acted
from api.representation.notices import tell
from api.representation.reading import patient, read_own_id
from api.scalars import Instant
from domain import attempts
from domain.consents import parties, requests, tables
from domain.consents.requests import Asker, Sent
from domain.consents.terms import Terms
from domain.errors import NotFound
from domain.representation.people import those_who_decide
from domain.values import utc_now

SCOPE = "consent:request"
MOST_OF_A_FACILITY, FACILITY_WINDOW = 2_000, timedelta(hours=1)
MOST_ABOUT_A_PATIENT, PATIENT_WINDOW = 30, timedelta(days=1)

PATIENT_ID = "Whose book, as `findPatient` or a check-in names him."
SECTIONS = "Names of the sections that are needed, such as `labs`; one at least."
PURPOSE = "What for: a purpose that a facility may have."
VALID_UNTIL = "Until when to read, within five years; the request waits 14 days, and no longer than this."
SENSITIVE = "Categories of especially private data that are needed too; none unless named."
REQUEST_ID = "The request, as `requestConsent` or `sentRequests` names it."


@strawberry.enum(description="What became of asking. FHIR: OperationOutcome.issue.code")
class RequestConsentOutcome(enum.Enum):
    ASKED = strawberry.enum_value("asked", description="The request waits for its answer.")
    TOO_MANY = strawberry.enum_value(
        "too_many", description="As many as may be wait already, or were sent lately. Ask later."
    )


@strawberry.type(description="What became of asking.")
class RequestConsentResult:
    outcome: RequestConsentOutcome = strawberry.field(
        description="What became of it. FHIR: OperationOutcome.issue.code"
    )
    request: SentRequest | None = strawberry.field(description="The request, where it was taken. FHIR: Task")


async def _request(
    info: Info,
    *,
    patient_id: Annotated[strawberry.ID, strawberry.argument(description=PATIENT_ID)],
    sections: Annotated[list[str], strawberry.argument(description=SECTIONS)],
    purpose: Annotated[PurposeOfUse, strawberry.argument(description=PURPOSE)],
    valid_until: Annotated[Instant, strawberry.argument(description=VALID_UNTIL)],
    sensitive: Annotated[list[str] | None, strawberry.argument(description=SENSITIVE)] = None,
    data_from: Annotated[str | None, strawberry.argument(description="First day, such as 2025-01-31.")] = None,
    data_to: Annotated[str | None, strawberry.argument(description="Last day.")] = None,
) -> RequestConsentResult:
    wish = Terms(
        purposes=(str(purpose.value),),
        sections=words("sections", sections),
        sensitive=words("sensitive", sensitive or []),
        data_from=data_from,
        data_to=data_to,
        valid_until=instant("validUntil", valid_until),
        erase_by=None,
    )

    async def work(session: AsyncSession, actor: Actor) -> tables.ConsentRequest | None:
        return await asked(session, actor, wish)

    made = await acted(info, patient(patient_id), "requestConsent", work, scope=SCOPE)
    if made is None:
        return RequestConsentResult(outcome=RequestConsentOutcome.TOO_MANY, request=None)
    request = SentRequest.of(Sent(made, made.status, ()))
    return RequestConsentResult(outcome=RequestConsentOutcome.ASKED, request=request)


async def asked(session: AsyncSession, actor: Actor, wish: Terms) -> tables.ConsentRequest | None:
    """A new request about the actor's patient, and the notice of it; None where there are too many."""
    now, by = utc_now(), asker(actor)
    who = {"organization": str(by.organization_id), "patient": str(actor.patient_id)}
    windows = {"organization": FACILITY_WINDOW, "patient": PATIENT_WINDOW}
    most = {"organization": MOST_OF_A_FACILITY, "patient": MOST_ABOUT_A_PATIENT}
    counts = {
        kind: await attempts.count(session, f"consent_request.{kind}", key, window=windows[kind], now=now)
        for kind, key in who.items()
    }
    if any(count > most[kind] for kind, count in counts.items()):
        return None
    return await session.run_sync(_asked, actor, by, wish)


def _asked(db: Session, actor: Actor, by: Asker, wish: Terms) -> tables.ConsentRequest | None:
    now = utc_now()
    reader = parties.facility(db, by.organization_id)
    if reader is None or actor.patient_id is None:
        raise nobody()
    terms = wish.checked_for(reader, now)
    made = requests.ask(db, actor.patient_id, actor.persons, asker=by, terms=terms, now=now)
    if made is not None and not requests.is_denied(db, actor.persons, by.organization_id):
        concerned = those_who_decide(db, actor.persons, now)
        tell(db, concerned, "consent_request", patient_id=made.patient_id, subject_id=made.id, now=now)
    return made


async def _cancel(
    info: Info,
    *,
    id: Annotated[strawberry.ID, strawberry.argument(description=REQUEST_ID)],  # noqa: A002 -- GraphQL's name
) -> bool:
    patient_id, request_id = read_own_id(REQUEST, id)

    def cancelled(db: Session, actor: Actor) -> bool:
        return requests.cancel(db, actor.persons, asker(actor).organization_id, request_id, utc_now())

    async def work(session: AsyncSession, actor: Actor) -> bool:
        return await session.run_sync(cancelled, actor)

    return await acted(info, patient_id, "cancelConsentRequest", work, scope=SCOPE)


async def _sent(info: Info, *, first: First = 20, after: After = None) -> SentRequestPage:
    most, begin = size(first), place(after)

    def page(db: Session, actor: Actor) -> SentRequestPage:
        organization_id = asker(actor).organization_id
        found = requests.sent(db, organization_id, now=utc_now(), first=most + 1, after=begin)
        shown = found[:most]
        end = cursor(shown[-1].request.created_at, shown[-1].request.id) if shown else None
        nodes = [SentRequest.of(one) for one in shown]
        return SentRequestPage(nodes=nodes, end_cursor=end, has_next_page=len(found) > most)

    async def work(session: AsyncSession, actor: Actor) -> SentRequestPage:
        return await session.run_sync(page, actor)

    return await acted(info, None, "sentRequests", work, scope=SCOPE)


def asker(actor: Actor) -> Asker:
    """The facility that speaks, by its system or a clinician. NotFound for everybody else."""
    if actor.client_kind not in {"facility", "clinician"} or actor.organization_id is None:
        raise nobody()
    return Asker(actor.organization_id, actor.client_id, actor.citizen_id)


def nobody() -> NotFound:
    return NotFound("There is no such record, or it is not open to this reader.")


@strawberry.type
class AskingMutations:
    request_consent: RequestConsentResult | None = strawberry.mutation(
        resolver=_request,
        description=(
            "Ask to read sections of a book. It lands in the inbox of whoever decides for the patient, who may grant "
            "less, or decline. Scope: consent:request. FHIR: Task"
        ),
    )
    cancel_consent_request: bool | None = strawberry.mutation(
        resolver=_cancel,
        description=(
            "Take a request back; false where none of the facility's own waits under this id. "
            "Scope: consent:request. FHIR: Task.status"
        ),
    )


@strawberry.type
class AskingQueries:
    sent_requests: SentRequestPage | None = strawberry.field(
        resolver=_sent,
        description="What this facility asked, and what came of it. Scope: consent:request. FHIR: Task",
    )
