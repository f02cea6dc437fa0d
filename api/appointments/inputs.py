"""What a phone says of appointments, as values of the domain. What is malformed is Invalid, never a fault."""

import base64
import binascii
import hashlib
import re
from datetime import date, datetime, time
from typing import Annotated
from uuid import UUID

import strawberry

from api.appointments.types import SLOT
from api.planner.plan import NodeId
from api.representation.reading import LONGEST_ID, moment, read_own_id
from domain.appointments.places import Place
from domain.appointments.slips import SECTION_OF, Slip
from domain.errors import Invalid

LONGEST_NAME, LONGEST_KEY, LONGEST_CURSOR = 100, 200, 128
YEARS = range(2000, 2200)
_PHONE = re.compile(r"\+?[0-9][0-9 .-]{6,19}")
_KINDS = {section: kind for kind, section in SECTION_OF.items()}

PatientId = Annotated[strawberry.ID | None, strawberry.argument(description="For whom; for oneself unless told.")]
SlotId = Annotated[strawberry.ID, strawberry.argument(description="The slot, as `slots` names it.")]
AppointmentId = Annotated[
    strawberry.ID, strawberry.argument(description="The appointment, as `appointments` names it.")
]
SlipId = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="The `id` of the referral or re-examination slip in the patient's book."),
]
Key = Annotated[
    str | None,
    strawberry.argument(
        description="Made up once for each tap: the same again gives the same answer, and no second place."
    ),
]


@strawberry.input(description="What the desk may call the patient by. Erased 90 days after. FHIR: Patient.contact")
class ContactInput:
    name: str = strawberry.field(description="His name, at most 100 characters. FHIR: HumanName.text")
    phone: str = strawberry.field(description="A number to ring. FHIR: ContactPoint.value")

    def checked(self) -> "ContactInput":
        if not (self.name.strip() and len(self.name) <= LONGEST_NAME and self.name.isprintable()):
            raise Invalid("contact", f"`name` is a text of at most {LONGEST_NAME} characters.")
        if not _PHONE.fullmatch(self.phone):
            raise Invalid("contact", "`phone` is a telephone number.")
        return self


def slot_of(text: str, argument: str = "slotId") -> Place:
    organization_id, slot_id = read_own_id(SLOT, text, argument)
    return Place(organization_id, slot_id)


def slip_of(text: str | None) -> Slip | None:
    """A slip by the node id of its item. Invalid where it is an item of another section."""
    if text is None:
        return None
    if len(text) <= LONGEST_ID and text.isascii():
        read = NodeId.read(text)
        if read.kind in _KINDS:
            return Slip(_KINDS[read.kind], read.id)
    raise Invalid("slipId", "`slipId` is the id of an item of `referrals` or `followUps`.")


def key_of(caller: UUID | None, action: str, key: str | None) -> bytes | None:
    """The hash of an idempotency key, of one caller and one kind of request."""
    if key is None:
        return None
    if not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
        raise Invalid("idempotencyKey", f"`idempotencyKey` is a text of 1 to {LONGEST_KEY} characters.")
    return hashlib.sha256(f"{caller} {action} {key}".encode()).digest()


def day_of(text: str, argument: str = "date") -> date:
    """2026-11-25, of this century or the next."""
    try:
        read = date.fromisoformat(text)
    except ValueError:
        return _no_day(argument)
    return read if len(text) == len("2026-11-25") and read.year in YEARS else _no_day(argument)


def instant_of(text: str, argument: str) -> datetime:
    """An instant with its offset, of this century or the next: nothing that is reckoned from it runs out of days."""
    read = moment(text, argument)
    if read.year not in YEARS:
        raise Invalid(argument, f"`{argument}` is too far away.")
    return read


def _no_day(argument: str) -> date:
    raise Invalid(argument, f"`{argument}` is a day such as 2026-11-25.")


def clock_of(text: str, argument: str) -> time:
    """07:30, on the clinic's clock."""
    if re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text) is None:
        raise Invalid(argument, f"`{argument}` is a time such as 07:30.")
    return time.fromisoformat(text)


def cursor(at: datetime, id_: UUID, km: float | None = None) -> str:
    """Opaque place of a slot or an appointment (RFC 4648 5)."""
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{id_}|{km or 0.0!r}".encode()).decode()


def place_of(after: str | None) -> tuple[datetime, UUID, float] | None:
    """What `cursor` wrote. Invalid where it is none of ours."""
    if after is None:
        return None
    try:
        at, id_, km = base64.urlsafe_b64decode(after[:LONGEST_CURSOR].encode("ascii")).decode("ascii").split("|")
        read = datetime.fromisoformat(at), UUID(id_), float(km)
    except (ValueError, binascii.Error):
        read = None
    if read is None or read[0].utcoffset() is None or read[0].year not in YEARS or not 0 <= read[2] <= 50_000:  # noqa: PLR2004 -- round the earth
        raise Invalid("after", "`after` is not a cursor of this API.")
    return read
