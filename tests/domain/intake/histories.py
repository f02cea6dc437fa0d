"""Random decisions over a small book, as people at desks take them: imports, moves, merges and unmerges."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import HealthbookError
from domain.intake.importing import Importer
from domain.intake.links import explain, merge, never, relink, unmerge
from tests.conftest import NOW, Database
from tests.domain.intake.people_and_visits import CHAM, LAM, STATION, at, rows, send, told

BY: dict[str, Any] = {"by": "clerk-1", "reason": "seen", "now": NOW}


class Desk:
    """The intake role, one transaction a decision."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def do(self, what: Any, *args: Any, **said: Any) -> Any:
        async with self._engine.begin() as connection:
            return await what(connection, *args, **{**BY, **said})

    async def never(self, a: UUID, b: UUID) -> None:
        async with self._engine.begin() as connection:
            await never(connection, a, b, by="clerk-1", reason="two people")

    async def explain(self, source: UUID) -> Any:
        async with self._engine.begin() as connection:
            return await explain(connection, source)


STEP = st.one_of(
    st.tuples(st.just("import"), st.integers(0, 5), st.integers(0, 5)),
    st.tuples(st.just("relink"), st.integers(0, 5), st.integers(0, 4)),
    st.tuples(st.just("merge"), st.integers(0, 4), st.integers(0, 4)),
    st.tuples(st.just("unmerge"), st.integers(0, 4), st.integers(0, 4)),
)
START = [("import", 0, 0), ("import", 1, 1), ("import", 2, 2), ("import", 3, 0)]
PEOPLE = (CHAM, LAM, CHAM | {"HO_TEN": "LÊ THỊ HỒNG"})
DISEASES = ("I10", "B20")  # the second is a sensitive one


class History:
    """Random decisions over a small book; what the rules refuse is refused and changes nothing."""

    def __init__(self, database: Database, importer: Importer, desk: Desk) -> None:
        self.database, self.importer, self.desk = database, importer, desk
        self._minutes = 0

    async def take(self, what: str, a: int, b: int) -> None:
        self._minutes += 1
        now = NOW + timedelta(minutes=self._minutes)
        try:
            if what == "import":
                visit = told(
                    f"V{a}",
                    PEOPLE[b % len(PEOPLE)],
                    STATION if a % 2 else "01001",
                    CAN_NANG=f"{self._minutes}.00",
                    MA_BENH_CHINH=DISEASES[b // len(PEOPLE) % len(DISEASES)],
                )
                await send(at(self.importer, self._minutes), visit)
            elif what == "relink":
                await self._relink(a, b, now)
            else:
                await self._join(merge if what == "merge" else unmerge, a, b, now)
        except HealthbookError:
            pass

    async def _relink(self, a: int, b: int, now: Any) -> None:
        sources = await rows(self.database.owner, "select id from intake.source_record order by id")
        known = [*await self._patients(), None]
        if sources:
            await self.desk.do(relink, sources[a % len(sources)], known[b % len(known)], now=now)

    async def _join(self, what: Any, a: int, b: int, now: Any) -> None:
        if what is merge:
            pair = await self.two_living(a, b)
        else:
            told = "select patient_id, old_id from access.patient_redirect order by created_at"
            merged = await rows(self.database.owner, told)
            pair = merged[a % len(merged)] if merged else None
        if pair:
            await self.desk.do(what, *pair, now=now)

    async def two_living(self, a: int, b: int) -> tuple[UUID, UUID] | None:
        """Two different patients who have sources."""
        known = await rows(self.database.owner, "select distinct patient_id from intake.link where undone_at is null")
        known.sort()
        kept = known.pop(a % len(known))
        return (kept, known[b % len(known)]) if known else None

    async def _patients(self) -> list[UUID]:
        return await rows(self.database.owner, "select patient_id from book.patient order by patient_id")
