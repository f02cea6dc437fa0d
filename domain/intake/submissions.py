"""What an importer hands over and what it gets back, whatever the format."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from domain.database import Item, Part
from domain.exchange.issues import Issue
from domain.identity.evidence import Claim

Status = Literal["accepted", "unchanged", "superseded", "refused"]


@dataclass(slots=True, kw_only=True)
class Submission:
    """One source about one person, ready to be stored: as received, who it says it is about, and its rows.

    `key` is the sender's own name of it (MA_LK); a re-send under the same key replaces the earlier version. `origin`
    names the file, where several are imported together.
    """

    position: int
    format: Literal["qd4750", "fhir"]
    facility: str
    key: str
    content: bytes
    claim: Claim
    rows: Sequence[Item | Part]
    issues: list[Issue] = field(default_factory=list)
    restriction: str = ""
    kept: Sequence[str] = ()
    origin: str = ""


@dataclass(slots=True, kw_only=True)
class Rejected:
    """What could not be taken: kept whole with the reasons, to be replayed once the cause is mended."""

    position: int
    format: Literal["qd4750", "fhir"]
    facility: str | None
    key: str | None
    content: bytes
    issues: list[Issue]
    origin: str = ""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """One answer line. `kept` names what was received but belongs to no section (Claim, XML6)."""

    position: int
    key: str | None
    status: Status
    issues: list[Issue]
    kept: Sequence[str] = ()
    origin: str = ""
