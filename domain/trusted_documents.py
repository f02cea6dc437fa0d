"""Trusted documents: GraphQL documents that apps name by their hash instead of sending them, published by an operator.

A document holds no data and gives no right; publishing one only says that its text is known and was looked at. One of
no client is for all. A client in `trusted_only` may use nothing else. The web process reads both by
`access.trusted_documents` (migrations/versions/0011_documents.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint, delete, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.database import Base
from domain.errors import Conflict
from domain.values import new_id

MOST_DOCUMENTS = 1_000
MOST_CHARACTERS = 500_000  # of all that are published: every process keeps their plans
OPTIONS = {"schema": "registry", "info": {"class": "reference"}}


class TrustedDocument(Base, kw_only=True):
    """`sha256`: of the text in UTF-8, lower-case hexadecimal; its name to the world is `sha256:<hex>`."""

    __tablename__ = "trusted_document"
    __table_args__ = (
        UniqueConstraint("sha256", "client_id", postgresql_nulls_not_distinct=True),
        CheckConstraint(
            "sha256 = encode(pg_catalog.sha256(convert_to(body, 'UTF8')), 'hex')", name="named_by_its_hash"
        ),
        OPTIONS,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    sha256: Mapped[str]
    client_id: Mapped[str | None] = mapped_column(default=None)
    name: Mapped[str] = mapped_column(default="")
    body: Mapped[str]
    published_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None] = mapped_column(default=None)


class TrustedOnly(Base, kw_only=True):
    """A client that sends no documents of its own."""

    __tablename__ = "trusted_only"
    __table_args__ = (OPTIONS,)

    client_id: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Publication:
    sha256: str
    name: str
    body: str


def publish(db: Session, documents: Sequence[Publication], client_id: str | None, now: datetime) -> set[str]:
    """Publish documents, again where they were withdrawn; the hashes of those that were not published before.

    Conflict where all published ones together would be too many or too long.
    """
    fresh = {one.sha256 for one in documents if _publish(db, one, client_id, now)}
    published = select(func.count(), func.coalesce(func.sum(func.length(TrustedDocument.body)), 0))
    count, characters = db.execute(published.where(TrustedDocument.withdrawn_at.is_(None))).one()
    if count > MOST_DOCUMENTS or characters > MOST_CHARACTERS:
        most = f"{MOST_DOCUMENTS} documents of {MOST_CHARACTERS} characters together"
        raise Conflict(f"no more than {most} can be published; withdraw some first")
    return fresh


def _publish(db: Session, document: Publication, client_id: str | None, now: datetime) -> bool:
    row = {"id": new_id(), "sha256": document.sha256, "client_id": client_id, "name": document.name}
    statement = insert(TrustedDocument).values(**row, body=document.body, published_at=now)
    again = statement.on_conflict_do_update(
        index_elements=["sha256", "client_id"],
        set_={"published_at": now, "withdrawn_at": None, "name": document.name},
        where=TrustedDocument.withdrawn_at.is_not(None),
    )
    return db.execute(again.returning(literal_column("1"))).first() is not None


def withdraw(db: Session, sha256: str, client_id: str | None, now: datetime) -> bool:
    """Whether there was one to withdraw."""
    meant = TrustedDocument.client_id.is_not_distinct_from(client_id)
    statement = update(TrustedDocument).values(withdrawn_at=now).returning(TrustedDocument.id)
    published = (TrustedDocument.sha256 == sha256, TrustedDocument.withdrawn_at.is_(None), meant)
    return db.execute(statement.where(*published)).first() is not None


def published(db: Session) -> list[TrustedDocument]:
    """All that can be used now, the newest first."""
    order = (TrustedDocument.published_at.desc(), TrustedDocument.id)
    return list(db.scalars(select(TrustedDocument).where(TrustedDocument.withdrawn_at.is_(None)).order_by(*order)))


def restrict(db: Session, client_id: str, now: datetime) -> None:
    """From now on this client may use trusted documents only."""
    db.execute(insert(TrustedOnly).values(client_id=client_id, since=now).on_conflict_do_nothing())


def release(db: Session, client_id: str) -> bool:
    """Whether the client was restricted."""
    gone = delete(TrustedOnly).where(TrustedOnly.client_id == client_id).returning(TrustedOnly.client_id)
    return db.execute(gone).first() is not None


def restricted(db: Session) -> list[str]:
    return list(db.scalars(select(TrustedOnly.client_id).order_by(TrustedOnly.client_id)))
