"""A citizen's wishes as rows: read, changed, taken back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.errors import Invalid
from domain.values import new_id
from notifications.tables import Preference, Wishes

MOST = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """What a wish is about. None: every kind, everybody."""

    channel: str
    kind: str | None
    patient_id: UUID | None


def of_citizen(db: Session, citizen_id: UUID) -> tuple[Wishes | None, list[Preference]]:
    wishes = db.scalar(select(Wishes).where(Wishes.citizen_id == citizen_id).execution_options(populate_existing=True))
    told = select(Preference).where(Preference.citizen_id == citizen_id)
    order = (Preference.channel, Preference.kind, Preference.patient_id)
    return wishes, list(db.scalars(told.order_by(*order).limit(MOST).execution_options(populate_existing=True)))


def change(db: Session, citizen_id: UUID, told: Mapping[str, str | list[int] | None], now: datetime) -> None:
    made = insert(Wishes).values({"citizen_id": citizen_id, "updated_at": now} | dict(told))
    db.execute(made.on_conflict_do_update(index_elements=["citizen_id"], set_={**told, "updated_at": now}))


def prefer(db: Session, citizen_id: UUID, wish: Wish, mode: str | None, now: datetime) -> None:
    """`mode` None takes the wish back. Invalid beyond MOST wishes."""
    if mode is None:
        which = (
            Preference.citizen_id == citizen_id,
            Preference.channel == wish.channel,
            Preference.kind.is_not_distinct_from(wish.kind),
            Preference.patient_id.is_not_distinct_from(wish.patient_id),
        )
        db.execute(delete(Preference).where(*which))
        return
    row = {"id": new_id(), "citizen_id": citizen_id, "mode": mode, "updated_at": now}
    about = {"channel": wish.channel, "kind": wish.kind, "patient_id": wish.patient_id}
    keys = ["citizen_id", "patient_id", "kind", "channel"]
    made = insert(Preference).values(row | about)
    db.execute(made.on_conflict_do_update(index_elements=keys, set_={"mode": mode, "updated_at": now}))
    if (db.scalar(select(func.count()).where(Preference.citizen_id == citizen_id)) or 0) > MOST:
        raise Invalid("kind", f"At most {MOST} wishes.")
