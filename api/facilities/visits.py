"""Visits, the citizen's side: a QR for the desk, and what his card opens there."""

import enum
from collections.abc import Callable
from io import BytesIO
from typing import Annotated, Any, Union

import segno
import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from strawberry import Info

from api.acting import Actor
from api.consents.changes import Manager, say_of
from api.consents.inputs import language_of, words
from api.consents.mutations import REFUSALS, ChildAgrees, LanguageArgument, PatientId
from api.consents.types import ConsentRefused, TextLanguage
from api.consents.views import ConsentText
from api.representation.acted import T, acted
from api.representation.reading import patient, told
from api.scalars import Instant
from auth.opaque import digest, new_secret
from domain.consents import deciders, visit_texts, visits
from domain.consents.terms import Decider
from domain.values import utc_now

READ, MANAGE = "consent:read", "consent:manage"
"""Scopes."""
Sections = Annotated[list[str], strawberry.argument(description="Names of the sections, such as `labs`.")]
TextHash = Annotated[
    str, strawberry.argument(description="The `hash` of the `visitText` that was shown for these sections.")
]


def drawn(root: Any) -> str:
    """The QR of `token`: ISO/IEC 18004, correction level M; drawn when it is asked for."""
    image = BytesIO()
    segno.make(root.token, error="m", micro=False).save(image, kind="svg", scale=4, xmldecl=False)
    return image.getvalue().decode()


@strawberry.type(description="A QR for the desk: five minutes, one use. FHIR: Consent")
class VisitOffer:
    token: str = strawberry.field(
        description="What the QR holds, for `checkIn(offer:)`; told once. Show it, do not send it. FHIR: Consent.id"
    )
    svg: str = strawberry.field(resolver=drawn, description="The QR as an SVG document. FHIR: Attachment.data")
    sections: list[str] = strawberry.field(description="What it opens. FHIR: Consent.provision.class")
    expires_at: Instant = strawberry.field(
        description="Until when a desk may scan it. FHIR: Consent.provision.period.end"
    )


@strawberry.type(description="What a check-in with the citizen's card opens. FHIR: Consent")
class VisitChoice:
    sections: list[str] = strawberry.field(
        description="Names of the sections; where there is none, the desk has to ask. FHIR: Consent.provision.class"
    )
    chosen_at: Instant | None = strawberry.field(
        description="When it was chosen; null where nothing ever was. FHIR: Consent.dateTime"
    )


OfferVisitResult = Annotated[
    Union[VisitOffer, ConsentRefused],  # noqa: UP007 -- strawberry names a union by its annotation
    strawberry.union("OfferVisitResult", description="The QR, or why there is none."),
]
ChooseVisitResult = Annotated[
    Union[VisitChoice, ConsentRefused],  # noqa: UP007
    strawberry.union("ChooseVisitResult", description="The choice, or why it was not taken."),
]


async def _offer(
    info: Info,
    *,
    sections: Sections,
    text_hash: TextHash,
    patient_id: PatientId = None,
    language: LanguageArgument = TextLanguage.VI,
    child_agrees: ChildAgrees = False,
) -> Any:
    names, token = visits.known(words("sections", sections)), new_secret()

    def offered(db: Session, manager: Manager) -> VisitOffer:
        text = visit_texts.agreed("qr", names, language_of(language), text_hash)
        by = permitted(db, manager, names, child_agrees=child_agrees)
        made = visits.offer(db, manager.patient_id, names, token_hash=digest(token), by=by, text=text, now=manager.now)
        return VisitOffer(token=token, sections=made.sections, expires_at=told(made.expires_at))

    return await _decided(info, patient_id, "offerVisit", offered)


async def _choose(
    info: Info,
    *,
    sections: Sections,
    text_hash: TextHash,
    patient_id: PatientId = None,
    language: LanguageArgument = TextLanguage.VI,
    child_agrees: ChildAgrees = False,
) -> Any:
    names = visits.known(words("sections", sections))

    def chosen(db: Session, manager: Manager) -> VisitChoice:
        text = visit_texts.agreed("card", names, language_of(language), text_hash)
        by = permitted(db, manager, names, child_agrees=child_agrees)
        visits.choose(db, manager.patient_id, names, by=by, text=text, now=manager.now)
        return VisitChoice(sections=list(names), chosen_at=told(manager.now))

    return await _decided(info, patient_id, "chooseVisitSections", chosen)


async def _decided(info: Info, patient_id: str | None, action: str, work: Callable[[Session, Manager], T]) -> Any:
    """By somebody who decides for the patient and has just signed in strongly."""

    async def run(session: AsyncSession, actor: Actor) -> T:
        return await session.run_sync(work, Manager.of(actor, utc_now()))

    try:
        return await acted(info, patient(patient_id), action, run, scope=MANAGE, manages=True, freshly=True)
    except tuple(REFUSALS) as refused:
        return ConsentRefused(code=REFUSALS[type(refused)])


def permitted(db: Session, manager: Manager, sections: tuple[str, ...], *, child_agrees: bool) -> Decider:
    """Forbidden for what he does not see himself; ChildMustAgree, RepresentativeMustAgree."""
    say = say_of(db, manager, child_agrees=child_agrees)
    deciders.check_power(say.power, visits.terms(sections, manager.now), None, manager.now)
    return manager.decider(say.role)


async def _choice(info: Info, *, patient_id: PatientId = None) -> VisitChoice:
    def choice(db: Session, actor: Actor) -> VisitChoice:
        made = visits.choice(db, actor.persons)
        return VisitChoice(sections=made.sections if made else [], chosen_at=told(made.chosen_at) if made else None)

    async def work(session: AsyncSession, actor: Actor) -> VisitChoice:
        return await session.run_sync(choice, actor)

    return await acted(info, patient(patient_id), "visitChoice", work, scope=READ, manages=True)


@strawberry.enum(description="How somebody checks in.")
class VisitWay(enum.Enum):
    QR = strawberry.enum_value("qr", description="With a QR of `offerVisit`.")
    CARD = strawberry.enum_value("card", description="With the citizen card or health-insurance card.")
    PASS = strawberry.enum_value("pass", description="With a check-in pass of `makeCheckInPass`.")


def _text(
    *,
    sections: Sections,
    way: Annotated[VisitWay, strawberry.argument(description="How he will check in.")],
    language: LanguageArgument = TextLanguage.VI,
) -> ConsentText:
    names = visits.known(words("sections", sections))
    written: dict[VisitWay, visit_texts.Way] = {VisitWay.QR: "qr", VisitWay.CARD: "card", VisitWay.PASS: "pass"}
    return ConsentText.of(visit_texts.document(written[way], names, language_of(language)))


for _resolver in (_offer, _choose):
    del _resolver.__annotations__["return"]  # the field's own annotation is its type


@strawberry.type
class VisitMutations:
    offer_visit: OfferVisitResult | None = strawberry.mutation(
        resolver=_offer,
        description=(
            "Make a QR that opens these sections to the first desk that scans it. Needs a fresh strong sign-in. "
            "Scope: consent:manage. FHIR: Consent"
        ),
    )
    choose_visit_sections: ChooseVisitResult | None = strawberry.mutation(
        resolver=_choose,
        description=(
            "Choose what a check-in with the citizen's card opens from now on; an empty list takes the choice back. "
            "Needs a fresh strong sign-in. Scope: consent:manage. FHIR: Consent"
        ),
    )


@strawberry.type
class VisitQueries:
    visit_choice: VisitChoice | None = strawberry.field(
        resolver=_choice,
        description="What a check-in with the citizen's card opens. Scope: consent:read. FHIR: Consent",
    )
    visit_text: ConsentText | None = strawberry.field(
        resolver=_text,
        description=(
            "What to show before `offerVisit`, `chooseVisitSections` or `makeCheckInPass`, for these sections. "
            "FHIR: Consent.sourceAttachment"
        ),
    )
