"""QĐ 4750 files (Vietnam's output data of each examination and treatment): bytes in, typed rows out.

`read` yields a Visit or a Refusal for every HOSO of a file. Rows have English names and typed values; `tables` and
`papers` say which element each comes from. Accepted are the generations of QĐ 130, 4750 and 3176. What the files do
not hold (reference ranges, names of facilities and doctors, allergies) is not made up.
"""

from domain.exchange.qd4750.codes import CodeEntry, CodeList, code_lists, lookup
from domain.exchange.qd4750.dose import Dose, parse_dose
from domain.exchange.qd4750.limits import Limits
from domain.exchange.qd4750.papers import DischargePaper, RecordSummary, ReexaminationPaper, ReferralPaper
from domain.exchange.qd4750.reader import read
from domain.exchange.qd4750.tables import Card, CheckIn, ClinicalNote, Drug, Result, Service, Summary
from domain.exchange.qd4750.visit import KeptDocument, Refusal, Restriction, Subject, Unreadable, Visit
from domain.exchange.qd4750.vitals import Vitals, parse_vitals

__all__ = [
    "Card",
    "CheckIn",
    "ClinicalNote",
    "CodeEntry",
    "CodeList",
    "DischargePaper",
    "Dose",
    "Drug",
    "KeptDocument",
    "Limits",
    "RecordSummary",
    "ReexaminationPaper",
    "ReferralPaper",
    "Refusal",
    "Restriction",
    "Result",
    "Service",
    "Subject",
    "Summary",
    "Unreadable",
    "Visit",
    "Vitals",
    "code_lists",
    "lookup",
    "parse_dose",
    "parse_vitals",
    "read",
]
