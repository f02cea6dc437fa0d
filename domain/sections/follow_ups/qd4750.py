"""Follow-ups out of a visit of QĐ 4750: the slip, and the days that XML1 names beside it."""

from collections.abc import Iterator

from domain.exchange import requests
from domain.exchange.qd4750 import ReexaminationPaper, Summary, Visit
from domain.sections.follow_ups.table import FollowUp
from domain.values import PartialDate, day_of


def from_qd4750(visit: Visit) -> Iterator[FollowUp]:
    paper, row = visit.reexamination, visit.summary
    named = day_of(paper.appointment) if paper else None
    if paper is not None:
        yield _from_slip(visit, paper)
    for day in dict.fromkeys(row.reexaminations_on if row else ()):
        if row is not None and day != named:
            yield _from_summary(visit, row, day)


def _from_slip(visit: Visit, paper: ReexaminationPaper) -> FollowUp:
    diagnoses = requests.diagnoses_in(paper.main_icd10, paper.other_icd10, paper.traditional_codes)
    diagnoses = diagnoses or requests.visit_diagnoses(visit)
    return FollowUp(
        document="XML14",
        sensitivity=requests.label_in(visit, diagnoses, [paper.diagnosis]),
        occurred=paper.appointment,
        encounter_id=visit.encounter_id,
        number=paper.number,
        issued_on=paper.issued_on,
        facility_code=paper.facility or visit.facility,
        doctor_code=paper.doctor_code,
        head_code=paper.head_code,
        diagnosis=paper.diagnosis,
        diagnoses=diagnoses,
        eligibility=paper.eligibility,
        arrived_at=paper.arrived_at,
        admitted_at=paper.admitted_at,
        ended_at=paper.ended_at,
    )


def _from_summary(visit: Visit, row: Summary, day: PartialDate) -> FollowUp:
    diagnoses = requests.visit_diagnoses(visit)
    return FollowUp(
        document="XML1",
        sensitivity=requests.label_in(visit, diagnoses, [row.final_diagnosis]),
        occurred=day,
        encounter_id=visit.encounter_id,
        facility_code=visit.facility,
        diagnosis=row.final_diagnosis,
        diagnoses=diagnoses,
        arrived_at=row.arrived_at,
        admitted_at=row.admitted_at,
        ended_at=row.ended_at,
    )
