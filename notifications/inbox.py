"""The inbox as its citizen uses it: read, mark, put away; and that a push of it was opened. All by citizen id."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.orm import Session

from domain.changes_feed import tell_inbox
from notifications.tables import Delivery, InboxItem

MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items: empty `kinds` for every kind; archived ones only where asked for."""

    unread_only: bool = False
    kinds: Collection[str] = ()
    patient_id: UUID | None = None
    archived: bool = False

    def of(self, citizen_id: UUID) -> Select[InboxItem]:
        conditions: list[ColumnElement[bool]] = [InboxItem.citizen_id == citizen_id]
        conditions.append(InboxItem.archived_at.is_not(None) if self.archived else InboxItem.archived_at.is_(None))
        if self.unread_only:
            conditions.append(InboxItem.read_at.is_(None))
        if self.kinds:
            conditions.append(InboxItem.kind.in_(self.kinds))
        if self.patient_id is not None:
            conditions.append(InboxItem.patient_id == self.patient_id)
        return select(InboxItem).where(*conditions)


def page(db: Session, citizen_id: UUID, wanted: Wanted, *, first: int, after: UUID | None) -> Sequence[InboxItem]:
    """Newest first, at most one more than `first`. Ids are in the order of time (UUIDv7), so they are the place."""
    query = wanted.of(citizen_id)
    if after is not None:
        query = query.where(InboxItem.id < after)
    return db.scalars(query.order_by(InboxItem.id.desc()).limit(first + 1)).all()


def unread(db: Session, citizen_id: UUID) -> int:
    """How many are unread and not put away, counted to MOST_COUNTED."""
    some = Wanted(unread_only=True).of(citizen_id).with_only_columns(InboxItem.id).limit(MOST_COUNTED)
    return db.scalar(select(func.count()).select_from(some.subquery())) or 0


def mark_read(db: Session, citizen_id: UUID, ids: Collection[UUID] | None, now: datetime) -> list[UUID]:
    """These, or None for all: the ones that were unread."""
    which = [InboxItem.citizen_id == citizen_id, InboxItem.read_at.is_(None)]
    if ids is not None:
        which.append(InboxItem.id.in_(ids))
    changed = list(db.scalars(update(InboxItem).where(*which).values(read_at=now).returning(InboxItem.id)))
    tell_inbox(db, [citizen_id] if changed else [])
    return changed


def archive(db: Session, citizen_id: UUID, ids: Collection[UUID], now: datetime) -> list[UUID]:
    """Put away, and read with it: the ones that were not put away before."""
    mark_read(db, citizen_id, ids, now)
    which = (InboxItem.citizen_id == citizen_id, InboxItem.id.in_(ids), InboxItem.archived_at.is_(None))
    changed = list(db.scalars(update(InboxItem).where(*which).values(archived_at=now).returning(InboxItem.id)))
    tell_inbox(db, [citizen_id] if changed else [])
    return changed


def opened(db: Session, citizen_id: UUID, item_id: UUID, now: datetime, *, acted: bool) -> bool:
    """The receipt of whatever was sent about an item, and the item read; whether there is such an item."""
    receipt = {"opened_at": func.coalesce(Delivery.opened_at, now)}
    if acted:
        receipt["acted_at"] = func.coalesce(Delivery.acted_at, now)
    sent = (Delivery.citizen_id == citizen_id, Delivery.about == item_id)
    db.execute(update(Delivery).where(*sent).values(receipt))
    mark_read(db, citizen_id, [item_id], now)
    return db.get(InboxItem, (citizen_id, item_id)) is not None
