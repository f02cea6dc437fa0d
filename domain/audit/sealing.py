"""Sealing the log, and the signed end of each day.

What is sealed must be complete: an entry that commits later, but bears an earlier time, would stand behind a seal.
An entry's time is taken by its own transaction, so it is not before that transaction's start. Hence the horizon: no
entry is sealed that is as young as the oldest transaction that may write still, nor younger than `MARGIN`. The
margin is longer than such a transaction may live (20 s, migrations/versions/0007_log.py), and lets the clock of the
database be set back a little.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from domain.audit.chain import (
    BEGINNING,
    HASH_BYTES,
    MICROSECOND,
    NO_SEAL,
    day_of,
    end_of,
    hash_of,
    last_of_minute,
    marks_of,
    root_of,
)
from domain.audit.tables import DayRoot, LogSeal

MARGIN = timedelta(seconds=30)
LINE_VERSION = 1
"""The newest form of `access.log_line`."""

Sign = Callable[[Mapping[str, Any]], str]
"""Makes a compact JWS of some claims."""

# Who may write the log: these logins of the service, and whoever has written anything already (an owner's session);
# intake has no right to it. A session of theirs that the worker's role may not look into (its backend_type is null)
# could hide one.
HORIZON = text(
    """
    select least(clock_timestamp() - cast(:margin as interval), min(a.xact_start)) - interval '1 microsecond'
             as horizon,
           coalesce(bool_or(a.backend_type is null), false) as is_blind
      from pg_stat_activity a
     where a.datname = current_database() and a.pid <> pg_backend_pid()
       and (a.usename in ('healthbook_web', 'healthbook_consent', 'healthbook_auth')
            or a.usename <> 'healthbook_intake' and a.backend_type = 'client backend' and a.backend_xid is not null)
    """
)
FIRST = text("select min(at) from access.access_log where at > :after and at <= :until")
HASHES = text(
    """
    select count(*) as entries,
           string_agg(sha256(convert_to(access.log_line(e, :version), 'UTF8')), ''::bytea order by e.at, e.id) as hashes
      from access.access_log e
     where e.at > :after and e.at <= :until
    """
)


class CannotSeal(RuntimeError):
    """The worker's role may not see who is writing; it needs pg_read_all_stats."""


def seal_next(db: Session, now: datetime, *, margin: timedelta = MARGIN) -> LogSeal | None:
    """Seal the first entries that are not yet: at most those of one minute of the clock. None: there are none.

    A transaction of its own, in READ COMMITTED: the lock lets one sealer work at a time, then the horizon is read,
    and only then the entries. The caller commits.
    """
    return _seal(db, now, lock_and_horizon(db, margin))


def lock_and_horizon(db: Session, margin: timedelta) -> datetime:
    """Every entry up to here is committed and seen by the statements that follow in this transaction."""
    db.execute(text("lock table access.log_seal in share row exclusive mode"))
    row = db.execute(HORIZON, {"margin": margin}).one()
    if row.is_blind:
        raise CannotSeal("sessions of the service cannot be seen: grant pg_read_all_stats to the owner")
    horizon: datetime = row.horizon
    return horizon


def _seal(db: Session, now: datetime, horizon: datetime) -> LogSeal | None:
    last = db.scalar(select(LogSeal).order_by(LogSeal.number.desc()).limit(1))
    after = last.until if last else BEGINNING
    first = db.scalar(FIRST, {"after": after, "until": horizon})
    if first is None:
        return None
    until = min(last_of_minute(first), horizon)
    hashes = hashes_between(db, after, until, LINE_VERSION)
    seal = LogSeal(
        number=last.number + 1 if last else 1,
        after=after,
        until=until,
        entries=len(hashes) // HASH_BYTES,
        root=root_of(hashes),
        previous_hash=last.hash if last else NO_SEAL,
        hash=b"",
        sealed_at=now,
        version=LINE_VERSION,
        marks=marks_of(hashes),
    )
    seal.hash = hash_of(seal)
    db.add(seal)
    db.flush()
    return seal


def hashes_between(db: Session, after: datetime, until: datetime, version: int) -> bytes:
    """SHA-256 of each entry of `after` < at <= `until`, in order. ValueError: this code knows no such version."""
    row = db.execute(HASHES, {"after": after, "until": until, "version": version}).one()
    hashes: bytes = row.hashes or b""
    if len(hashes) != row.entries * HASH_BYTES:
        raise ValueError("the log was sealed by a newer version of this program")
    return hashes


def sign_next_day(db: Session, now: datetime, sign: Sign, *, margin: timedelta = MARGIN) -> DayRoot | None:
    """Sign the first day that is over, wholly sealed, and not signed yet. None: there is none. The caller commits."""
    horizon = lock_and_horizon(db, margin)
    day = _next_day(db)
    if day is None or end_of(day) > horizon or _is_open(db, end_of(day)):
        return None
    last = db.scalars(select(LogSeal).where(LogSeal.until < end_of(day)).order_by(LogSeal.number.desc()).limit(1)).one()
    root = DayRoot(
        day=day.isoformat(), seal_number=last.number, hash=last.hash, signed=sign(claims(day, last)), signed_at=now
    )
    db.add(root)
    db.flush()
    return root


def claims(day: date, last: LogSeal) -> dict[str, Any]:
    """What the signature of a day says."""
    return {"day": day.isoformat(), "seal": last.number, "hash": last.hash.hex()}


def _next_day(db: Session) -> date | None:
    """The day after the last one signed, else that of the first seal."""
    signed = db.scalar(select(DayRoot.day).order_by(DayRoot.day.desc()).limit(1))
    if signed is not None:
        return date.fromisoformat(signed) + timedelta(days=1)
    first = db.scalar(select(LogSeal.until).order_by(LogSeal.number).limit(1))
    return day_of(first) if first is not None else None


def _is_open(db: Session, end: datetime) -> bool:
    """Whether the log holds entries of before `end` that no seal covers."""
    sealed = db.scalar(select(LogSeal.until).order_by(LogSeal.number.desc()).limit(1)) or BEGINNING
    return db.scalar(FIRST, {"after": sealed, "until": end - MICROSECOND}) is not None
