"""Pages of requests: their size, and the place where one begins."""

import base64
import binascii
from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from domain.consents.requests import Place
from domain.errors import Invalid

LARGEST_PAGE = 100
LONGEST_CURSOR = 128
First = Annotated[int, strawberry.argument(description="At most so many, 1 to 100.")]
After = Annotated[str | None, strawberry.argument(description="The `endCursor` of the page before.")]


def size(first: int) -> int:
    if not 1 <= first <= LARGEST_PAGE:
        raise Invalid("first", f"`first` must be between 1 and {LARGEST_PAGE}.")
    return first


def place(after: str | None) -> Place | None:
    """The place that a cursor names. Invalid where it is none of ours."""
    if after is None:
        return None
    try:
        at, _, id_ = base64.urlsafe_b64decode(after[:LONGEST_CURSOR].encode("ascii")).decode("ascii").partition("|")
        read = Place(datetime.fromisoformat(at), UUID(id_))
    except (ValueError, binascii.Error):
        read = None
    if read is None or read.at.utcoffset() is None:
        raise Invalid("after", "`after` is not a cursor of this API.")
    return read


def cursor(at: datetime, id_: UUID) -> str:
    """RFC 4648 5, opaque to clients."""
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{id_}".encode()).decode()
