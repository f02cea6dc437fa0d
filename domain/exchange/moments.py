"""Comparing partial dates of different exactness: senders know a time to the second, to the minute or to the year."""

from domain.values import PartialDate

_MINUTE = len("2025-03-14T07:30")
_STEPS = (len("2025-03-14"), len("2025-03"), len("2025"))


def minute_of(moment: PartialDate | None) -> str | None:
    """The moment without its seconds, which QĐ 4750 does not carry and FHIR does; shorter dates stay as they are."""
    return moment[:_MINUTE] if moment is not None else None


def within(start: PartialDate | None, end: PartialDate | None) -> PartialDate | None:
    """What is known of a time that lies between two others: their day, month or year, if they share one.

    With one of the two unknown the other's day is all there is to say.
    """
    if start is None or end is None:
        known = start or end
        return PartialDate(known[: _STEPS[0]]) if known is not None else None
    shared = (PartialDate(start[:step]) for step in _STEPS if len(start) >= step and start[:step] == end[:step])
    return next(shared, None)
