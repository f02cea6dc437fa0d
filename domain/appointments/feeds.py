"""A private calendar: an address that a calendar program reads again and again, and the iCalendar it gets (RFC 5545).

Other companies' servers read it, so it says when, and where only if its owner wished; never what for. The address is
a secret, kept as a hash, and works until it is revoked or its maker may no longer act for the patient.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from icalendar import Calendar, Event, Timezone, TimezoneStandard
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from domain.appointments.tables import Feed
from domain.errors import Invalid, NotFound
from domain.values import VIETNAM, new_id

MOST_FEEDS = 10
ZONE = "Asia/Ho_Chi_Minh"
SUMMARY = "Lịch hẹn / Appointment"
SINCE = datetime(1975, 6, 13)  # noqa: DTZ001 -- local by definition: since then the zone is at +07:00 (tzdata)
_CANCELLED = frozenset({"cancelled", "cancelled_by_clinic"})


@dataclass(frozen=True, slots=True)
class Read:
    """The document, and its entity tag (RFC 9110 8.8.3): equal contents have equal tags."""

    body: bytes
    etag: str


def create(
    db: Session, patient_id: UUID, citizen_id: UUID, *, secret_hash: bytes, shows_facility: bool, now: datetime
) -> Feed:
    """Invalid where the patient has as many as may be."""
    if len(of_patient(db, [patient_id])) >= MOST_FEEDS:
        raise Invalid("patientId", f"A patient has at most {MOST_FEEDS} calendar addresses; revoke one first.")
    made = Feed(
        secret_hash=secret_hash,
        id=new_id(),
        patient_id=patient_id,
        citizen_id=citizen_id,
        shows_facility=shows_facility,
        created_at=now,
    )
    db.add(made)
    db.flush()
    return made


def of_patient(db: Session, persons: Sequence[UUID]) -> list[Feed]:
    """The living ones, oldest first."""
    query = select(Feed).where(Feed.patient_id.in_(persons), Feed.revoked_at.is_(None))
    return list(db.scalars(query.order_by(Feed.created_at, Feed.id).limit(MOST_FEEDS)))


def revoke(db: Session, persons: Sequence[UUID], feed_id: UUID, now: datetime) -> Feed:
    """Again changes nothing. NotFound where there is none."""
    mine = (Feed.patient_id.in_(persons), Feed.id == feed_id)
    db.execute(update(Feed).where(*mine, Feed.revoked_at.is_(None)).values(revoked_at=now))
    found = db.scalar(select(Feed).where(*mine).execution_options(populate_existing=True))
    if found is None:
        raise NotFound("There is no such calendar address.")
    return found


def written(feed: Mapping[str, Any]) -> Read:
    """What `booking.calendar_feed` told, as iCalendar."""
    made = Calendar()
    made.add("prodid", "-//healthbook//appointments//VI")
    made.add("version", "2.0")
    made.add("x-wr-calname", "Lịch hẹn")
    made.add("refresh-interval", timedelta(hours=1), parameters={"value": "DURATION"})
    made.add_component(_zone())
    for event in feed["events"]:
        made.add_component(_event(event))
    body: bytes = made.to_ical()
    return Read(body, '"' + hashlib.sha256(body).hexdigest()[:32] + '"')


def _zone() -> Timezone:
    """Vietnam's, which has no clock changes."""
    zone, standard = Timezone(), TimezoneStandard()
    zone.add("tzid", ZONE)
    standard.add("dtstart", SINCE)
    standard.add("tzoffsetfrom", timedelta(hours=7))
    standard.add("tzoffsetto", timedelta(hours=7))
    standard.add("tzname", "+07")
    zone.add_component(standard)
    return zone


def _event(told: Mapping[str, Any]) -> Event:
    """SEQUENCE grows with every change, so that a calendar program follows a move (RFC 5545 3.8.7.4)."""
    event = Event()
    event.add("uid", f"{_opaque(told['id'])}@healthbook")
    event.add("sequence", told["version"])
    event.add("dtstamp", datetime.fromisoformat(told["changed_at"]))
    for name in ("starts_at", "ends_at"):
        local = datetime.fromisoformat(told[name]).astimezone(VIETNAM).replace(tzinfo=None)
        event.add("dtstart" if name == "starts_at" else "dtend", local, parameters={"TZID": ZONE})
    event.add("summary", SUMMARY)
    event.add("class", "PRIVATE")
    event.add("status", "CANCELLED" if told["status"] in _CANCELLED else "CONFIRMED")
    where = ", ".join(part for part in (told["facility"], told["address"]) if part)
    if where:
        event.add("location", where)
    return event


def _opaque(id_: str) -> str:
    """An id of ours shows when it was made; what leaves the house does not."""
    return hashlib.sha256(f"calendar {id_}".encode()).hexdigest()[:32]
