"""Retry-After (RFC 9110 10.2.3): seconds or an HTTP date."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST = timedelta(hours=6)
_MOST_DIGITS = 9


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """How long to wait, at most six hours; None where it says neither."""
    if value is None:
        return None
    text = value.strip()
    try:
        seconds = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
        told = timedelta(seconds=int(text)) if seconds else parsedate_to_datetime(text) - now
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(told, timedelta(0)), LONGEST)
