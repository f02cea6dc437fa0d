"""The dose text of a drug, LIEU_DUNG (QĐ 4750 XML2 field 12), as far as its grammar can be understood.

    out-patient   2 viên/lần * 2 lần/ngày * 5 ngày [4 viên/ngày]
    uneven        Sáng: 3 viên, Chiều: 2 viên, Tối: 1 viên [6 viên/ngày]
    traditional   12g * 1 thang * 5 ngày
    topical       2 lần/ngày * 5 ngày

Best effort and never an instruction: show the text to people, use the figures to sort and to remind. What is not
understood whole is None, for half a dose is worse than none.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

Kind = Literal["regular", "uneven", "traditional", "topical"]
Slot = Literal["morning", "noon", "afternoon", "evening"]

LONGEST = 1024
_SLOTS: dict[str, Slot] = {
    "sáng": "morning",
    "trưa": "noon",
    "chiều": "afternoon",
    "tối": "evening",
}
_NUMBER = r"([0-9]{1,6}(?:[.,][0-9]{1,3})?(?:/[1-9][0-9]?)?)"
_UNIT = r"([^\W\d_][^\d*\[\],:;/]{0,30}?)"
_PER_TIME = re.compile(rf"{_NUMBER} ?{_UNIT} ?/ ?lần")
_TIMES = re.compile(rf"{_NUMBER} ?lần ?/ ?ngày")
_DAYS = re.compile(r"([0-9]{1,4}) ?ngày")
_PACKETS = re.compile(rf"{_NUMBER} ?thang")
_AMOUNT = re.compile(rf"{_NUMBER} ?{_UNIT}")
_TOTAL = re.compile(rf"\[ ?{_NUMBER} ?{_UNIT} ?/ ?ngày ?\]$")
_SLOT = re.compile(rf"(sáng|trưa|chiều|tối) ?:? ?{_NUMBER} ?{_UNIT}?")


@dataclass(frozen=True, slots=True)
class Dose:
    kind: Kind
    per_time: Decimal | None = None  # how much at a time, in `unit`
    unit: str | None = None  # "viên", "g": as written, in lower case
    times_per_day: Decimal | None = None
    days: int | None = None
    per_day: Decimal | None = None  # as written in [ ], else worked out
    slots: dict[Slot, Decimal] = field(default_factory=dict)  # of an uneven dose


def parse_dose(text: str | None) -> Dose | None:
    """The dose in the text, or None when it is empty, too long or not understood; never raises."""
    if text is None or len(text) > LONGEST:
        return None
    return _parse(" ".join(text.casefold().split()))


def _parse(line: str) -> Dose | None:
    total = _TOTAL.search(line)
    body = (line[: total.start()] if total else line).strip(" .;,")
    per_day = _amount(total.group(1)) if total else None
    unit = total.group(2).strip() if total else None
    return _uneven(body, per_day, unit) if _SLOT.match(body) else _steps(body, per_day, unit)


def _uneven(body: str, per_day: Decimal | None, unit: str | None) -> Dose | None:
    """`sáng: 3 viên, chiều: 2 viên`, and perhaps `* 5 ngày` at the end."""
    body, _, tail = body.partition("*")
    days = _DAYS.fullmatch(tail.strip())
    matches = [_SLOT.fullmatch(part.strip()) for part in re.split(r"[;,](?![0-9])| - ", body.strip())]
    if (tail and not days) or not all(matches):
        return None
    found = [match.groups() for match in matches if match]
    slots = {_SLOTS[name]: _amount(figure) for name, figure, _ in found}
    units = {written.strip() for _, _, written in found if written} | ({unit} if unit else set())
    if len(slots) < len(found) or len(units) > 1:
        return None
    sum_of_slots = sum(slots.values(), Decimal(0))
    return Dose("uneven", None, next(iter(units), None), None, _whole(days), per_day or sum_of_slots, slots)


def _steps(body: str, per_day: Decimal | None, unit: str | None) -> Dose | None:
    """`amount * times * days`, each at most once and in any order."""
    found: dict[str, re.Match[str]] = {}
    for step in body.split("*"):
        name, match = _step(step.strip())
        if match is None or name in found:
            return None
        found[name] = match
    return _regular(found, per_day, unit)


def _step(step: str) -> tuple[str, re.Match[str] | None]:
    for name, pattern in (
        ("times", _TIMES),
        ("per_time", _PER_TIME),
        ("days", _DAYS),
        ("packets", _PACKETS),
        ("amount", _AMOUNT),
    ):
        match = pattern.fullmatch(step)
        if match:
            return name, match
    return "", None


def _regular(found: dict[str, re.Match[str]], per_day: Decimal | None, unit: str | None) -> Dose | None:
    amount = found.get("per_time") or found.get("amount")
    times, packets = found.get("times"), found.get("packets")
    if not (times or packets or "per_time" in found) or ("amount" in found and not packets):
        return None
    kind: Kind = "traditional" if packets else "regular" if amount else "topical"
    per_time = _amount(amount.group(1)) if amount else None
    often = _amount(times.group(1)) if times else None
    worked_out = per_time * often if per_time is not None and often is not None else None
    written = amount.group(2).strip() if amount else unit
    return Dose(kind, per_time, written, often, _whole(found.get("days")), per_day or worked_out)


def _amount(figure: str) -> Decimal:
    """`2`, `0,5`, `1/2`: to three decimals, as quantities are."""
    upper, _, lower = figure.replace(",", ".").partition("/")
    return round(Decimal(upper) / Decimal(lower), 3) if lower else Decimal(upper)


def _whole(match: re.Match[str] | None) -> int | None:
    return None if match is None else int(match.group(1))
