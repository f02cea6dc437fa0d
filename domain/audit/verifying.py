"""The proof that the log is what was sealed, from its rows: the first break is named, nothing of a person is told.

One seal at a time is in memory, at most a minute of the log. Seals are read from the database, so whoever owns it
could write a whole new chain; he could not sign it, nor call back the signed days that others have kept.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from domain.audit.chain import BEGINNING, MARK_BYTES, NO_SEAL, day_of, end_of, hash_of, marks_of, root_of
from domain.audit.sealing import claims, hashes_between
from domain.audit.tables import DayRoot, LogSeal

Check = Callable[[str], Mapping[str, Any] | None]
"""The claims of a compact JWS that one of our keys signed; None where none did."""

STRAY = text("select id from access.access_log where at <= :beginning order by at, id limit 1")
ENTRY = text(
    "select id from access.access_log where at > :after and at <= :until order by at, id offset :place limit 1"
)


@dataclass(frozen=True, slots=True)
class Break:
    """The first thing that is not as it was sealed.

    `kind`: changed entry, missing entry, inserted entry; changed seal, missing seal, broken link; changed root, missing
    root, wrong signature. `place` is the entry's place in its seal, from 1; `entry` its id, of a missing one the id
    of the entry before it, if there is one.
    """

    kind: str
    seal: int | None = None
    day: str | None = None
    place: int | None = None
    entry: UUID | None = None

    def __str__(self) -> str:
        told = [
            f"day {self.day}" if self.day else "",
            f"seal {self.seal}" if self.seal is not None else "",
            f"place {self.place}" if self.place is not None else "",
            f"{'after ' if self.kind == 'missing entry' else ''}entry {self.entry}" if self.entry else "",
        ]
        return ", ".join([self.kind, *filter(None, told)])


class Broken(Exception):
    """The proof failed; `found` says where first."""

    def __init__(self, found: Break) -> None:
        super().__init__(str(found))
        self.found = found


@dataclass(slots=True)
class Proof:
    """What was proved: so many seals with so many entries, the last of them at `until`, and so many signed days.

    `unsigned` are days that are over and have no signature yet; the worker makes them good.
    """

    seals: int = 0
    entries: int = 0
    days: int = 0
    unsigned: int = 0
    until: datetime | None = None


def verify(db: Session, check: Check, *, since: date | None = None) -> Proof:
    """Compute every seal and check every signature again, from the first or from a day on. Raises Broken.

    From a day on, the chain starts from the seal before it, whose own entries are not looked at: the months of those
    may have been thrown away. The caller's transaction should be READ COMMITTED; nothing is locked.
    """
    proof, last = Proof(), _seal_before(db, since)
    if since is None:
        _no_entry_before_the_beginning(db)
    roots = _Roots(db, check, since)
    for seal in _seals(db, last.number if last else 0):
        roots.up_to(day_of(seal.until), last)
        _follows(seal, last)
        _holds(db, seal)
        proof.seals, proof.entries, proof.until, last = proof.seals + 1, proof.entries + seal.entries, seal.until, seal
    roots.up_to(date.max, last)
    proof.days, proof.unsigned = roots.checked, roots.unsigned(last)
    return proof


def _seals(db: Session, number: int) -> Iterator[LogSeal]:
    """Those after a number, in order, each forgotten before the next."""
    while seal := db.scalar(select(LogSeal).where(LogSeal.number > number).order_by(LogSeal.number).limit(1)):
        db.expunge(seal)
        yield seal
        number = seal.number


def _seal_before(db: Session, since: date | None) -> LogSeal | None:
    if since is None:
        return None
    before = LogSeal.until < end_of(since - timedelta(days=1))
    found = db.scalar(select(LogSeal).where(before).order_by(LogSeal.number.desc()).limit(1))
    if found is not None:
        db.expunge(found)
    return found


def _no_entry_before_the_beginning(db: Session) -> None:
    stray = db.scalar(STRAY, {"beginning": BEGINNING})
    if stray is not None:
        raise Broken(Break("inserted entry", entry=stray))


def _follows(seal: LogSeal, last: LogSeal | None) -> None:
    """The seal is whole, and continues the one before."""
    if hash_of(seal) != seal.hash:
        raise Broken(Break("changed seal", seal.number))
    if seal.number != (last.number if last else 0) + 1:
        raise Broken(Break("missing seal", seal.number - 1))
    if seal.previous_hash != (last.hash if last else NO_SEAL) or seal.after != (last.until if last else BEGINNING):
        raise Broken(Break("broken link", seal.number))


def _holds(db: Session, seal: LogSeal) -> None:
    """The log has just the entries that were sealed."""
    hashes = hashes_between(db, seal.after, seal.until, seal.version)
    if root_of(hashes) == seal.root:
        return
    kind, place = first_difference(_pieces(seal.marks), _pieces(marks_of(hashes)))
    shown = place - 1 if kind == "missing entry" else place
    asked = {"after": seal.after, "until": seal.until, "place": shown}
    entry = db.scalar(ENTRY, asked) if shown >= 0 else None
    raise Broken(Break(kind, seal.number, place=place + 1, entry=entry))


def _pieces(marks: bytes) -> list[bytes]:
    return [marks[place : place + MARK_BYTES] for place in range(0, len(marks), MARK_BYTES)]


def first_difference(sealed: list[bytes], found: list[bytes]) -> tuple[str, int]:
    """What happened first to a list of entries, and at which place from 0, told by the marks of both."""
    same = next(
        (i for i, (a, b) in enumerate(zip(sealed, found, strict=False)) if a != b), min(len(sealed), len(found))
    )
    is_gone = same < len(sealed) and sealed[same] not in set(found[same:])
    is_new = same < len(found) and found[same] not in set(sealed[same:])
    if is_gone and not is_new:
        return "missing entry", same
    if is_new and not is_gone:
        return "inserted entry", same
    return "changed entry", same


class _Roots:
    """The signed days, checked as the seals pass them: one for every day since the first seal, without a gap."""

    def __init__(self, db: Session, check: Check, since: date | None) -> None:
        self._db, self._check = db, check
        self._expected = max(since or date.min, self._first_day())
        self.checked = 0

    def up_to(self, day: date, last: LogSeal | None) -> None:
        """Those before a day; the log of that time ends with the seal `last`. The newest days may be unsigned still."""
        while (root := self._next()) is not None and date.fromisoformat(root.day) < day:
            self._right(root, last)
            self._expected = date.fromisoformat(root.day) + timedelta(days=1)
            self.checked += 1

    def unsigned(self, last: LogSeal | None) -> int:
        """Days that the chain has passed and nobody signed."""
        return max((day_of(last.until) - self._expected).days, 0) if last else 0

    def _first_day(self) -> date:
        """The day of the first seal; where all seals are gone, of the first root."""
        seal = self._db.scalar(select(LogSeal.until).order_by(LogSeal.number).limit(1))
        if seal is not None:
            return day_of(seal)
        root = self._db.scalar(select(DayRoot.day).order_by(DayRoot.day).limit(1))
        return date.fromisoformat(root) if root is not None else date.min

    def _next(self) -> DayRoot | None:
        later = DayRoot.day >= self._expected.isoformat()
        return self._db.scalar(select(DayRoot).where(later).order_by(DayRoot.day).limit(1))

    def _right(self, root: DayRoot, last: LogSeal | None) -> None:
        if root.day != self._expected.isoformat():
            raise Broken(Break("missing root", day=self._expected.isoformat()))
        if last is None or root.seal_number > last.number:
            raise Broken(Break("missing seal", (last.number if last else 0) + 1, day=root.day))
        told = self._check(root.signed)
        if told is None:
            raise Broken(Break("wrong signature", root.seal_number, root.day))
        expected = claims(self._expected, last)
        if (root.seal_number, root.hash) != (last.number, last.hash) or {**told, **expected} != told:
            raise Broken(Break("changed root", root.seal_number, root.day))
