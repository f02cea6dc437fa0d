"""Small values that every part of the book shares: ids and partial dates.

A **partial date** is FHIR's dateTime: `1955`, `1955-03`, `1955-03-14` or an instant. Instants are kept at
Vietnam's offset to the second (`2025-03-14T07:30:00+07:00`), so that text order is time order and one column
holds everything a sender knew, and nothing he did not. Source: FHIR R4 2.24.0.1 dateTime.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import NewType
from uuid import UUID

import uuid_utils.compat as uuid_utils

PatientId = NewType("PatientId", UUID)
CitizenId = NewType("CitizenId", UUID)
OrganizationId = NewType("OrganizationId", UUID)
SourceId = NewType("SourceId", UUID)
PartialDate = NewType("PartialDate", str)

VIETNAM = timezone(timedelta(hours=7))
PARTIAL_DATE = r"^\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}:\d{2}\+07:00)?)?)?$"
_FHIR = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?)?)?)?")
_EARLIEST, _LATEST = 1850, 2200


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562 5.7): ordered by time, so inserts stay at the right edge of an index."""
    return uuid_utils.uuid7()


def instant(moment: datetime) -> PartialDate:
    """An aware instant as a partial date of full precision."""
    return PartialDate(moment.astimezone(VIETNAM).replace(microsecond=0).isoformat())


def partial_date(text: str) -> PartialDate:
    """Read a FHIR date, dateTime or instant; a time without a zone is Vietnam's. ValueError says what is wrong."""
    match = _FHIR.fullmatch(text.strip())
    if not match:
        raise ValueError("not a date of the form YYYY, YYYY-MM, YYYY-MM-DD or an instant")
    year, month, day = match.groups()
    if not _EARLIEST <= int(year) <= _LATEST:
        raise ValueError(f"the year is outside {_EARLIEST} to {_LATEST}")
    date(int(year), int(month or 1), int(day or 1))
    if "T" not in text:
        return PartialDate(match.group())
    moment = datetime.fromisoformat(_microseconds(match.group()))
    return instant(moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM))


def _microseconds(text: str) -> str:
    """Python reads at most six fractional digits; FHIR allows more."""
    return re.sub(r"(\.\d{6})\d+", r"\1", text)


def day_of(moment: PartialDate | None) -> str | None:
    """The calendar day of a partial date (YYYY-MM-DD), or None where only month or year is known."""
    return moment[:10] if moment is not None and len(moment) >= len("2025-01-01") else None


def utc_now() -> datetime:
    return datetime.now(UTC)
