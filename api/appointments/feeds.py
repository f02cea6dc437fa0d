"""Private calendar addresses: made and revoked over GraphQL, read by calendar programs at `/calendar/<secret>.ics`."""

from collections.abc import Callable
from typing import Annotated, TypeVar

import orjson
import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from strawberry import Info

from api.acting import Actor
from api.appointments.inputs import PatientId
from api.appointments.patients import READ, WRITE, patient_of
from api.planner.read import RecordReader
from api.representation.acted import acted
from api.representation.reading import own_id, patient, read_own_id, told, told_or_none
from api.scalars import Instant
from auth.opaque import digest, new_secret
from domain.appointments import feeds
from domain.appointments.tables import Feed
from domain.errors import NotFound
from domain.values import utc_now

KIND = "calendar"
FEED = "select booking.calendar_feed($1, $2)"
PATH = "/calendar/{name}"
LONGEST_NAME = 100
T = TypeVar("T")
SUFFIX = ".ics"
_HEADERS = {
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer",
}


@strawberry.type(description="A private calendar address. RFC 5545")
class CalendarFeed:
    id: strawberry.ID = strawberry.field(description="For `revokeCalendarFeed`.")
    patient_id: strawberry.ID = strawberry.field(description="Whose appointments it shows.")
    shows_facility: bool = strawberry.field(description="Whether it says where, and not only when.")
    created_at: Instant = strawberry.field(description="When it was made.")
    revoked_at: Instant | None = strawberry.field(description="Since when it is dead; null while it works.")

    @classmethod
    def of(cls, row: Feed) -> "CalendarFeed":
        return cls(
            id=own_id(KIND, row.patient_id, row.id),
            patient_id=strawberry.ID(str(row.patient_id)),
            shows_facility=row.shows_facility,
            created_at=told(row.created_at),
            revoked_at=told_or_none(row.revoked_at),
        )


@strawberry.type(description="A new private calendar address. Its path is told here once.")
class NewCalendarFeed:
    path: str = strawberry.field(description="To be added to this server's address; whoever has it reads the calendar.")
    feed: CalendarFeed = strawberry.field(description="What it is.")


SHOWS = "Whether other people's calendar servers may learn where; the name of a clinic may say more than wished."


async def _create(
    info: Info,
    *,
    patient_id: PatientId = None,
    shows_facility: Annotated[bool, strawberry.argument(description=SHOWS)] = False,
) -> NewCalendarFeed:
    secret = new_secret()

    def created(db: Session, actor: Actor) -> NewCalendarFeed:
        who = patient_of(actor)
        if who.booked_by is None:
            raise NotFound("There is no such record, or it is not open to this reader.")
        made = feeds.create(
            db, who.id, who.booked_by, secret_hash=digest(secret), shows_facility=shows_facility, now=utc_now()
        )
        return NewCalendarFeed(path=PATH.format(name=f"{secret}{SUFFIX}"), feed=CalendarFeed.of(made))

    return await _run(info, patient_id, "createCalendarFeed", created)


async def _revoke(
    info: Info,
    *,
    id: Annotated[strawberry.ID, strawberry.argument(description="As `calendarFeeds` names it.")],  # noqa: A002 -- GraphQL's name
) -> CalendarFeed:
    whose, feed_id = read_own_id(KIND, id)

    def revoked(db: Session, actor: Actor) -> CalendarFeed:
        return CalendarFeed.of(feeds.revoke(db, patient_of(actor).persons, feed_id, utc_now()))

    return await _run(info, strawberry.ID(str(whose)), "revokeCalendarFeed", revoked)


async def _feeds(info: Info, *, patient_id: PatientId = None) -> list[CalendarFeed]:
    def living(db: Session, actor: Actor) -> list[CalendarFeed]:
        return [CalendarFeed.of(row) for row in feeds.of_patient(db, patient_of(actor).persons)]

    async def work(session: AsyncSession, actor: Actor) -> list[CalendarFeed]:
        return await session.run_sync(living, actor)

    return await acted(info, patient(patient_id), "calendarFeeds", work, scope=READ)


async def _run(info: Info, patient_id: str | None, action: str, what: Callable[[Session, Actor], T]) -> T:
    async def work(session: AsyncSession, actor: Actor) -> T:
        return await session.run_sync(what, actor)

    return await acted(info, patient(patient_id), action, work, scope=WRITE)


@strawberry.type
class FeedQueries:
    calendar_feeds: list[CalendarFeed] | None = strawberry.field(
        resolver=_feeds, description="A patient's living calendar addresses, at most 10. Scope: appointment:read"
    )


@strawberry.type
class FeedMutations:
    create_calendar_feed: NewCalendarFeed | None = strawberry.mutation(
        resolver=_create,
        description="Make a private address that a calendar program reads. Scope: appointment:write. RFC 5545",
    )
    revoke_calendar_feed: CalendarFeed | None = strawberry.mutation(
        resolver=_revoke, description="Let an address work no longer. Scope: appointment:write"
    )


def routes(reader_of: Callable[[Request], RecordReader]) -> list[Route]:
    """`GET /calendar/<secret>.ics`, for calendar programs, which can do no more than fetch an address."""

    async def read(request: Request) -> Response:
        name = request.path_params["name"]
        secret = name.removesuffix(SUFFIX)
        if not name.endswith(SUFFIX) or not (name.isascii() and name.isprintable() and len(name) <= LONGEST_NAME):
            return _none()
        told_feed = await reader_of(request).value(FEED, digest(secret), utc_now())
        if told_feed is None:
            return _none()
        document = feeds.written(orjson.loads(told_feed))
        headers = {**_HEADERS, "ETag": document.etag}
        if document.etag in request.headers.get("if-none-match", ""):  # RFC 9110 13.1.2; our tags have no commas
            return Response(status_code=304, headers=headers)
        return Response(document.body, media_type="text/calendar; charset=utf-8", headers=headers)

    return [Route(PATH, read)]


def _none() -> Response:
    """Unknown, revoked and no longer allowed are one answer."""
    return Response("Not found.", 404, headers=_HEADERS, media_type="text/plain")
