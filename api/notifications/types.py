"""What an inbox shows: kinds, ids, times, and neutral words in two languages. Details are asked of the book itself."""

import enum
from typing import Annotated
from uuid import UUID

import strawberry

from api.appointments.types import APPOINTMENT
from api.consents.types import TextLanguage
from api.notifications.citizen import word
from api.pagination import PageInfo
from api.representation.reading import own_id, told, told_or_none
from api.scalars import Instant
from notifications.channels import LINK
from notifications.tables import InboxItem
from notifications.texts import words_of

SUBJECTS = {
    "appointment_booked": "appointment",
    "appointment_moved": "appointment",
    "appointment_cancelled": "appointment",
    "reminder": "appointment",
    "queue_call": "appointment",
    "waiting_list_offer": "waiting_list",
    "consent_request": "consent_request",
    "consent_changed": "consent",
    "delegation": "representation",
    "visit": "consent",
    "record_read": "organization",
    "new_result": "record",
    "emergency_access": "emergency",
    "dose_due": "dose",
    "security": "device",
}
"""What `subjectId` is an id of, by kind."""


@strawberry.enum(description="What a notice is about.")
class NoticeKind(enum.Enum):
    APPOINTMENT_BOOKED = strawberry.enum_value("appointment_booked", description="An appointment was booked.")
    APPOINTMENT_MOVED = strawberry.enum_value("appointment_moved", description="Its time or place changed.")
    APPOINTMENT_CANCELLED = strawberry.enum_value("appointment_cancelled", description="It was cancelled.")
    REMINDER = strawberry.enum_value("reminder", description="It begins soon.")
    QUEUE_CALL = strawberry.enum_value("queue_call", description="It is, or is almost, the patient's turn.")
    WAITING_LIST_OFFER = strawberry.enum_value("waiting_list_offer", description="A place is held for a short time.")
    CONSENT_REQUEST = strawberry.enum_value("consent_request", description="Somebody asks to read the book.")
    CONSENT_CHANGED = strawberry.enum_value("consent_changed", description="A representative changed who may read.")
    DELEGATION = strawberry.enum_value("delegation", description="A right to act for the patient began or ended.")
    VISIT = strawberry.enum_value("visit", description="The book was opened for a visit, or closed after it.")
    RECORD_READ = strawberry.enum_value("record_read", description="A facility read the book; once a day and facility.")
    NEW_RESULT = strawberry.enum_value("new_result", description="There is something new in the book.")
    EMERGENCY_ACCESS = strawberry.enum_value("emergency_access", description="The book was opened in an emergency.")
    DOSE_DUE = strawberry.enum_value("dose_due", description="A vaccine dose is due.")
    SECURITY = strawberry.enum_value("security", description="Signing in, or a device, changed.")


@strawberry.type(description="What to open for a notice.")
class NoticeLink:
    url: str = strawberry.field(description="Opens this notice in the app: `healthbook://inbox/<id>`.")
    subject_type: str = strawberry.field(description="What it leads to, such as `appointment` or `consent_request`.")
    subject_id: strawberry.ID | None = strawberry.field(description="Its id, where there is a single one.")


def _title(
    root: "InboxNotice",
    language: Annotated[TextLanguage, strawberry.argument(description="Vietnamese unless told.")] = TextLanguage.VI,
) -> str:
    return words_of(root.row.kind, word(language)).title


def _body(
    root: "InboxNotice",
    language: Annotated[TextLanguage, strawberry.argument(description="Vietnamese unless told.")] = TextLanguage.VI,
) -> str:
    return words_of(root.row.kind, word(language)).body


@strawberry.type(description="One notice in a citizen's inbox. FHIR: Communication")
class InboxNotice:
    id: strawberry.ID = strawberry.field(description="For `markRead` and `archive`; a push carries it too.")
    kind: NoticeKind = strawberry.field(description="What it is about. FHIR: Communication.reasonCode")
    patient_id: strawberry.ID | None = strawberry.field(description="Whose book. FHIR: Communication.subject")
    at: Instant = strawberry.field(description="When. FHIR: Communication.sent")
    read_at: Instant | None = strawberry.field(description="When it was read first; null while it is unread.")
    archived_at: Instant | None = strawberry.field(description="When it was put away; null while it is not.")
    link: NoticeLink = strawberry.field(description="What to open for it.")
    title: str = strawberry.field(resolver=_title, description="A few neutral words, no name and no health word.")
    body: str = strawberry.field(resolver=_body, description="A sentence or two, as neutral.")
    row: strawberry.Private[InboxItem]

    @classmethod
    def of(cls, row: InboxItem) -> "InboxNotice":
        return cls(
            id=strawberry.ID(str(row.id)),
            kind=NoticeKind(row.kind),
            patient_id=_id(row.patient_id),
            at=told(row.created_at),
            read_at=told_or_none(row.read_at),
            archived_at=told_or_none(row.archived_at),
            link=NoticeLink(url=f"{LINK}/{row.id}", subject_type=SUBJECTS[row.kind], subject_id=_subject(row)),
            row=row,
        )


@strawberry.type(description="A notice and its place in the list.")
class InboxEdge:
    cursor: str = strawberry.field(description="For `after`.")
    node: InboxNotice = strawberry.field(description="The notice.")


@strawberry.type(description="A page of the inbox, newest first.")
class InboxConnection:
    edges: list[InboxEdge] = strawberry.field(description="The notices with their cursors.")
    nodes: list[InboxNotice] = strawberry.field(description="The notices alone.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


@strawberry.type(description="What a change did to the inbox.")
class NoticesChanged:
    ids: list[strawberry.ID] = strawberry.field(description="The notices that changed.")
    unread_count: int = strawberry.field(description="How many are unread now, counted to 1000.")


def _subject(row: InboxItem) -> strawberry.ID | None:
    """The id that the subject's own queries take."""
    if row.patient_id and row.subject_id and SUBJECTS[row.kind] in ("appointment", "waiting_list"):
        return own_id(APPOINTMENT, row.patient_id, row.subject_id)
    return _id(row.subject_id)


def _id(value: UUID | None) -> strawberry.ID | None:
    return None if value is None else strawberry.ID(str(value))
