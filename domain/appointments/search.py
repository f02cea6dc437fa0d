"""Free places, of many clinics at once: which services fit, then the next free slots of each, by one statement.

Each service has its own run of the partial index over free slots (`ix_slot_free`), read no further than the page needs,
so the answer costs as much as the services that fit, not as the slots that exist.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, lateral, literal, select, true, tuple_
from sqlalchemy.orm import Session, aliased

from domain.appointments.clinic_tables import Policy, Practitioner, Room, Service, Slot
from domain.errors import Invalid
from domain.organizations import Organization

EARTH_KM = 6371.0
KM_A_DEGREE = 111.2
MOST_SERVICES = 2000
LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Near:
    latitude: float
    longitude: float
    km: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; None where it does not matter. Codes are compared as they are."""

    first: datetime
    last: datetime
    specialty: str | None = None
    service_code: str | None = None
    vaccine_code: str | None = None
    province: str | None = None
    commune: str | None = None
    organization_code: str | None = None
    near: Near | None = None
    is_telehealth: bool | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: after this one. `km` only where the nearest come first."""

    starts_at: datetime
    id: UUID
    km: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """One free slot, and what a phone shows beside it."""

    slot: Slot
    service: Service
    organization: Organization
    practitioner: Practitioner | None
    room: Room | None
    km: float | None


def free(
    db: Session, wanted: Wanted, *, first: int, after: Place | None, earliest_first: bool, now: datetime
) -> list[Found]:
    """At most `first` free slots between the clinics' lead times and horizons, the earliest or the nearest first."""
    if wanted.near is None and not earliest_first:
        raise Invalid("earliestFirst", "Only with `near` can the nearest come first.")
    _check(wanted)
    by_distance = not earliest_first
    fitting = _fitting(wanted).cte("fitting")
    slots = _next_of(fitting, wanted, first, after, by_distance, now)
    merged = select(slots, fitting.c.km).select_from(fitting).join(slots, true())
    page = merged.order_by(*_order(slots.c, fitting.c.km, by_distance)).limit(first).subquery("page")
    one = aliased(Slot, page)
    query = (
        select(one, Service, Organization, Practitioner, Room, page.c.km)
        .select_from(page)
        .join(Service, and_(Service.organization_id == one.organization_id, Service.id == one.service_id))
        .join(Organization, Organization.id == one.organization_id)
        .outerjoin(Practitioner, _same(Practitioner, one, one.practitioner_id))
        .outerjoin(Room, _same(Room, one, one.room_id))
        .order_by(*_order(page.c, page.c.km, by_distance))
    )
    return [Found(*row) for row in db.execute(query)]


def _order(slot: Any, km: Any, by_distance: bool) -> tuple[Any, ...]:
    return (km, slot.starts_at, slot.id) if by_distance else (slot.starts_at, slot.id)


def _check(wanted: Wanted) -> None:
    if not wanted.first < wanted.last <= wanted.first + LONGEST:
        raise Invalid("to", "`to` is after `from`, by a year at most.")
    near = wanted.near
    if near is not None and not (abs(near.latitude) <= 90 and abs(near.longitude) <= 180 and 0 < near.km <= 500):  # noqa: PLR2004
        raise Invalid("near", "`near` is a place on earth, and up to 500 km.")


def _fitting(wanted: Wanted) -> Select[*tuple[Any, ...]]:
    """The services that fit, each with its clinic's lead and horizon, and how far it is."""
    km = _km(wanted.near) if wanted.near else literal(None)
    query = (
        select(
            Service.organization_id,
            Service.id,
            func.coalesce(Policy.lead_minutes, 60).label("lead"),
            func.coalesce(Policy.horizon_days, 60).label("horizon"),
            km.label("km"),
        )
        .join(Organization, Organization.id == Service.organization_id)
        .outerjoin(Policy, Policy.organization_id == Service.organization_id)
        .where(Service.is_active, Organization.status == "active")
    )
    told = (
        (Service.specialty, wanted.specialty),
        (Service.code, wanted.service_code),
        (Service.is_telehealth, wanted.is_telehealth),
        (Organization.province, wanted.province),
        (Organization.commune, wanted.commune),
        (Organization.code, wanted.organization_code),
    )
    query = query.where(*(column == value for column, value in told if value is not None))
    if wanted.vaccine_code is not None:
        query = query.where(Service.vaccine_codes.contains([wanted.vaccine_code]))
    if wanted.near is not None:
        query = query.where(*_within(wanted.near))
    return query.order_by(km if wanted.near else Service.id, Service.id).limit(MOST_SERVICES)


def _within(near: Near) -> tuple[ColumnElement[bool], ...]:
    """A square first, then the circle in it."""
    square = near.km / KM_A_DEGREE
    return (
        Policy.latitude.between(near.latitude - square, near.latitude + square),
        _km(near) <= near.km,
    )


def _km(near: Near) -> ColumnElement[float]:
    """The haversine distance; good to half a per cent."""
    there, here = func.radians(Policy.latitude), func.radians(near.latitude)
    north = func.power(func.sin((there - here) / 2), 2)
    east = func.power(func.sin((func.radians(Policy.longitude) - func.radians(near.longitude)) / 2), 2)
    return 2 * EARTH_KM * func.asin(func.sqrt(func.least(1.0, north + func.cos(here) * func.cos(there) * east)))


def _next_of(fitting: Any, wanted: Wanted, first: int, after: Place | None, by_distance: bool, now: datetime) -> Any:
    """Of one service the free slots that may stand on the page."""
    minute, day = func.make_interval(0, 0, 0, 0, 0, fitting.c.lead), func.make_interval(0, 0, 0, fitting.c.horizon)
    begin = Slot.starts_at, Slot.id
    slots = select(Slot).where(
        Slot.organization_id == fitting.c.organization_id,
        Slot.service_id == fitting.c.id,
        Slot.taken < Slot.capacity,
        Slot.closed_at.is_(None),
        Slot.starts_at > func.greatest(wanted.first - timedelta(microseconds=1), literal(now) + minute),
        Slot.starts_at < func.least(wanted.last, literal(now) + day),
    )
    if after is not None:
        beyond = tuple_(*begin) > tuple_(literal(after.starts_at), literal(after.id))
        if by_distance:
            beyond = case((fitting.c.km > after.km, true()), (fitting.c.km < after.km, ~true()), else_=beyond)
        slots = slots.where(beyond)
    return lateral(slots.order_by(*begin).limit(first), name="next_of")


def _same(kind: Any, one: Any, id_: Any) -> ColumnElement[bool]:
    return and_(kind.organization_id == one.organization_id, kind.id == id_)
