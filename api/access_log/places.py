"""The id of an entry, which is also the cursor after it: `base64url("<microseconds since 1970>|<uuid>")`."""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.audit.chain import microseconds
from domain.errors import Invalid

_LONGEST = 100
_TEXT = re.compile(r"(\d{1,17})\|([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Place = tuple[datetime, UUID]


def place_text(at: datetime, id_: UUID) -> str:
    return base64.urlsafe_b64encode(f"{microseconds(at)}|{id_}".encode()).rstrip(b"=").decode()


def place_of(text: str, argument: str) -> Place:
    """Invalid, naming the argument, for what this API did not give out."""
    found = _TEXT.fullmatch(_decoded(text))
    if found is None:
        raise Invalid(argument, f"`{argument}` is not an entry of this API.")
    return _EPOCH + timedelta(microseconds=int(found[1])), UUID(found[2])


def _decoded(text: str) -> str:
    """Empty for what is no base64url of ASCII, or too long."""
    if len(text) > _LONGEST:
        return ""
    try:
        return base64.urlsafe_b64decode(f"{text}{'=' * (-len(text) % 4)}").decode("ascii")
    except (ValueError, binascii.Error):
        return ""
