"""What a consent is about: who may read, what of the book, why, which days, until when; and who decided it.

Values only. `Terms.checked` holds the rules that any consent must keep, whichever door it came through. No bundling
(Luật 91/2025/QH15 Đ9, NĐ 356/2025 Đ6): what serves the care of a person may stand together, any other purpose alone.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from domain.consents.tables import CATEGORIES, PURPOSES
from domain.errors import Invalid
from domain.sections import SECTIONS

SECTION_NAMES = tuple(section.name for section in SECTIONS)
LONGEST = timedelta(days=5 * 366)
"""No consent is for ever: after five years at the latest the citizen is asked again."""
CARE = frozenset({"TREAT", "CAREMGT", "PATRQT"})
FACILITY_PURPOSES = ("TREAT", "CAREMGT", "HPAYMT", "PUBHLTH", "HRESCH")
APP_PURPOSES = ("PATRQT", "CAREMGT", "HRESCH")
"""What each kind of reader may read for, as `access.begin` has it (migrations/versions/0006_decision.py)."""
_FIRST_YEAR, _LAST_YEAR = 1850, 2200


@dataclass(frozen=True, slots=True)
class Reader:
    """Who may read: an app (`client_id`), or a facility (`organization_id`) by written request or for a visit.

    `name` is shown to citizens and signed; `code` (MA_CSKCB of a facility) tells two of the same name apart.
    """

    kind: str
    organization_id: UUID | None
    client_id: str | None
    name: str
    code: str = ""

    @property
    def purposes(self) -> tuple[str, ...]:
        return APP_PURPOSES if self.kind == "app" else FACILITY_PURPOSES

    @property
    def id(self) -> str:
        """The id of whichever it is."""
        return self.client_id if self.client_id is not None else str(self.organization_id)


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decided, in which role (self, representative, child_and_representative), where, and how he had signed in."""

    citizen_id: UUID
    actor_role: str
    channel: str
    acr: str
    auth_time: datetime
    related_person_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """`data_from` and `data_to` are days (`2025-01-01`), both included, None where open; instants are aware.

    `sensitive` names the labels that are shown too; `erase_by` is when the reader must have deleted his copies.
    """

    purposes: tuple[str, ...]
    sections: tuple[str, ...]
    sensitive: tuple[str, ...]
    data_from: str | None
    data_to: str | None
    valid_until: datetime
    erase_by: datetime | None

    def checked(self, now: datetime) -> "Terms":
        """The same in one order, each word once, to the second. Invalid names the field that breaks a rule."""
        ends = _second("validUntil", self.valid_until)
        if not now < ends <= now + LONGEST:
            raise Invalid("validUntil", f"A consent ends in the future, at most {LONGEST.days} days from now.")
        erased = _second("eraseBy", self.erase_by) if self.erase_by else None
        if erased is not None and not ends <= erased <= now + LONGEST * 10:
            raise Invalid("eraseBy", "Copies are deleted when the reading has ended, or some years later.")
        first, last = _day("dataFrom", self.data_from), _day("dataTo", self.data_to)
        if first and last and first > last:
            raise Invalid("dataTo", "The last day lies before the first.")
        return Terms(
            purposes=_purposes(self.purposes),
            sections=_known("sections", self.sections, SECTION_NAMES),
            sensitive=_known("sensitive", self.sensitive, CATEGORIES) if self.sensitive else (),
            data_from=first,
            data_to=last,
            valid_until=ends,
            erase_by=erased,
        )

    def checked_for(self, reader: Reader, now: datetime) -> "Terms":
        """As `checked`, and the purposes are ones that such a reader may have."""
        terms = self.checked(now)
        if not set(terms.purposes) <= set(reader.purposes):
            raise Invalid("purposes", f"This reader may read for {', '.join(reader.purposes)}.")
        return terms

    def is_within(self, other: "Terms") -> bool:
        """Opens nothing that the other does not open, for no longer, and leaves no copies longer."""
        return (
            set(self.purposes) <= set(other.purposes)
            and set(self.sections) <= set(other.sections)
            and set(self.sensitive) <= set(other.sensitive)
            and (self.data_from or "") >= (other.data_from or "")
            and (self.data_to or "9999") <= (other.data_to or "9999")
            and self.valid_until <= other.valid_until
            and (other.erase_by is None or (self.erase_by is not None and self.erase_by <= other.erase_by))
        )


def _purposes(given: Collection[str]) -> tuple[str, ...]:
    purposes = _known("purposes", given, PURPOSES)
    if len(purposes) > 1 and not set(purposes) <= CARE:
        raise Invalid("purposes", "Payment, public health and research each need a consent of their own.")
    return purposes


def _known(field: str, given: Collection[str], known: tuple[str, ...]) -> tuple[str, ...]:
    if not given or not set(given) <= set(known):
        raise Invalid(field, f"`{field}` holds at least one of {', '.join(known)}, and nothing else.")
    return tuple(name for name in known if name in given)


def _day(field: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        read = date.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or read.isoformat() != text or not _FIRST_YEAR <= read.year <= _LAST_YEAR:
        raise Invalid(field, f"`{field}` is a day such as 2025-01-31.")
    return text


def _second(field: str, moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise Invalid(field, f"`{field}` is an instant with its offset.")
    return moment.replace(microsecond=0)
