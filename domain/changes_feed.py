"""What happened, told to everybody who follows it at the moment its transaction commits (PostgreSQL's NOTIFY).

Four channels, each payload a JSON object of ids and section names, always far below NOTIFY's 8000 bytes:

- `record`: `{"patient": id, "revision": 7, "rows": ["labs:", "labs:HIV"]}`, a section and the label of rows in it;
- `consent`: `{"patients": [ids]}`, where somebody decided anew who may read;
- `inbox`: `{"citizens": [ids]}`;
- `rights`: `{"patients": [...], "citizens": [...], "grants": [...], "clients": [...], "organizations": [...]}`:
  whatever stands on a right of one of these looks again.

A table whose rows decide is a `Tells`: whoever writes one through a Session tells, without having to think of it.
Statements that write such a table in bulk go past the Session and tell by `tell_rights`; tests/contracts/test_tells.py
finds the one that forgets.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import Connection, Select, event, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Session

RECORD, CONSENT, INBOX, RIGHTS = CHANNELS = ("record", "consent", "inbox", "rights")
NOTIFY_RECORDS = text(f"select count(pg_notify('{RECORD}', p)) from unnest(cast(:payloads as text[])) p")
IDS_A_PAYLOAD = 100  # ids have 36 characters and clients' names 64, so at most 6,700 bytes


class Told(NamedTuple):
    """One id on one channel; `kind` is the key it stands under."""

    channel: str
    kind: str
    id: str


class Tells:
    """A table whose new, changed and deleted rows tell when they are flushed."""

    def tells(self) -> Iterable[Told]:
        """What concerns whom in this row, as it is now."""
        raise NotImplementedError


def decided_for(patient_id: UUID) -> tuple[Told, Told]:
    """Who may read this patient's book may be somebody else now: readers look again, the citizen's apps are told."""
    return Told(RIGHTS, "patients", str(patient_id)), Told(CONSENT, "patients", str(patient_id))


def right_of(kind: str, id_: UUID | str) -> tuple[Told]:
    """`kind` is one of patients, citizens, grants, clients, organizations."""
    return (Told(RIGHTS, kind, str(id_)),)


class RecordChange(NamedTuple):
    """A patient's record has a new revision. `rows`: each section that changed with a label of its changed rows, ""
    for rows without one. A reader to whom a label is closed is not told that something of it came.
    """

    patient_id: UUID
    revision: int
    rows: frozenset[tuple[str, str]]


async def tell_records(connection: AsyncConnection, changes: Iterable[RecordChange]) -> None:
    """One statement for all of them."""
    payloads = [
        _json({"patient": str(one.patient_id), "revision": one.revision, "rows": sorted(map(":".join, one.rows))})
        for one in changes
    ]
    if payloads:
        await connection.execute(NOTIFY_RECORDS, {"payloads": payloads})


def tell_consent(db: Session | Connection, persons: Iterable[UUID]) -> None:
    """Something about who may read the books of these patients was decided."""
    _tell(db, (Told(CONSENT, "patients", str(one)) for one in persons))


def tell_inbox(db: Session | Connection, citizens: Iterable[UUID]) -> None:
    """Their inboxes changed: something came, was read or put away."""
    _tell(db, (Told(INBOX, "citizens", str(one)) for one in citizens))


def tell_rights(
    db: Session | Connection,
    *,
    patients: Iterable[UUID] = (),
    citizens: Iterable[UUID] = (),
    grants: Iterable[UUID] = (),
    clients: Iterable[str] = (),
    organizations: Iterable[UUID] = (),
) -> None:
    """A right of or to these may be less than it was. On an AsyncConnection: `await connection.run_sync(...)`."""
    kinds: dict[str, Iterable[UUID | str]] = {
        "patients": patients,
        "citizens": citizens,
        "grants": grants,
        "clients": clients,
        "organizations": organizations,
    }
    _tell(db, (Told(RIGHTS, kind, str(one)) for kind, ids in kinds.items() for one in ids))


def _tell(db: Session | Connection, told: Iterable[Told]) -> None:
    notify = _notify(set(told))
    if notify is not None:
        (db.connection() if isinstance(db, Session) else db).execute(notify)


def _notify(told: Collection[Told]) -> Select[tuple[None, ...]] | None:
    """One statement for all of it; None where there is nothing to say."""
    calls = [
        func.pg_notify(channel, _json(payload))
        for channel in CHANNELS
        for payload in _payloads(sorted(one for one in told if one.channel == channel))
    ]
    return select(*calls) if calls else None


def _payloads(told: Sequence[Told]) -> Iterator[dict[str, list[str]]]:
    for start in range(0, len(told), IDS_A_PAYLOAD):
        payload: dict[str, list[str]] = {}
        for one in told[start : start + IDS_A_PAYLOAD]:
            payload.setdefault(one.kind, []).append(one.id)
        yield payload


def _json(payload: Mapping[str, object]) -> str:
    return orjson.dumps(payload).decode()


@event.listens_for(Session, "after_flush")
def _told_by_rows(db: Session, _context: object) -> None:
    rows = (*db.new, *db.dirty, *db.deleted)
    _tell(db, {told for row in rows if isinstance(row, Tells) for told in row.tells()})
