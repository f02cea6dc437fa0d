"""How a phone sees images and other examinations that end in words."""

import strawberry

from api.attachments import Attachment
from api.filters import WORDS, ItemFilter, listed
from api.guard import section_connection
from api.item import Item
from api.pagination import Connection
from api.planner.sources import REPORTS, AnyOf, Embedded, Expr, Words, condition, field, record
from api.scalars import PartialDate
from domain.sections.imaging import SECTION
from domain.sections.imaging import Imaging as ImagingRow


@strawberry.type(description="A conclusion as a code. FHIR: DiagnosticReport.conclusionCode")
class ImagingConclusion:
    code_system: str | None = field("Code system of `code`. FHIR: DiagnosticReport.conclusionCode.coding.system")
    code: str | None = field("What was found. FHIR: DiagnosticReport.conclusionCode.coding.code")
    display: str | None = field("What was found, in words. FHIR: DiagnosticReport.conclusionCode.text")


@record(ImagingRow, SECTION.name)
@strawberry.type(
    description="One image, endoscopy, ECG, pathology or other described examination. FHIR: DiagnosticReport"
)
class Imaging(Item):
    encounter_id: strawberry.ID | None = field(
        "The visit it belongs to. FHIR: DiagnosticReport.encounter",
        Expr("access.node_id('encounters', {t}.patient_id, {t}.encounter_id)"),
    )
    status: str = field("registered, preliminary, final, amended, cancelled ... FHIR: DiagnosticReport.status")
    category: str | None = field(
        "imaging, functional-test, surgery, procedure, or the sender's code (RAD, PAT ...). "
        "FHIR: DiagnosticReport.category"
    )
    code_system: str | None = field("Code system of `code`. FHIR: DiagnosticReport.code.coding.system")
    code: str | None = field("What was examined. FHIR: DiagnosticReport.code.coding.code")
    display: str | None = field("What was examined, in the sender's words. FHIR: DiagnosticReport.code.text")
    service_code: str | None = field(
        "The billable service, MA_DICH_VU. FHIR: DiagnosticReport.extension(imaging-service-code)"
    )
    modalities: list[str] | None = field("DICOM modalities: CT, MR, US, DX ... FHIR: ImagingStudy.modality")
    body_site: str | None = field("Where in the body. FHIR: ImagingStudy.series.bodySite")
    reason: str | None = field("Why it was done. FHIR: ImagingStudy.reasonCode")
    description: str | None = field("What was seen. FHIR: DiagnosticReport.result")
    conclusion: str | None = field("What it means. FHIR: DiagnosticReport.conclusion")
    conclusion_codes: list[ImagingConclusion] | None = field(
        "What it means, as codes. FHIR: DiagnosticReport.conclusionCode", Embedded()
    )
    issued_at: PartialDate | None = field("When the report was given out. FHIR: DiagnosticReport.issued")
    performer: str | None = field("Who read it. FHIR: DiagnosticReport.resultsInterpreter.display")
    performer_code: str | None = field("Licence number. FHIR: DiagnosticReport.resultsInterpreter.identifier")
    accession_number: str | None = field("Number of the examination. FHIR: DiagnosticReport.identifier")
    study_uid: str | None = field("DICOM study UID. FHIR: ImagingStudy.identifier")
    series_count: int | None = field("Series of images. FHIR: ImagingStudy.numberOfSeries")
    instance_count: int | None = field("Images. FHIR: ImagingStudy.numberOfInstances")
    attachments: list[Attachment] | None = field(
        "Forms of the report. FHIR: DiagnosticReport.presentedForm", Embedded()
    )
    reports: list["Imaging"] = field("Every report of this examination, one a source. FHIR: Provenance", REPORTS)


@strawberry.input(description="Which images and examinations.")
class ImagingFilter(ItemFilter):
    codes: list[str] | None = condition(
        "Codes of the examination or the service, any of them: 1 to 100.",
        AnyOf("code", "service_code"),
    )
    kinds: list[str] | None = condition(
        "DICOM modalities, as `modalities` shows them: CT, MR, US ...",
        AnyOf(also="jsonb_exists_any({t}.modalities, {v})"),
    )
    text: str | None = condition(
        WORDS,
        Words(
            "display", "body_site", "reason", "description", "conclusion", also=listed("conclusion_codes", "display")
        ),
    )


@strawberry.type
class ImagingField:
    imaging: Connection[Imaging] | None = section_connection(
        SECTION, "Images and other described examinations, newest first.", ImagingFilter
    )
