"""The one place where anything is put into an inbox: items and the job that delivers them, in the caller's transaction.

`notify.post` (migrations/versions/0016_notifications.py) does both with its owner's rights, so no login can write an
item past it. Whoever wants to hear of new items (subscriptions) is told here too.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from domain.changes_feed import tell_inbox
from domain.representation.people import persons_of, those_who_decide
from notifications.kinds import KINDS

POST = text(
    "select id from notify.post(:kind, cast(:citizens as uuid[]), cast(:patient as uuid), cast(:subject as uuid), "
    "cast(:now as timestamptz), cast(:key as bytea))"
)


def post(
    session: Session,
    *,
    kind: str,
    citizen_ids: Sequence[UUID],
    patient_id: UUID | None,
    subject_id: UUID | None,
    now: datetime,
    key: str | None = None,
) -> list[UUID]:
    """Tell these citizens, each once; the ids of the items made. Roles healthbook_consent, _auth, _worker, the owner.

    `key`: a citizen who was ever told under it is not told again, whenever and from wherever it is tried. ValueError
    for a kind that is not in `notifications.kinds`.
    """
    if kind not in KINDS:
        raise ValueError(f"no such kind of notice: {kind}")
    if not citizen_ids:
        return []
    session.flush()
    citizens = sorted(set(citizen_ids))
    told = {
        "kind": kind,
        "citizens": citizens,
        "patient": patient_id,
        "subject": subject_id,
        "now": now,
        "key": hashlib.sha256(key.encode()).digest() if key is not None else None,
    }
    made = list(session.scalars(POST, told))
    tell_inbox(session, citizens)
    return made


def readers_of(session: Session, patient_id: UUID, now: datetime, section: str | None = None) -> list[UUID]:
    """The citizens who are told of what concerns a patient, or a section of his book: himself, and who manages it."""
    return sorted(those_who_decide(session, persons_of(session, patient_id), now, section))
