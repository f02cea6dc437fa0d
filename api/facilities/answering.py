"""The citizen's side: who asks what, and the answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Union
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from strawberry import Info

from api.acting import Actor
from api.consents.changes import Manager, Shown, say_of
from api.consents.changes import tell as tell_others
from api.consents.inputs import ConsentTermsInput, language_of
from api.consents.mutations import REFUSALS, PatientId
from api.consents.types import ConsentRefused, TextLanguage
from api.facilities.cursors import After, First, cursor, place, size
from api.facilities.types import REQUEST, ConsentRequest, ConsentRequestPage, ConsentRequestStatus
from api.representation.acted import acted
from api.representation.reading import patient, read_own_id
from domain.consents import deciders, parties, requests, tables, texts
from domain.consents.events import Sign
from domain.consents.terms import Reader, Terms
from domain.errors import Invalid, NotFound
from domain.values import utc_now

READ, MANAGE = "consent:read", "consent:manage"


@strawberry.type(description="Somebody answered first, or nobody may any more. FHIR: Task.status")
class ConsentRequestEnded:
    status: ConsentRequestStatus = strawberry.field(description="What became of the request. FHIR: Task.status")


AnswerResult = Annotated[
    Union[ConsentRequest, ConsentRequestEnded, ConsentRefused],  # noqa: UP007 -- strawberry names a union by it
    strawberry.union("AnswerResult", description="The request as it was answered, or why it was not."),
]


@strawberry.input(description="What is granted of a request: all of it or less. FHIR: Consent.provision")
class ConsentAnswerInput:
    terms: ConsentTermsInput = strawberry.field(description="All terms of the consent; none wider than asked.")
    text_hash: str = strawberry.field(
        description="The `hash` of the text that was shown for these very terms: the request's own, or `consentText`."
    )
    language: TextLanguage = strawberry.field(default=TextLanguage.VI, description="The language it was shown in.")
    child_agrees: bool = strawberry.field(default=False, description="That the child, from seven years on, agrees too.")


async def _requests(
    info: Info,
    *,
    patient_id: PatientId = None,
    status: Annotated[
        ConsentRequestStatus | None, strawberry.argument(description="Only those; all unless told.")
    ] = None,
    first: First = 20,
    after: After = None,
) -> ConsentRequestPage:
    most, begin, wanted = size(first), place(after), None if status is None else str(status.value)

    def page(db: Session, actor: Actor) -> ConsentRequestPage:
        now = utc_now()
        found = requests.of_patient(db, actor.persons, status=wanted, now=now, first=most + 1, after=begin)
        rows = found[:most]
        end = cursor(rows[-1].created_at, rows[-1].id) if rows else None
        return ConsentRequestPage(nodes=_shown(db, rows, now), end_cursor=end, has_next_page=len(found) > most)

    async def work(session: AsyncSession, actor: Actor) -> ConsentRequestPage:
        return await session.run_sync(page, actor)

    return await acted(info, patient(patient_id), "consentRequests", work, scope=READ, manages=True)


async def _answer(
    info: Info,
    *,
    id: Annotated[strawberry.ID, strawberry.argument(description="As `consentRequests` names it.")],  # noqa: A002
    grant: Annotated[
        ConsentAnswerInput | None, strawberry.argument(description="Yes, to this much of it. Or `decline`.")
    ] = None,
    decline: Annotated[bool, strawberry.argument(description="No. Or `grant`.")] = False,
) -> Any:
    patient_id, request_id = read_own_id(REQUEST, id)
    if (grant is None) != decline:
        raise Invalid("decline", "Give `grant` or `decline`, one of the two.")
    wish = None if grant is None else grant.terms.terms()
    sign = info.context.sign

    def answered(db: Session, actor: Actor) -> ConsentRequest | ConsentRequestEnded:
        manager = Manager.of(actor, utc_now())
        request = requests.shown(db, actor.persons, request_id)
        if wish is None or grant is None:
            done = requests.decline(db, request, manager.now)
        else:
            done = _granted(db, manager, request, wish, grant, sign)
        db.refresh(request)
        if not done:
            return ConsentRequestEnded(status=ConsentRequestStatus(requests.status_of(request, manager.now)))
        return _shown(db, [request], manager.now)[0]

    async def work(session: AsyncSession, actor: Actor) -> ConsentRequest | ConsentRequestEnded:
        return await session.run_sync(answered, actor)

    asked = {"scope": MANAGE, "manages": True, "freshly": grant is not None}  # a no needs no strong sign-in
    try:
        return await acted(info, patient_id, "answerConsentRequest", work, **asked)
    except tuple(REFUSALS) as refused:
        return ConsentRefused(code=REFUSALS[type(refused)])


def _granted(
    db: Session, manager: Manager, request: tables.ConsentRequest, wish: Terms, grant: ConsentAnswerInput, sign: Sign
) -> bool:
    """False where somebody answered first."""
    now = manager.now
    if requests.status_of(request, now) != requests.ASKED:
        return False
    reader = parties.facility(db, request.organization_id)
    if reader is None:
        raise NotFound("There is no such request.")
    terms = requests.narrowed(requests.terms_of(request), wish, now)
    say = say_of(db, manager, child_agrees=grant.child_agrees)
    deciders.check_power(say.power, terms, say.latest_end, now)
    shown = Shown(language_of(grant.language), grant.text_hash)
    text = texts.agreed(reader, terms, shown.language, shown.text_hash)
    by = manager.decider(say.role)
    consent = requests.grant(db, request, terms, reader=reader, by=by, text=text, now=now, sign=sign)
    if consent is None:
        return False
    tell_others(db, manager, consent.patient_id, consent.id)
    return True


def _shown(db: Session, rows: Sequence[tables.ConsentRequest], now: datetime) -> list[ConsentRequest]:
    names = requests.clinicians(db, rows)
    readers = {id_: parties.facility_named(db, id_) for id_ in {row.organization_id for row in rows}}
    return [ConsentRequest.of(row, _reader(row, readers), _name(row, names), now) for row in rows]


def _reader(row: tables.ConsentRequest, readers: dict[UUID, Reader | None]) -> Reader:
    return readers[row.organization_id] or Reader("written_request", row.organization_id, None, "")


def _name(row: tables.ConsentRequest, names: dict[tuple[UUID, UUID], str]) -> str | None:
    return None if row.practitioner_id is None else names.get((row.practitioner_id, row.organization_id))


del _answer.__annotations__["return"]  # the field's own annotation is its type


@strawberry.type
class AnsweringMutations:
    answer_consent_request: AnswerResult | None = strawberry.mutation(
        resolver=_answer,
        description=(
            "Grant a facility's request, whole or in part, or decline it. The facility hears the outcome, not who "
            "answered. A grant needs a fresh strong sign-in. Scope: consent:manage. FHIR: Consent"
        ),
    )


@strawberry.type
class AnsweringQueries:
    consent_requests: ConsentRequestPage | None = strawberry.field(
        resolver=_requests,
        description="Which facilities ask to read, what and why. Scope: consent:read. FHIR: Task",
    )
