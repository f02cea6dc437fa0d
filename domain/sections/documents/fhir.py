"""Documents from FHIR R4 DocumentReference, Composition, ClinicalImpression and laboratory DiagnosticReport.

They go out as DocumentReference. A part in words is an attachment of plain text there, so that any reader can show it;
its `format` says which part it is.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from domain.exchange import attachments, labels
from domain.exchange import fhir_out as out
from domain.exchange.actors import NOBODY, Actor, actor, actors, facility, practitioner
from domain.exchange.codings import label_of
from domain.exchange.diagnoses import label_of_visit
from domain.exchange.extensions import BASE, Extensions
from domain.exchange.fhir import Concept, Node, Resource
from domain.exchange.fhir_out import SECURITY_LABELS
from domain.exchange.histories import unknown
from domain.exchange.narrative import plain_text
from domain.exchange.reports import is_laboratory
from domain.sections.documents.table import EVERY_KIND, KINDS, NOTE, OTHER, REPORT, Document, section
from domain.values import PartialDate

EXTENSIONS = Extensions("document", {"kind": "valueCode", "occurred": "valueDateTime"})
PART = BASE + "document-part"
DEEPEST = 5
_LABELS = {code: name for name, code in SECURITY_LABELS.items()}
_PROGRESS = {
    **dict.fromkeys(("preliminary", "registered", "partial", "in-progress"), "preliminary"),
    **dict.fromkeys(("final", "completed"), "final"),
    **dict.fromkeys(("amended", "corrected", "appended"), "amended"),
}
_WRONG = frozenset({"entered-in-error", "cancelled"})
_INSTANT = len("2025-03-14T07:30:00+07:00")


def from_fhir(resource: Resource) -> Iterable[Document]:
    read = _READERS.get(resource.type)
    row = read(resource) if read is not None else None
    if row is None:
        return
    visit = _encounter(resource)
    row.encounter_id = visit.row_id if visit is not None else None
    row.sensitivity = labels.strictest(
        labels.of_resource(resource), *_said(resource), _by_words(row), label_of_visit(visit)
    )
    yield row


def _said(resource: Resource) -> list[str]:
    """DocumentReference.securityLabel, which is about the document as meta.security is about the reference."""
    codings = [coding for concept in resource.concepts("securityLabel") for coding in concept.codings]
    return [_LABELS.get(code or "", "") for _, code in codings]


def _by_words(row: Document) -> str:
    return label_of([(row.code_system, row.code)], row.display, row.title, *row.texts())


def _reference(resource: Resource) -> Document:
    type_, context = resource.concept("type"), resource.child("context")
    contents = list(resource.children("content"))
    files = [file for content in contents if (file := content.child("attachment"))]
    others = [file for file in files if attachments.text_of(file) is None]
    parts = [part for content in contents if (part := _part(content))]
    start, end = context.period("period") if context else (None, None)
    said = EXTENSIONS.read(resource)
    kind = said.get("kind")
    return Document(
        id=resource.row_id,
        document="DocumentReference",
        kind=kind if kind in EVERY_KIND else _kind(type_),
        status=resource.string("status") or "current",
        progress=resource.string("docStatus"),
        occurred=said.get("occurred") or resource.date("date") or _created(files) or start,
        **_type(type_),
        title=resource.string("description") or _first_title(others) or type_.display,
        number=_number(resource),
        period_start=start,
        period_end=end,
        **_people(actors(resource, "author"), actor(resource, "custodian")),
        language=resource.string("language"),
        sections=parts or None,
        attachments=attachments.listed(others),
    )


def _kind(type_: Concept) -> str:
    return next((KINDS[code] for _, code in type_.codings if code in KINDS), OTHER)


def _type(type_: Concept) -> dict[str, Any]:
    return {"code_system": type_.system if type_.code else None, "code": type_.code, "display": type_.display}


def _people(authors: list[Actor], custodian: Actor) -> dict[str, Any]:
    """All authors by name, with the licence number of the first."""
    names = dict.fromkeys(author.name for author in authors if author.name)
    return {
        "author": ", ".join(names) or None,
        "author_code": (authors[0] if authors else NOBODY).code,
        "custodian": custodian.name,
        "custodian_code": custodian.code,
    }


def _part(content: Node) -> dict[str, Any] | None:
    file, format_ = content.child("attachment"), content.child("format")
    text = attachments.text_of(file) if file is not None else None
    if file is None or text is None:
        return None
    code = format_.string("code") if format_ is not None and format_.string("system") == PART else None
    return section(code, file.string("title"), text)


def _encounter(resource: Resource) -> Resource | None:
    """The visit; R4 keeps a list of them in DocumentReference.context."""
    context = resource.child("context")
    nodes = context.children("encounter") if context else ()
    targets = (resource.follow(node.string("reference")) for node in nodes)
    named = (target for target in targets if target is not None and target.type == "Encounter")
    return next(named, None) or resource.linked("encounter", "Encounter")


def _created(files: Iterable[Node]) -> PartialDate | None:
    return next((on for file in files if (on := file.date("creation"))), None)


def _first_title(files: Iterable[Node]) -> str | None:
    return next((title for file in files if (title := file.string("title"))), None)


def _number(resource: Resource) -> str | None:
    master = resource.child("masterIdentifier")
    value = master.string("value") if master else None
    return value or next((value for _, value in resource.identifiers()), None)


def _composition(resource: Resource) -> Document:
    type_, number = resource.concept("type"), resource.child("identifier")
    events = [node.period("period") for node in resource.children("event")]
    start, end = events[0] if events else (None, None)
    return Document(
        id=resource.row_id,
        document="Composition",
        kind=_kind(type_),
        **_states(resource),
        occurred=resource.date("date"),
        **_type(type_),
        title=resource.string("title") or type_.display,
        number=number.string("value") if number else None,
        period_start=start,
        period_end=end,
        **_people(actors(resource, "author"), actor(resource, "custodian")),
        language=resource.string("language"),
        sections=list(_composed(resource, DEEPEST)) or None,
    )


def _states(resource: Resource) -> dict[str, Any]:
    """Status of the document and of its making, from the one status that the other types have."""
    status = resource.string("status") or ""
    return {
        "status": "entered-in-error" if status in _WRONG else "current",
        "progress": _PROGRESS.get(status),
    }


def _composed(node: Node, depth: int) -> Iterator[dict[str, Any]]:
    """Sections in reading order, those within others after them; entries are items of other sections of the book."""
    for one in node.children("section"):
        code, narrative = one.concept("code"), one.child("text")
        text = plain_text(narrative.string("div")) if narrative else None
        if text is not None:
            yield section(code.code, one.string("title") or code.display, text)
        if depth > 1:
            yield from _composed(one, depth - 1)


def _impression(resource: Resource) -> Document | None:
    parts = {
        "description": ("Mô tả", resource.string("description")),
        "summary": ("Tóm tắt", resource.string("summary")),
        "finding": ("Ghi nhận", _findings(resource)),
        "note": ("Ghi chú", resource.notes()),
    }
    sections = [section(code, title, text) for code, (title, text) in parts.items() if text]
    start, end = resource.period("effectivePeriod")
    code = resource.concept("code")
    if not sections:
        return None
    return Document(
        id=resource.row_id,
        document="ClinicalImpression",
        kind=NOTE,
        **_states(resource),
        occurred=resource.date("effectiveDateTime") or start or resource.date("date"),
        **_type(code),
        title=code.display,
        number=next((value for _, value in resource.identifiers()), None),
        period_start=start,
        period_end=end,
        **_people([assessor] if (assessor := actor(resource, "assessor")) else [], NOBODY),
        sections=sections,
    )


def _findings(resource: Resource) -> str | None:
    concepts = (node.concept("itemCodeableConcept") for node in resource.children("finding"))
    return "\n".join(words for concept in concepts if (words := concept.display or concept.code)) or None


def _report(resource: Resource) -> Document | None:
    """A laboratory's report, where it is more than a list of results."""
    conclusion, code = resource.string("conclusion"), resource.concept("code")
    files = attachments.listed(resource.children("presentedForm"))
    if not is_laboratory(resource) or not (conclusion or files):
        return None
    start, end = resource.period("effectivePeriod")
    return Document(
        id=resource.row_id,
        document="DiagnosticReport",
        kind=REPORT,
        **_states(resource),
        occurred=resource.date("effectiveDateTime") or start or resource.date("issued"),
        **_type(code),
        title=code.display,
        number=next((value for _, value in resource.identifiers()), None),
        period_start=start,
        period_end=end,
        **_people(actors(resource, "resultsInterpreter") or actors(resource, "performer"), NOBODY),
        sections=[section("conclusion", "Kết luận", conclusion)] if conclusion else None,
        attachments=files,
    )


_READERS: dict[str, Callable[[Resource], Document | None]] = {
    "DocumentReference": _reference,
    "Composition": _composition,
    "ClinicalImpression": _impression,
    "DiagnosticReport": _report,
}


def to_fhir(row: Document) -> dict[str, Any]:
    return out.resource(
        "DocumentReference",
        row,
        language=row.language,
        extension=EXTENSIONS.write(row),
        masterIdentifier=out.filled({"value": row.number}),
        status=row.status,
        docStatus=row.progress,
        type=out.concept(row.code_system, row.code, row.display),
        subject=out.subject(row),
        date=row.occurred if row.occurred and len(row.occurred) == _INSTANT else None,
        author=out.listed([practitioner(row.author, row.author_code)]),
        custodian=facility(row.custodian, row.custodian_code),
        description=row.title,
        content=[*_written_parts(row), *({"attachment": file} for file in attachments.written(row.attachments))]
        or [{"attachment": unknown()}],
        context=out.filled(
            {
                "encounter": out.listed([out.reference("Encounter", row.encounter_id)]),
                "period": out.period(row.period_start, row.period_end),
            }
        ),
    )


def _written_parts(row: Document) -> Iterator[dict[str, Any]]:
    for one in row.sections or []:
        format_ = {"system": PART, "code": one["code"]} if one["code"] else None
        yield out.filled({"attachment": attachments.text_attachment(one["title"], one["text"]), "format": format_})
