"""Who is still without a name or number of his own.

Until a newborn has a card, a hospital sends him under his mother's or father's name with an empty SO_CCCD
(QĐ 4750 XML1 HO_TEN); he may also carry a parent's number or a temporary TE1 card. Such a record must never
follow the name or the number to the parent.
"""

from collections.abc import Iterable
from datetime import date

from domain.identity.identifiers import Identifier, IdentifierKind, Sex, contradictions
from domain.identity.placeholders import is_placeholder
from domain.values import PartialDate, day_of

NEWBORN_DAYS = 28


def is_newborn(
    name: str, identifiers: Iterable[Identifier], birth_date: PartialDate | None, sex: Sex | None, visited_on: date
) -> bool:
    """A placeholder for a name; or born at most 28 days before the visit, without a sound number of his own.

    A TE1 card in those days does not count as his own, for it may be temporary (`domain.md` 2.4).
    """
    if is_placeholder(name):
        return True
    if not _in_first_days(birth_date, visited_on):
        return False
    held = tuple(identifiers)
    on_child_card = any(i.kind is IdentifierKind.BHYT and i.value.startswith("TE1") for i in held)
    return on_child_card or not any(i.kind is IdentifierKind.CCCD and not is_anothers(i, birth_date, sex) for i in held)


def is_anothers(cccd: Identifier, birth_date: PartialDate | None, sex: Sex | None) -> bool:
    """The number says another birth year or sex than the record it came with: a relative's, or a mistake."""
    return not {"cccd-birth-year", "cccd-sex", "cccd-malformed"}.isdisjoint(contradictions(cccd.value, birth_date, sex))


def _in_first_days(birth_date: PartialDate | None, visited_on: date) -> bool:
    day = day_of(birth_date)
    return day is not None and 0 <= (visited_on - date.fromisoformat(day)).days <= NEWBORN_DAYS
