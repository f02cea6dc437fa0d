"""Surgery and procedures: what was done to somebody, when, by whom, under which anaesthesia.

FHIR R4 Procedure. QĐ 4750 has no table of procedures: XML3 lists everything that is paid for. A row of it is a
procedure when it carries an ICD-9-CM code (MA_PTTT_QT), or when its cost group (MA_NHOM) is 8, surgery, or 18,
procedure; examinations, beds, transport, tests, images, blood and supplies are in other groups. A code of XML1
MA_PTTT_QT that no row of XML3 bears is a procedure too, of which only the span of the visit is known.
Codes: ICD-9-CM, SNOMED CT; the billable service (MA_DICH_VU) stands beside them.
"""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, Item
from domain.exchange import fhir_out as out
from domain.exchange import labels
from domain.exchange.codings import label_of
from domain.exchange.diagnoses import concept_behind, label_of_visit
from domain.exchange.extensions import Extensions
from domain.exchange.fhir import NOTHING, Concept, Node, Resource
from domain.exchange.fhir_systems import ICD9CM, ICD10, SERVICE
from domain.exchange.moments import minute_of, within
from domain.exchange.qd4750 import Service, Visit, lookup
from domain.sections.section import Section
from domain.values import PartialDate

SURGERY, PROCEDURE = "8", "18"  # MA_NHOM
_CATEGORIES = {SURGERY: "Phẫu thuật", PROCEDURE: "Thủ thuật"}


class Procedure(Item, Base):
    __tablename__ = "procedures"
    UNCOMPARED: ClassVar[frozenset[str]] = frozenset(
        {
            "occurred", "code_system", "display", "service_code", "ended_at", "category", "reason_system",
            "reason_code", "reason", "body_site", "anaesthesia_code", "anaesthesia", "performers", "location",
            "outcome", "report", "complications", "devices", "follow_up", "note",
        }
    )  # fmt: skip

    encounter_id: Mapped[UUID | None] = mapped_column(default=None)
    status: Mapped[str] = mapped_column(default="unknown")
    code_system: Mapped[str | None] = mapped_column(default=None)
    code: Mapped[str | None] = mapped_column(default=None)
    display: Mapped[str | None] = mapped_column(default=None)
    service_code: Mapped[str | None] = mapped_column(default=None)
    category: Mapped[str | None] = mapped_column(default=None)
    ended_at: Mapped[PartialDate | None] = mapped_column(Text(collation="C"), default=None)
    reason_system: Mapped[str | None] = mapped_column(default=None)
    reason_code: Mapped[str | None] = mapped_column(default=None)
    reason: Mapped[str | None] = mapped_column(default=None)
    body_site: Mapped[str | None] = mapped_column(default=None)
    anaesthesia_code: Mapped[str | None] = mapped_column(default=None)
    anaesthesia: Mapped[str | None] = mapped_column(default=None)
    performers: Mapped[list[str] | None] = mapped_column(default=None)
    location: Mapped[str | None] = mapped_column(default=None)
    outcome: Mapped[str | None] = mapped_column(default=None)
    report: Mapped[str | None] = mapped_column(default=None)
    complications: Mapped[list[str] | None] = mapped_column(default=None)
    devices: Mapped[list[str] | None] = mapped_column(default=None)
    follow_up: Mapped[str | None] = mapped_column(default=None)
    note: Mapped[str | None] = mapped_column(default=None)

    def fact(self) -> tuple[str | None, ...]:
        """The same thing done at the same minute; by the words where no code is known."""
        return (self.code or self.service_code or self.display, minute_of(self.occurred))


EXTENSIONS = Extensions("procedure", {"anaesthesia_code": "valueCode", "anaesthesia": "valueString"})


def from_fhir(resource: Resource) -> Iterable[Procedure]:
    if resource.type != "Procedure":
        return
    code, reason = resource.concept("code"), _reason(resource)
    yield Procedure(
        id=resource.row_id,
        document="Procedure",
        sensitivity=labels.strictest(
            labels.of_resource(resource),
            label_of_visit(resource.linked("encounter", "Encounter")),
            label_of((*code.codings, *reason.codings), code.display, reason.display),
        ),
        encounter_id=resource.encounter_id(),
        status=resource.string("status") or "unknown",
        **_performed(resource),
        **_code(code),
        category=_words(resource.concept("category")),
        reason_system=reason.system if reason.code else None,
        reason_code=reason.code,
        reason=reason.display,
        body_site=_all(resource.concepts("bodySite")),
        performers=_performers(resource),
        location=resource.name_of("location"),
        outcome=_words(resource.concept("outcome")),
        report=_reports(resource),
        complications=_texts(resource.concepts("complication")),
        devices=_devices(resource),
        follow_up=_all(resource.concepts("followUp")),
        note=resource.notes(),
        **EXTENSIONS.read(resource),
    )


def _performed(resource: Resource) -> dict[str, Any]:
    """An instant or a span; words and ages (performedString, performedAge) are no date."""
    start, end = resource.period("performedPeriod")
    return {"occurred": resource.date("performedDateTime") or start, "ended_at": end}


def _code(code: Concept) -> dict[str, Any]:
    """The clinical code first; the billable service is a second coding of the same concept."""
    service = code.code_in(SERVICE)
    clinical = next(((system, value) for system, value in code.codings if value and system != SERVICE), (None, None))
    return {"code_system": clinical[0], "code": clinical[1], "display": code.display, "service_code": service}


def _reason(resource: Resource) -> Concept:
    """The first reason: a code, or the Condition a reference points to, or the reference's words."""
    nodes = resource.children("reasonReference")
    return resource.concept("reasonCode") or next(
        filter(None, (concept_behind(resource, node) for node in nodes)), NOTHING
    )


def _words(concept: Concept) -> str | None:
    return concept.display or concept.code


def _texts(concepts: Iterable[Concept]) -> list[str] | None:
    return [words for concept in concepts if (words := _words(concept))] or None


def _all(concepts: Iterable[Concept]) -> str | None:
    return "; ".join(_texts(concepts) or []) or None


def _joined(*texts: str | None) -> str | None:
    return "\n".join(text for text in texts if text) or None


def _performers(resource: Resource) -> list[str] | None:
    actors = [actor for node in resource.children("performer") if (actor := node.child("actor"))]
    return _names(resource, actors)


def _devices(resource: Resource) -> list[str] | None:
    """Implants and other things left or changed."""
    devices = [device for node in resource.children("focalDevice") if (device := node.child("manipulated"))]
    return _names(resource, devices)


def _names(resource: Resource, nodes: Iterable[Node]) -> list[str] | None:
    return [name for node in nodes if (name := resource.name_behind(node))] or None


def _reports(resource: Resource) -> str | None:
    """The operation report in words, where the report it points to has any."""
    targets = [resource.follow(node.string("reference")) for node in resource.children("report")]
    words = [node.string("display") for node in resource.children("report")]
    words += [target.string("conclusion") for target in targets if target is not None]
    return _joined(*words)


def from_qd4750(visit: Visit) -> Iterable[Procedure]:
    rows = [row for row in visit.services if is_procedure(row)]
    for row in rows:
        yield _from_service(visit, row)
    yield from _from_summary(visit, {code for row in rows for code in row.procedures_icd9})


def is_procedure(row: Service) -> bool:
    """The rule of this module's docstring. A row of supplies names no service."""
    names_service = bool(row.service_code or row.name)
    return names_service and (bool(row.procedures_icd9) or (row.group or "").lstrip("0") in _CATEGORIES)


def _from_service(visit: Visit, row: Service) -> Procedure:
    first, others = next(iter(row.procedures_icd9), None), row.procedures_icd9[1:]
    return Procedure(
        document="XML3",
        sensitivity=labels.strictest(label_of([(ICD10, code) for code in row.icd10], row.name), labels.of_visit(visit)),
        encounter_id=visit.encounter_id,
        status="completed",
        occurred=row.performed_at or within(row.ordered_at, row.result_at),
        ended_at=row.result_at,
        code_system=ICD9CM if first else None,
        code=first,
        display=row.name,
        service_code=row.service_code,
        category=_CATEGORIES.get((row.group or "").lstrip("0")),
        reason_system=ICD10 if row.icd10 else None,
        reason_code=next(iter(row.icd10), None),
        body_site=row.body_site,
        anaesthesia_code=row.anaesthesia,
        anaesthesia=_anaesthesia(row.anaesthesia),
        performers=list(row.performers) or None,
        note=f"ICD-9-CM: {', '.join(others)}" if others else None,
    )


def _anaesthesia(code: str | None) -> str | None:
    entry = lookup("PP_VO_CAM", code) if code else None
    return (entry.vi or None) if entry else None


def _from_summary(visit: Visit, known: set[str]) -> Iterator[Procedure]:
    summary = visit.summary
    if summary is None:
        return
    for code in dict.fromkeys(summary.procedures_icd9):
        if code not in known:
            yield Procedure(
                document="XML1",
                sensitivity=labels.of_visit(visit),
                encounter_id=visit.encounter_id,
                status="completed",
                occurred=within(summary.arrived_at, summary.ended_at),
                code_system=ICD9CM,
                code=code,
            )


def to_fhir(row: Procedure) -> dict[str, Any]:
    return out.resource(
        "Procedure",
        row,
        extension=EXTENSIONS.write(row),
        status=row.status,
        category=out.concept(None, None, row.category),
        code=_written_code(row),
        subject=out.subject(row),
        encounter=out.reference("Encounter", row.encounter_id),
        **_written_time(row),
        performer=out.listed({"actor": {"display": name}} for name in row.performers or []),
        location=out.named(row.location),
        reasonCode=out.listed([out.concept(row.reason_system, row.reason_code, row.reason)]),
        bodySite=out.listed([out.concept(None, None, row.body_site)]),
        outcome=out.concept(None, None, row.outcome),
        report=out.listed([out.named(row.report)]),
        complication=out.listed(out.concept(None, None, text) for text in row.complications or []),
        followUp=out.listed([out.concept(None, None, row.follow_up)]),
        note=out.annotations(row.note),
        focalDevice=out.listed({"manipulated": {"display": name}} for name in row.devices or []),
    )


def _written_code(row: Procedure) -> dict[str, Any] | None:
    clinical = out.coding(row.code_system, row.code, None) if row.code else None
    service = out.coding(SERVICE, row.service_code, None) if row.service_code else None
    return out.filled({"coding": out.listed([clinical, service]), "text": row.display}) or None


def _written_time(row: Procedure) -> dict[str, Any]:
    if row.ended_at is None:
        return {"performedDateTime": row.occurred}
    return {"performedPeriod": out.period(row.occurred, row.ended_at)}


SECTION = Section(
    name="procedures",
    vi="Phẫu thuật, thủ thuật",
    en="Surgery and procedures",
    holds=("Procedure",),
    smart=("patient/Procedure.rs",),
    model=Procedure,
    from_fhir=from_fhir,
    from_qd4750=from_qd4750,
    to_fhir=to_fhir,
)
