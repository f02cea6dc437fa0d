"""The arithmetic of the chain: from entries' hashes to a seal's hash. SHA-256 throughout; no database.

Anybody can compute it again: a seal's hash is SHA-256 of the previous one's 32 bytes and of a JSON array of the
seal's values, instants as microseconds since 1970, hashes as hexadecimal.
"""

import hashlib
import json
from datetime import UTC, date, datetime, time, timedelta

from domain.audit.tables import LogSeal
from domain.values import VIETNAM

HASH_BYTES, MARK_BYTES = 32, 8
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any entry; the first seal starts here, after no other."""
NO_SEAL = bytes(HASH_BYTES)
MICROSECOND = timedelta(microseconds=1)
"""The database keeps time no finer."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def root_of(hashes: bytes) -> bytes:
    """Of the entries' hashes, one after the other."""
    return hashlib.sha256(hashes).digest()


def marks_of(hashes: bytes) -> bytes:
    return b"".join(hashes[place : place + MARK_BYTES] for place in range(0, len(hashes), HASH_BYTES))


def hash_of(seal: LogSeal) -> bytes:
    """What `seal.hash` has to be. When it was sealed is not part of it: nothing hangs on that."""
    told = [
        seal.number,
        microseconds(seal.after),
        microseconds(seal.until),
        seal.entries,
        seal.version,
        seal.root.hex(),
        hashlib.sha256(seal.marks).hexdigest(),
    ]
    return hashlib.sha256(seal.previous_hash + json.dumps(told).encode()).digest()


def microseconds(moment: datetime) -> int:
    """Since 1970, exactly."""
    return (moment - _EPOCH) // MICROSECOND


def day_of(moment: datetime) -> date:
    """The day in Vietnam."""
    return moment.astimezone(VIETNAM).date()


def end_of(day: date) -> datetime:
    """The first instant of the day after, in Vietnam."""
    return datetime.combine(day + timedelta(days=1), time(), VIETNAM)


def last_of_minute(moment: datetime) -> datetime:
    """A seal never passes the end of a minute, so never that of a day."""
    return moment.replace(second=0, microsecond=0) + timedelta(minutes=1) - MICROSECOND
