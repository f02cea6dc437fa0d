"""What a parent may, and until when: the ages of the law (domain/reference/ages.json) on any birth date.

Bộ luật Dân sự 2015 Đ136 (parents represent their minor child), Luật 91/2025/QH15, Luật phòng, chống HIV/AIDS Đ27.
"""

from dataclasses import dataclass
from datetime import datetime, time

from domain.consents.tables import CATEGORIES
from domain.reference.ages import ADULT_AT, PRIVATE_FROM, birthday, earliest_birth
from domain.values import VIETNAM, PartialDate

HOME_IS_SAFE = tuple(label for label in CATEGORIES if label != "VIOLENCE")
"""What parents and guardians see of a young child: a violent home may be theirs."""


@dataclass(frozen=True, slots=True)
class MinorsRight:
    """The right of a parent or guardian over a minor's whole book: `sensitive` until `private_from`, all to the end."""

    sensitive: tuple[str, ...]
    private_from: datetime
    valid_until: datetime
    can_manage: bool = True


def parental_right(birth: PartialDate, now: datetime) -> MinorsRight | None:
    """The right by law over somebody born then; None for an adult. Partial dates end it as early as they may mean."""
    adult_at = reaches(birth, ADULT_AT)
    if adult_at <= now:
        return None
    return MinorsRight(HOME_IS_SAFE, reaches(birth, PRIVATE_FROM), adult_at)


def reaches(birth: PartialDate, age: int) -> datetime:
    """The first moment, 00:00 in Vietnam, at which somebody born then can be of the age. ValueError without a year."""
    born = earliest_birth(birth)
    if born is None:
        raise ValueError("a birth date has a year")
    return datetime.combine(birthday(born, age), time(), VIETNAM)
