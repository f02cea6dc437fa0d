"""The subscriptions of the schema. Events hold ids, names of sections and moments, never a clinical word: what is new
is fetched by a query, which decides for itself.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import Info

from api.purposes import PurposeOfUse
from api.representation.reading import patient, told
from api.scalars import Instant
from api.subscriptions.decisions import Question
from api.subscriptions.follower import Follower
from api.subscriptions.hub import Hub
from auth.tokens.bearer import Caller
from domain.changes_feed import CONSENT, INBOX, RECORD
from domain.sections import SECTIONS
from domain.values import utc_now

SECTION_NAMES = tuple(section.name for section in SECTIONS)
CONSENT_SCOPE = "consent:read"
FIRST = "The first event comes at once; whatever happens from then on is told, several changes within a second as one."
PatientId = Annotated[
    strawberry.ID | None, strawberry.argument(description="Whose book; the caller's own unless told.")
]
Purpose = Annotated[
    PurposeOfUse | None,
    strawberry.argument(description="Why it is followed, as for `healthRecord`; BTG within an emergency."),
]


@dataclass(slots=True)
class LiveContext:
    """What a subscription's resolver needs; `interrupt` stops a push that is on its way."""

    caller: Caller
    hub: Hub
    request_id: UUID
    interrupt: Callable[[], None]

    def follower(self, channel: str, question: Question) -> Follower:
        return Follower(self.hub, self.caller, question, channel, self.interrupt)


@strawberry.type(description="A record changed. What is new in it is asked for by a query. FHIR: SubscriptionStatus")
class RecordChange:
    patient_id: strawberry.ID = strawberry.field(description="Whose record. FHIR: Patient.id")
    sections: list[str] = strawberry.field(
        description="Names of the sections in which something changed, of those that are open to the caller; in the "
        "first event, and after the server lost sight of changes, all of these."
    )
    revision: int | None = strawberry.field(
        description="The record's revision with the newest of these changes; null where changes may have been missed."
    )


@strawberry.type(description="The caller's inbox changed.")
class InboxChange:
    unread: int = strawberry.field(description="How many notices are unread now; counted up to 1000.")


@strawberry.type(description="Somebody decided anew who may read a book. FHIR: Consent")
class ConsentChange:
    patient_id: strawberry.ID = strawberry.field(description="Whose book. FHIR: Patient.id")
    at: Instant = strawberry.field(description="When this was told.")


async def _record_changed(
    info: Info, *, patient_id: PatientId = None, purpose: Purpose = None
) -> AsyncGenerator[RecordChange, None]:
    context: LiveContext = info.context
    question = Question(
        context.caller.grant_id,
        patient(patient_id),
        "recordChanged",
        context.request_id,
        purpose=str(purpose.value) if purpose else None,
        sections=SECTION_NAMES,
    )
    async with aclosing(context.follower(RECORD, question).pushes()) as pushes:
        async for standing, news in pushes:
            yield RecordChange(
                patient_id=strawberry.ID(str(standing.patient)),
                sections=[name for name in SECTION_NAMES if name in standing.told],
                revision=news.told_revision,
            )


async def _inbox_changed(info: Info) -> AsyncGenerator[InboxChange, None]:
    context: LiveContext = info.context
    question = Question(context.caller.grant_id, None, "inboxChanged", context.request_id)
    async with aclosing(context.follower(INBOX, question).pushes()) as pushes:
        async for standing, _ in pushes:
            yield InboxChange(unread=standing.unread)


async def _consent_changed(info: Info, *, patient_id: PatientId = None) -> AsyncGenerator[ConsentChange, None]:
    context: LiveContext = info.context
    question = Question(
        context.caller.grant_id, patient(patient_id), "consentChanged", context.request_id, scope=CONSENT_SCOPE
    )
    async with aclosing(context.follower(CONSENT, question).pushes()) as pushes:
        async for standing, _ in pushes:
            yield ConsentChange(patient_id=strawberry.ID(str(standing.patient)), at=told(utc_now()))


@strawberry.type(
    description="What is told as it happens, over websockets (graphql-transport-ws) and server-sent events. Each is "
    "decided before it begins and before every event, and ends with code CONSENT_REQUIRED or UNAUTHENTICATED within a "
    "second of losing its right."
)
class Subscription:
    record_changed = strawberry.subscription(
        resolver=_record_changed,
        description=f"Changes of a record, in the sections open to the caller. {FIRST} Scope: record:<section>:read",
    )
    inbox_changed = strawberry.subscription(
        resolver=_inbox_changed, description=f"The citizen's own inbox, in his own app. {FIRST}"
    )
    consent_changed = strawberry.subscription(
        resolver=_consent_changed,
        description=f"Consents, denials, representatives and emergencies of a book the caller decides for. {FIRST} "
        f"Scope: {CONSENT_SCOPE}",
    )
