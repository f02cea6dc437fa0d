"""A right to act for a patient as the API shows it."""

import enum
from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from api.representation.reading import own_id, told, told_or_none
from api.scalars import Instant
from domain.related_persons import RelatedPerson

KIND = "representation"


@strawberry.enum(description="Why somebody may act for a patient. FHIR: RelatedPerson.relationship")
class Relation(enum.Enum):
    PARENT = strawberry.enum_value("parent", description="Of a child younger than 18.")
    GUARDIAN = strawberry.enum_value("guardian", description="Appointed for a child or for an adult ward.")
    LEGAL_REPRESENTATIVE = strawberry.enum_value(
        "legal_representative", description="Of an adult who cannot decide for himself, by a court."
    )
    DELEGATE = strawberry.enum_value(
        "delegate", description="Invited; reads some sections for a time, decides nothing."
    )


@strawberry.type(description="A citizen's right to act for a patient. FHIR: RelatedPerson")
class Representation:
    id: strawberry.ID = strawberry.field(description="For `endRepresentation`. FHIR: RelatedPerson.id")
    patient_id: strawberry.ID = strawberry.field(description="Whose book it opens. FHIR: RelatedPerson.patient")
    citizen_id: strawberry.ID = strawberry.field(description="Who may act, as `Me.id`. FHIR: RelatedPerson.identifier")
    is_mine: bool = strawberry.field(description="Whether it is the caller who may act.")
    relation: Relation = strawberry.field(description="Why. FHIR: RelatedPerson.relationship")
    sections: list[str] | None = strawberry.field(description="The sections it opens; null for all.")
    sensitive: list[str] = strawberry.field(description="The sensitive categories that it shows at present.")
    private_from: Instant | None = strawberry.field(
        description="From when on it shows no sensitive category; null where it never changes."
    )
    can_manage: bool = strawberry.field(description="Whether it includes deciding who else may read.")
    valid_from: Instant = strawberry.field(description="Since when. FHIR: RelatedPerson.period.start")
    valid_until: Instant | None = strawberry.field(
        description="When it ends by itself; null where only a decision ends it. FHIR: RelatedPerson.period.end"
    )
    ended_at: Instant | None = strawberry.field(description="When it was ended; null while it holds.")


@strawberry.type(description="Who acts for a patient, and for whom the caller acts.")
class Representations:
    of_patient: list[Representation] = strawberry.field(
        description="Who may act for the patient, oldest first, at most 200; a delegate sees himself only."
    )
    mine: list[Representation] = strawberry.field(description="For whom the caller may act, oldest first, at most 200.")


@strawberry.type(description="The code that makes somebody a delegate. It is told here once.")
class DelegationCode:
    code: str = strawberry.field(description="Twelve letters and digits in groups, for the delegate to type.")
    expires_at: Instant = strawberry.field(description="When the code is void; it works once.")


@strawberry.enum(description="Why a code made nobody a delegate.")
class DelegationRefusal(enum.Enum):
    CODE_UNKNOWN = strawberry.enum_value(
        "CODE_UNKNOWN", description="Wrong, too late, used, or withdrawn: nobody is told which."
    )
    TOO_MANY_TRIES = strawberry.enum_value("TOO_MANY_TRIES", description="Try again in a quarter of an hour.")
    ALREADY_OPEN = strawberry.enum_value("ALREADY_OPEN", description="The caller's own book, or one he manages.")


@strawberry.type(description="No delegation came to be.")
class DelegationRefused:
    code: DelegationRefusal = strawberry.field(description="Why.")


AcceptDelegationResult = Annotated[
    Representation | DelegationRefused,
    strawberry.union("AcceptDelegationResult", description="The new right, or why there is none."),
]


def shown(
    right: RelatedPerson, *, reader: UUID | None, now: datetime, patient_id: UUID | None = None
) -> Representation:
    """`patient_id`: the id in use today, where the row stands under an older one."""
    is_private = right.private_from is not None and right.private_from <= now
    whose = patient_id or right.patient_id
    return Representation(
        id=own_id(KIND, whose, right.id),
        patient_id=strawberry.ID(str(whose)),
        citizen_id=strawberry.ID(str(right.citizen_id)),
        is_mine=right.citizen_id == reader,
        relation=Relation(right.kind),
        sections=right.sections,
        sensitive=[] if is_private else right.sensitive,
        private_from=told_or_none(right.private_from),
        can_manage=right.can_manage,
        valid_from=told(right.valid_from),
        valid_until=told_or_none(right.valid_until),
        ended_at=told_or_none(right.revoked_at),
    )
