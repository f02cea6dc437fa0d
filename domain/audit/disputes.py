"""A citizen says of an entry of the log that it was not right; an operator answers.

Disputes stand under row-level security like consents: citizens' in a transaction that `access.act` opened, operators'
through `access.disputes`, which tells no name.
"""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.consents.tables import Dispute
from domain.errors import Invalid, NotFound
from domain.values import new_id

LONGEST_REASON = 1000
ANSWERS = ("explained", "upheld")
STATUSES = ("open", *ANSWERS)
HOLDS = text("select access.log_holds(:at, :id)")
LISTED = text("select * from access.disputes(:status, :first)")
WHOSE = text("select patient_id from access.disputes('open', null) where id = :id")
PERSON = text("select set_config('app.persons', :patient, true)")


def raise_dispute(
    db: Session, *, by: UUID | None, at: datetime, entry_id: UUID, reason: str, now: datetime
) -> Dispute | None:
    """One an entry, also of two phones at once: None where there is one already. NotFound: no entry of this log."""
    patient_id = db.scalar(HOLDS, {"at": at, "id": entry_id})
    if patient_id is None:
        raise NotFound("There is no such entry in this log.")
    values = {
        "patient_id": patient_id,
        "id": new_id(),
        "entry_id": entry_id,
        "entry_at": at,
        "reason": reason,
        "raised_by": by,
        "raised_at": now,
        "status": "open",
    }
    statement = insert(Dispute).values(values).on_conflict_do_nothing(index_elements=["patient_id", "entry_id"])
    return db.scalar(statement.returning(Dispute))


def checked_reason(reason: str) -> str:
    """The reason without space around it; Invalid where it is empty, too long, or holds what no keyboard writes."""
    told = unicodedata.normalize("NFC", reason).replace("\r\n", "\n").strip()
    if not 1 <= len(told) <= LONGEST_REASON:
        raise Invalid("reason", f"`reason` must have 1 to {LONGEST_REASON} characters.")
    if not all(char.isprintable() or char == "\n" or unicodedata.category(char) == "Zs" for char in told):
        raise Invalid("reason", "`reason` holds a character that cannot be shown.")
    return told


def listed(db: Session, status: str, first: int) -> Sequence[Row[Any]]:
    """Disputes of a status, oldest first, with what the log has of their entries. As the owner."""
    return db.execute(LISTED, {"status": status, "first": first}).all()


def patient_of(db: Session, dispute_id: UUID) -> UUID | None:
    """Whose log an open dispute is about. As the owner."""
    found: UUID | None = db.scalar(WHOSE, {"id": dispute_id})
    return found


def answer(db: Session, patient_id: UUID, dispute_id: UUID, status: str, now: datetime) -> Dispute:
    """Answer an open one, as healthbook_consent. NotFound: it is not open, or there is none."""
    db.execute(PERSON, {"patient": str(patient_id)})
    mine = (Dispute.patient_id == patient_id, Dispute.id == dispute_id, Dispute.status == "open")
    done = db.execute(update(Dispute).where(*mine).values(status=status, answered_at=now).returning(Dispute))
    answered = done.scalar()
    if answered is None:
        raise NotFound("no such open dispute")
    return answered
