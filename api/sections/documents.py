"""How a phone sees documents."""

import strawberry

from api.attachments import Attachment
from api.filters import WORDS, ItemFilter, listed
from api.guard import section_connection
from api.item import Item
from api.pagination import Connection
from api.planner.sources import REPORTS, AnyOf, Embedded, Expr, Words, condition, field, record
from api.scalars import PartialDate
from domain.sections.documents import SECTION
from domain.sections.documents import Document as DocumentRow

PARTS = listed("sections", "title", "text")


@strawberry.type(description="A part of a document in words. FHIR: Composition.section")
class DocumentPart:
    code: str | None = field(
        "Which part: diagnosis, course, findings, treatment, advice, conclusion ..., or the sender's code. "
        "FHIR: Composition.section.code"
    )
    title: str | None = field("Its heading. FHIR: Composition.section.title")
    text: str | None = field("What it says. FHIR: Composition.section.text")


@record(DocumentRow, SECTION.name)
@strawberry.type(description="One paper, report, note or letter. FHIR: DocumentReference")
class Document(Item):
    encounter_id: strawberry.ID | None = field(
        "The visit it belongs to. FHIR: DocumentReference.context.encounter",
        Expr("access.node_id('encounters', {t}.patient_id, {t}.encounter_id)"),
    )
    kind: str = field(
        "discharge-paper, record-summary, clinical-note, laboratory-report, sick-leave, maternity-leave, "
        "birth-certificate, assessment, hiv-care, tuberculosis-care or other. "
        "FHIR: DocumentReference.extension(document-kind)"
    )
    status: str = field("current, superseded or entered-in-error. FHIR: DocumentReference.status")
    progress: str | None = field("preliminary, final or amended. FHIR: DocumentReference.docStatus")
    code_system: str | None = field("Code system of `code`, mostly LOINC. FHIR: DocumentReference.type.coding.system")
    code: str | None = field("Type of the document. FHIR: DocumentReference.type.coding.code")
    display: str | None = field("Type of the document in words. FHIR: DocumentReference.type.text")
    title: str | None = field("Title. FHIR: DocumentReference.description")
    number: str | None = field("Number of the document. FHIR: DocumentReference.masterIdentifier")
    period_start: PartialDate | None = field(
        "Start of the time it tells of. FHIR: DocumentReference.context.period.start"
    )
    period_end: PartialDate | None = field("End of the time it tells of. FHIR: DocumentReference.context.period.end")
    author: str | None = field("Who wrote it. FHIR: DocumentReference.author.display")
    author_code: str | None = field("Licence number of the author. FHIR: DocumentReference.author.identifier")
    custodian: str | None = field("Who keeps the original. FHIR: DocumentReference.custodian.display")
    custodian_code: str | None = field(
        "MA_CSKCB of who keeps the original. FHIR: DocumentReference.custodian.identifier"
    )
    language: str | None = field("Its language. FHIR: DocumentReference.language")
    sections: list[DocumentPart] | None = field(
        "What it says, part by part; null where only its existence is known. FHIR: DocumentReference.content",
        Embedded(),
    )
    attachments: list[Attachment] | None = field("Files. FHIR: DocumentReference.content.attachment", Embedded())
    reports: list["Document"] = field("Every report of this document, one a source. FHIR: Provenance", REPORTS)


@strawberry.input(description="Which documents.")
class DocumentFilter(ItemFilter):
    codes: list[str] | None = condition(
        "Codes of the type of document, mostly LOINC, any of them: 1 to 100.",
        AnyOf("code"),
    )
    kinds: list[str] | None = condition(
        "Kinds, as `kind` shows them: discharge-paper, sick-leave ...",
        AnyOf("kind"),
    )
    text: str | None = condition(
        WORDS,
        Words("title", "display", "number", "author", "custodian", also=PARTS),
    )


@strawberry.type
class DocumentsField:
    documents: Connection[Document] | None = section_connection(SECTION, "Documents, newest first.", DocumentFilter)
