"""Documents from QĐ 4750: what the papers of a visit say, under the headings they have on paper."""

from collections.abc import Iterable, Iterator
from typing import Any

from domain.exchange import labels
from domain.exchange.codings import label_of
from domain.exchange.fhir_systems import LOINC
from domain.exchange.moments import minute_of
from domain.exchange.qd4750 import (
    ClinicalNote,
    DischargePaper,
    KeptDocument,
    RecordSummary,
    Result,
    Visit,
    lookup,
)
from domain.exchange.reports import group_of, is_described
from domain.reference.sensitivity import label
from domain.sections.documents.table import DISCHARGE, NOTE, REPORT, SUMMARY, Document, section

# Papers that are kept and not read: kind, title, label where the rules know none. XML15 tells of HIV tests too.
KEPT = {
    "XML6": ("hiv-care", "Hồ sơ chăm sóc và điều trị HIV/AIDS", ""),
    "XML9": ("birth-certificate", "Giấy chứng sinh", ""),
    "XML10": ("maternity-leave", "Giấy chứng nhận nghỉ dưỡng thai", ""),
    "XML11": ("sick-leave", "Giấy chứng nhận nghỉ việc hưởng bảo hiểm xã hội", ""),
    "XML12": ("assessment", "Biên bản giám định y khoa", ""),
    "XML15": ("tuberculosis-care", "Hồ sơ điều trị bệnh lao", "HIV"),
}


def from_qd4750(visit: Visit) -> Iterable[Document]:
    if visit.discharge is not None:
        yield _discharge(visit, visit.discharge)
    if visit.record_summary is not None:
        yield _summary(visit, visit.record_summary)
    for note in visit.notes:
        yield from _note(visit, note)
    for result in visit.results:
        if is_described(result) and group_of(visit, result) == "laboratory":
            yield _report(visit, result)
    for paper in visit.kept:
        yield from _kept(visit, paper)


def _discharge(visit: Visit, paper: DischargePaper) -> Document:
    ended = paper.termination_cause or paper.terminated_at
    return Document(
        document="XML7",
        encounter_id=visit.encounter_id,
        sensitivity=_label(visit, paper.diagnosis, paper.treatment, paper.termination_cause)
        if not ended
        else labels.strictest("REPRODUCTIVE", _label(visit, paper.diagnosis, paper.termination_cause)),
        kind=DISCHARGE,
        occurred=paper.issued_on or paper.ended_at,
        code_system=LOINC,
        code="18842-5",
        title="Giấy ra viện",
        number=paper.archive_number,
        period_start=paper.arrived_at,
        period_end=paper.ended_at,
        author=paper.doctor_name,
        author_code=paper.doctor_code,
        custodian_code=visit.facility,
        sections=_sections(
            ("diagnosis", "Chẩn đoán ra viện", paper.diagnosis),
            ("treatment", "Phương pháp điều trị", paper.treatment),
            ("advice", "Ghi chú, lời dặn", paper.advice),
            ("termination-cause", "Nguyên nhân đình chỉ thai nghén", paper.termination_cause),
            ("terminated-at", "Thời điểm đình chỉ thai nghén", minute_of(paper.terminated_at)),
            ("gestation-weeks", "Tuổi thai (tuần)", paper.gestation_weeks),
            ("leave-days", "Số ngày nghỉ", paper.leave_days),
            ("leave", "Điều trị ngoại trú", _span(paper.outpatient_from, paper.outpatient_until)),
        ),
    )


def _summary(visit: Visit, paper: RecordSummary) -> Document:
    result = lookup("KET_QUA_DTRI", paper.result) if paper.result else None
    return Document(
        document="XML8",
        encounter_id=visit.encounter_id,
        sensitivity=_label(visit, paper.final_diagnosis, paper.preliminary_diagnosis, paper.course, paper.findings),
        kind=SUMMARY,
        occurred=paper.issued_on or paper.ended_at,
        code_system=LOINC,
        code="34133-9",
        title="Tóm tắt hồ sơ bệnh án",
        period_start=paper.arrived_at,
        period_end=paper.ended_at,
        author_code=paper.head_code,
        custodian_code=visit.facility,
        sections=_sections(
            ("preliminary-diagnosis", "Chẩn đoán vào viện", paper.preliminary_diagnosis),
            ("diagnosis", "Chẩn đoán ra viện", paper.final_diagnosis),
            ("course", "Quá trình bệnh lý và diễn biến lâm sàng", paper.course),
            ("findings", "Tóm tắt kết quả xét nghiệm cận lâm sàng có giá trị chẩn đoán", paper.findings),
            ("treatment", "Phương pháp điều trị", paper.treatment),
            ("result", "Kết quả điều trị", (result.vi if result else None) or paper.result),
            ("advice", "Hướng điều trị tiếp theo, lời dặn", paper.advice),
            ("child-born-on", "Ngày sinh con", paper.child_born_on),
            ("child-died-on", "Ngày con chết", paper.child_died_on),
            ("children-died", "Số con chết", paper.children_died),
        ),
    )


def _note(visit: Visit, note: ClinicalNote) -> Iterator[Document]:
    """One entry of the clinical course, as it was written; an empty one is none."""
    sections = _sections(
        ("course", "Diễn biến lâm sàng", note.course),
        ("stage", "Giai đoạn bệnh", note.stage),
        ("consultation", "Hội chẩn", note.consultation),
        ("surgery", "Phẫu thuật", note.surgery),
    )
    if sections:
        yield Document(
            document="XML5",
            encounter_id=visit.encounter_id,
            sensitivity=_label(visit, note.course, note.stage, note.consultation, note.surgery),
            kind=NOTE,
            occurred=note.noted_at,
            code_system=LOINC,
            code="11506-3",
            title="Diễn biến lâm sàng",
            author_code=", ".join(note.authors) or None,
            custodian_code=visit.facility,
            sections=sections,
        )


def _report(visit: Visit, result: Result) -> Document:
    names = (row.name for row in visit.services if row.service_code == result.service_code and row.name)
    return Document(
        document="XML4",
        encounter_id=visit.encounter_id,
        sensitivity=_label(visit, result.analyte_name, result.description, result.conclusion),
        kind=REPORT,
        occurred=result.result_at,
        code_system=LOINC,
        code="11502-2",
        title=result.analyte_name or next(names, None),
        author_code=result.read_by,
        custodian_code=visit.facility,
        sections=_sections(
            ("description", "Mô tả", result.description),
            ("conclusion", "Kết luận", result.conclusion),
        ),
    )


def _kept(visit: Visit, paper: KeptDocument) -> Iterator[Document]:
    """That the paper exists, and when; a table that nobody knows has no entry at all."""
    if paper.name not in KEPT:
        return
    kind, title, own = KEPT[paper.name]
    dates = visit.summary
    yield Document(
        document=paper.name,
        encounter_id=visit.encounter_id,
        sensitivity=labels.strictest(own, label(document=paper.name), labels.of_visit(visit)),
        kind=kind,
        occurred=(dates.ended_at or dates.arrived_at) if dates else None,
        title=title,
        custodian_code=visit.facility,
    )


def _label(visit: Visit, *texts: str | None) -> str:
    return labels.strictest(label_of((), *texts), labels.of_visit(visit))


def _sections(*given: tuple[str, str, object]) -> list[dict[str, Any]] | None:
    return [section(code, title, str(text)) for code, title, text in given if text is not None] or None


def _span(start: str | None, end: str | None) -> str | None:
    return " – ".join(day for day in (start, end) if day) or None
