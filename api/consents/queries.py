"""Consents and denials as they stand, their proofs, who can see what, and what a change would mean."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from strawberry import Info

from api.acting import Actor
from api.consents import looking
from api.consents.changes import Manager
from api.consents.inputs import ConsentChangeInput, ConsentReaderInput, ConsentTermsInput, language_of, uuid
from api.consents.mutations import ConsentId, PatientId
from api.consents.types import CONSENT, TextLanguage
from api.consents.views import ConsentPage, ConsentReceipt, ConsentTextToShow, DenialPage, ReaderChange, SectionReader
from api.representation.acted import T, acted
from api.representation.reading import patient, read_own_id
from domain.consents.terms import SECTION_NAMES
from domain.errors import Invalid
from domain.values import utc_now

SCOPE = "consent:read"
LARGEST_PAGE = 100
First = Annotated[int, strawberry.argument(description="At most so many, 0 to 100.")]
After = Annotated[str | None, strawberry.argument(description="The `endCursor` of the page before.")]


async def _consents(
    info: Info,
    *,
    patient_id: PatientId = None,
    first: First = 20,
    after: After = None,
    include_ended: Annotated[
        bool, strawberry.argument(description="Also those that were withdrawn or ran out.")
    ] = False,
) -> ConsentPage:
    page = _page(first, after)
    return await _seen(
        info, patient_id, "consents", lambda db, manager: looking.consents(db, manager, page, ended=include_ended)
    )


async def _denials(
    info: Info,
    *,
    patient_id: PatientId = None,
    first: First = 20,
    after: After = None,
    include_lifted: Annotated[bool, strawberry.argument(description="Also those that hold no more.")] = False,
) -> DenialPage:
    page = _page(first, after)
    return await _seen(
        info, patient_id, "denials", lambda db, manager: looking.denied(db, manager, page, lifted=include_lifted)
    )


async def _receipt(info: Info, *, id: ConsentId) -> ConsentReceipt:  # noqa: A002 -- GraphQL's name
    patient_id, consent_id = read_own_id(CONSENT, id)
    return await _seen(
        info, str(patient_id), "consentReceipt", lambda db, manager: looking.receipt(db, manager, consent_id)
    )


async def _text(
    info: Info,
    *,
    reader: Annotated[ConsentReaderInput, strawberry.argument(description="Who is to read.")],
    terms: Annotated[ConsentTermsInput, strawberry.argument(description="What is to be opened.")],
    patient_id: PatientId = None,
    language: Annotated[TextLanguage, strawberry.argument(description="The language to show it in.")] = TextLanguage.VI,
) -> ConsentTextToShow:
    wish = terms.terms()
    return await _seen(
        info,
        patient_id,
        "consentText",
        lambda db, manager: looking.text(db, manager, reader, wish, language_of(language)),
    )


async def _preview(
    info: Info,
    *,
    change: Annotated[ConsentChangeInput, strawberry.argument(description="The change that is thought of.")],
    patient_id: PatientId = None,
) -> list[ReaderChange]:
    return await _seen(info, patient_id, "consentPreview", lambda db, manager: looking.preview(db, manager, change))


async def _readers(
    info: Info,
    *,
    section: Annotated[str, strawberry.argument(description="Name of the section, such as `labs`.")],
    patient_id: PatientId = None,
) -> list[SectionReader]:
    if section not in SECTION_NAMES:
        raise Invalid("section", "There is no such section.")
    return await _seen(info, patient_id, "readers", lambda db, manager: looking.readers_of(db, manager, section))


async def _seen(info: Info, patient_id: str | None, action: str, work: Callable[[Session, Manager], T]) -> T:
    """Asked by somebody who decides for the patient; the asking is in the log."""

    async def run(session: AsyncSession, actor: Actor) -> T:
        manager = Manager.of(actor, utc_now())
        return await session.run_sync(work, manager)

    return await acted(info, patient(patient_id), action, run, scope=SCOPE, manages=True)


def _page(first: int, after: str | None) -> tuple[int, UUID | None]:
    if not 0 <= first <= LARGEST_PAGE:
        raise Invalid("first", f"`first` must be between 0 and {LARGEST_PAGE}.")
    return first, None if after is None else uuid("after", after)


@strawberry.type
class ConsentQueries:
    consents: ConsentPage | None = strawberry.field(
        resolver=_consents, description="Whom the person allowed what. Scope: consent:read. FHIR: Consent"
    )
    consent_receipt: ConsentReceipt | None = strawberry.field(
        resolver=_receipt, description="The proof of one consent. Scope: consent:read. FHIR: Provenance"
    )
    denials: DenialPage | None = strawberry.field(
        resolver=_denials, description="Whom the person denied what. Scope: consent:read. FHIR: Consent"
    )
    consent_text: ConsentTextToShow | None = strawberry.field(
        resolver=_text,
        description=(
            "What to show before `grantConsent` or `narrowConsent`, for these very terms. Scope: consent:read. "
            "FHIR: Consent.sourceAttachment"
        ),
    )
    consent_preview: list[ReaderChange] | None = strawberry.field(
        resolver=_preview,
        description="Who would lose or gain which sections by a change; nothing is changed. Scope: consent:read",
    )
    readers: list[SectionReader] | None = strawberry.field(
        resolver=_readers,
        description="Who can see a section and why, besides the person himself. Scope: consent:read",
    )
