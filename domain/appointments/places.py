"""The number of places: taken and given back by the database alone (migrations/versions/0014).

`begin` locks every slot that a change touches, in the order of their ids, before anything else; `take` finds a place
or refuses; `settle` gives back what no booking holds any longer, to the next in line first, and `offer` (0017) does so
with places that are new.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from domain.appointments.outcomes import Reason, Refused, Story
from domain.errors import NotFound

_IDS = ARRAY(Uuid)
_BEGIN = text("select booking.begin_change(:persons, :organizations, :slots, :now)").bindparams(
    bindparam("persons", type_=_IDS), bindparam("organizations", type_=_IDS), bindparam("slots", type_=_IDS)
)
_TAKE = text("select outcome, offers from booking.take(:organization, :slot, :now, :by_staff, :overbook)")
_SETTLE = text("select booking.settle(:organization, :slot, :now)")
_OFFER = text("select booking.offer(:organization, :slots, :now)").bindparams(bindparam("slots", type_=_IDS))
_REASONS: dict[str, Reason] = {
    "FULL": "SLOT_TAKEN",
    "CLOSED": "SLOT_CLOSED",
    "TOO_SOON": "TOO_SOON",
    "TOO_FAR": "TOO_FAR",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Names a slot: the facility, and its slot."""

    organization_id: UUID
    slot_id: UUID


def begin(db: Session, persons: Iterable[UUID], slots: Iterable[Place], now: datetime, story: Story) -> None:
    """Lock what will change, once, at the start. Holds that these persons let pass are over from here on."""
    wanted = list(dict.fromkeys(slots))
    offers = db.scalar(
        _BEGIN,
        {
            "persons": list(persons),
            "organizations": [one.organization_id for one in wanted],
            "slots": [one.slot_id for one in wanted],
            "now": now,
        },
    )
    _tell(offers, story)


def take(
    db: Session, place: Place, now: datetime, story: Story, *, by_staff: bool = False, overbook: bool = False
) -> None:
    """A place for the booking that is written next. Refused where there is none to be had, NotFound without a slot."""
    told = {"organization": place.organization_id, "slot": place.slot_id, "now": now}
    row = db.execute(_TAKE, told | {"by_staff": by_staff, "overbook": overbook}).one()
    _tell(row.offers, story)
    if row.outcome == "GONE":
        raise NotFound("There is no such slot.")
    if row.outcome != "TAKEN":
        raise Refused(_REASONS[row.outcome])


def settle(db: Session, place: Place, now: datetime, story: Story) -> None:
    """After a booking left a slot, or may have."""
    db.flush()
    _tell(db.scalar(_SETTLE, {"organization": place.organization_id, "slot": place.slot_id, "now": now}), story)


def offer(db: Session, slots: Sequence[Place], now: datetime, story: Story) -> None:
    """Free places of one facility's slots, by time, to those who stand in line for them; each is asked for one."""
    if not slots:
        return
    db.flush()
    told = {"organization": slots[0].organization_id, "slots": [one.slot_id for one in slots], "now": now}
    _tell(db.scalar(_OFFER, told), story)


def _tell(offers: list[dict[str, Any]] | None, story: Story) -> None:
    for offer in offers or ():
        story.tell("waiting_list_offer", UUID(offer["id"]), UUID(offer["patient_id"]))
