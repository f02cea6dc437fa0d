"""What an importer has to say about its input: where, how bad, and why."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding at `table`, `row` (from 1) and `field`: ("XML4", 3, "NGAY_KQ") or ("Observation", 7, "code").

    An error refuses the visit it stands in, a warning is kept beside the accepted visit. `code` is a FHIR
    issue-type (structure, required, value, code-invalid, invariant, too-long, duplicate, security, not-supported,
    exception); `message` says what is wrong without repeating what a person's record says.
    """

    severity: Literal["error", "warning"]
    code: str
    table: str
    row: int | None
    field: str | None
    message: str

    def as_dict(self) -> dict[str, str | int | None]:
        return {slot: getattr(self, slot) for slot in self.__slots__}


def error(code: str, table: str, row: int | None, field: str | None, message: str) -> Issue:
    return Issue("error", code, table, row, field, message)


def warning(code: str, table: str, row: int | None, field: str | None, message: str) -> Issue:
    return Issue("warning", code, table, row, field, message)
