"""Working hours and the slots that are made of them, ahead of time and again and again, without losing a booking.

Making slots is idempotent: what should be there and is not is added; what should not be there goes if nobody is in it,
and else takes nobody new. Places that are new are offered to those who wait for them. FHIR R4 Schedule, Slot.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import and_, delete, exists, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from domain.appointments import clinics, places, rules
from domain.appointments.clinic_tables import DayRule, Hours, Policy, Practitioner, Room, Service, Slot
from domain.appointments.outcomes import Story
from domain.appointments.places import Place
from domain.appointments.rules import Days, Interval, Rule
from domain.errors import Invalid, NotFound
from domain.values import new_id

MOST_RULES = 2000
AT_ONCE = 1000
AHEAD_DAYS, MORNING = 7, time(7)
"""Slots are made a week beyond the horizon. Those of one more day come in the clinic's morning and not at midnight, for
who waits for one is asked then, and has half an hour to answer."""


def add_hours(db: Session, organization_id: UUID, asked: Rule, now: datetime, story: Story) -> Hours:
    """A new weekly rule, and its slots. Invalid says what overlaps, or what is wrong."""
    policy = clinics.take_turn(db, organization_id)
    _check_days(asked, clinics.today(policy, now))
    service = clinics.own(db, Service, organization_id, asked.service_id, "serviceId")
    if asked.practitioner_id is not None:
        clinics.own(db, Practitioner, organization_id, asked.practitioner_id, "practitionerId")
    if asked.room_id is not None:
        clinics.own(db, Room, organization_id, asked.room_id, "roomId")
    others = rules_of(db, organization_id)
    if len(others) >= MOST_RULES:
        raise Invalid("weekday", f"A clinic has at most {MOST_RULES} rules.")
    rules.check(asked, others, service.minutes)
    made = Hours(organization_id=organization_id, **{name: getattr(asked, name) for name in Rule.__slots__})
    db.add(made)
    db.flush()
    materialise(db, organization_id, now, story)
    return made


def _check_days(asked: Rule, today: date) -> None:
    if asked.valid_from < today:
        raise Invalid("validFrom", "`validFrom` is over: hours begin today or later.")
    if asked.valid_until is not None and asked.valid_until < asked.valid_from:
        raise Invalid("validUntil", "`validUntil` is before `validFrom`.")
    if asked.opens_at.second or asked.closes_at.second or asked.opens_at.tzinfo or asked.closes_at.tzinfo:
        raise Invalid("opensAt", "Times are hours and minutes on the clinic's clock, such as 07:30.")
    if not (0 <= asked.weekday <= 6 and 5 <= asked.slot_minutes <= 720 and 1 <= asked.capacity <= 1000):  # noqa: PLR2004
        raise Invalid("slotMinutes", "`slotMinutes` is between 5 and 720, `capacity` between 1 and 1000.")


def end_hours(db: Session, organization_id: UUID, hours_id: UUID, last_day: date, now: datetime, story: Story) -> Hours:
    """The rule holds until `last_day`; free slots after it go, booked ones stay and take nobody new."""
    policy = clinics.take_turn(db, organization_id)
    found = db.get(Hours, (organization_id, hours_id))
    if found is None:
        raise NotFound("There are no such hours.")
    if last_day < clinics.today(policy, now) - timedelta(days=1):
        raise Invalid("lastDay", "`lastDay` is before yesterday.")
    found.valid_until = last_day
    found.valid_from = min(found.valid_from, last_day)
    db.flush()
    materialise(db, organization_id, now, story)
    return found


def open_day(
    db: Session, organization_id: UUID, day: date, service_id: UUID | None, now: datetime, story: Story
) -> int:
    """Work on a public holiday, or again on a day that was closed; how many slots that made."""
    policy = clinics.take_turn(db, organization_id)
    if day < clinics.today(policy, now):
        raise Invalid("date", "`date` is over.")
    if service_id is not None:
        clinics.own(db, Service, organization_id, service_id, "serviceId")
    say(db, organization_id, day, "open", service_id, now)
    first, last = rules.day_bounds(day, clinics.zone_of(policy))
    that_day = select(Slot.id).where(
        Slot.organization_id == organization_id, Slot.starts_at >= first, Slot.starts_at < last,
        Slot.closed_at.is_not(None),
    )  # fmt: skip
    if service_id is not None:
        that_day = that_day.where(Slot.service_id == service_id)
    again = db.scalars(that_day.order_by(Slot.id).with_for_update()).all()
    reopened = update(Slot).where(Slot.organization_id == organization_id, Slot.id.in_(again))
    db.execute(reopened.values(closed_at=None).execution_options(synchronize_session=False))
    made = materialise(db, organization_id, now, story)
    places.offer(db, [Place(organization_id, one) for one in again], now, story)
    return made


def say(db: Session, organization_id: UUID, day: date, kind: str, service_id: UUID | None, now: datetime) -> None:
    """What is said of a day last counts."""
    told = insert(DayRule).values(
        organization_id=organization_id, id=new_id(), day=day, kind=kind, service_id=service_id, created_at=now
    )
    db.execute(
        told.on_conflict_do_update(
            index_elements=["organization_id", "day", "service_id"], set_={"kind": kind, "created_at": now}
        )
    )


def rules_of(db: Session, organization_id: UUID) -> list[Rule]:
    rows = db.scalars(select(Hours).where(Hours.organization_id == organization_id).order_by(Hours.id))
    return [Rule(**{name: getattr(row, name) for name in Rule.__slots__}) for row in rows]


def days_of(db: Session, policy: Policy, first: date, last: date) -> Days:
    query = select(DayRule).where(DayRule.organization_id == policy.organization_id, DayRule.day.between(first, last))
    said = db.scalars(query).all()
    return Days(
        closed=frozenset((one.day, one.service_id) for one in said if one.kind == "closed"),
        opened=frozenset((one.day, one.service_id) for one in said if one.kind == "open"),
        keeps_holidays=policy.keeps_holidays,
    )


def materialise(db: Session, organization_id: UUID, now: datetime, story: Story) -> int:
    """Slots from now to a week beyond the clinic's horizon; how many are new. The same again changes nothing."""
    policy = clinics.policy(db, organization_id)
    first = clinics.today(policy, now)
    last = last_day(policy, now)
    rules_now = [one for one in rules_of(db, organization_id) if _is_active(db, organization_id, one.service_id)]
    days = days_of(db, policy, first, last)
    wanted = [one for one in rules.expand(rules_now, days, clinics.zone_of(policy), first, last) if one.starts_at > now]
    _withdraw(db, organization_id, wanted, now)
    missing = _missing(db, organization_id, wanted, now)
    pages = (missing[at : at + AT_ONCE] for at in range(0, len(missing), AT_ONCE))
    made = [id_ for page in pages for id_ in _added(db, organization_id, page)]
    places.offer(db, [Place(organization_id, one) for one in made], now, story)
    return len(made)


def last_day(policy: Policy, now: datetime) -> date:
    """The last day that slots are made of: before the morning still that of the day before."""
    clock = now.astimezone(clinics.zone_of(policy))
    ahead = AHEAD_DAYS if clock.time() >= MORNING else AHEAD_DAYS - 1
    return clock.date() + timedelta(days=policy.horizon_days + ahead)


def _is_active(db: Session, organization_id: UUID, service_id: UUID) -> bool:
    service = db.get(Service, (organization_id, service_id))
    return service is not None and service.is_active


def _withdraw(db: Session, organization_id: UUID, wanted: Sequence[Interval], now: datetime) -> None:
    """What no rule wants any more: free slots are removed, others closed. A taker at the same time finds it gone."""
    keys = {(one.rule.id, one.starts_at) for one in wanted}
    query = select(Slot.id, Slot.hours_id, Slot.starts_at).where(
        Slot.organization_id == organization_id, Slot.starts_at > now, Slot.closed_at.is_(None)
    )
    gone = sorted(row.id for row in db.execute(query) if (row.hours_id, row.starts_at.astimezone(UTC)) not in keys)
    if not gone:
        return
    these = and_(Slot.organization_id == organization_id, Slot.id.in_(gone))
    db.execute(select(Slot.id).where(these).order_by(Slot.id).with_for_update())
    db.execute(delete(Slot).where(these, Slot.taken == 0).execution_options(synchronize_session=False))
    db.execute(update(Slot).where(these).values(closed_at=now).execution_options(synchronize_session=False))


def _missing(db: Session, organization_id: UUID, wanted: Sequence[Interval], now: datetime) -> list[Interval]:
    """Most are there already, each time but the first."""
    query = select(Slot.hours_id, Slot.starts_at).where(Slot.organization_id == organization_id, Slot.starts_at > now)
    there = {(row.hours_id, row.starts_at.astimezone(UTC)) for row in db.execute(query)}
    return [one for one in wanted if (one.rule.id, one.starts_at) not in there]


def _added(db: Session, organization_id: UUID, wanted: Iterable[Interval]) -> Sequence[UUID]:
    """New slots by time, but for those of a person or room whom a slot that is still booked has at that time."""
    rows = [
        {
            "organization_id": organization_id,
            "id": new_id(),
            "service_id": one.rule.service_id,
            "hours_id": one.rule.id,
            "practitioner_id": one.rule.practitioner_id,
            "room_id": one.rule.room_id,
            "starts_at": one.starts_at,
            "ends_at": one.ends_at,
            "capacity": one.rule.capacity,
            "taken": 0,
            "overbooked": 0,
        }
        for one in wanted
    ]
    if not rows:
        return []
    fresh = insert(Slot).on_conflict_do_nothing(index_elements=["organization_id", "hours_id", "starts_at"])
    made = db.scalars(fresh.returning(Slot.id), rows).all()
    gone = _crossing_removed(db, organization_id, made)
    return [one for one in made if one not in gone]


def _crossing_removed(db: Session, organization_id: UUID, made: Sequence[UUID]) -> set[UUID]:
    if not made:
        return set()
    old = aliased(Slot)
    crosses = exists().where(
        old.organization_id == Slot.organization_id,
        old.id != Slot.id,
        old.taken > 0,
        old.starts_at < Slot.ends_at,
        old.ends_at > Slot.starts_at,
        old.starts_at > Slot.starts_at - text("interval '12 hours'"),
        (old.practitioner_id == Slot.practitioner_id) | (old.room_id == Slot.room_id),
    )
    removed = delete(Slot).where(Slot.organization_id == organization_id, Slot.id.in_(made), crosses)
    return set(db.scalars(removed.returning(Slot.id).execution_options(synchronize_session=False)))


def as_clinic(db: Session, organization_id: UUID) -> None:
    """The worker speaks for one facility in this transaction, and for no person."""
    db.execute(
        select(
            func.set_config("app.organization", str(organization_id), True),
            func.set_config("app.persons", "", True),
        )
    )


def take_turn(db: Session, organization_id: UUID) -> None:
    """Nobody changes this clinic's schedule meanwhile."""
    clinics.take_turn(db, organization_id)


def clinics_with_hours(db: Session) -> list[UUID]:
    return list(db.scalars(select(Hours.organization_id).distinct().order_by(Hours.organization_id)))
