"""What a citizen sees of the log: pages of it, newest first. Inside a transaction that `access.act` opened.

`access.log_of` (migrations/versions/0007_log.py) reads the log of the persons of that transaction and nobody else's.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

PAGE = text("select * from access.log_of(:citizen, :own, :at, :id, :first)")
NEWEST = (datetime(9999, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1))
REPRESENTATIVES = frozenset({"parent", "guardian", "legal_representative", "delegate"})
READERS = ("YOU", "PERSON", "REPRESENTATIVE", "PRACTITIONER", "ORGANIZATION", "APP", "NOBODY_KNOWN")


@dataclass(frozen=True, slots=True)
class Entry:
    """One request: who asked for which sections, by which right, why, and what was opened.

    `basis`: self, a representative's kind, consent, emergency, organization, or none. Names stand only where the
    decision let the reader in; of others the facility or the app, at most.
    """

    id: UUID
    at: datetime
    is_you: bool
    basis: str
    purpose: str
    sections: list[str]
    opened: list[str]
    outcome: str
    client_name: str | None
    client_kind: str | None
    organization_name: str | None
    organization_name_en: str | None
    practitioner_name: str | None
    consent_ids: list[UUID] | None
    emergency_id: UUID | None
    related_person_id: UUID | None
    dispute_id: UUID | None
    dispute_status: str | None
    disputed_at: datetime | None
    answered_at: datetime | None

    @property
    def reader(self) -> str:
        """Who it was, one of READERS. What an app or a facility did with the caller's consent was not the caller."""
        if self.is_you and self.client_kind == "first_party":
            return "YOU"
        if self.basis == "self":
            return "PERSON"
        if self.basis in REPRESENTATIVES:
            return "REPRESENTATIVE"
        if self.organization_name is not None:
            return "PRACTITIONER" if self.practitioner_name is not None else "ORGANIZATION"
        return "APP" if self.client_name is not None else "NOBODY_KNOWN"

    @property
    def is_reading(self) -> bool:
        """Whether sections were asked for; else something was done, and `purpose` is the name of it."""
        return bool(self.sections)


def page(
    db: Session, citizen_id: UUID | None, *, own: bool, before: tuple[datetime, UUID] | None, first: int
) -> list[Entry]:
    """At most `first` entries before a place (at, id), newest first.

    Without `own`, not what the person read himself, nor what the caller did who acts for him.
    """
    at, id_ = before or NEWEST
    asked = {"citizen": citizen_id, "own": own, "at": at, "id": id_, "first": first}
    return [Entry(**row) for row in db.execute(PAGE, asked).mappings()]
