"""SQLAlchemy's base for every table, and the two shapes that a patient owns.

Each table declares its class in `info["class"]` (data design: docs/adr/0003):
- `patient`: owned by a patient, keyed `(patient_id, id)`, under row-level security;
- `appointment`: a patient's, keyed like `patient`, and shared with the one facility the row names;
- `clinic`: a facility's own, keyed `(organization_id, ...)`, read by everybody;
- `reference`: small, the same for everybody, rarely written;
- `intake`: what senders sent, and which person it was linked to;
- `lookup`: finds a patient by a keyed hash;
- `local`: everything a single server keeps for itself (tokens, jobs).
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import orjson
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, declared_attr, mapped_column
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from domain.values import PARTIAL_DATE, PartialDate, new_id

VERSIONS = Path(__file__).parents[1] / "migrations" / "versions"
REVISION = max(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*_*.py"))
"""Of migrations/: the newest, which this code needs. Both are installed side by side."""

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True, repr=False):
    """Rows are never printed: most of them tell of a person."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: TIMESTAMP(timezone=True),
        str: Text(),
        PartialDate: Text(collation="C"),
        UUID: Uuid(),
        list[str]: JSONB(none_as_null=True),
        dict[str, Any]: JSONB(none_as_null=True),
        list[dict[str, Any]]: JSONB(none_as_null=True),
    }


class _Owned(MappedAsDataclass, kw_only=True, repr=False):
    """What item and part have in common: whose it is, where it came from, who may see it.

    Millions of these are made by an import and written by Core; none ever lives in a session. So they are plain
    objects: everything in `__dict__`, without the mapper's bookkeeping, which costs ten times as much.
    """

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("book.patient.patient_id"), primary_key=True, init=False)
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    source_id: Mapped[UUID] = mapped_column(init=False)
    sensitivity: Mapped[str] = mapped_column(default="", server_default="")
    occurred: Mapped[PartialDate | None] = mapped_column(Text(collation="C"), default=None)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__table__" in cls.__dict__:
            cls.__init__ = _plain_init(cls.table())  # type: ignore[method-assign]  # the signature mypy knows stays

    def __setattr__(self, name: str, value: object) -> None:
        self.__dict__[name] = value

    @classmethod
    def own_columns(cls) -> tuple[str, ...]:
        """The columns that say something of the section itself, in order of declaration."""
        return tuple(name for name in cls.table().columns.keys() if name not in _PLUMBING)  # noqa: SIM118

    @classmethod
    def table(cls) -> Table:
        """The table of a mapped subclass, `book.labs`."""
        table: Table = cls.__table__  # type: ignore[attr-defined]  # mapped subclasses have it
        return table


USUAL_ORDER = ("occurred desc nulls last", "id desc")
"""Of the items of a section: what happened last comes first (api/pagination.py)."""


class Item(_Owned, kw_only=True, repr=False):
    """One fact of a section as one source reported it. Rows are never changed by a reader's view of them:

    - `fact_key` is equal for reports of the same event; the newest report is `shown`, its `sources` list them all;
    - `content_key` says what a report tells, part by part; where two tell a part differently, the shown row is
      `contradicted`;
    - `revision` is the patient's when the row was last touched (domain/revisions.py);
    - a corrected re-send sets `superseded_at` on the earlier version, which stays readable.
    """

    organization_id: Mapped[UUID] = mapped_column(init=False)
    document: Mapped[str] = mapped_column(default="")
    received_at: Mapped[datetime] = mapped_column(init=False)
    fact_key: Mapped[str] = mapped_column(init=False)
    content_key: Mapped[str] = mapped_column(init=False)
    shown: Mapped[bool] = mapped_column(init=False, server_default=text("true"))
    contradicted: Mapped[bool] = mapped_column(init=False, server_default=text("false"))
    superseded_at: Mapped[datetime | None] = mapped_column(init=False)
    sources: Mapped[list[dict[str, Any]]] = mapped_column(init=False)
    revision: Mapped[int] = mapped_column(BigInteger, init=False, server_default=text("1"))

    UNCOMPARED: ClassVar[frozenset[str]] = frozenset()

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:  # noqa: N805
        name = cls.__tablename__  # type: ignore[attr-defined]  # mapped subclasses have it
        return (
            Index(f"ix_{name}_page", "patient_id", *map(text, USUAL_ORDER), postgresql_where=text("shown")),
            Index(f"ix_{name}_fact", "patient_id", "fact_key"),
            CheckConstraint(f"occurred ~ '{PARTIAL_DATE}'", name="occurred"),
            {"schema": "book", "info": {"class": "patient"}},
        )

    def fact(self) -> tuple[str | None, ...]:
        """What makes two reports the same event, strongest first. Each section says it."""
        raise NotImplementedError

    def content(self) -> tuple[object, ...]:
        """What two reports of one event must agree on: all own columns but links, and those in UNCOMPARED."""
        values = self.__dict__
        return tuple(values[name] for name in self._compared())

    @classmethod
    @cache
    def _compared(cls) -> tuple[str, ...]:
        return tuple(name for name in cls.own_columns() if name not in cls.UNCOMPARED and not name.endswith("_id"))


class Part(_Owned, kw_only=True, repr=False):
    """A line of an item (a drug of a prescription): seen with its item, under the same section."""

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:  # noqa: N805
        return owned_by(cls.__tablename__, cls.ITEM, cls.ITEM_ID)  # type: ignore[attr-defined]


def owned_by(name: str, item: str, item_id: str) -> tuple[Any, ...]:
    """A part's key to its item; deferrable, because a source's rows move to another patient together."""
    return (
        ForeignKeyConstraint(
            ["patient_id", item_id],
            [f"book.{item}.patient_id", f"book.{item}.id"],
            deferrable=True,
            initially="DEFERRED",
        ),
        Index(f"ix_{name}_{item_id}", "patient_id", item_id),
        {"schema": "book", "info": {"class": "patient"}},
    )


_PLUMBING = frozenset(
    {
        "patient_id", "id", "source_id", "sensitivity", "organization_id", "document", "received_at", "fact_key",
        "content_key", "shown", "contradicted", "superseded_at", "sources", "revision",
    }
)  # fmt: skip


def open_engine(dsn: str, **options: Any) -> AsyncEngine:
    """SQLAlchemy's engine over asyncpg for an address `postgresql://...`."""
    url = dsn.replace("postgresql://", "postgresql+asyncpg://", 1)
    return create_async_engine(
        url, json_serializer=_json, json_deserializer=orjson.loads, hide_parameters=True, **options
    )


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _plain_init(table: Table) -> Callable[..., None]:
    """Every column in `__dict__`: as given, else its plain default, else None. TypeError names what is no column."""
    defaults = {
        column.key: column.default.arg if isinstance(column.default, ScalarElementColumnDefault) else None
        for column in table.columns
    }

    def init(self: Any, **given: Any) -> None:
        if not given.keys() <= defaults.keys():
            raise TypeError(f"no column of {table.name}: {', '.join(sorted(given.keys() - defaults.keys()))}")
        values = self.__dict__
        values.update(defaults)
        values["id"] = given.get("id") or new_id()
        values.update(given)

    return init


def digest(parts: tuple[object, ...]) -> str:
    """A short stable key of some values: 128 bits of SHA-256, hexadecimal."""
    return hashlib.sha256("\x1f".join("" if part is None else str(part) for part in parts).encode()).hexdigest()[:32]
