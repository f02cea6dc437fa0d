"""The table of documents, and what makes two reports one document."""

from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, Item
from domain.exchange.moments import minute_of
from domain.values import PartialDate

DISCHARGE, SUMMARY, NOTE, REPORT, OTHER = (
    "discharge-paper",
    "record-summary",
    "clinical-note",
    "laboratory-report",
    "other",
)
# LOINC types of documents: ours is the first of each kind.
KINDS = {
    "18842-5": DISCHARGE,
    "28655-9": DISCHARGE,
    "34133-9": SUMMARY,
    "60591-5": SUMMARY,
    "11506-3": NOTE,
    "34109-9": NOTE,
    "11502-2": REPORT,
}
UNREAD = ("hiv-care", "birth-certificate", "maternity-leave", "sick-leave", "assessment", "tuberculosis-care")
EVERY_KIND = frozenset({*KINDS.values(), *UNREAD, OTHER})


class Document(Item, Base):
    __tablename__ = "documents"
    UNCOMPARED: ClassVar[frozenset[str]] = frozenset(
        {
            "occurred", "progress", "code_system", "code", "display", "title", "number", "period_start", "period_end",
            "author", "author_code", "custodian", "custodian_code", "language", "sections", "attachments",
        }
    )  # fmt: skip

    encounter_id: Mapped[UUID | None] = mapped_column(default=None)
    kind: Mapped[str] = mapped_column(default=OTHER)
    status: Mapped[str] = mapped_column(default="current")
    progress: Mapped[str | None] = mapped_column(default=None)
    code_system: Mapped[str | None] = mapped_column(default=None)
    code: Mapped[str | None] = mapped_column(default=None)
    display: Mapped[str | None] = mapped_column(default=None)
    title: Mapped[str | None] = mapped_column(default=None)
    number: Mapped[str | None] = mapped_column(default=None)
    period_start: Mapped[PartialDate | None] = mapped_column(Text(collation="C"), default=None)
    period_end: Mapped[PartialDate | None] = mapped_column(Text(collation="C"), default=None)
    author: Mapped[str | None] = mapped_column(default=None)
    author_code: Mapped[str | None] = mapped_column(default=None)
    custodian: Mapped[str | None] = mapped_column(default=None)
    custodian_code: Mapped[str | None] = mapped_column(default=None)
    language: Mapped[str | None] = mapped_column(default=None)
    sections: Mapped[list[dict[str, Any]] | None] = mapped_column(default=None)
    attachments: Mapped[list[dict[str, Any]] | None] = mapped_column(default=None)

    def fact(self) -> tuple[str | None, ...]:
        """A paper of a kind by number, type or title. Many notes and reports share a minute: their own words too."""
        words = {NOTE: "\n".join(self.texts()), REPORT: self.title}.get(self.kind)
        return (self.kind, self.number or self.code or self.title, minute_of(self.occurred), words)

    def texts(self) -> list[str]:
        return [one["text"] for one in self.sections or [] if one.get("text")]


def section(code: str | None, title: str | None, text: str) -> dict[str, Any]:
    return {"code": code, "title": title, "text": text}
