"""Invented submissions in few words, and what the book then says. `sent(visit())` is a visit ready for the importer."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from io import BytesIO
from typing import Any

import asyncpg

from domain.database import Base
from domain.intake.importing import Importer
from domain.intake.qd4750 import submissions
from domain.intake.submissions import Outcome, Rejected, Submission
from tests.domain.exchange.qd4750.builders import envelope, visit

TODAY = date(2026, 11, 21)
HOSPITAL, STATION = "01001", "01002"
CHAM = {"HO_TEN": "NGUYỄN THỊ CHÀM", "SO_CCCD": "001155000123", "NGAY_SINH": "195503140000", "GIOI_TINH": "2"}
LAM = {"HO_TEN": "TRẦN VĂN LAM", "SO_CCCD": "001070000456", "NGAY_SINH": "197005020000", "GIOI_TINH": "1"}
NO_CARD = {"MA_THE_BHYT": "", "MA_DKBD": "", "GT_THE_TU": "", "GT_THE_DEN": ""}


def told(episode: str, person: dict[str, str] = CHAM, facility: str = HOSPITAL, **changes: str) -> bytes:
    """A HOSO with a drug, a service, a result and a note; only XML1's fields change."""
    local = {"MA_BN": f"BN-{person['HO_TEN']}-{person['SO_CCCD']}"[:100]}
    return visit(episode, **{**NO_CARD, **local, **person, "MA_CSKCB": facility, **changes})


def read(*visits: bytes) -> list[Submission | Rejected]:
    content = envelope(*visits).replace(b"<MACSKCB>01001</MACSKCB>", b"<MACSKCB></MACSKCB>")
    return list(submissions(BytesIO(content), today=TODAY))


async def send(importer: Importer, *visits: bytes) -> list[Outcome]:
    return [outcome async for outcome in importer.take(read(*visits))]


async def statuses(importer: Importer, *visits: bytes) -> list[str]:
    return [outcome.status for outcome in await send(importer, *visits)]


def at(importer: Importer, minute: int) -> Importer:
    """The same importer some minutes later."""
    clock = importer.clock
    return replace(importer, clock=lambda: clock().replace(minute=minute))


BOOK = sorted(table.fullname for table in Base.metadata.tables.values() if table.schema in ("book", "intake"))
MOMENTS = frozenset(
    {"created_at", "received_at", "superseded_at", "decided_at", "undone_at", "asked_at", "resolved_at"}
)


async def dump(dsn: str, tables: Iterable[str] = BOOK, *, without: Iterable[str] = ()) -> dict[str, list[str]]:
    """Every row of some tables as text, in a fixed order, so that two moments can be compared."""
    connection = await asyncpg.connect(dsn)
    try:
        left = sorted(without)
        return {
            table: [
                row[0]
                for row in await connection.fetch(
                    f"select (to_jsonb(t) - $1::text[])::text from {table} t order by 1", left
                )
            ]
            for table in tables
        }
    finally:
        await connection.close()


async def rows(dsn: str, sql: str, *args: Any) -> list[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        return [tuple(row) if len(row) > 1 else row[0] for row in await connection.fetch(sql, *args)]
    finally:
        await connection.close()


async def patients(dsn: str) -> list[Any]:
    """Each patient that somebody is linked to now, with the names he is known by."""
    return await rows(
        dsn,
        """select l.patient_id, array_agg(distinct d.name order by d.name)
             from intake.link l join intake.source_record s on s.id = l.source_id and s.superseded_at is null
             left join book.demographics d on d.source_id = s.id
            where l.undone_at is null group by 1 order by min(l.id::text)""",
    )


async def patient_of(dsn: str, episode: str, facility: str = HOSPITAL) -> Any:
    (found,) = await rows(
        dsn,
        """select l.patient_id from intake.link l join intake.source_record s on s.id = l.source_id
             join registry.organization o on o.id = s.organization_id
            where l.undone_at is null and s.superseded_at is null and s.key = $1 and o.code = $2""",
        episode,
        facility,
    )
    return found


async def source_of(dsn: str, episode: str, facility: str = HOSPITAL) -> Any:
    (found,) = await rows(
        dsn,
        """select s.id from intake.source_record s join registry.organization o on o.id = s.organization_id
            where s.superseded_at is null and s.key = $1 and o.code = $2""",
        episode,
        facility,
    )
    return found
