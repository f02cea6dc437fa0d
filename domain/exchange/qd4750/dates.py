"""The dates of QĐ 4750: 12 digits `yyyyMMddHHmm` or 8 digits `yyyyMMdd`, Vietnam's time without a zone (3.4).

NGAY_SINH always has 12 digits and zeros for what nobody knows: `195500000000` is the year 1955, never 1 January.
Readers answer PartialDates and raise ValueError for what cannot be a date; messages never repeat the digits.
"""

from datetime import date
from functools import lru_cache

from domain.values import PartialDate

EARLIEST_YEAR, LATEST_YEAR = 1850, 2200
_DAY, _MINUTE = len("yyyyMMdd"), len("yyyyMMddHHmm")
_REMEMBERED = 8192  # rows of one visit share their dates, visits of one file their days


@lru_cache(_REMEMBERED)
def moment(text: str) -> PartialDate:
    """12 digits as an instant at +07:00, 8 digits as a day."""
    _require_digits(text)
    on = _calendar_day(text)
    return PartialDate(on if len(text) == _DAY else f"{on}T{_clock(text)}")


@lru_cache(_REMEMBERED)
def day(text: str) -> PartialDate:
    """The day of 8 or 12 digits; the time of day is checked and left out."""
    return PartialDate(moment(text)[: len("yyyy-MM-dd")])


@lru_cache(_REMEMBERED)
def birth(text: str) -> PartialDate:
    """NGAY_SINH: year, month, day or instant, as far as the digits go; 8 digits are accepted too."""
    _require_digits(text)
    year, month, rest = text[:4], text[4:6], text[6:]
    if not rest.strip("0"):
        return PartialDate(_checked_year(year) if month == "00" else _checked_month(year, month))
    if text[_DAY:] in ("", "0000"):
        return PartialDate(_calendar_day(text))
    return moment(text)


def days(text: str) -> tuple[PartialDate, ...]:
    """Days joined by `;`, empty places left out."""
    return tuple(on for on in parallel_days(text) if on)


def parallel_days(text: str) -> tuple[PartialDate | None, ...]:
    """Days joined by `;`; an empty place is None, so that the list stays beside its neighbours."""
    return tuple(day(part.strip()) if part.strip() else None for part in text.split(";"))


def is_before(one: PartialDate, other: PartialDate) -> bool:
    """True when `one` is certainly earlier: compared only as far as both are known."""
    known = min(len(one), len(other))
    return one[:known] < other[:known]


def _require_digits(text: str) -> None:
    if len(text) not in (_DAY, _MINUTE) or not (text.isascii() and text.isdecimal()):
        raise ValueError("not a date of 8 or 12 digits")


def _calendar_day(digits: str) -> str:
    year, month, day_of_month = _checked_year(digits[:4]), digits[4:6], digits[6:8]
    try:
        return date(int(year), int(month), int(day_of_month)).isoformat()
    except ValueError:
        raise ValueError("no such day in the calendar") from None


def _checked_year(year: str) -> str:
    if not EARLIEST_YEAR <= int(year) <= LATEST_YEAR:
        raise ValueError(f"the year is outside {EARLIEST_YEAR} to {LATEST_YEAR}")
    return year


def _checked_month(year: str, month: str) -> str:
    if not "01" <= month <= "12":
        raise ValueError("no such month in the calendar")
    return f"{_checked_year(year)}-{month}"


def _clock(digits: str) -> str:
    hour, minute = digits[8:10], digits[10:12]
    if hour > "23" or minute > "59":
        raise ValueError("no such time of day")
    return f"{hour}:{minute}:00+07:00"
