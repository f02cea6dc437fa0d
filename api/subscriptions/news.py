"""What a subscriber has not been told yet: merged as it comes in, so that it never grows, however slow he is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.consents.tables import CATEGORIES
from domain.sections import SECTIONS

KNOWN_ROWS = frozenset(f"{section.name}:{label}" for section in SECTIONS for label in ("", *CATEGORIES, "UNKNOWN"))
EVERYTHING = frozenset(f"{section.name}:" for section in SECTIONS)


@dataclass(slots=True)
class News:
    """`rows` are `section:label`, at most as many as there are. `is_any`: there is something to tell."""

    rows: set[str] = field(default_factory=set)
    revision: int | None = None
    is_any: bool = False
    may_have_missed: bool = False

    def add(self, payload: Mapping[str, Any]) -> None:
        """A payload of `domain.changes_feed`; what it says that nobody knows is dropped."""
        self.is_any = True
        rows, revision = payload.get("rows"), payload.get("revision")
        if isinstance(rows, list):
            self.rows |= KNOWN_ROWS.intersection(row for row in rows if isinstance(row, str))
        if isinstance(revision, int):
            self.revision = max(revision, self.revision or 0)

    def miss(self) -> None:
        """Something may have happened that nobody heard of."""
        self.is_any = self.may_have_missed = True
        self.rows |= EVERYTHING

    @property
    def told_revision(self) -> int | None:
        return None if self.may_have_missed else self.revision
