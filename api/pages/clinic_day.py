"""`/clinic/day`: a clinic's day list in a browser, for its staff, signed in like everybody else.

Who works at a facility sees the appointments of its day and takes them a step on. Each look and each step is decided
and logged by the database (`access.act_at_desk`); forms are answered only to the browser they were made for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.acting import Acting
from api.appointments.inputs import day_of
from api.appointments.telling import tell_all
from api.appointments.types import APPOINTMENT
from api.pages.clinic_day_words import WORDS
from api.representation.reading import own_id, read_own_id
from auth import web_sessions
from auth.pages import language, render
from auth.requests import Malformed, form_pairs, query_pairs
from auth.settings import AuthSettings
from auth.sign_in.asking import address, single
from auth.sign_in.entry import see_other, trouble
from domain.appointments import clinics, day, reading
from domain.appointments.outcomes import Refused, Story
from domain.appointments.reading import Shown
from domain.appointments.tables import AT_THE_CLINIC
from domain.errors import Invalid, NotFound
from domain.organizations import Organization
from domain.practitioners import PractitionerRole
from domain.values import utc_now

PATH = "/clinic/day"
ORDER = ("checked_in", "called", "in_progress", "done", "no_show")
MOST_CLINICS = 20
ActingOf = Callable[[Request], Acting]


@dataclass(frozen=True, slots=True)
class Staff:
    """Who is signed in, and the facilities he works at; the one he looks at first."""

    citizen_id: UUID
    facilities: Sequence[Organization]

    @property
    def facility(self) -> Organization:
        return self.facilities[0]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which facility, by its code, and which day; None for the first, and for today."""

    code: str | None
    day: date | None
    is_trouble: bool = False

    @classmethod
    def of(cls, request: Request) -> "Asked":
        """Malformed where a parameter is repeated, Invalid where it is none of ours."""
        told = single(query_pairs(request), "lang", "clinic", "date", "trouble")
        wanted = told.get("date")
        return cls(told.get("clinic"), day_of(wanted) if wanted else None, "trouble" in told)


@dataclass(frozen=True, slots=True)
class ClinicDay:
    settings: AuthSettings
    sessions: async_sessionmaker[AsyncSession]
    acting_of: ActingOf

    async def show(self, request: Request) -> Response:
        """GET /clinic/day"""
        lang = language(request)
        try:
            asked = Asked.of(request)
            staff = await self._staff(request, asked)
        except (Malformed, Invalid):
            return trouble(request, lang)
        if not isinstance(staff, Staff):
            return staff
        request_id = UUID(request.state.request_id)
        acting = self.acting_of(request).at_desk(staff.citizen_id, staff.facility.id, "clinicDay", request=request_id)
        async with acting as session:
            found, wanted, zone = await session.run_sync(_listed, staff.facility.id, asked.day)
        cookie = web_sessions.cookie_of(request, self.settings)
        values = _values(staff, found, wanted, zone, lang)
        return render(
            request,
            "clinic_day.html",
            lang=lang,
            form_token=web_sessions.form_token(cookie),
            is_trouble=asked.is_trouble,
            **values,
        )

    async def step(self, request: Request) -> Response:
        """POST /clinic/day: `id` of an appointment, and `to`, the step."""
        lang = language(request)
        try:
            asked = Asked.of(request)
            form = single(await form_pairs(request), "form_token", "id", "to")
            patient_id, booking_id = read_own_id(APPOINTMENT, form.get("id", ""))
        except (Malformed, Invalid):
            return trouble(request, lang)
        if not web_sessions.is_own_form(request, self.settings, form.get("form_token", "")):
            return trouble(request, lang, text="bad_form", status=403)
        staff = await self._staff(request, asked)
        if not isinstance(staff, Staff):
            return staff
        if form.get("to") not in day.STEPS:
            return trouble(request, lang)
        stepped = await self._stepped(request, staff, patient_id, booking_id, form["to"])
        return see_other(_address(staff.facility.code, asked.day, lang, trouble=not stepped))

    async def _stepped(self, request: Request, staff: Staff, patient_id: UUID, booking_id: UUID, to: str) -> bool:
        """Whether it was possible; the log row stays in any case."""

        def work(db: Session) -> None:
            now, story = utc_now(), Story()
            day.step(db, staff.facility.id, patient_id, booking_id, to, now=now, story=story)
            tell_all(db, story.happened, now)

        acting = self.acting_of(request).at_desk(
            staff.citizen_id, staff.facility.id, "stepAppointment", request=UUID(request.state.request_id)
        )
        async with acting as session:
            try:
                async with session.begin_nested():
                    await session.run_sync(work)
            except (Refused, NotFound):
                return False
        return True

    async def _staff(self, request: Request, asked: Asked) -> Staff | Response:
        """Who may be here; else the page that says where to sign in, or that he works nowhere."""
        lang = language(request)
        async with self.sessions() as session:
            signed_in = await web_sessions.signed_in(request, self.settings, session)
            if signed_in is None:
                return see_other(address(_address(asked.code, asked.day, lang), lang=lang))
            facilities = list(await session.scalars(_facilities(signed_in.citizen_id, utc_now())))
            await session.commit()
        facilities.sort(key=lambda one: one.code != asked.code)
        if facilities and asked.code in (None, facilities[0].code):
            return Staff(signed_in.citizen_id, facilities)
        say = WORDS[lang]
        return render(
            request, "message.html", lang=lang, status=403, title=say["no_clinic"], text=say["no_clinic_note"]
        )


def routes(settings: AuthSettings, sessions: async_sessionmaker[AsyncSession], acting_of: ActingOf) -> list[Route]:
    page = ClinicDay(settings, sessions, acting_of)
    return [Route(PATH, page.show), Route(PATH, page.step, methods=["POST"])]


def _facilities(citizen_id: UUID, now: datetime) -> Any:
    living = (
        PractitionerRole.revoked_at.is_(None),
        PractitionerRole.valid_from <= now,
        or_(PractitionerRole.valid_until.is_(None), PractitionerRole.valid_until > now),
    )
    query = select(Organization).join(PractitionerRole, PractitionerRole.organization_id == Organization.id)
    mine = query.where(PractitionerRole.citizen_id == citizen_id, Organization.status == "active", *living)
    return mine.order_by(Organization.code).limit(MOST_CLINICS)


def _listed(db: Session, organization_id: UUID, wanted: date | None) -> tuple[list[Shown], date, ZoneInfo]:
    policy = clinics.policy(db, organization_id)
    on = wanted or clinics.today(policy, utc_now())
    return reading.shown(db, day.of_day(db, organization_id, on)), on, clinics.zone_of(policy)


def _values(staff: Staff, found: Sequence[Shown], on: date, zone: ZoneInfo, lang: str) -> dict[str, Any]:
    code, one_day, now = staff.facility.code, timedelta(days=1), utc_now()
    return {
        "say": WORDS[lang],
        "day": on,
        "clinic": _name(staff.facility, lang),
        "others": {_name(one, lang): _address(one.code, on, lang) for one in staff.facilities[1:]},
        "before": _address(code, on - one_day if on > date.min else on, lang),
        "today": _address(code, None, lang),
        "after": _address(code, on + one_day if on < date.max else on, lang),
        "action": _address(code, on, lang),
        "items": [_item(one, zone, lang, now) for one in found],
    }


def _item(shown: Shown, zone: ZoneInfo, lang: str, now: datetime) -> dict[str, Any]:
    row = shown.booking
    steps = [to for to in ORDER if row.status in day.STEPS[to]]
    return {
        "id": own_id(APPOINTMENT, row.patient_id, row.id),
        "time": f"{row.starts_at.astimezone(zone):%H:%M}",
        "name": row.contact_name,
        "phone": row.contact_phone,
        "dial": "".join(char for char in row.contact_phone or "" if char.isdigit() or char == "+"),
        "number": row.queue_number,
        "service": (shown.service.name_en if lang == "en" else None) or shown.service.name,
        "practitioner": shown.practitioner.name if shown.practitioner else None,
        "room": shown.room.name if shown.room else None,
        "status": row.status,
        "is_walk_in": row.is_walk_in,
        "reason": row.overbook_reason,
        "is_here": row.status in AT_THE_CLINIC,
        "steps": [to for to in steps if day.is_time_for(to, row.starts_at, now, zone)],
    }


def _name(facility: Organization, lang: str) -> str:
    return (facility.name_en if lang == "en" else None) or facility.name or facility.code


def _address(code: str | None, on: date | None, lang: str, *, trouble: bool = False) -> str:
    told = {"clinic": code, "date": on.isoformat() if on else None, "lang": lang, "trouble": "1" if trouble else None}
    return f"{PATH}?{urlencode({name: value for name, value in told.items() if value})}"
