"""How one element of a QĐ 4750 table becomes one typed attribute.

A table is a dataclass whose attributes are declared by the functions below, each naming the XML element (newest
name first, then the names of earlier generations), its largest size and what it holds:

    class Drug:
        name: str | None = text("TEN_THUOC", size=1024)

Elements are read by name, never by position (QĐ 4750 files order them differently). A reader gets trimmed, non-empty,
NFC text and answers the value, or raises ValueError with a message that does not repeat the text.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

from domain.exchange.qd4750 import dates

MOST_DIGITS = 15
_NUMBER = re.compile(rf"-?[0-9]{{1,{MOST_DIGITS}}}(\.[0-9]{{1,6}})?")
_COLUMN = "column"

Reader = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Column:
    """One element of a table: how it is named, read and bounded.

    `identifier` marks what people and cards are known by: a damaged one refuses the visit. A `key` joins the tables and
    may not be too long either. `strict` refuses a value that cannot be read (the dates of XML1). `codes` names the code
    list the value should be in.
    """

    names: tuple[str, ...]
    read: Reader
    size: int | None = None
    identifier: bool = False
    key: bool = False
    strict: bool = False
    codes: str | None = None
    absent: object = None  # the value of a missing element: None, or () where there may be several


def text(*names: str, size: int | None = None) -> Any:
    """Free text as sent: type C (chuỗi) of the workbook."""
    return _declare(Column(names, str, size))


def identifier(*names: str, size: int | None = None) -> Any:
    """A number or key that is never a number: leading zeros count."""
    return _declare(Column(names, str, size, identifier=True))


def key(*names: str, size: int) -> Any:
    """What joins the tables of a visit (MA_LK)."""
    return _declare(Column(names, str, size, identifier=True, key=True))


def code(*names: str, size: int, codes: str | None = None) -> Any:
    """A code, kept as the string it is even when unknown ("01" is not 1, "1.1" is not "1.10")."""
    return _declare(Column(names, str, size, codes=codes))


def several(*names: str, size: int | None = None) -> Any:
    """Values joined by `;`, empty ones left out: ("E11.9", "E78.5")."""
    return _declare(Column(names, split, size, absent=()))


def parallel(*names: str, size: int | None = None) -> Any:
    """Values joined by `;` that stand beside those of another element, so empty ones keep their place as ""."""
    return _declare(Column(names, places, size, identifier=True, absent=()))


def integer(*names: str, size: int | None = None) -> Any:
    return _declare(Column(names, whole_number, size))


def decimal(*names: str, size: int | None = None) -> Any:
    """A Decimal with `.` before the fraction and no thousands separators (type N, số)."""
    return _declare(Column(names, number, size))


def moment(*names: str, size: int | None = 12, strict: bool = False) -> Any:
    """An instant of 12 digits, or a day of 8, as a PartialDate of Vietnam's time."""
    return _declare(Column(names, dates.moment, size, strict=strict))


def day(*names: str) -> Any:
    """A calendar day of 8 digits (12 in earlier generations), as a PartialDate of a day."""
    return _declare(Column(names, dates.day, 12))


def days(*names: str, size: int | None = None) -> Any:
    """Days joined by `;`, as a tuple of PartialDate."""
    return _declare(Column(names, dates.days, size, absent=()))


def parallel_days(*names: str) -> Any:
    """Days joined by `;` that stand beside other values: an empty one keeps its place as None."""
    return _declare(Column(names, dates.parallel_days, absent=()))


def birth(*names: str, strict: bool = False) -> Any:
    """NGAY_SINH as sent (12 digits, `0000` for what is unknown), checked; `dates.birth` reads it."""
    return _declare(Column(names, _checked_birth, 12, strict=strict))


def split(text: str) -> tuple[str, ...]:
    return tuple(part for part in places(text) if part)


def places(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";"))


def number(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise ValueError("not a number of digits with at most one decimal point")
    return Decimal(text)


def whole_number(text: str) -> int:
    if len(text) <= MOST_DIGITS and text.isascii() and text.isdecimal():
        return int(text)
    value = number(text)
    if value != value.to_integral_value():
        raise ValueError("not a whole number")
    return int(value)


def columns(table: type[Any]) -> dict[str, tuple[str, Column]]:
    """Every element name of a table, in every generation, with the attribute it fills."""
    declared = [(slot.name, slot.metadata[_COLUMN]) for slot in fields(table) if _COLUMN in slot.metadata]
    return {name: (attribute, column) for attribute, column in declared for name in column.names}


def _declare(column: Column) -> Any:
    return field(default=column.absent, metadata={_COLUMN: column})


def _checked_birth(text: str) -> str:
    dates.birth(text)
    return text
