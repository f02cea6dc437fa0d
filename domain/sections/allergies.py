"""Allergies and intolerances: what a person must not be given, and what happened the last time.

FHIR R4 AllergyIntolerance. QĐ 4750 has no field for them (domain: 3.9), so they come from FHIR senders only.
A sender may also say that there are none ("no known allergies"): `is_absence`. Code systems as sent: SNOMED CT,
ATC, RxNorm or words.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, Item
from domain.exchange import fhir_out as out
from domain.exchange import fhir_systems as systems
from domain.exchange import labels
from domain.exchange.fhir import Concept, Node, Resource
from domain.exchange.histories import diagnosis_key, says_nothing_known, unknown, when, when_fields
from domain.exchange.qd4750 import Visit
from domain.sections.section import Section
from domain.values import PartialDate


class Allergy(Item, Base):
    __tablename__ = "allergies"

    encounter_id: Mapped[UUID | None] = mapped_column(default=None)
    clinical_status: Mapped[str | None] = mapped_column(default=None)
    verification_status: Mapped[str | None] = mapped_column(default=None)
    is_absence: Mapped[bool] = mapped_column(default=False)
    kind: Mapped[str | None] = mapped_column(default=None)
    categories: Mapped[list[str] | None] = mapped_column(default=None)
    criticality: Mapped[str | None] = mapped_column(default=None)
    code_system: Mapped[str | None] = mapped_column(default=None)
    code: Mapped[str | None] = mapped_column(default=None)
    display: Mapped[str | None] = mapped_column(default=None)
    onset: Mapped[PartialDate | None] = mapped_column(default=None)
    onset_text: Mapped[str | None] = mapped_column(default=None)
    last_occurrence: Mapped[PartialDate | None] = mapped_column(default=None)
    recorded_on: Mapped[PartialDate | None] = mapped_column(default=None)
    reactions: Mapped[list[dict[str, Any]] | None] = mapped_column(default=None)
    recorder: Mapped[str | None] = mapped_column(default=None)
    asserter: Mapped[str | None] = mapped_column(default=None)
    note: Mapped[str | None] = mapped_column(default=None)

    def fact(self) -> tuple[str | None, ...]:
        """The substance, whenever it was noted."""
        return (diagnosis_key(self.code, self.display),)

    def content(self) -> tuple[object, ...]:
        """Only a refuted allergy contradicts: what one sender knows more of than another is no dispute."""
        return (self.verification_status == "refuted",)


def from_fhir(resource: Resource) -> Iterable[Allergy]:
    if resource.type != "AllergyIntolerance":
        return
    substance = _substance(resource)
    if not substance:
        resource.warn("code", "names no substance", "required")
        return
    onset = when(resource, "onset")
    recorded_on, last = resource.date("recordedDate"), resource.date("lastOccurrence")
    yield Allergy(
        id=resource.row_id,
        document="AllergyIntolerance",
        sensitivity=labels.of_resource(resource),
        occurred=onset.date or recorded_on or last,
        encounter_id=resource.encounter_id(),
        clinical_status=_status(resource, "clinicalStatus"),
        verification_status=_status(resource, "verificationStatus"),
        is_absence=says_nothing_known(substance),
        kind=resource.string("type"),
        categories=resource.strings("category") or None,
        criticality=resource.string("criticality"),
        code_system=substance.system,
        code=substance.code,
        display=substance.display,
        onset=onset.date,
        onset_text=onset.text,
        last_occurrence=last,
        recorded_on=recorded_on,
        reactions=[reaction for node in resource.children("reaction") if (reaction := _reaction(node))] or None,
        recorder=resource.name_of("recorder"),
        asserter=resource.name_of("asserter"),
        note=resource.notes(),
    )


def _substance(resource: Resource) -> Concept:
    """What the allergy is to; some senders name it only with the reaction."""
    named = (reaction.concept("substance") for reaction in resource.children("reaction"))
    return resource.concept("code") or next((concept for concept in named if concept), Concept())


def _status(resource: Resource, name: str) -> str | None:
    status = resource.concept(name)
    return status.code or status.display


def _reaction(node: Node) -> dict[str, Any]:
    substance, route = node.concept("substance"), node.concept("exposureRoute")
    return out.filled(
        {
            "substance": substance.display or substance.code,
            "manifestations": [seen.display or seen.code for seen in node.concepts("manifestation")],
            "severity": node.string("severity"),
            "onset": node.date("onset"),
            "description": node.string("description"),
            "exposure_route": route.display or route.code,
            "note": node.notes(),
        }
    )


def from_qd4750(visit: Visit) -> Iterable[Allergy]:
    """None: QĐ 4750 has no place for an allergy."""
    del visit
    return ()


def to_fhir(row: Allergy) -> dict[str, Any]:
    clinical = out.concept(systems.ALLERGY_CLINICAL, row.clinical_status, None)
    is_wrong = row.verification_status == "entered-in-error"  # FHIR R4 ait-1, ait-2
    return out.resource(
        "AllergyIntolerance",
        row,
        clinicalStatus=clinical or (None if is_wrong else unknown()),
        verificationStatus=out.concept(systems.ALLERGY_VERIFICATION, row.verification_status, None),
        type=row.kind,
        category=row.categories,
        criticality=row.criticality,
        code=out.concept(row.code_system, row.code, row.display),
        patient=out.subject(row),
        encounter=out.reference("Encounter", row.encounter_id),
        **when_fields("onset", row.onset, row.onset_text),
        recordedDate=row.recorded_on,
        recorder=out.named(row.recorder),
        asserter=out.named(row.asserter),
        lastOccurrence=row.last_occurrence,
        note=out.annotations(row.note),
        reaction=out.listed(_reaction_out(reaction) for reaction in row.reactions or []),
    )


def _reaction_out(reaction: dict[str, Any]) -> dict[str, Any]:
    return out.filled(
        {
            "substance": out.concept(None, None, reaction.get("substance")),
            "manifestation": [{"text": seen} for seen in reaction.get("manifestations", [])] or [unknown()],
            "description": reaction.get("description"),
            "onset": reaction.get("onset"),
            "severity": reaction.get("severity"),
            "exposureRoute": out.concept(None, None, reaction.get("exposure_route")),
            "note": out.annotations(reaction.get("note")),
        }
    )


SECTION = Section(
    name="allergies",
    vi="Dị ứng",
    en="Allergies and intolerances",
    holds=("AllergyIntolerance",),
    smart=("patient/AllergyIntolerance.rs",),
    model=Allergy,
    from_fhir=from_fhir,
    from_qd4750=from_qd4750,
    to_fhir=to_fhir,
)
