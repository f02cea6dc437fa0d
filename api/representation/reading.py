"""Arguments as values: ids that say whose row they name, and instants. What is none of ours is Invalid."""

import base64
from datetime import UTC, datetime
from typing import NoReturn
from uuid import UUID

import strawberry

from api.planner.plan import NodeId
from api.scalars import Instant
from domain.errors import Invalid

LONGEST_ID = 128


def own_id(kind: str, patient_id: UUID, id_: UUID) -> strawberry.ID:
    """The opaque id of a row that belongs to a patient, in the form of `access.node_id`."""
    raw = kind.encode() + patient_id.bytes + id_.bytes
    return strawberry.ID(base64.urlsafe_b64encode(raw).decode().rstrip("="))


def read_own_id(kind: str, text: str, argument: str = "id") -> tuple[UUID, UUID]:
    """Patient and row of an id that `own_id` wrote for this kind."""
    if len(text) <= LONGEST_ID and text.isascii():
        read = NodeId.read(text)
        if read.kind == kind:
            return read.patient_id, read.id
    raise Invalid(argument, f"`{argument}` is not an id of this API.")


def patient(text: str | None) -> UUID | None:
    """A patient's id as told; None for the caller's own."""
    try:
        return UUID(text) if text is not None else None
    except ValueError:
        raise Invalid("patientId", "`patientId` is not a patient's id.") from None


def told(moment: datetime) -> Instant:
    return Instant(moment.astimezone(UTC).isoformat())


def told_or_none(moment: datetime | None) -> Instant | None:
    return None if moment is None else told(moment)


def moment(text: str, argument: str) -> datetime:
    """An instant with its offset, RFC 3339."""
    try:
        read = datetime.fromisoformat(text)
        return read.astimezone(UTC) if read.tzinfo is not None else _no_instant(argument)
    except (ValueError, OverflowError):
        return _no_instant(argument)


def _no_instant(argument: str) -> NoReturn:
    raise Invalid(argument, f"`{argument}` is an instant with its offset, such as 2027-01-31T00:00:00+07:00.") from None
