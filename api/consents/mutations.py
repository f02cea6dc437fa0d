"""Giving consent, making it narrower, taking it back; denying and lifting a denial. Each is one transaction."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from strawberry import Info

from api.acting import Actor
from api.consents import changes
from api.consents.changes import Manager, Shown
from api.consents.inputs import ConsentReaderInput, ConsentTermsInput, DenialInput, language_of, reader_of
from api.consents.types import (
    CONSENT,
    DENIAL,
    Consent,
    ConsentRefusal,
    ConsentRefused,
    ConsentResult,
    Denial,
    TextLanguage,
)
from api.representation.acted import T, acted
from api.representation.reading import patient, read_own_id
from domain.consents.deciders import ChildMustAgree, RepresentativeMustAgree
from domain.consents.records import Ended
from domain.consents.texts import TextChanged
from domain.errors import HealthbookError
from domain.values import utc_now

SCOPE = "consent:manage"
REFUSALS: dict[type[HealthbookError], ConsentRefusal] = {
    ChildMustAgree: ConsentRefusal.CHILD_MUST_AGREE,
    RepresentativeMustAgree: ConsentRefusal.REPRESENTATIVE_MUST_AGREE,
    TextChanged: ConsentRefusal.TEXT_CHANGED,
    Ended: ConsentRefusal.CONSENT_ENDED,
}
PatientId = Annotated[
    strawberry.ID | None, strawberry.argument(description="Whose book; the caller's own unless told.")
]
ReaderArgument = Annotated[ConsentReaderInput, strawberry.argument(description="Who is to read.")]
TermsArgument = Annotated[
    ConsentTermsInput, strawberry.argument(description="What is opened: all of it, also when narrowing.")
]
TextHash = Annotated[
    str, strawberry.argument(description="The `hash` of the `consentText` that was shown for these very terms.")
]
LanguageArgument = Annotated[TextLanguage, strawberry.argument(description="The language it was shown in.")]
ConsentId = Annotated[strawberry.ID, strawberry.argument(description="The consent, as `consents` names it.")]
ChildAgrees = Annotated[bool, strawberry.argument(description="That the child, from seven years on, agrees too.")]


async def _grant(
    info: Info,
    *,
    reader: ReaderArgument,
    terms: TermsArgument,
    text_hash: TextHash,
    patient_id: PatientId = None,
    language: LanguageArgument = TextLanguage.VI,
    child_agrees: ChildAgrees = False,
) -> Any:
    wish, shown, sign = terms.terms(), Shown(language_of(language), text_hash), info.context.sign

    def work(db: Session, manager: Manager) -> Consent:
        found = reader_of(db, reader)
        return changes.grant(db, manager, found, wish, shown, child_agrees=child_agrees, sign=sign)

    return await _refusable(_changed(info, patient(patient_id), "grantConsent", work))


async def _narrow(
    info: Info,
    *,
    id: ConsentId,  # noqa: A002 -- GraphQL's name
    terms: TermsArgument,
    text_hash: TextHash,
    language: LanguageArgument = TextLanguage.VI,
) -> Any:
    patient_id, consent_id = read_own_id(CONSENT, id)
    wish, shown, sign = terms.terms(), Shown(language_of(language), text_hash), info.context.sign

    def work(db: Session, manager: Manager) -> Consent:
        return changes.narrow(db, manager, consent_id, wish, shown, sign)

    return await _refusable(_changed(info, patient_id, "narrowConsent", work))


async def _withdraw(info: Info, *, id: ConsentId) -> Consent:  # noqa: A002
    patient_id, consent_id = read_own_id(CONSENT, id)
    sign = info.context.sign
    return await _changed(
        info, patient_id, "withdrawConsent", lambda db, manager: changes.withdraw(db, manager, consent_id, sign)
    )


async def _deny(
    info: Info,
    *,
    denial: Annotated[DenialInput, strawberry.argument(description="What is closed to whom.")],
    patient_id: PatientId = None,
) -> Denial:
    wish = denial.denied()
    return await _changed(info, patient(patient_id), "denyAccess", lambda db, manager: changes.deny(db, manager, wish))


async def _lift(
    info: Info,
    *,
    id: Annotated[strawberry.ID, strawberry.argument(description="The denial, as `denials` names it.")],  # noqa: A002
) -> Denial:
    patient_id, denial_id = read_own_id(DENIAL, id)
    return await _changed(info, patient_id, "liftDenial", lambda db, manager: changes.lift(db, manager, denial_id))


async def _changed(info: Info, patient_id: UUID | None, action: str, work: Callable[[Session, Manager], T]) -> T:
    """By somebody who decides for the patient and has just signed in strongly."""

    async def run(session: AsyncSession, actor: Actor) -> T:
        manager = Manager.of(actor, utc_now())
        return await session.run_sync(work, manager)

    return await acted(info, patient_id, action, run, scope=SCOPE, manages=True, freshly=True)


async def _refusable(change: Awaitable[Consent]) -> Consent | ConsentRefused:
    """What a good user may meet is an answer, not an error."""
    try:
        return await change
    except tuple(REFUSALS) as refused:
        return ConsentRefused(code=REFUSALS[type(refused)])


for _resolver in (_grant, _narrow):
    del _resolver.__annotations__["return"]  # the field's own annotation is its type


@strawberry.type
class ConsentMutations:
    grant_consent: ConsentResult | None = strawberry.mutation(
        resolver=_grant,
        description=(
            "Let a facility or an app read, from the next request on. For a facility this is the written request of "
            "Luật 91/2025/QH15 Đ26. Needs a fresh strong sign-in. Scope: consent:manage. FHIR: Consent"
        ),
    )
    narrow_consent: ConsentResult | None = strawberry.mutation(
        resolver=_narrow,
        description=(
            "Make a consent narrower, in whatever of it; what would be wider is a new consent. Needs a fresh strong "
            "sign-in. Scope: consent:manage. FHIR: Consent"
        ),
    )
    withdraw_consent: Consent | None = strawberry.mutation(
        resolver=_withdraw,
        description=(
            "Take a consent back: the reader's next request reads nothing by it. One that has ended stays as it is. "
            "Needs a fresh strong sign-in. Scope: consent:manage. FHIR: Consent.status"
        ),
    )
    deny_access: Denial | None = strawberry.mutation(
        resolver=_deny,
        description=(
            "Close the book, or a part of it, against every consent. The same once more changes nothing. Needs a fresh "
            "strong sign-in. Scope: consent:manage. FHIR: Consent.provision.type"
        ),
    )
    lift_denial: Denial | None = strawberry.mutation(
        resolver=_lift,
        description=(
            "End a denial: by who placed it, or by the person himself once he is an adult. Needs a fresh strong "
            "sign-in. Scope: consent:manage. FHIR: Consent.provision.type"
        ),
    )
