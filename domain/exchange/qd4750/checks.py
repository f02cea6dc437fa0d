"""What the rows of a visit must agree on among themselves, and what is worth a person's look.

Errors are kept for what would put facts under the wrong visit or person; everything else is a warning.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from domain.exchange.qd4750.dates import is_before
from domain.exchange.qd4750.findings import Findings
from domain.exchange.qd4750.papers import ReexaminationPaper, ReferralPaper
from domain.exchange.qd4750.schema import Table
from domain.exchange.qd4750.tables import CheckIn, ClinicalNote, Drug, Service, Summary
from domain.values import PartialDate, day_of, instant

FACILITY_CHARS = 5
_EXPECTED = {
    "name": "HO_TEN",
    "birth_raw": "NGAY_SINH",
    "sex": "GIOI_TINH",
    "arrived_at": "NGAY_VAO",
    "ended_at": "NGAY_RA",
}


def day_for_codes(arrived_at: PartialDate | None, ended_at: PartialDate | None) -> date | None:
    """The day on which a visit's codes had to be in force: its end, else its beginning."""
    on = day_of(ended_at or arrived_at)
    return date.fromisoformat(on) if on else None


def check_rows(
    table: Table, rows: list[tuple[int, Any]], episode: str | None, on: date | None, findings: Findings
) -> None:
    """Key, codes and the table's own rules for each row; `episode` is None while nothing is known to compare with."""
    rule = _RULES.get(table.name)
    for number, row in rows:
        if row.episode is None:
            findings.error("required", table.name, number, "MA_LK", "the row has no MA_LK")
        elif episode is not None and row.episode != episode:
            findings.error("invariant", table.name, number, "MA_LK", "the row belongs to another MA_LK than the visit")
        for attribute, name, codes in table.coded:
            value = getattr(row, attribute)
            if value is not None and codes.refutes(value, on):
                findings.warning("code-invalid", table.name, number, name, "the code is not in the list of that day")
        if rule is not None:
            rule(table.name, number, row, findings)


def check_times(summary: Summary, now: datetime | None, findings: Findings) -> None:
    """The order of birth, arrival, end and, where the caller says what time it is, now."""
    born, arrived, ended = summary.born, summary.arrived_at, summary.ended_at
    if arrived and ended and is_before(ended, arrived):
        findings.warning("invariant", "XML1", 1, "NGAY_RA", "the visit ends before it begins")
    if born and arrived and is_before(arrived, born):
        findings.warning("invariant", "XML1", 1, "NGAY_SINH", "the birth is later than the visit")
    if now is None:
        return
    if born and is_before(instant(now), born):
        findings.error("value", "XML1", 1, "NGAY_SINH", "the birth is in the future")
    if arrived and is_before(instant(now), arrived):
        findings.warning("value", "XML1", 1, "NGAY_VAO", "the visit begins in the future")


def check_facility(declared: str | None, enveloped: str | None, table: str, findings: Findings) -> None:
    """MA_CSKCB of the row against MACSKCB of the envelope; either may be missing, not both."""
    if declared is None and enveloped is None:
        findings.error("required", table, 1, "MA_CSKCB", "neither the row nor the envelope names the facility")
    elif declared is not None and enveloped is not None and declared != enveloped:
        findings.warning("invariant", table, 1, "MA_CSKCB", "the facility is not the one of the envelope")
    facility = declared or enveloped
    if facility is not None and len(facility) != FACILITY_CHARS:
        findings.warning("value", table, 1, "MA_CSKCB", f"a facility code has {FACILITY_CHARS} characters")


def _check_summary(table: str, number: int, row: Summary, findings: Findings) -> None:
    for attribute, name in _EXPECTED.items():
        if getattr(row, attribute) is None:
            findings.warning("required", table, number, name, "the field is missing")
    _check_cards(table, number, row, findings)


def _check_cards(table: str, number: int, row: CheckIn | Summary, findings: Findings) -> None:
    """The four lists of cards go side by side, so each that is there must be as long as the list of numbers."""
    lists = {
        "MA_DKBD": row.card_facilities,
        "GT_THE_TU": row.card_valid_from,
        "GT_THE_DEN": row.card_valid_until,
    }
    for name, values in lists.items():
        if values and len(values) != len(row.card_numbers):
            findings.warning("invariant", table, number, name, "not as many values as cards in MA_THE_BHYT")


def _check_paper(table: str, number: int, row: ReferralPaper | ReexaminationPaper, findings: Findings) -> None:
    if row.card_valid_until and len(row.card_valid_until) != len(row.card_numbers):
        findings.warning("invariant", table, number, "GT_THE_DEN", "not as many values as cards in MA_THE_BHYT")


def _check_drug(table: str, number: int, row: Drug, findings: Findings) -> None:
    if row.ingredient_code is None and row.name is None:
        findings.warning("required", table, number, "TEN_THUOC", "the row names no drug")


def _check_service(table: str, number: int, row: Service, findings: Findings) -> None:
    is_service = row.service_code is not None or row.name is not None
    is_supply = row.supply_code is not None or row.supply_name is not None
    if not (is_service or is_supply):
        findings.warning("required", table, number, "MA_DICH_VU", "the row names neither a service nor a supply")


def _check_note(table: str, number: int, row: ClinicalNote, findings: Findings) -> None:
    vitals = row.vitals
    for part in vitals.implausible if vitals is not None else ():
        findings.warning("value", table, number, "DIEN_BIEN_LS", f"{part} in CSST is not a plausible figure")


_RULES: dict[str, Callable[[str, int, Any, Findings], None]] = {
    "XML0": _check_cards,
    "XML1": _check_summary,
    "XML2": _check_drug,
    "XML3": _check_service,
    "XML5": _check_note,
    "XML13": _check_paper,
    "XML14": _check_paper,
}
