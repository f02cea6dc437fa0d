"""How a phone sees an attachment: what there is, never its bytes."""

import strawberry

from api.planner.sources import field
from api.scalars import PartialDate


@strawberry.type(
    description="A file that belongs to an item; its bytes stay in the received document. FHIR: Attachment"
)
class Attachment:
    content_type: str | None = field("Its MIME type. FHIR: Attachment.contentType")
    title: str | None = field("Its title. FHIR: Attachment.title")
    url: str | None = field("Where the sender keeps it; the book never fetches it. FHIR: Attachment.url")
    size_bytes: int | None = field("Its size. FHIR: Attachment.size")
    created: PartialDate | None = field("When it was made. FHIR: Attachment.creation")
