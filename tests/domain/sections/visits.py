"""Visits of QĐ 4750 in few words: `visit(results=[result(value="5.4")])`. The person and the facility are invented.

Each function takes any attribute of its row by name; what is not said has a plain default. A visit is a finished
out-patient visit with XML1 only; `in_progress()` is one that has XML0 only.
"""

from typing import Any

from domain.exchange.qd4750.papers import DischargePaper, RecordSummary, ReexaminationPaper, ReferralPaper
from domain.exchange.qd4750.tables import CheckIn, ClinicalNote, Drug, Result, Service, Summary
from domain.exchange.qd4750.visit import KeptDocument, Visit

FACILITY = "99001"
EPISODE = "HS0001"
ARRIVED, ENDED = "2025-03-14T07:30:00+07:00", "2025-03-14T10:15:00+07:00"
_PERSON: dict[str, Any] = {
    "episode": EPISODE,
    "sequence": 1,
    "facility_patient_id": "BN0001",
    "name": "NGUYỄN THỊ CHÀM",
    "personal_number": "001155000123",
    "birth_raw": "195500000000",
    "sex": "2",
    "arrived_at": ARRIVED,
    "care_form": "01",
    "facility": FACILITY,
}


def visit(**fields: Any) -> Visit:
    given = {"raw": b"<HOSO/>", "position": 1, "facility": FACILITY, "episode": EPISODE, "summary": summary()}
    return Visit(**{**given, **fields})


def in_progress(**fields: Any) -> Visit:
    return visit(**{"summary": None, "check_in": [check_in()], **fields})


def summary(**fields: Any) -> Summary:
    """XML1 of a finished visit, without diagnosis."""
    return Summary(**{**_PERSON, "ended_at": ENDED, "discharge_type": "1", "result": "2", **fields})


def check_in(**fields: Any) -> CheckIn:
    """XML0."""
    return CheckIn(**{**_PERSON, **fields})


def drug(**fields: Any) -> Drug:
    """XML2: two tablets twice a day for five days."""
    given = {
        "ingredient_code": "40.30",
        "name": "Paracetamol",
        "unit": "viên",
        "strength": "500mg",
        "route": "1.01",
        "dose_text": "2 viên/lần * 2 lần/ngày * 5 ngày [4 viên/ngày]",
        "quantity": 20,
        "prescriber": "000123/HNO-CCHN",
        "ordered_at": "2025-03-14T09:00:00+07:00",
    }
    return Drug(**{"episode": EPISODE, "sequence": 1, **given, **fields})


def service(**fields: Any) -> Service:
    """XML3: an examination."""
    given = {
        "service_code": "02.1896",
        "name": "Khám nội",
        "ordered_at": "2025-03-14T07:35:00+07:00",
        "performed_at": "2025-03-14T07:40:00+07:00",
    }
    return Service(**{"episode": EPISODE, "sequence": 1, **given, **fields})


def result(**fields: Any) -> Result:
    """XML4: a laboratory value."""
    given = {
        "service_code": "23.0075.1494",
        "analyte_code": "GLU",
        "analyte_name": "Glucose",
        "value": "5.4",
        "unit": "mmol/L",
        "result_at": "2025-03-14T08:20:00+07:00",
        "read_by": "000456/HNO-CCHN",
    }
    return Result(**{"episode": EPISODE, "sequence": 1, **given, **fields})


def image(**fields: Any) -> Result:
    """XML4: a description and a conclusion without a value."""
    words = {"description": "Hai phổi sáng", "conclusion": "Chưa thấy bất thường"}
    return result(
        **{"analyte_code": None, "analyte_name": "X-quang ngực", "value": None, "unit": None, **words, **fields}
    )


def note(**fields: Any) -> ClinicalNote:
    """XML5."""
    given = {"course": "Tỉnh, tiếp xúc tốt", "noted_at": "2025-03-14T07:45:00+07:00"}
    return ClinicalNote(**{"episode": EPISODE, "sequence": 1, **given, **fields})


def discharge(**fields: Any) -> DischargePaper:
    """XML7."""
    return DischargePaper(**{"episode": EPISODE, "arrived_at": ARRIVED, "ended_at": ENDED, **fields})


def record_summary(**fields: Any) -> RecordSummary:
    """XML8."""
    return RecordSummary(**{"episode": EPISODE, "arrived_at": ARRIVED, "ended_at": ENDED, **fields})


def referral(**fields: Any) -> ReferralPaper:
    """XML13."""
    given = {"number": "CT0001", "facility": FACILITY, "to_facility": "99002", "ended_at": ENDED, "reason": "1"}
    return ReferralPaper(**{"episode": EPISODE, **given, **fields})


def reexamination(**fields: Any) -> ReexaminationPaper:
    """XML14."""
    given = {"number": "HK0001", "facility": FACILITY, "appointment": "2025-04-11", "ended_at": ENDED}
    return ReexaminationPaper(**{"episode": EPISODE, **given, **fields})


def kept(name: str, restriction: Any = "") -> KeptDocument:
    """An inner file that nobody reads, such as XML6."""
    return KeptDocument(name, b"<KHONG_DOC/>", restriction)
