"""Papers: discharge paper, summary of the medical record, clinical notes, certificates, reports and letters.

FHIR R4 DocumentReference, Composition, ClinicalImpression, and a laboratory's DiagnosticReport where it says more than
its results. QĐ 4750: XML7 and XML8 whole, a note for each row of XML5, XML4 rows in which a laboratory concludes in
words, and of XML6, 9, 10, 11, 12 and 15 that they exist: what they say stays in the received document.
Codes: LOINC document types. Bytes of attachments are never here, only what there is.
"""

from domain.sections.documents.fhir import from_fhir, to_fhir
from domain.sections.documents.qd4750 import from_qd4750
from domain.sections.documents.table import Document
from domain.sections.section import Section

__all__ = ["SECTION", "Document", "from_fhir", "from_qd4750", "to_fhir"]

SECTION = Section(
    name="documents",
    vi="Giấy tờ, tóm tắt bệnh án",
    en="Documents",
    holds=("DocumentReference", "Composition", "ClinicalImpression", "DiagnosticReport"),
    smart=(
        "patient/DocumentReference.rs",
        "patient/Composition.rs",
        "patient/ClinicalImpression.rs",
        "patient/DiagnosticReport.rs?category=http://terminology.hl7.org/CodeSystem/v2-0074|LAB",
    ),
    model=Document,
    from_fhir=from_fhir,
    from_qd4750=from_qd4750,
    to_fhir=to_fhir,
)
