"""A clinic's own data: its policy, services, practitioners and rooms. FHIR R4 HealthcareService, Location."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.appointments.clinic_tables import (
    MOST_REMINDERS,
    REMINDER_MINUTES,
    Policy,
    Practitioner,
    Room,
    Service,
    Slot,
)
from domain.appointments.places import Place
from domain.errors import Invalid, NotFound

Thing = TypeVar("Thing", Service, Practitioner, Room)
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_PHONE = re.compile(r"\+?[0-9][0-9 .-]{2,19}")
LONGEST_NAME, LONGEST_LINK, MOST_VACCINES, MOST_THINGS = 200, 500, 50, 500


def policy(db: Session, organization_id: UUID) -> Policy:
    """The clinic's rules; the usual ones where it never said any."""
    return db.get(Policy, organization_id) or Policy(organization_id=organization_id)


def zone_of(rules: Policy) -> ZoneInfo:
    return ZoneInfo(rules.time_zone)


def today(rules: Policy, now: datetime) -> date:
    """The day it is on the clinic's calendar."""
    return now.astimezone(zone_of(rules)).date()


def slot_with_rules(db: Session, place: Place) -> tuple[Slot, Service, Policy]:
    """NotFound where there is no such slot."""
    query = (
        select(Slot, Service, Policy)
        .join(Service, (Service.organization_id == Slot.organization_id) & (Service.id == Slot.service_id))
        .outerjoin(Policy, Policy.organization_id == Slot.organization_id)
        .where(Slot.organization_id == place.organization_id, Slot.id == place.slot_id)
        .execution_options(populate_existing=True)
    )
    found = db.execute(query).one_or_none()
    if found is None:
        raise NotFound("There is no such slot.")
    return found.Slot, found.Service, found.Policy or Policy(organization_id=place.organization_id)


def take_turn(db: Session, organization_id: UUID) -> Policy:
    """From here to the end of the transaction nobody else changes this clinic's schedule."""
    fresh = insert(Policy).values(organization_id=organization_id)
    raised = fresh.on_conflict_do_update(index_elements=["organization_id"], set_={"version": Policy.version + 1})
    db.execute(raised)
    return db.scalars(
        select(Policy).where(Policy.organization_id == organization_id).execution_options(populate_existing=True)
    ).one()


def set_policy(db: Session, organization_id: UUID, **values: Any) -> Policy:
    """What is given changes. Invalid names the argument that breaks a rule."""
    _check_policy(values)
    take_turn(db, organization_id)
    if values:
        db.execute(update(Policy).where(Policy.organization_id == organization_id).values(**values))
    found = select(Policy).where(Policy.organization_id == organization_id)
    return db.scalars(found.execution_options(populate_existing=True)).one()


_RANGES = {
    "lead_minutes": ("leadMinutes", 0, 43_200),
    "horizon_days": ("horizonDays", 1, 366),
    "cancel_minutes": ("cancelMinutes", 0, 43_200),
    "no_shows": ("noShows", 0, 100),
    "no_show_months": ("noShowMonths", 1, 60),
    "latitude": ("latitude", -90, 90),
    "longitude": ("longitude", -180, 180),
}


def _check_policy(values: dict[str, Any]) -> None:
    zone, number = values.get("time_zone"), values.get("phone")
    if zone is not None and zone not in available_timezones():
        raise Invalid("timeZone", "`timeZone` is a name of the IANA database, such as Asia/Ho_Chi_Minh.")
    if number is not None and not _PHONE.fullmatch(number):
        raise Invalid("phone", "`phone` is digits, with spaces between, and a plus before.")
    if (values.get("latitude") is None) != (values.get("longitude") is None):
        raise Invalid("latitude", "`latitude` and `longitude` go together.")
    _check_reminders(values.get("reminder_minutes") or ())
    for name, (argument, least, most) in _RANGES.items():
        value = values.get(name)
        if value is not None and not least <= value <= most:
            raise Invalid(argument, f"`{argument}` is between {least} and {most}.")


def _check_reminders(minutes: Sequence[int]) -> None:
    least, most = REMINDER_MINUTES
    if (
        len(minutes) > MOST_REMINDERS
        or len(set(minutes)) < len(minutes)
        or not all(least <= one <= most for one in minutes)
    ):
        raise Invalid(
            "reminderMinutes",
            f"`reminderMinutes` are at most {MOST_REMINDERS}, each once, of {least} to {most} minutes.",
        )


def save(db: Session, kind: type[Thing], organization_id: UUID, code: str, **values: Any) -> Thing:
    """A service, practitioner or room by its code: new, or with new particulars. Invalid names what is wrong."""
    if not _CODE.fullmatch(code):
        raise Invalid("code", "`code` is up to 40 letters, digits, dots, dashes and underscores.")
    _check_words(values)
    take_turn(db, organization_id)
    found = db.scalar(select(kind).where(kind.organization_id == organization_id, kind.code == code))
    if found is None:
        if db.scalars(select(kind.id).where(kind.organization_id == organization_id).offset(MOST_THINGS)).first():
            raise Invalid("code", f"A clinic has at most {MOST_THINGS} of these.")
        found = kind(organization_id=organization_id, code=code, **values)
        db.add(found)
    else:
        for name, value in values.items():
            setattr(found, name, value)
    db.flush()
    return found


def _check_words(values: dict[str, Any]) -> None:
    for name, argument in (("name", "name"), ("name_en", "nameEn"), ("specialty", "specialty")):
        value = values.get(name)
        if value is not None and not (value.strip() and len(value) <= LONGEST_NAME and value.isprintable()):
            raise Invalid(argument, f"`{argument}` is a text of at most {LONGEST_NAME} characters.")
    codes, link = values.get("vaccine_codes", []), values.get("join_link")
    if len(codes) > MOST_VACCINES or not all(_CODE.fullmatch(code) for code in codes):
        raise Invalid("vaccineCodes", f"`vaccineCodes` are at most {MOST_VACCINES} codes.")
    if link is not None and not (link.startswith("https://") and len(link) <= LONGEST_LINK and link.isprintable()):
        raise Invalid("joinLink", "`joinLink` is an https address.")
    if link is not None and not values.get("is_telehealth"):
        raise Invalid("joinLink", "Only a telehealth service has a link.")
    if not 5 <= values.get("minutes", 15) <= 720:  # noqa: PLR2004 -- as the table's own check
        raise Invalid("minutes", "`minutes` is between 5 and 720.")


def own(db: Session, kind: type[Thing], organization_id: UUID, id_: UUID, argument: str) -> Thing:
    """One of the clinic's own. Invalid where there is none."""
    found = db.get(kind, (organization_id, id_))
    if found is None:
        raise Invalid(argument, f"`{argument}` names none of this clinic's.")
    return found


def all_of(db: Session, kind: type[Thing], organization_id: UUID) -> Sequence[Thing]:
    """By code; at most MOST_THINGS."""
    query = select(kind).where(kind.organization_id == organization_id).order_by(kind.code)
    return db.scalars(query.limit(MOST_THINGS)).all()
