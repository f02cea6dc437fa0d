"""What a forecast can say, as codes and in the words a citizen reads: Vietnamese and English."""

from datetime import date
from enum import StrEnum
from typing import Literal

Language = Literal["vi", "en"]


class Status(StrEnum):
    """Where a series stands. It moves UPCOMING, DUE, OVERDUE, AGED_OUT as days pass."""

    COMPLETE = "COMPLETE"
    UPCOMING = "UPCOMING"
    DUE = "DUE"
    OVERDUE = "OVERDUE"
    AGED_OUT = "AGED_OUT"
    CONTRAINDICATED = "CONTRAINDICATED"
    REFUSED = "REFUSED"
    NOT_YET_KNOWN = "NOT_YET_KNOWN"


class Reason(StrEnum):
    """Why a series stands there."""

    ALL_DOSES_GIVEN = "ALL_DOSES_GIVEN"
    TOO_YOUNG = "TOO_YOUNG"
    INTERVAL = "INTERVAL"
    LIVE_INTERVAL = "LIVE_INTERVAL"
    REPEAT = "REPEAT"
    TIME_HAS_COME = "TIME_HAS_COME"
    LATE = "LATE"
    TOO_OLD = "TOO_OLD"
    REFUSED = "REFUSED"
    CONTRAINDICATED = "CONTRAINDICATED"
    VACCINE_ALLERGY = "VACCINE_ALLERGY"
    PREGNANT = "PREGNANT"
    BIRTH_DATE_UNKNOWN = "BIRTH_DATE_UNKNOWN"
    BIRTH_DATE_INEXACT = "BIRTH_DATE_INEXACT"
    SEX_UNKNOWN = "SEX_UNKNOWN"


class Outcome(StrEnum):
    """What a dose of the history is worth to a series."""

    COUNTED = "COUNTED"
    COUNTED_LATE = "COUNTED_LATE"
    TOO_YOUNG = "TOO_YOUNG"
    TOO_SOON = "TOO_SOON"
    LIVE_TOO_SOON = "LIVE_TOO_SOON"
    SAME_DATE = "SAME_DATE"
    EXTRA = "EXTRA"
    SUBPOTENT = "SUBPOTENT"
    NOT_DATED = "NOT_DATED"
    BEFORE_BIRTH = "BEFORE_BIRTH"
    IN_FUTURE = "IN_FUTURE"
    NOT_GIVEN = "NOT_GIVEN"
    ENTERED_IN_ERROR = "ENTERED_IN_ERROR"
    UNKNOWN_VACCINE = "UNKNOWN_VACCINE"
    NOT_SCHEDULED = "NOT_SCHEDULED"


COUNTS = frozenset({Outcome.COUNTED, Outcome.COUNTED_LATE})
WASTED = frozenset({Outcome.TOO_YOUNG, Outcome.TOO_SOON, Outcome.LIVE_TOO_SOON, Outcome.SUBPOTENT})
"""Given, but to no effect that the schedule knows: the next dose keeps its distance from them too."""

_REASONS: dict[Reason, tuple[str, str]] = {
    Reason.ALL_DOSES_GIVEN: ("Đã đủ các mũi của lịch.", "All doses of the schedule have been given."),
    Reason.TOO_YOUNG: (
        "Chưa đến tuổi. Nên dùng vắc xin từ ngày {recommended}.",
        "Not yet of age. Recommended from {recommended}.",
    ),
    Reason.INTERVAL: (
        "Chưa đủ thời gian kể từ mũi trước. Nên dùng vắc xin từ ngày {recommended}.",
        "Too soon after the dose before. Recommended from {recommended}.",
    ),
    Reason.LIVE_INTERVAL: (
        "Vừa tiêm một vắc xin sống khác, cần chờ. Nên dùng vắc xin từ ngày {recommended}.",
        "Another live vaccine was given lately, so wait. Recommended from {recommended}.",
    ),
    Reason.REPEAT: (
        "Mũi gần nhất không được tính, cần tiêm lại. Nên dùng vắc xin từ ngày {recommended}.",
        "The last dose did not count and must be repeated. Recommended from {recommended}.",
    ),
    Reason.TIME_HAS_COME: ("Đã đến lịch từ ngày {recommended}.", "It has been time for it since {recommended}."),
    Reason.LATE: (
        "Đã quá lịch từ ngày {overdue}. Hãy tiêm bù sớm, không cần làm lại từ đầu.",
        "Late since {overdue}. Catch up soon; the series does not start again.",
    ),
    Reason.TOO_OLD: (
        "Đã quá tuổi của chương trình. Hãy hỏi nhân viên y tế nếu vẫn muốn tiêm.",
        "Past the age at which the programme gives it. Ask a health worker if you still want it.",
    ),
    Reason.REFUSED: (
        "Đã từ chối mũi này. Có thể đổi ý bất cứ lúc nào.",
        "It was refused. You may change your mind at any time.",
    ),
    Reason.CONTRAINDICATED: (
        "Cơ sở y tế đã ghi là không được tiêm. Hãy hỏi bác sĩ.",
        "A facility noted that it must not be given. Ask a doctor.",
    ),
    Reason.VACCINE_ALLERGY: (
        "Sổ có ghi dị ứng với vắc xin này. Hãy hỏi bác sĩ.",
        "The book holds an allergy to this vaccine. Ask a doctor.",
    ),
    Reason.PREGNANT: ("Không dùng khi đang mang thai.", "Not given during pregnancy."),
    Reason.BIRTH_DATE_UNKNOWN: ("Chưa biết ngày sinh.", "The date of birth is not known."),
    Reason.BIRTH_DATE_INEXACT: (
        "Ngày sinh chưa đủ chính xác để tính lịch.",
        "The date of birth is not exact enough to tell.",
    ),
    Reason.SEX_UNKNOWN: ("Chưa biết giới tính.", "The sex is not known."),
}

_OUTCOMES: dict[Outcome, tuple[str, str]] = {
    Outcome.COUNTED: ("Được tính.", "Counted."),
    Outcome.COUNTED_LATE: ("Được tính, tuy muộn hơn lịch.", "Counted, though later than scheduled."),
    Outcome.TOO_YOUNG: ("Không tính: tiêm trước tuổi tối thiểu.", "Not counted: given before the least age."),
    Outcome.TOO_SOON: (
        "Không tính: quá gần mũi trước.",
        "Not counted: given too soon after the dose before.",
    ),
    Outcome.LIVE_TOO_SOON: (
        "Không tính: quá gần một vắc xin sống khác.",
        "Not counted: given too soon after another live vaccine.",
    ),
    Outcome.SAME_DATE: (
        "Không tính thêm: cùng ngày đã có một mũi được xét.",
        "Not counted again: another dose of the same date stands for it.",
    ),
    Outcome.EXTRA: ("Thêm ngoài lịch.", "More than the schedule asks for."),
    Outcome.SUBPOTENT: ("Không tính: cơ sở ghi mũi này không đủ hiệu lực.", "Not counted: noted as not effective."),
    Outcome.NOT_DATED: ("Không tính: không rõ ngày tiêm.", "Not counted: its date is not known."),
    Outcome.BEFORE_BIRTH: ("Không tính: ngày tiêm trước ngày sinh.", "Not counted: dated before birth."),
    Outcome.IN_FUTURE: ("Không tính: ngày tiêm ở tương lai.", "Not counted: dated in the future."),
    Outcome.NOT_GIVEN: ("Không tiêm.", "Not given."),
    Outcome.ENTERED_IN_ERROR: ("Không tính: ghi nhầm.", "Not counted: entered in error."),
    Outcome.UNKNOWN_VACCINE: ("Không tính: không rõ vắc xin.", "Not counted: unknown vaccine."),
    Outcome.NOT_SCHEDULED: ("Vắc xin ngoài lịch này.", "A vaccine this schedule does not cover."),
}


def reason_words(reason: Reason, language: Language, recommended: date | None, overdue: date | None) -> str:
    """A sentence or two; days as dd/mm/yyyy."""
    return _in(_REASONS[reason], language).format(recommended=_shown(recommended), overdue=_shown(overdue))


def outcome_words(outcome: Outcome, language: Language) -> str:
    return _in(_OUTCOMES[outcome], language)


def _in(words: tuple[str, str], language: Language) -> str:
    return words[0] if language == "vi" else words[1]


def _shown(day: date | None) -> str:
    return f"{day:%d/%m/%Y}" if day else ""
