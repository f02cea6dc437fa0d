"""What a reader of a QĐ 4750 file is handed: a visit, or the refusal of one, and the documents kept unread."""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from domain.exchange.issues import Issue
from domain.exchange.qd4750.papers import DischargePaper, RecordSummary, ReexaminationPaper, ReferralPaper
from domain.exchange.qd4750.tables import Card, CheckIn, ClinicalNote, Drug, Result, Service, Summary
from domain.values import PartialDate, new_id

Restriction = Literal["", "HIV", "REPRODUCTIVE", "TB", "UNKNOWN"]
Gender = Literal["male", "female", "unknown"]

_GENDERS: dict[str, Gender] = {"1": "male", "2": "female", "3": "unknown"}


@dataclass(frozen=True, slots=True)
class KeptDocument:
    """An inner file that is kept as received and not read: XML6, 9, 10, 11, 12, 15 and tables nobody knows.

    `restriction` says why it must stay out of the book (domain reference 7.8): XML6 is the HIV file, XML9 and XML10
    tell of birth and pregnancy, XML15 treats tuberculosis together with HIV testing, an unknown table may hold
    anything. It is empty for XML11 and XML12, papers about work and assessment.
    """

    name: str
    content: bytes
    restriction: Restriction


@dataclass(frozen=True, slots=True)
class Subject:
    """Who a visit says it is about, as sent. A newborn without a card bears the name of a parent."""

    name: str | None
    personal_number: str | None  # SO_CCCD: ID, birth certificate or passport number, of any length
    birth_raw: str | None
    born: PartialDate | None
    sex: str | None  # GIOI_TINH: "1", "2", "3"
    facility_patient_id: str | None  # MA_BN
    cards: tuple[Card, ...]

    @property
    def gender(self) -> Gender | None:
        """FHIR AdministrativeGender, None when the code is absent or unknown."""
        return _GENDERS.get(self.sex or "")


@dataclass(slots=True)
class Visit:
    """One HOSO that can be imported. A visit in progress has `check_in` rows (XML0) and no `summary`."""

    raw: bytes  # <HOSO>...</HOSO> exactly as received
    position: int  # from 1, within the file
    facility: str  # MA_CSKCB of XML1 or XML0, else MACSKCB of the envelope
    episode: str  # MA_LK: unique within the facility only
    summary: Summary | None = None  # XML1
    check_in: list[CheckIn] = field(default_factory=list)  # XML0
    drugs: list[Drug] = field(default_factory=list)  # XML2
    services: list[Service] = field(default_factory=list)  # XML3
    results: list[Result] = field(default_factory=list)  # XML4
    notes: list[ClinicalNote] = field(default_factory=list)  # XML5
    discharge: DischargePaper | None = None  # XML7
    record_summary: RecordSummary | None = None  # XML8
    referral: ReferralPaper | None = None  # XML13
    reexamination: ReexaminationPaper | None = None  # XML14
    kept: list[KeptDocument] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)  # warnings only
    encounter_id: UUID = field(default_factory=new_id)  # of the row that will hold this visit

    @property
    def subject(self) -> Subject:
        """From XML1, or from the first row of XML0 where there is no XML1."""
        row = self.summary or self.check_in[0]
        return Subject(
            row.name, row.personal_number, row.birth_raw, row.born, row.sex, row.facility_patient_id, row.cards
        )


@dataclass(slots=True)
class Refusal:
    """One HOSO that cannot be imported, with at least one error. `raw` is empty when it was longer than the limit."""

    position: int
    raw: bytes
    facility: str | None
    episode: str | None
    issues: list[Issue]


class Unreadable(Exception):
    """The file cannot be read on from here; what was complete before has been yielded."""

    def __init__(self, *issues: Issue) -> None:
        super().__init__("; ".join(issue.message for issue in issues))
        self.issues = list(issues)
