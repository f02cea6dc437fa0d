"""Vaccinations: what was given against which diseases, when, which dose, where, and how the person bore it.

FHIR R4 Immunization. QĐ 4750 has no table for vaccinations (domain: 1.3), so they come from FHIR senders such as the
national immunisation system only. Vaccine codes as sent (CVX, ATC, SNOMED CT, words); `antigens` are the codes of
`domain/reference/vaccines.py`. The programme is coded in fhir_systems.VACCINATION_PROGRAMME.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, Item
from domain.exchange import fhir_out as out
from domain.exchange import labels
from domain.exchange.actors import Actor, actor, actor_of, facility, practitioner
from domain.exchange.extensions import Extensions
from domain.exchange.fhir import Concept, Node, Resource
from domain.exchange.fhir_systems import ATC, CVX, VACCINATION_PROGRAMME
from domain.exchange.histories import unknown
from domain.exchange.qd4750 import Visit
from domain.reference import vaccines
from domain.sections.section import Section
from domain.values import PartialDate, day_of

EXTENSIONS = Extensions("immunization", {"antigens": "valueCode"}, frozenset({"antigens"}))


class Immunization(Item, Base):
    __tablename__ = "immunizations"

    encounter_id: Mapped[UUID | None] = mapped_column(default=None)
    status: Mapped[str] = mapped_column(default="completed")
    status_reason: Mapped[str | None] = mapped_column(default=None)
    vaccine_system: Mapped[str | None] = mapped_column(default=None)
    vaccine_code: Mapped[str | None] = mapped_column(default=None)
    vaccine: Mapped[str | None] = mapped_column(default=None)
    antigens: Mapped[list[str] | None] = mapped_column(default=None)
    occurred_text: Mapped[str | None] = mapped_column(default=None)
    recorded_on: Mapped[PartialDate | None] = mapped_column(default=None)
    dose_number: Mapped[int | None] = mapped_column(default=None)
    dose_label: Mapped[str | None] = mapped_column(default=None)
    series: Mapped[str | None] = mapped_column(default=None)
    series_doses: Mapped[int | None] = mapped_column(default=None)
    target_diseases: Mapped[list[str] | None] = mapped_column(default=None)
    lot_number: Mapped[str | None] = mapped_column(default=None)
    expires_on: Mapped[PartialDate | None] = mapped_column(default=None)
    manufacturer: Mapped[str | None] = mapped_column(default=None)
    site: Mapped[str | None] = mapped_column(default=None)
    route: Mapped[str | None] = mapped_column(default=None)
    dose_quantity: Mapped[Decimal | None] = mapped_column(default=None)
    dose_unit: Mapped[str | None] = mapped_column(default=None)
    facility_code: Mapped[str | None] = mapped_column(default=None)
    facility: Mapped[str | None] = mapped_column(default=None)
    performer_code: Mapped[str | None] = mapped_column(default=None)
    performer: Mapped[str | None] = mapped_column(default=None)
    programme_code: Mapped[str | None] = mapped_column(default=None)
    programme: Mapped[str | None] = mapped_column(default=None)
    reason: Mapped[str | None] = mapped_column(default=None)
    is_subpotent: Mapped[bool | None] = mapped_column(default=None)
    is_primary_source: Mapped[bool | None] = mapped_column(default=None)
    report_origin: Mapped[str | None] = mapped_column(default=None)
    reactions: Mapped[list[dict[str, Any]] | None] = mapped_column(default=None)
    note: Mapped[str | None] = mapped_column(default=None)

    def fact(self) -> tuple[str | None, ...]:
        """The antigens (else the vaccine as named) and the day. Where no day is known, what else tells doses apart."""
        what = "+".join(self.antigens or ()) or self.vaccine_code or (self.vaccine or "").casefold()
        day = day_of(self.occurred)
        if day:
            return (what, day)
        number = None if self.dose_number is None else str(self.dose_number)
        return (what, self.occurred or self.occurred_text, number, self.dose_label, self.lot_number)

    def content(self) -> tuple[object, ...]:
        """Whether it was given, and as which dose: what every sender must say (domain: 5.3)."""
        return (self.status, self.dose_number)


def from_fhir(resource: Resource) -> Iterable[Immunization]:
    if resource.type != "Immunization":
        return
    vaccine = resource.concept("vaccineCode")
    if not vaccine:
        resource.warn("vaccineCode", "names no vaccine", "required")
        return
    dose = resource.quantity("doseQuantity")
    place, person = _performers(resource)
    reactions = [reaction for node in resource.children("reaction") if (reaction := _reaction(resource, node))]
    yield Immunization(
        id=resource.row_id,
        document="Immunization",
        sensitivity=_label(resource),
        occurred=resource.date("occurrenceDateTime"),
        occurred_text=resource.string("occurrenceString"),
        recorded_on=resource.date("recorded"),
        encounter_id=resource.encounter_id(),
        status=resource.string("status") or "completed",
        status_reason=_words(resource, "statusReason"),
        vaccine_system=vaccine.system,
        vaccine_code=vaccine.code,
        vaccine=vaccine.display,
        antigens=_antigens(resource, vaccine),
        **_protocol(resource),
        lot_number=resource.string("lotNumber"),
        expires_on=_whole_day(resource.date("expirationDate")),
        manufacturer=resource.name_of("manufacturer"),
        site=_words(resource, "site"),
        route=_words(resource, "route"),
        dose_quantity=dose.value if dose else None,
        dose_unit=dose.unit if dose else None,
        facility_code=place.code,
        facility=place.name,
        performer_code=person.code,
        performer=person.name,
        **_programme(resource),
        reason=_words(resource, "reasonCode"),
        is_subpotent=resource.boolean("isSubpotent"),
        is_primary_source=resource.boolean("primarySource"),
        report_origin=_words(resource, "reportOrigin"),
        reactions=reactions or None,
        note=resource.notes(),
    )


def _label(resource: Resource) -> str:
    concepts = [resource.child("vaccineCode"), *resource.children("reasonCode")]
    return labels.strictest(labels.of_resource(resource), *(labels.of_concept(node) for node in concepts if node))


def _words(resource: Resource, name: str) -> str | None:
    concept = resource.concept(name)
    return concept.display or concept.code


def _whole_day(date: PartialDate | None) -> PartialDate | None:
    """FHIR's `date` has no time of day."""
    return PartialDate(date[: len("2025-01-01")]) if date else None


def _antigens(resource: Resource, vaccine: Concept) -> list[str] | None:
    """By code where the table knows it, by name otherwise, and those that an export of ours names."""
    said = EXTENSIONS.read(resource).get("antigens", [])
    known = {antigen for antigen in said if vaccines.antigen_name(antigen, "en")}
    return sorted(known or _by_code(vaccine) or vaccines.antigens(vaccine.display or "")) or None


def _by_code(vaccine: Concept) -> frozenset[str]:
    """An ATC code may stand for several vaccines: then what they have in common."""
    cvx, atc = vaccine.code_in(CVX), vaccine.code_in(ATC)
    found = (cvx and vaccines.by_code("cvx", cvx)) or (atc and vaccines.by_code("atc", atc)) or ()
    return frozenset.intersection(*(frozenset(one.antigens) for one in found)) if found else frozenset()


def _protocol(resource: Resource) -> dict[str, Any]:
    """The first protocol: which dose of which series, against what."""
    protocol = next(resource.children("protocolApplied"), None)
    if protocol is None:
        return {}
    number, words = _count(protocol, "doseNumber")
    diseases = [disease.display or disease.code for disease in protocol.concepts("targetDisease")]
    return {
        "dose_number": number,
        "dose_label": words,
        "series": protocol.string("series"),
        "series_doses": _count(protocol, "seriesDoses")[0],
        "target_diseases": diseases or None,
    }


def _count(node: Node, name: str) -> tuple[int | None, str | None]:
    """doseNumber[x]: a positive number, or words (`Nhắc lại`); digits sent as words are a number."""
    number, words = node.integer(f"{name}PositiveInt"), node.string(f"{name}String")
    if number is None and words and words.isascii() and words.isdecimal() and len(words) <= len("999"):
        number, words = int(words), None
    return (number, words) if number is None or number > 0 else (None, words)


def _performers(resource: Resource) -> tuple[Actor, Actor]:
    """Where (the location, else an organization among the performers) and by whom."""
    found = [actor_of(resource, node.child("actor")) for node in resource.children("performer")]
    place = actor(resource, "location") or next((one for one in found if one.is_place), Actor())
    return place, next((one for one in found if one and not one.is_place), Actor())


def _programme(resource: Resource) -> dict[str, Any]:
    concept = resource.concept("programEligibility") or resource.concept("fundingSource")
    return {"programme_code": concept.code_in(VACCINATION_PROGRAMME), "programme": concept.display or concept.code}


def _reaction(resource: Resource, node: Node) -> dict[str, Any]:
    return out.filled(
        {
            "occurred": node.date("date"),
            "description": _detail(resource, node),
            "is_self_reported": node.boolean("reported"),
        }
    )


def _detail(resource: Resource, reaction: Node) -> str | None:
    detail = reaction.child("detail")
    return resource.name_behind(detail) if detail else None


def from_qd4750(visit: Visit) -> Iterable[Immunization]:
    """None: QĐ 4750 has no place for a vaccination."""
    del visit
    return ()


def to_fhir(row: Immunization) -> dict[str, Any]:
    by = practitioner(row.performer, row.performer_code)
    return out.resource(
        "Immunization",
        row,
        extension=EXTENSIONS.write(row),
        status=row.status,
        statusReason=out.concept(None, None, row.status_reason),
        vaccineCode=out.concept(row.vaccine_system, row.vaccine_code, row.vaccine) or unknown(),
        patient=out.subject(row),
        encounter=out.reference("Encounter", row.encounter_id),
        **_occurrence_out(row),
        recorded=row.recorded_on,
        primarySource=row.is_primary_source,
        reportOrigin=out.concept(None, None, row.report_origin),
        location=_location(row),
        manufacturer=out.named(row.manufacturer),
        lotNumber=row.lot_number,
        expirationDate=row.expires_on,
        site=out.concept(None, None, row.site),
        route=out.concept(None, None, row.route),
        doseQuantity=out.quantity(row.dose_quantity, row.dose_unit),
        performer=[{"actor": by}] if by else None,
        note=out.annotations(row.note),
        reasonCode=out.listed([out.concept(None, None, row.reason)]),
        isSubpotent=row.is_subpotent,
        programEligibility=out.listed([out.concept(VACCINATION_PROGRAMME, row.programme_code, row.programme)]),
        reaction=out.listed(_reaction_out(reaction) for reaction in row.reactions or ()),
        protocolApplied=out.listed([_protocol_out(row)]),
    )


def _occurrence_out(row: Immunization) -> dict[str, Any]:
    """occurrence[x] is required: a date, else the sender's words, else that it is unknown."""
    if row.occurred:
        return {"occurrenceDateTime": row.occurred}
    return {"occurrenceString": row.occurred_text} if row.occurred_text else {"_occurrenceString": unknown()}


def _location(row: Immunization) -> dict[str, Any] | None:
    place = facility(row.facility, row.facility_code)
    return {**place, "type": "Location"} if place else None


def _protocol_out(row: Immunization) -> dict[str, Any] | None:
    words = row.dose_label if row.dose_number is None else None
    fields = {
        "series": row.series,
        "targetDisease": [{"text": disease} for disease in row.target_diseases or ()],
        "doseNumberPositiveInt": row.dose_number,
        "doseNumberString": words,
        "seriesDosesPositiveInt": row.series_doses,
    }
    said = out.filled(fields)
    if said and row.dose_number is None and words is None:
        said["_doseNumberString"] = unknown()
    return said or None


def _reaction_out(reaction: dict[str, Any]) -> dict[str, Any]:
    return out.filled(
        {
            "date": reaction.get("occurred"),
            "detail": out.named(reaction.get("description")),
            "reported": reaction.get("is_self_reported"),
        }
    )


SECTION = Section(
    name="immunizations",
    vi="Tiêm chủng",
    en="Immunizations",
    holds=("Immunization",),
    smart=("patient/Immunization.rs",),
    model=Immunization,
    from_fhir=from_fhir,
    from_qd4750=from_qd4750,
    to_fhir=to_fhir,
)
