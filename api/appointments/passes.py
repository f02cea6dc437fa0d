"""A check-in pass, the citizen's side: a QR for one appointment that its clinic believes without a connection."""

from typing import Annotated, Any, Union

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from strawberry import Info

from api.acting import Actor
from api.appointments.patients import READ
from api.appointments.types import APPOINTMENT, AppointmentRefused
from api.consents.changes import Manager
from api.consents.inputs import language_of, words
from api.consents.mutations import REFUSALS, ChildAgrees, LanguageArgument
from api.consents.types import ConsentRefused, TextLanguage
from api.facilities.visits import MANAGE, Sections, TextHash, drawn, permitted
from api.representation.acted import acted
from api.representation.reading import own_id, read_own_id, told
from api.scalars import Instant
from auth.opaque import digest, new_secret
from domain.appointments import passes
from domain.appointments.outcomes import Refused
from domain.appointments.passes import Made
from domain.consents import visit_texts, visits
from domain.errors import InsufficientScope
from domain.values import utc_now


@strawberry.type(
    description=(
        "A signed QR for the check-in at one appointment: its clinic verifies it without a connection and hands it in "
        "later. It names nobody. FHIR: Appointment"
    )
)
class CheckInPass:
    token: str = strawberry.field(
        description=(
            "What the QR holds, for `checkIn(pass:)`: a JWS (ES256, typ check-in-pass+jwt, keys at /oauth/pass-jwks); "
            "told once. Show it at the clinic, do not send it. FHIR: Consent.id"
        )
    )
    svg: str = strawberry.field(resolver=drawn, description="The QR as an SVG document. FHIR: Attachment.data")
    appointment_id: strawberry.ID = strawberry.field(description="For which appointment. FHIR: Appointment.id")
    sections: list[str] = strawberry.field(description="What it opens. FHIR: Consent.provision.class")
    valid_from: Instant = strawberry.field(
        description="From when on one may come with it. FHIR: Consent.provision.period.start"
    )
    expires_at: Instant = strawberry.field(
        description="Until when one may come with it. FHIR: Consent.provision.period.end"
    )

    @classmethod
    def of(cls, made: Made, token: str) -> "CheckInPass":
        row = made.row
        return cls(
            token=token,
            appointment_id=own_id(APPOINTMENT, row.patient_id, row.booking_id),
            sections=row.sections,
            valid_from=told(row.valid_from),
            expires_at=told(row.expires_at),
        )


CheckInPassResult = Annotated[
    Union[CheckInPass, ConsentRefused, AppointmentRefused],  # noqa: UP007 -- strawberry names a union by its annotation
    strawberry.union("CheckInPassResult", description="The pass, or why there is none."),
]


async def _make(
    info: Info,
    *,
    appointment_id: Annotated[strawberry.ID, strawberry.argument(description="The appointment; it is booked.")],
    sections: Sections,
    text_hash: TextHash,
    language: LanguageArgument = TextLanguage.VI,
    child_agrees: ChildAgrees = False,
) -> Any:
    if READ not in info.context.caller.scopes:  # it tells when and where an appointment is
        raise InsufficientScope(READ)
    whose, booking_id = read_own_id(APPOINTMENT, appointment_id, "appointmentId")
    names, secret = visits.known(words("sections", sections)), new_secret()
    sign = await info.context.passes.signer()

    def made(db: Session, actor: Actor) -> CheckInPass:
        manager = Manager.of(actor, utc_now())
        text = visit_texts.agreed("pass", names, language_of(language), text_hash)
        by = permitted(db, manager, names, child_agrees=child_agrees)
        one = passes.make(
            db, actor.persons, booking_id, names, secret_hash=digest(secret), by=by, text=text, now=manager.now
        )
        return CheckInPass.of(one, sign(one.claims(secret)))

    async def work(session: AsyncSession, actor: Actor) -> CheckInPass:
        return await session.run_sync(made, actor)

    try:
        return await acted(info, whose, "makeCheckInPass", work, scope=MANAGE, manages=True, freshly=True)
    except Refused as why:
        return AppointmentRefused.of(why)
    except tuple(REFUSALS) as refused:
        return ConsentRefused(code=REFUSALS[type(refused)])


del _make.__annotations__["return"]  # the field's own annotation is its type


@strawberry.type
class PassMutations:
    make_check_in_pass: CheckInPassResult | None = strawberry.mutation(
        resolver=_make,
        description=(
            "Make a QR that checks in at one appointment, also where its clinic has no connection, and opens these "
            "sections to that clinic alone; from 22 hours before it. Needs a fresh strong sign-in. "
            "Scope: consent:manage and appointment:read. FHIR: Consent"
        ),
    )
