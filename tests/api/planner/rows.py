"""A list of laboratory results as a test wants it, in the book of the first citizen."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import orjson

from domain.values import new_id
from tests.api.conftest import Book

COLUMNS = (
    "patient_id", "id", "source_id", "organization_id", "document", "received_at", "fact_key", "content_key",
    "sources", "status", "occurred", "code", "display",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """`recorded` is the hour of a day on which the book received it."""

    id: UUID
    occurred: str | None
    recorded: int = 0
    code: str | None = None
    display: str | None = None
    facility: str = "01001"

    @property
    def received_at(self) -> datetime:
        return datetime(2026, 1, 1, self.recorded, 0, 0, 123457, tzinfo=UTC)


async def write(book: Book, rows: list[Row], *, keep: bool = False) -> UUID:
    """The first citizen's results are these, or these too. His patient."""
    patient = (await book.sql("select patient_id from access.citizen where id = $1", book.citizens[0]))[0][0]
    if not keep:
        await book.sql("delete from book.labs where patient_id = $1", patient)
    for row in rows:
        source = new_id()
        sources = [{"id": str(source), "organization_code": row.facility, "document": "XML4"}]
        values = (
            patient, row.id, source, new_id(), "XML4", row.received_at, str(row.id), "",
            orjson.dumps(sources).decode(), "final", row.occurred, row.code, row.display,
        )  # fmt: skip
        marks = ", ".join(f"${n}" for n in range(1, len(COLUMNS) + 1))
        await book.sql(f"insert into book.labs ({', '.join(COLUMNS)}) values ({marks})", *values)
    return patient
