"""Images and other examinations that end in words: X-ray, ultrasound, endoscopy, ECG, pathology. No pixels.

FHIR R4 DiagnosticReport that is not a laboratory's, and ImagingStudy (the fact that images exist, where no report in
the same bundle speaks for them); QĐ 4750 XML4 rows with MO_TA or KET_LUAN and no value, unless XML3 says that
the service was a laboratory test. A laboratory's report in words is in `documents`, its values are in `labs`.
Codes: LOINC, RadLex or the sender's; QĐ 4750's MA_CHI_SO and MA_DICH_VU; DICOM modalities.
"""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, Item
from domain.exchange import attachments, labels
from domain.exchange import fhir_out as out
from domain.exchange.actors import NOBODY, actors, practitioner
from domain.exchange.backlinks import pointing_to
from domain.exchange.codings import Coding, label_of
from domain.exchange.diagnoses import label_of_visit
from domain.exchange.extensions import Extensions
from domain.exchange.fhir import Concept, Node, Resource
from domain.exchange.moments import minute_of
from domain.exchange.qd4750 import Result, Visit
from domain.exchange.reports import group_of, is_described, is_laboratory
from domain.sections.section import Section
from domain.values import PartialDate

ANALYTE = "urn:qd4750:MA_CHI_SO"
ACCESSION = "urn:dicom:accession"
STUDY_STATUS = {"available": "final", "registered": "registered", "cancelled": "cancelled"}


class Imaging(Item, Base):
    __tablename__ = "imaging"
    UNCOMPARED: ClassVar[frozenset[str]] = frozenset(
        {
            "occurred", "status", "code_system", "display", "service_code", "category", "modalities", "body_site",
            "issued_at", "accession_number", "study_uid", "series_count", "instance_count", "performer",
            "performer_code", "reason", "attachments",
        }
    )  # fmt: skip

    encounter_id: Mapped[UUID | None] = mapped_column(default=None)
    status: Mapped[str] = mapped_column(default="final")
    category: Mapped[str | None] = mapped_column(default=None)
    code_system: Mapped[str | None] = mapped_column(default=None)
    code: Mapped[str | None] = mapped_column(default=None)
    display: Mapped[str | None] = mapped_column(default=None)
    service_code: Mapped[str | None] = mapped_column(default=None)
    modalities: Mapped[list[str] | None] = mapped_column(default=None)
    body_site: Mapped[str | None] = mapped_column(default=None)
    reason: Mapped[str | None] = mapped_column(default=None)
    description: Mapped[str | None] = mapped_column(default=None)
    conclusion: Mapped[str | None] = mapped_column(default=None)
    conclusion_codes: Mapped[list[dict[str, Any]] | None] = mapped_column(default=None)
    issued_at: Mapped[PartialDate | None] = mapped_column(Text(collation="C"), default=None)
    performer: Mapped[str | None] = mapped_column(default=None)
    performer_code: Mapped[str | None] = mapped_column(default=None)
    accession_number: Mapped[str | None] = mapped_column(default=None)
    study_uid: Mapped[str | None] = mapped_column(default=None)
    series_count: Mapped[int | None] = mapped_column(default=None)
    instance_count: Mapped[int | None] = mapped_column(default=None)
    attachments: Mapped[list[dict[str, Any]] | None] = mapped_column(default=None)

    def fact(self) -> tuple[str | None, ...]:
        """The same examination at the same minute."""
        return (self.code or self.service_code or self.display, minute_of(self.occurred))


EXTENSIONS = Extensions(
    "imaging",
    {
        "service_code": "valueCode",
        "modalities": "valueCode",
        "body_site": "valueString",
        "reason": "valueString",
        "description": "valueString",
        "study_uid": "valueString",
        "series_count": "valueInteger",
        "instance_count": "valueInteger",
    },
    lists=frozenset({"modalities"}),
)


def from_fhir(resource: Resource) -> Iterable[Imaging]:
    if resource.type == "DiagnosticReport" and not is_laboratory(resource):
        yield _report(resource)
    elif resource.type == "ImagingStudy" and not pointing_to(resource, "DiagnosticReport", "imagingStudy"):
        yield _study(resource)


def _report(resource: Resource) -> Imaging:
    code, category = resource.concept("code"), resource.concept("category")
    forms = list(resource.children("presentedForm"))
    study = next(_studies(resource), None)
    said = (_of_study(study) if study is not None else {}) | EXTENSIONS.read(resource)
    row = Imaging(
        id=resource.row_id,
        document="DiagnosticReport",
        encounter_id=resource.encounter_id(),
        status=resource.string("status") or "unknown",
        category=category.code or category.display,
        occurred=resource.date("effectiveDateTime") or resource.period("effectivePeriod")[0],
        issued_at=resource.date("issued"),
        code_system=code.system,
        code=code.code,
        display=code.display,
        conclusion=resource.string("conclusion"),
        conclusion_codes=[_coded(concept) for concept in resource.concepts("conclusionCode")] or None,
        attachments=attachments.listed(form for form in forms if attachments.text_of(form) is None),
        **said | _readers(resource, "resultsInterpreter", "performer"),
    )
    row.accession_number = _accession(resource) or row.accession_number
    row.description = row.description or _findings(resource, forms)
    row.sensitivity = _told(resource, _label(row, (*code.codings, *_codings(resource))))
    return row


def _readers(resource: Resource, *fields: str) -> dict[str, Any]:
    """Who read the images: all names, and the licence number of the first."""
    found = next((readers for field in fields if (readers := actors(resource, field))), [])
    names = dict.fromkeys(reader.name for reader in found if reader.name)
    return {"performer": ", ".join(names) or None, "performer_code": (found[0] if found else NOBODY).code}


def _coded(concept: Concept) -> dict[str, Any]:
    return {"code_system": concept.system, "code": concept.code, "display": concept.display}


def _codings(resource: Resource) -> Iterator[Coding]:
    for concept in resource.concepts("conclusionCode"):
        yield from concept.codings


def _findings(resource: Resource, forms: Iterable[Node]) -> str | None:
    """What the report says in words besides its conclusion: in forms of plain text, in observations that are text."""
    texts = [text for form in forms if (text := attachments.text_of(form))]
    targets = (resource.follow(node.string("reference")) for node in resource.children("result"))
    texts += [words for target in targets if target is not None and (words := target.string("valueString"))]
    return "\n".join(dict.fromkeys(texts)) or None


def _studies(report: Resource) -> Iterator[Resource]:
    for node in report.children("imagingStudy"):
        target = report.follow(node.string("reference"))
        if target is not None and target.type == "ImagingStudy":
            yield target


def _accession(resource: Resource) -> str | None:
    """The number of the request by which report and images find each other, else the first number there is."""
    numbers = resource.identifiers()
    marked = (
        node.string("value")
        for node in resource.children("identifier")
        if node.string("system") == ACCESSION or node.concept("type").has("ACSN")
    )
    return next((value for value in marked if value), None) or (numbers[0][1] if numbers else None)


def _study(resource: Resource) -> Imaging:
    code = resource.concept("procedureCode")
    row = Imaging(
        id=resource.row_id,
        document="ImagingStudy",
        encounter_id=resource.encounter_id(),
        status=STUDY_STATUS.get(resource.string("status") or "", resource.string("status") or "unknown"),
        category="imaging",
        occurred=resource.date("started"),
        code_system=code.system,
        code=code.code,
        display=code.display or resource.string("description"),
        **_of_study(resource) | _readers(resource, "interpreter"),
    )
    row.sensitivity = _told(resource, _label(row, code.codings))
    return row


def _of_study(resource: Resource) -> dict[str, Any]:
    """What only the images know; a report takes it over from the study it speaks of."""
    uid = next((value for system, value in resource.identifiers() if system == "urn:dicom:uid"), None)
    reason = resource.concept("reasonCode")
    return {
        "study_uid": uid.removeprefix("urn:oid:") if uid else None,
        "accession_number": next(
            (value for system, value in resource.identifiers() if system != "urn:dicom:uid"), None
        ),
        "modalities": _modalities(resource),
        "body_site": _body_sites(resource),
        "series_count": resource.integer("numberOfSeries"),
        "instance_count": resource.integer("numberOfInstances"),
        "reason": reason.display or reason.code,
    }


def _modalities(resource: Resource) -> list[str] | None:
    """DICOM modalities (CT, MR, US): of the study, else of its series."""
    nodes = [*resource.children("modality")]
    nodes += [modality for series in resource.children("series") if (modality := series.child("modality"))]
    return list(dict.fromkeys(code for node in nodes if (code := node.string("code")))) or None


def _body_sites(resource: Resource) -> str | None:
    sites = [site for series in resource.children("series") if (site := series.child("bodySite"))]
    words = [words for site in sites if (words := site.string("display") or site.string("code"))]
    return "; ".join(dict.fromkeys(words)) or None


def _told(resource: Resource, by_words: str) -> str:
    """The label of the examination itself, of what its sender says, and of the visit."""
    visit = resource.linked("encounter", "Encounter")
    return labels.strictest(by_words, labels.of_resource(resource), label_of_visit(visit))


def _label(row: Imaging, codings: Iterable[Coding]) -> str:
    return label_of(codings, row.display, row.reason, row.description, row.conclusion)


def from_qd4750(visit: Visit) -> Iterable[Imaging]:
    for result in visit.results:
        if not is_described(result):
            continue
        group = group_of(visit, result)
        if group != "laboratory":
            yield _described(visit, result, group)


def _described(visit: Visit, result: Result, group: str | None) -> Imaging:
    services = (row.name for row in visit.services if row.service_code == result.service_code and row.name)
    row = Imaging(
        document="XML4",
        encounter_id=visit.encounter_id,
        category=group,
        occurred=result.result_at,
        code_system=ANALYTE if result.analyte_code else None,
        code=result.analyte_code,
        display=result.analyte_name or next(services, None),
        service_code=result.service_code,
        description=result.description,
        conclusion=result.conclusion,
        performer_code=result.read_by,
    )
    row.sensitivity = labels.strictest(_label(row, ()), labels.of_visit(visit))
    return row


def to_fhir(row: Imaging) -> dict[str, Any]:
    accession = {"system": ACCESSION, "value": row.accession_number} if row.accession_number else None
    return out.resource(
        "DiagnosticReport",
        row,
        extension=EXTENSIONS.write(row),
        identifier=out.listed([accession]),
        status=row.status,
        category=out.listed([out.concept(None, None, row.category)]),
        code=out.concept(row.code_system, row.code, row.display) or {"text": row.category or "imaging"},
        subject=out.subject(row),
        encounter=out.reference("Encounter", row.encounter_id),
        effectiveDateTime=row.occurred,
        issued=row.issued_at,
        resultsInterpreter=out.listed([practitioner(row.performer, row.performer_code)]),
        conclusion=row.conclusion,
        conclusionCode=out.listed(
            out.concept(one["code_system"], one["code"], one["display"]) for one in row.conclusion_codes or []
        ),
        presentedForm=out.listed(attachments.written(row.attachments)),
    )


SECTION = Section(
    name="imaging",
    vi="Chẩn đoán hình ảnh, thăm dò chức năng",
    en="Imaging and other described examinations",
    holds=("DiagnosticReport", "ImagingStudy"),
    smart=(
        "patient/DiagnosticReport.rs?category=http://terminology.hl7.org/CodeSystem/v2-0074|RAD",
        "patient/ImagingStudy.rs",
    ),
    model=Imaging,
    from_fhir=from_fhir,
    from_qd4750=from_qd4750,
    to_fhir=to_fhir,
)
