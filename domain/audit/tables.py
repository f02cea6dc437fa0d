"""What is kept of every request and of every seal.

Rows of the log are only inserted; runtime roles can do nothing else with them. The table is partitioned by month;
`access.begin` and its kin write it (migrations/versions/0006_decision.py).
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Uuid, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from domain.database import Base
from domain.values import new_id


class AccessLog(Base, kw_only=True):
    """Who asked for which sections of whose book, on whose behalf and why, and which of them were opened.

    `outcome`: ALLOWED, REFUSED (no right), SCOPE (the token does not reach so far), DEAD (the sign-in had ended).
    `purpose`: HL7 PurposeOfUse of a reading; of anything else the name of the action, with no sections.
    """

    __tablename__ = "access_log"
    __table_args__ = (
        Index("ix_access_log_grant_id", "grant_id", "at"),
        Index("ix_access_log_at", "at", postgresql_using="brin", postgresql_with={"autosummarize": True}),
        Index("ix_access_log_others", "patient_id", "at", "id", postgresql_where=text("basis <> 'self'")),
        {
            "schema": "access",
            "info": {"class": "local"},
            "postgresql_partition_by": "range (at)",
        },
    )

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True, server_default=func.clock_timestamp())
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id, server_default=text("uuidv7()"))
    grant_id: Mapped[UUID]
    client_id: Mapped[str]
    citizen_id: Mapped[UUID | None] = mapped_column(default=None)
    organization_id: Mapped[UUID | None] = mapped_column(default=None)
    basis: Mapped[str]
    purpose: Mapped[str]
    sections: Mapped[list[str]] = mapped_column(ARRAY(Text))
    opened: Mapped[list[str]] = mapped_column(ARRAY(Text))
    outcome: Mapped[str]
    consent_ids: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid), default=None)
    related_person_id: Mapped[UUID | None] = mapped_column(default=None)
    emergency_id: Mapped[UUID | None] = mapped_column(default=None)
    request_id: Mapped[UUID | None] = mapped_column(default=None)


class LogSeal(Base, kw_only=True):
    """A batch of log entries that can no longer change unseen: all of `after` < at <= `until`, in order (at, id).

    An entry's hash is the SHA-256 of its line (`access.log_line`, in the form of this seal's `version`). `root` is the
    SHA-256 of the hashes one after the other, `marks` the first 8 bytes of each, to find the place of a change; `hash`
    is that of `previous_hash` and this seal. The seals of a day end in a signed root (`day_root`), which is published.
    """

    __tablename__ = "log_seal"
    __table_args__ = ({"schema": "access", "info": {"class": "local"}},)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    after: Mapped[datetime]
    until: Mapped[datetime]
    entries: Mapped[int]
    root: Mapped[bytes]
    previous_hash: Mapped[bytes]
    hash: Mapped[bytes]
    sealed_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    marks: Mapped[bytes] = mapped_column(default=b"", server_default=text("''"))


class DayRoot(Base, kw_only=True):
    """The last seal at the end of a day in Vietnam, signed (JWS) and published, so that a lost day can be proved.

    Every day since the first seal has one; a day without entries repeats the seal of the day before.
    """

    __tablename__ = "day_root"
    __table_args__ = ({"schema": "access", "info": {"class": "local"}},)

    day: Mapped[str] = mapped_column(primary_key=True)
    seal_number: Mapped[int]
    hash: Mapped[bytes]
    signed: Mapped[str]
    signed_at: Mapped[datetime]
