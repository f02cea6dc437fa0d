"""The inbox: list, count, mark, put away, and the receipt of a push."""

import enum
from collections.abc import Collection
from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from sqlalchemy.orm import Session
from strawberry import Info

from api.notifications.citizen import READ, as_citizen, one_id, some_ids, word
from api.notifications.types import InboxConnection, InboxEdge, InboxNotice, NoticeKind, NoticesChanged
from api.pagination import PageInfo
from api.representation.reading import patient
from domain.errors import Invalid, NotFound
from notifications import inbox
from notifications.inbox import Wanted

LARGEST_PAGE = 100
Ids = Annotated[list[strawberry.ID], strawberry.argument(description="Ids of notices, 1 to 100. Others' are ignored.")]


@strawberry.enum(description="What became of a push on the phone.")
class NoticeAction(enum.Enum):
    OPENED = strawberry.enum_value("opened", description="It was opened.")
    ACTED = strawberry.enum_value("acted", description="What it asked for was done.")


async def _inbox(
    info: Info,
    *,
    first: Annotated[int, strawberry.argument(description="At most so many, 1 to 100.")] = 20,
    after: Annotated[str | None, strawberry.argument(description="The `endCursor` of the page before.")] = None,
    unread_only: Annotated[bool, strawberry.argument(description="Only unread ones.")] = False,
    kinds: Annotated[list[NoticeKind] | None, strawberry.argument(description="Only these kinds.")] = None,
    patient_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only about this patient.")] = None,
    archived: Annotated[bool, strawberry.argument(description="Those that were put away, instead.")] = False,
) -> InboxConnection:
    if not 1 <= first <= LARGEST_PAGE:
        raise Invalid("first", f"`first` must be between 1 and {LARGEST_PAGE}.")
    wanted = Wanted(unread_only, [word(kind) for kind in kinds or []], patient(patient_id), archived)
    place = None if after is None else one_id(after, "after")

    def read(db: Session, citizen: UUID, _now: datetime) -> InboxConnection:
        rows = inbox.page(db, citizen, wanted, first=first, after=place)
        edges = [InboxEdge(cursor=str(row.id), node=InboxNotice.of(row)) for row in rows[:first]]
        return InboxConnection(
            edges=edges,
            nodes=[edge.node for edge in edges],
            page_info=PageInfo(
                has_next_page=len(rows) > first,
                has_previous_page=place is not None,
                start_cursor=edges[0].cursor if edges else None,
                end_cursor=edges[-1].cursor if edges else None,
            ),
        )

    return await as_citizen(info, "inbox", READ, read)


async def _unread_count(info: Info) -> int:
    return await as_citizen(info, "unreadCount", READ, lambda db, citizen, _now: inbox.unread(db, citizen))


async def _mark_read(info: Info, *, ids: Ids) -> NoticesChanged:
    chosen = some_ids(ids)
    return await as_citizen(info, "markRead", READ, lambda db, who, now: _marked(db, who, chosen, now))


async def _mark_all_read(info: Info) -> NoticesChanged:
    return await as_citizen(info, "markAllRead", READ, lambda db, who, now: _marked(db, who, None, now))


async def _archive(info: Info, *, ids: Ids) -> NoticesChanged:
    chosen = some_ids(ids)

    def put_away(db: Session, citizen: UUID, now: datetime) -> NoticesChanged:
        return _change(db, citizen, inbox.archive(db, citizen, chosen, now))

    return await as_citizen(info, "archive", READ, put_away)


async def _notification_opened(
    info: Info,
    *,
    id: Annotated[strawberry.ID, strawberry.argument(description="The notice, as the push names it.")],  # noqa: A002
    action: Annotated[NoticeAction, strawberry.argument(description="What happened.")] = NoticeAction.OPENED,
) -> NoticesChanged:
    item = one_id(id)

    def receipt(db: Session, citizen: UUID, now: datetime) -> NoticesChanged:
        if not inbox.opened(db, citizen, item, now, acted=action is NoticeAction.ACTED):
            raise NotFound("There is no such notice.")
        return _change(db, citizen, [item])

    return await as_citizen(info, "notificationOpened", READ, receipt)


def _marked(db: Session, citizen: UUID, ids: Collection[UUID] | None, now: datetime) -> NoticesChanged:
    return _change(db, citizen, inbox.mark_read(db, citizen, ids, now))


def _change(db: Session, citizen: UUID, ids: Collection[UUID]) -> NoticesChanged:
    shown = [strawberry.ID(str(one)) for one in sorted(ids)[-LARGEST_PAGE:]]
    return NoticesChanged(ids=shown, unread_count=inbox.unread(db, citizen))


@strawberry.type
class InboxQueries:
    inbox: InboxConnection | None = strawberry.field(
        resolver=_inbox, description=f"The citizen's notices, newest first. Scope: {READ}"
    )
    unread_count: int | None = strawberry.field(
        resolver=_unread_count, description=f"How many notices are unread, counted to 1000. Scope: {READ}"
    )


@strawberry.type
class InboxMutations:
    mark_read: NoticesChanged | None = strawberry.field(
        resolver=_mark_read, description=f"Mark notices read. Scope: {READ}"
    )
    mark_all_read: NoticesChanged | None = strawberry.field(
        resolver=_mark_all_read, description=f"Mark everything read; `ids` tells at most 100. Scope: {READ}"
    )
    archive: NoticesChanged | None = strawberry.field(
        resolver=_archive, description=f"Put notices away; that reads them too. Scope: {READ}"
    )
    notification_opened: NoticesChanged | None = strawberry.field(
        resolver=_notification_opened,
        description=f"The receipt of a push: it was opened, or acted on; that reads the notice too. Scope: {READ}",
    )
