"""What a phone needs to catch up with a book: each patient's revision, and what is no longer there.

Every transaction that changes a patient's rows takes the next revision of that patient and writes it into each row it
touches; patients are locked while they are written (domain/intake/versions.py), so a later revision is a later commit.
A row that goes out of a reader's sight leaves a removal, which exactly those see who could see the row before.
"""

from uuid import UUID

from sqlalchemy import BigInteger, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base
from domain.values import PartialDate, new_id


class Removal(Base, kw_only=True):
    """`item_id` of `section` is not to be shown any more: replaced, withdrawn, moved to another person, or relabelled.

    `occurred` and `sensitivity` are those the row had, for row-level security.
    """

    __tablename__ = "removal"
    __table_args__ = (
        Index(None, "patient_id", "section", "revision"),
        {"schema": "book", "info": {"class": "patient"}},
    )

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    revision: Mapped[int] = mapped_column(BigInteger)
    section: Mapped[str]
    item_id: Mapped[UUID]
    occurred: Mapped[PartialDate | None] = mapped_column(Text(collation="C"), default=None)
    sensitivity: Mapped[str]
