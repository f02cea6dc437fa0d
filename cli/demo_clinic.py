"""The demo's clinic: what its facility offers and when, so that there is a place to book at any hour of any day.

Made once, by the rules that the API itself goes by; every start makes the places of the days that have come since.
What a visitor of the demo changes there stays changed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import product
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from cli.appointments import slots_made
from cli.demo_clinician import NAME
from cli.sessions import consent_session
from cli.settings import Addresses
from domain.appointments import clinics, schedules
from domain.appointments.clinic_tables import Practitioner, Room, Service
from domain.appointments.outcomes import Story
from domain.appointments.rules import Rule
from domain.organizations import Organization
from domain.reference import vaccines
from domain.synthetic.catalogue import VACCINES
from domain.values import new_id

PHONE = "028 3822 0115"
HORIZON_DAYS, LEAD_MINUTES, CANCEL_MINUTES = 30, 5, 60
DOCTORS = {"BS01": NAME, "BS02": "BS. Trần Thị Mai Lan"}
ROOMS = {
    "P101": "Phòng khám 101",
    "P102": "Phòng khám 102",
    "P103": "Phòng khám ngoài giờ",
    "P201": "Phòng tiêm chủng",
    "P202": "Phòng siêu âm",
}
MORNING, AFTERNOON, DAY_AND_NIGHT = (time(7, 30), time(11, 30)), (time(13, 30), time(16, 30)), (time(0), time(23, 59))


@dataclass(frozen=True, slots=True)
class Offer:
    """A service, and the hours of a day that each pair of practitioner and room of `by` has on the first `days` days
    of the week. `minutes`: of a visit, and so of a slot for `capacity` patients.
    """

    code: str
    name: str
    name_en: str
    specialty: str
    minutes: int
    hours: tuple[tuple[time, time], ...]
    days: int = 7
    capacity: int = 1
    by: tuple[tuple[str | None, str | None], ...] = ((None, None),)
    vaccine_codes: tuple[str, ...] = ()
    join_link: str | None = None

    def rules(self, service_id: UUID, ids: Mapping[str, UUID], first: date) -> Iterator[Rule]:
        """From the day `first` on. `ids`: of practitioners and rooms, by their codes."""
        for (practitioner, room), weekday, (opens_at, closes_at) in product(self.by, range(self.days), self.hours):
            yield Rule(
                id=new_id(),
                service_id=service_id,
                practitioner_id=ids[practitioner] if practitioner else None,
                room_id=ids[room] if room else None,
                weekday=weekday,
                opens_at=opens_at,
                closes_at=closes_at,
                slot_minutes=self.minutes,
                capacity=self.capacity,
                valid_from=first,
                valid_until=None,
            )


def _vaccines() -> tuple[str, ...]:
    """The codes of the vaccines that the invented population is given."""
    return tuple(sorted(found.code for one in VACCINES.values() for found in vaccines.by_code("cvx", one.cvx)))


OFFERS = (
    Offer(
        code="KHAM",
        name="Khám tổng quát",
        name_en="General practice",
        specialty="general",
        minutes=15,
        hours=(MORNING, AFTERNOON),
        days=6,
        by=(("BS01", "P101"), ("BS02", "P102")),
    ),
    Offer(
        code="TIEM",
        name="Tiêm chủng",
        name_en="Vaccination",
        specialty="vaccination",
        minutes=30,
        hours=(MORNING,),
        days=6,
        capacity=20,
        by=((None, "P201"),),
        vaccine_codes=_vaccines(),
    ),
    Offer(
        code="SIEUAM",
        name="Siêu âm bụng",
        name_en="Abdominal ultrasound",
        specialty="imaging",
        minutes=30,
        hours=(MORNING,),
        days=5,
        by=((None, "P202"),),
    ),
    Offer(
        code="TRUC",
        name="Khám ngoài giờ",
        name_en="Out-of-hours practice",
        specialty="general",
        minutes=15,
        hours=(DAY_AND_NIGHT,),
        capacity=3,
        by=((None, "P103"),),
    ),
    Offer(
        code="TUVAN",
        name="Tư vấn từ xa",
        name_en="Telehealth",
        specialty="telehealth",
        minutes=15,
        hours=(DAY_AND_NIGHT,),
        capacity=3,
        join_link="https://kham.example.vn/phong-cho",
    ),
)


async def open_clinic(addresses: Addresses, code: str, now: datetime) -> int:
    """The places of the demo's facility, up to its horizon: how many are new. All or nothing."""
    async with consent_session(addresses) as session:
        organization_id = (await session.scalars(select(Organization.id).where(Organization.code == code))).one()
        await session.run_sync(schedules.as_clinic, organization_id)
        await session.run_sync(schedules.take_turn, organization_id)
        made = await session.run_sync(_open, organization_id, now)
        await session.commit()
    return made


def _open(db: Session, organization_id: UUID, now: datetime) -> int:
    if not clinics.all_of(db, Service, organization_id):
        _furnish(db, organization_id, now)
    return slots_made(db, organization_id, now)


def _furnish(db: Session, organization_id: UUID, now: datetime) -> None:
    policy = clinics.set_policy(
        db,
        organization_id,
        phone=PHONE,
        horizon_days=HORIZON_DAYS,
        lead_minutes=LEAD_MINUTES,
        cancel_minutes=CANCEL_MINUTES,
        keeps_holidays=False,  # who tries the demo at Tết finds a place too
    )
    ids = {code: clinics.save(db, Practitioner, organization_id, code, name=name).id for code, name in DOCTORS.items()}
    ids |= {code: clinics.save(db, Room, organization_id, code, name=name).id for code, name in ROOMS.items()}
    for offer in OFFERS:
        closed = _save(db, organization_id, offer, is_active=False)  # hours of an active one make their places at once
        for rule in offer.rules(closed.id, ids, clinics.today(policy, now)):
            schedules.add_hours(db, organization_id, rule, now, Story())  # nobody waits for it yet
    for offer in OFFERS:
        _save(db, organization_id, offer, is_active=True)


def _save(db: Session, organization_id: UUID, offer: Offer, *, is_active: bool) -> Service:
    return clinics.save(
        db,
        Service,
        organization_id,
        offer.code,
        name=offer.name,
        name_en=offer.name_en,
        specialty=offer.specialty,
        vaccine_codes=list(offer.vaccine_codes),
        minutes=offer.minutes,
        is_telehealth=offer.join_link is not None,
        join_link=offer.join_link,
        is_active=is_active,
    )
