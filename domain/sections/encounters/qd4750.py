"""Visits from QĐ 4750: XML1 with what XML7 and XML8 add to it, or XML0 alone while the visit is in progress."""

from collections.abc import Iterable
from typing import Any

from domain.exchange import labels
from domain.exchange.fhir_systems import ACT_CODE, ICD10
from domain.exchange.qd4750 import CheckIn, Summary, Visit, lookup
from domain.sections.encounters.table import Encounter, label_by_words

CARE_FORM, DISCHARGE = "urn:qd4750:MA_LOAI_KCB", "urn:qd4750:MA_LOAI_RV"
TRADITIONAL = "urn:qd4750:MA_BENH_YHCT"
_CLASSES = {"03": "IMP", "04": "IMP", "06": "OBSENC", "09": "IMP", "11": "FLD", "12": "HH", "14": "VR"}
_UNCLASSED = "10"


def from_qd4750(visit: Visit) -> Iterable[Encounter]:
    if visit.summary is not None:
        row = _finished(visit, visit.summary)
    elif visit.check_in:
        row = _in_progress(visit, visit.check_in)
    else:
        return
    row.sensitivity = labels.strictest(label_by_words(row), _terminated(visit))
    yield row


def _terminated(visit: Visit) -> str:
    """A discharge paper that tells of the end of a pregnancy, whatever the codes say."""
    paper = visit.discharge
    told = paper is not None and (paper.termination_cause or paper.terminated_at)
    return "REPRODUCTIVE" if told else ""


def _finished(visit: Visit, summary: Summary) -> Encounter:
    return Encounter(
        id=visit.encounter_id,
        document="XML1",
        status="finished",
        occurred=summary.arrived_at,
        admitted_at=summary.admitted_at,
        ended_at=summary.ended_at,
        treatment_days=summary.treatment_days,
        episode=visit.episode,
        record_number=summary.record_number,
        facility_code=visit.facility,
        departments=list(summary.departments) or None,
        diagnoses=_coded_diagnoses(summary) or None,
        reason=summary.visit_reason,
        injury_code=summary.injury,
        referral_number=summary.referral_number,
        referred_from_code=summary.referred_from,
        referred_to_code=summary.referred_to,
        newborn_weights_g=list(summary.newborn_weights_g) or None,
        total_cost=summary.total_cost,
        paid_by_insurance=summary.paid_by_insurance,
        copayment=summary.copayment,
        paid_by_patient=summary.paid_by_patient,
        **_how(summary),
        **_papers(visit, summary),
    )


def _in_progress(visit: Visit, rows: list[CheckIn]) -> Encounter:
    """XML0 has a row for each service ordered so far; the newest that says something of the visit is right."""
    newest = rows[-1]
    admitted = next((row for row in reversed(rows) if row.admitted_at), newest)
    return Encounter(
        id=visit.encounter_id,
        document="XML0",
        status="in-progress",
        occurred=rows[0].arrived_at,
        admitted_at=admitted.admitted_at,
        episode=visit.episode,
        facility_code=visit.facility,
        **_how(admitted),
    )


def _how(row: Summary | CheckIn) -> dict[str, Any]:
    """What XML1 and XML0 both say of the form of care, with the texts of QĐ 4750's lists."""
    class_code = None if row.care_form in (None, _UNCLASSED) else _CLASSES.get(row.care_form, "AMB")
    return {
        "class_system": ACT_CODE if class_code else None,
        "class_code": class_code,
        "type_system": CARE_FORM if row.care_form else None,
        "type_code": row.care_form,
        "type_display": _text("MA_LOAI_KCB", row.care_form),
        "eligibility_code": row.eligibility,
        "eligibility": _text("MA_DOITUONG_KCB", row.eligibility),
        "admission_reason_code": row.admission_reason_code,
        "admission_reason": row.admission_reason,
    }


def _papers(visit: Visit, summary: Summary) -> dict[str, Any]:
    """What XML1 shares with the discharge paper and the record summary; XML1 first."""
    paper, record = visit.discharge, visit.record_summary
    result = summary.result or (record.result if record else None)
    return {
        "archive_number": paper.archive_number if paper else None,
        "practitioners": _signers(visit, summary) or None,
        "preliminary_diagnosis": summary.preliminary_diagnosis or (record.preliminary_diagnosis if record else None),
        "final_diagnosis": summary.final_diagnosis
        or (paper.diagnosis if paper else None)
        or (record.final_diagnosis if record else None),
        "course": record.course if record else None,
        "findings": record.findings if record else None,
        "treatment": summary.treatment
        or (paper.treatment if paper else None)
        or (record.treatment if record else None),
        "advice": summary.advice or (paper.advice if paper else None) or (record.advice if record else None),
        "result_code": result,
        "result": _text("KET_QUA_DTRI", result),
        "discharge_system": DISCHARGE if summary.discharge_type else None,
        "discharge_code": summary.discharge_type,
        "discharge": _text("MA_LOAI_RV", summary.discharge_type),
    }


def _signers(visit: Visit, summary: Summary) -> list[dict[str, Any]]:
    paper = visit.discharge
    doctor = {"name": paper.doctor_name, "code": paper.doctor_code, "role": "Bác sĩ"} if paper else {}
    head = {"name": None, "code": summary.head_code, "role": "Thủ trưởng đơn vị"}
    return [one for one in (doctor, head) if one.get("name") or one.get("code")]


def _coded_diagnoses(summary: Summary) -> list[dict[str, Any]]:
    """The main disease first, then the others, then those of traditional medicine; QĐ 4750 sends no names for them."""
    icd10 = [(ICD10, code) for code in (summary.main_icd10, *summary.other_icd10) if code]
    coded = [*icd10, *((TRADITIONAL, code) for code in summary.traditional_codes)]
    return [
        {"code_system": system, "code": code, "display": None, "rank": rank, "role": "DD"}
        for rank, (system, code) in enumerate(coded, 1 if summary.main_icd10 else 2)
    ]


def _text(list_: str, code: str | None) -> str | None:
    entry = lookup(list_, code) if code else None
    return (entry.vi or None) if entry else None
