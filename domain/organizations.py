"""Facilities that send and read: hospitals, stations, pharmacies. FHIR R4 Organization; code = MA_CSKCB.

A code that an importer meets for the first time makes a row without a name, so nothing received waits for a list.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from domain.changes_feed import Tells, Told, right_of
from domain.database import Base
from domain.values import new_id

UNKNOWN_SENDER = "00000"
KINDS = ("hospital", "commune_station", "clinic", "pharmacy", "vaccination_centre", "other")


class Organization(Tells, Base, kw_only=True):
    __tablename__ = "organization"
    __table_args__ = (
        CheckConstraint("status in ('active', 'suspended')", name="status"),
        CheckConstraint("kind is null or kind in {}".format(KINDS), name="kind"),  # noqa: UP032 -- a tuple reads as SQL
        {"schema": "registry", "info": {"class": "reference"}},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str | None] = mapped_column(default=None)
    name_en: Mapped[str | None] = mapped_column(default=None)
    kind: Mapped[str | None] = mapped_column(default=None)
    province: Mapped[str | None] = mapped_column(default=None)
    commune: Mapped[str | None] = mapped_column(default=None)
    address: Mapped[str | None] = mapped_column(default=None)
    status: Mapped[str] = mapped_column(default="active")
    created_at: Mapped[datetime] = mapped_column(init=False, server_default=func.now())

    def tells(self) -> Iterable[Told]:
        return () if self.status == "active" else right_of("organizations", self.id)


async def by_code(connection: AsyncConnection, codes: Iterable[str]) -> dict[str, Organization]:
    """The facilities of some codes; a code not seen before gets its row now. Runs in the caller's transaction."""
    wanted = sorted(set(codes))
    if not wanted:
        return {}
    found = await _select(connection, wanted)
    missing = [{"id": new_id(), "code": code, "status": "active"} for code in wanted if code not in found]
    if missing:
        await connection.execute(insert(Organization).on_conflict_do_nothing(index_elements=["code"]), missing)
        found = await _select(connection, wanted)
    return found


async def save(connection: AsyncConnection, facilities: Sequence[Mapping[str, Any]]) -> None:
    """Write the particulars of facilities, by code; what is known replaces what was."""
    for facility in facilities:
        values = {key: facility.get(key) for key in ("name", "name_en", "kind", "province", "commune", "address")}
        statement = insert(Organization).values(id=new_id(), code=facility["code"], status="active", **values)
        await connection.execute(statement.on_conflict_do_update(index_elements=["code"], set_=values))


async def _select(connection: AsyncConnection, codes: Sequence[str]) -> dict[str, Organization]:
    columns = (Organization.id, Organization.code, Organization.name, Organization.status)
    rows = await connection.execute(select(*columns).where(Organization.code.in_(codes)))
    return {row.code: row for row in rows}  # type: ignore[misc]  # rows carry the columns an importer needs
